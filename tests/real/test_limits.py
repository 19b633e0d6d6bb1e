"""Where no answer comes: other keys, silent queries, sizes, daemons that are stopped or gone."""

import time
import unittest

from harness import ENOUGH, SILENCE, RealCase
from libconfd import ANSWERED, EXPIRE, NO_REPLY, PARTIAL, Request, lib
from questions import SILENT


class KeysTest(RealCase):
    def test_another_key_gets_no_answer(self):
        client = self.client(key=b"another key\n")
        self.assertSilent(client, Request(0), 4)
        self.assertEqual(client.stats().datagrams_in, 0)

    def test_the_key_without_its_newline_gets_no_answer(self):
        self.assertSilent(self.client(key=self.cluster.key.rstrip(b"\n")), Request(0), 4)

    def test_the_right_key_set_later_is_answered(self):
        client = self.client(key=b"another key\n")
        lib.client_set_hmac_key(client.handle, self.cluster.key, len(self.cluster.key))
        self.assertEqual(len(self.ask(client, Request(0))), 4)


class QueriesTest(RealCase):
    def test_queries_that_the_daemon_cannot_read_get_no_answer(self):
        for name, rtype, query in SILENT:
            with self.subTest(name):
                self.assertSilent(self.client(), Request(rtype).set_json(query), 4)

    def test_a_query_is_null_a_string_or_an_object(self):
        for text in (b"5", b"true", b"[]", b"[{}]", b"", b"{", b"nope", b'"a" "b"', b"\xff",
                     b'"\xff"'):
            with self.subTest(text):
                request = Request(10, "/before")
                self.assertRefused("INVALID_ARGUMENT", lib.request_set_query_json,
                                   request.handle, text)
                self.assertEqual(request.query, "/before")

    def test_a_query_ends_at_its_own_deadline(self):
        client = self.client(key=b"another key\n")
        began = time.monotonic()
        outcome, reply, _, sent, received, _ = client.query(Request(0), -1, SILENCE)
        self.assertGreaterEqual(time.monotonic() - began, SILENCE / 1000 - 0.001)
        self.assertEqual((outcome, reply, sent, received), (NO_REPLY, None, 4, 0))


class SizesTest(RealCase):
    def sized(self, size, **options):
        """A client, and a configuration query whose datagram has `size` bytes."""
        probe = self.client(external_io=1, max_request_bytes=65507)
        probe.send(Request(10, "/"), 1)
        (datagram, _, _), = probe.transmits()
        return self.client(**options), Request(10, "/" + "x" * (size - len(datagram)))

    def test_the_largest_request_is_sent_and_answered(self):
        client, request = self.sized(4096)
        replies = self.ask(client, request)
        self.assertEqual([(e.status, e.answer) for e in replies], 4 * [(1, 2)])

    def test_one_byte_more_is_refused_here(self):
        client, request = self.sized(4097)
        self.assertRefused("REQUEST_TOO_BIG", client.send, request, -1)
        self.assertEqual(client.stats().datagrams_out, 0)
        self.assertEqual(client.wait(request.salt, 0), (True, 0, 0))

    def test_the_limit_may_be_raised_but_the_daemon_has_its_own(self):
        client, request = self.sized(4097, max_request_bytes=65507)
        self.assertSilent(client, request, 4)

    def test_the_limit_of_the_protocol_is_65507_bytes(self):
        client, request = self.sized(65507, max_request_bytes=65507)
        self.assertSilent(client, request, 4)
        client, request = self.sized(65508, max_request_bytes=65507)
        self.assertRefused("REQUEST_TOO_BIG", client.send, request, -1)
        self.assertRefused("INVALID_ARGUMENT", self.client, max_request_bytes=65508)


class StoppedTest(RealCase):
    def setUp(self):
        self.addCleanup(self.go_on)
        self.stopped = []

    def stop(self, *daemons):
        for i in daemons:
            self.cluster.stop(i)
            self.stopped.append(i)

    def go_on(self):
        while self.stopped:
            self.cluster.cont(self.stopped.pop())

    def test_a_wait_ends_when_enough_of_seven_have_answered(self):
        self.stop(0, 1, 2)
        client = self.client(peers=self.cluster.addresses)
        salt = client.send(Request(0), -1)
        self.assertEqual(client.wait(salt, ENOUGH), (False, 7, lib.needed_replies(7)))

    def test_a_wait_times_out_when_one_too_few_of_seven_have_answered(self):
        self.stop(0, 1, 2, 3)
        client = self.client(peers=self.cluster.addresses)
        salt = client.send(Request(0), -1)
        self.assertEqual(client.wait(salt, SILENCE), (True, 7, lib.needed_replies(7) - 1))

    def test_a_wait_allows_one_miss_of_four(self):
        client = self.client()
        self.stop(0)
        self.assertEqual(client.wait(client.send(Request(0), -1), ENOUGH), (False, 4, 3))
        self.stop(1)
        self.assertEqual(client.wait(client.send(Request(0), -1), SILENCE), (True, 4, 2))

    def test_replies_that_come_late_still_count(self):
        self.stop(0, 1, 2, 3)
        client = self.client()
        salt = client.send(Request(0), -1)
        self.assertEqual(client.wait(salt, 50), (True, 4, 0))
        self.go_on()
        self.assertFalse(client.wait(salt, ENOUGH)[0])
        self.assertEqual(len(self.gather(client, salt, 4)), 4)
        self.assertEqual(client.wait(salt, 0), (False, 4, 4))

    def test_a_reply_after_the_expiry_is_dropped(self):
        self.stop(0)
        client = self.client(peers=self.cluster.equal[:1], expire_ms=50)
        salt = client.send(Request(0), -1, data=7)
        while not client.events:
            client.receive(ENOUGH)
        self.assertEqual([(e.type, e.salt, e.data) for e in client.events], [(EXPIRE, salt, 7)])
        self.go_on()
        self.assertEqual(client.receive(ENOUGH), 1)
        self.assertEqual(len(client.events), 1)
        self.assertEqual(client.stats().dropped_salt, 1)
        self.assertEqual(client.wait(salt, ENOUGH), (True, 0, 0))

    def test_a_query_asks_again_and_gives_what_there_is_at_its_deadline(self):
        self.stop(0, 1)
        client = self.client(retry_ms=100)
        outcome, reply, _, sent, received, needed = client.query(Request(3), -1, SILENCE)
        self.assertEqual((outcome, reply), (PARTIAL, (0, 42, "node-a.test", None)))
        self.assertEqual((sent, received, needed), (4, 2, 3))
        self.assertGreaterEqual(client.stats().retries, 1)

    def test_a_query_asks_others_for_peers_that_are_silent(self):
        self.stop(0, 1, 2)
        client = self.client(peers=self.cluster.addresses, retry_ms=50)
        outcome, _, _, sent, received, needed = client.query(Request(0), 3, ENOUGH)
        self.assertEqual((outcome, needed), (ANSWERED, 2))
        self.assertGreaterEqual(received, 2)
        self.assertGreaterEqual(sent, 3)


class GoneTest(RealCase):
    def test_a_daemon_that_is_gone_is_a_peer_that_has_not_answered(self):
        client = self.client()
        self.cluster.kill(0)
        try:
            for _ in range(3):      # a refusal of one request is no failure of the next
                salt = client.send(Request(0), -1)
                self.assertEqual(client.wait(salt, ENOUGH), (False, 4, 3))
        finally:
            self.cluster.restart(0)
        self.assertEqual(len(self.ask(client, Request(0))), 4)

    def test_a_peer_alone_that_is_gone_is_a_timeout(self):
        client = self.client(peers=self.cluster.equal[:1])
        self.cluster.kill(0)
        try:
            self.assertSilent(client, Request(0), 1)
        finally:
            self.cluster.restart(0)

    def test_a_query_asks_another_peer_at_once(self):
        self.cluster.kill(0)
        try:
            client = self.client(peers=self.cluster.equal[:2], retry_ms=0)
            for _ in range(10):     # whichever of the two is chosen first
                outcome, reply, ip, _, _, needed = client.query(Request(3), 1, ENOUGH)
                self.assertEqual((outcome, needed, ip), (ANSWERED, 1, self.cluster.equal[1]))
                self.assertEqual(reply[2], "node-a.test")
        finally:
            self.cluster.restart(0)


if __name__ == "__main__":
    unittest.main()
