"""Datagrams captured from a real daemon: what it said, and what it was asked."""

import base64
import json
import os
import time
import unittest

import wire
from harness import build, every_form
from libconfd import REPLY, Client

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "vectors.json")
with open(PATH, encoding="utf-8") as source:
    CAPTURED = json.load(source)
KEY = base64.b64decode(CAPTURED["hmac_key_base64"])
VECTORS = CAPTURED["vectors"]
PEER = ("192.0.2.1", 1814)


def message_of(datagram):
    """The message inside a request, parsed, and the stamp; the signature must hold."""
    stamp, message, _ = wire.unseal(datagram, KEY)
    return json.loads(message), stamp


class VectorsTest(unittest.TestCase):
    def client(self):
        return self.enterContext(Client(KEY, [PEER[0]], port=PEER[1], external_io=1))

    def test_there_are_vectors_of_every_type(self):
        self.assertEqual({v["type"] for v in VECTORS}, set(range(12)))

    def test_captured_replies_are_read(self):
        for v in VECTORS:
            with self.subTest(v["name"]):
                reply = base64.b64decode(v["reply_base64"])
                expected = json.loads(wire.unseal(reply, KEY)[1])
                client, request = self.client(), build(v["type"], v["query"])
                request.set_salt(v["rsalt"])
                client.send(request, 1)
                client.handle_datagram(reply, *PEER)
                event, = client.events
                self.assertEqual(
                    (event.type, event.salt, event.ip, event.port, event.status, event.serial,
                     event.answer),
                    (REPLY, v["rsalt"]) + PEER + (expected["status"], expected["serial"],
                                                  expected["answer"]))

    def test_requests_mean_what_captured_ones_mean(self):
        for v in VECTORS:
            captured = message_of(base64.b64decode(v["request_base64"]))[0]
            for form, request in every_form(v["type"], v["query"]):
                with self.subTest(v["name"], form=form):
                    client = self.client()
                    request.set_salt(v["rsalt"])
                    client.send(request, 1)
                    (datagram, ip, port), = client.transmits()
                    self.assertEqual((ip, port), PEER)
                    datagram.decode("ascii")
                    message, stamp = message_of(datagram)
                    self.assertEqual(message, captured)
                    self.assertLess(abs(int(stamp) - time.time()), 5)

    def test_a_captured_reply_with_one_byte_changed_is_not_believed(self):
        v = VECTORS[1]
        reply = base64.b64decode(v["reply_base64"])
        for i in range(len(reply)):
            changed = reply[:i] + bytes([reply[i] ^ 1]) + reply[i + 1:]
            client, request = self.client(), build(v["type"], v["query"])
            request.set_salt(v["rsalt"])
            client.send(request, 1)
            client.handle_datagram(changed, *PEER)
            self.assertEqual(client.events, [], "byte %d" % i)

    def test_a_captured_reply_counts_once_and_only_from_the_peer_that_was_asked(self):
        v = VECTORS[0]
        reply = base64.b64decode(v["reply_base64"])
        client, request = self.client(), build(v["type"], v["query"])
        request.set_salt(v["rsalt"])
        client.send(request, 1)
        client.handle_datagram(reply, "192.0.2.9", PEER[1])
        client.handle_datagram(reply, PEER[0], PEER[1] + 1)
        self.assertEqual(client.events, [])
        client.handle_datagram(reply, *PEER)
        client.handle_datagram(reply, *PEER)
        self.assertEqual(len(client.events), 1)
        stats = client.stats()
        self.assertEqual((stats.dropped_source, stats.dropped_duplicate), (2, 1))


if __name__ == "__main__":
    unittest.main()
