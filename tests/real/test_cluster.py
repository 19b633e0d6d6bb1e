"""Every question, in every form, through libconfdclient to real daemons; and the odd ones out."""

import ctypes
import unittest

import configs
from cluster import Cluster
from harness import ENOUGH, RealCase, every_form
from libconfd import (ANSWERED, PATH, SIGNATURES, Client, ConfdError, DrbdMinor, Request, lib)
from questions import questions


class LibraryTest(unittest.TestCase):
    def test_every_function_of_the_contract_is_exported(self):
        library = ctypes.CDLL(PATH)
        missing = [name for name in SIGNATURES if not hasattr(library, name)]
        self.assertEqual(missing, [])

    def test_needed_replies(self):
        self.assertEqual([lib.needed_replies(n) for n in range(9)], [0, 1, 2, 2, 3, 3, 4, 4, 5])


class QuestionsTest(RealCase):
    def test_every_question_in_every_form_has_its_answer_from_every_daemon(self):
        client = self.client()
        for q in questions(self.cluster.base):
            for form, request in every_form(q.type, q.query):
                with self.subTest(q.name, form=form):
                    self.assertEqual(request.query, q.query)
                    replies = self.ask(client, request)
                    self.assertEqual(sorted(e.ip for e in replies), sorted(self.cluster.equal))
                    for e in replies:
                        self.assertEqual((e.status, e.serial), (q.status, q.serial))
                        self.assertEqual(q.answer, e.answer)
                        self.assertEqual(e.port, self.cluster.port)
                        self.assertEqual(e.sent, 4)
                        self.assertEqual(e.error_text is None, q.status == 0)
                        self.assertTrue(e.consistent)
                    self.assertEqual([e.received for e in replies], [1, 2, 3, 4])

    def test_an_error_text_of_the_daemon_is_handed_on(self):
        reply = self.ask(self.client(), Request(1, "nope.test"))[0]
        self.assertIn("Node name nope.test not found", reply.error_text)

    def test_many_requests_at_once_are_all_answered(self):
        client = self.client(receive_buffer=1 << 20)
        salts = [client.send(Request(0), -1) for _ in range(50)]
        for salt in salts:
            self.assertEqual(len(self.gather(client, salt, 4)), 4)
        self.assertEqual(len(client.events), 200)

    def test_the_parts_of_an_answer_by_pointer(self):
        seen = []

        def look(up):
            reply = up.reply
            if not reply:  # the last upcall
                return
            minor = DrbdMinor()
            lib.reply_drbd_minor(reply, 1, ctypes.byref(minor))
            seen.append((minor.node, minor.minor, minor.instance, minor.disk, minor.role,
                         minor.peer))
            seen.append(lib.made("reply_count", reply, b"", kind=ctypes.c_size_t))
            seen.append(lib.made("reply_string", reply, b"/2/4", kind=ctypes.c_char_p))
            seen.append(lib.made("reply_int", reply, b"/2/1", kind=ctypes.c_int64))
            try:
                lib.reply_drbd_minor(reply, 3, ctypes.byref(minor))
            except ConfdError as error:
                seen.append(error.name)
        client = self.client(peers=self.cluster.equal[:1])
        client.on_event = look
        self.ask(client, Request(7, "node-a.test"))
        self.assertEqual(seen, [(b"node-a.test", 1, b"web.test", b"disk/1", b"primary",
                                 b"node-b.test"), 3, b"secondary", 2, "NOT_FOUND"])

    def test_the_addresses_of_a_list_answer(self):
        seen = []

        def look(up):
            for i in range(2 if up.reply else 0):
                status, ip = ctypes.c_int32(), ctypes.c_char_p()
                lib.reply_node_ip(up.reply, i, ctypes.byref(status), ctypes.byref(ip))
                seen.append((status.value, ip.value))
        client = self.client(peers=self.cluster.equal[:1])
        client.on_event = look
        self.ask(client, Request(2).set_ips(["10.1.0.1", "10.9.9.9"]))
        self.assertEqual(seen, [(0, b"127.0.0.11"), (1, None)])


class CandidatesTest(RealCase):
    def test_a_stale_candidate_shows_by_its_serial(self):
        client = self.client(peers=[self.cluster.equal[0], self.cluster.stale])
        replies = {e.ip: (e.answer, e.serial) for e in self.ask(client, Request(3))}
        self.assertEqual(replies, {self.cluster.equal[0]: ("node-a.test", 42),
                                   self.cluster.stale: ("node-b.test", 32)})

    def test_a_candidate_without_a_configuration_answers_with_an_error_and_a_text(self):
        for rtype, query in ((0, None), (3, None), (7, "node-a.test")):
            with self.subTest(type=rtype):
                reply, = self.ask(self.client(peers=[self.cluster.empty]), Request(rtype, query))
                self.assertEqual((reply.status, reply.serial), (1, 0))
                self.assertIn("config.data", reply.answer)
                self.assertIn("config.data", reply.error_text)

    def test_its_error_counts_as_an_answer(self):
        client = self.client(peers=self.cluster.addresses)
        replies = self.ask(client, Request(3))
        self.assertEqual(len(replies), 7)
        self.assertEqual(sum(e.status == 1 for e in replies), 1)
        self.assertEqual(client.wait(replies[0].salt, 0), (False, 7, 7))

    def test_a_query_gives_the_freshest_answer(self):
        client = self.client(peers=self.cluster.addresses)
        for _ in range(20):
            outcome, reply, ip, sent, received, needed = client.query(Request(3), -1, ENOUGH)
            self.assertEqual((outcome, sent, needed), (ANSWERED, 7, 4))
            self.assertEqual(reply, (0, 42, "node-a.test", None))
            self.assertNotIn(ip, (self.cluster.stale, self.cluster.empty))
            self.assertIn(received, range(4, 8))
        self.assertEqual(client.events, [])

    def test_the_filter_hands_on_what_is_new(self):
        peers = [self.cluster.equal[0], self.cluster.equal[1], self.cluster.stale]
        client = self.client(peers=peers, filter=1)
        salt = client.send(Request(3), -1)
        while client.wait(salt, 0)[2] < 3:
            self.assertTrue(client.receive(ENOUGH))
        answers = [(e.serial, e.answer) for e in client.events]
        self.assertIn(answers, ([(42, "node-a.test")],
                                [(32, "node-b.test"), (42, "node-a.test")]))

    def test_a_new_configuration_shows_at_the_next_question(self):
        client = self.client(peers=[self.cluster.equal[3]])
        newer = configs.with_master(configs.with_serial(self.cluster.base, 43), "node-c.test")
        try:
            self.cluster.set_config(3, newer)
            reply, = self.ask(client, Request(3))
            self.assertEqual((reply.answer, reply.serial), ("node-c.test", 43))
        finally:
            self.cluster.set_config(3, self.cluster.base)


class AddressesTest(RealCase):
    def test_an_ipv6_daemon_answers(self):
        for peer, port in (("::1", self.cluster.port), ("[::1]:%d" % self.cluster.port, 9),
                           ("0:0:0:0:0:0:0:1", self.cluster.port)):
            with self.subTest(peer):
                reply, = self.ask(self.client(peers=[peer], port=port), Request(3))
                self.assertEqual((reply.ip, reply.port, reply.answer, reply.serial),
                                 ("::1", self.cluster.port, "node-a.test", 42))

    def test_a_peer_may_have_its_own_port(self):
        with Cluster() as other:
            address = self.cluster.equal[0]
            ports = [self.cluster.port, other.port]
            client = self.client(peers=["%s:%d" % (address, port) for port in ports], port=9)
            replies = self.ask(client, Request(0))
            self.assertEqual(sorted((e.ip, e.port) for e in replies),
                             sorted((address, port) for port in ports))
            self.assertEqual(client.wait(replies[0].salt, 0), (False, 2, 2))

    def test_the_data_folder_of_a_node_is_all_that_is_needed(self):
        with Client(data_dir=self.cluster.data_dir, port=self.cluster.port) as client:
            self.assertEqual(len(self.ask(client, Request(0))), 7)

    def test_a_reload_takes_up_the_candidates_of_the_data_folder(self):
        with Client(data_dir=self.cluster.data_dir, port=self.cluster.port) as client:
            before = self.cluster.addresses
            try:
                self.cluster.write_candidates(before[:2])
                lib.client_reload(client.handle)
                replies = self.ask(client, Request(0))
                self.assertEqual(sorted(e.ip for e in replies), before[:2])
            finally:
                self.cluster.write_candidates(before)

    def test_peers_may_be_replaced_while_a_question_is_out(self):
        client = self.client(peers=self.cluster.equal[:2])
        first = client.send(Request(0), -1)
        client.update_peers(self.cluster.equal[2:])
        second = client.send(Request(0), -1)
        for salt, peers in ((first, self.cluster.equal[:2]), (second, self.cluster.equal[2:])):
            self.assertEqual(sorted(e.ip for e in self.gather(client, salt, 2)), peers)


class NonAsciiTest(RealCase):
    def test_names_reach_the_daemon_whatever_their_letters(self):
        client = self.client(peers=[self.cluster.latin1])
        for name in (configs.LATIN1_NODE, configs.WIDE_NODE):
            with self.subTest(name):
                reply, = self.ask(client, Request(1, name))
                self.assertEqual((reply.status, reply.answer), (0, 4))

    def test_a_reply_in_latin_1_is_read(self):
        client = self.client(peers=[self.cluster.latin1])
        uuid = configs.node_uuid(configs.non_ascii(self.cluster.base), configs.LATIN1_NODE)
        reply, = self.ask(client, Request(10, "/nodes/%s/name" % uuid))
        self.assertEqual(reply.answer, configs.LATIN1_NODE)
        reply, = self.ask(client, Request(8, configs.LATIN1_NODE))
        self.assertEqual(reply.answer[0][0]["name"], configs.LATIN1_INSTANCE)
        reply, = self.ask(client, Request(1, "\u00e4\u00f1"))
        self.assertIn("Node name \u00e4\u00f1 not found", reply.error_text)

    def test_a_reply_beyond_latin_1_cannot_be_verified_and_is_dropped(self):
        # The daemon keeps the low byte of each character and has signed the
        # whole: U+0142 arrives as "B", so no reading fits the signature;
        # U+6F22 arrives as a quotation mark, and the JSON itself is broken.
        uuid = configs.node_uuid(configs.non_ascii(self.cluster.base), configs.WIDE_NODE)
        for query, counter in (((10, "/nodes/%s/name" % uuid), "dropped_signature"),
                               ((1, "n\u0142"), "dropped_signature"),
                               ((1, "\u6f22"), "dropped_malformed")):
            with self.subTest(query):
                client = self.client(peers=[self.cluster.latin1])
                salt = client.send(Request(*query))
                self.assertEqual(client.receive(ENOUGH), 1)
                self.assertEqual(client.wait(salt, 0), (True, 1, 0))
                self.assertEqual(client.events, [])
                stats = client.stats()
                self.assertEqual((stats.datagrams_in, getattr(stats, counter)), (1, 1))


if __name__ == "__main__":
    unittest.main()
