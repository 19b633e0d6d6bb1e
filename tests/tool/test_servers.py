"""Whom confd-query asks: data folders, retries, who was stale, silent or refusing, and long lists of addresses."""

import json
import os
import re
import unittest

import tool


def rows(run):
    """The servers' table of --verbose: address, asked, answered, round trip, serial, state."""
    table = re.search(r"(?m)^SERVER .*\n((?:\S*[\d\]].*\n)*)", run.err).group(1)
    return {row[0]: row[1:] for row in (re.split(r"  +", line.strip(), maxsplit=5) for line in table.splitlines())}


class DataFolder(unittest.TestCase):
    def setUp(self):
        self.sim = tool.start(self, {"a": {}, "b": {}})
        self.port = self.sim.peers.rpartition(":")[2]

    def ask(self, folder, *more):
        return tool.query("-d", folder, "--port", self.port, *more, "--json", "master")

    def asked(self, run):
        """How many servers replied, with the right answer."""
        self.assertEqual((0, ""), (run.code, run.err), run)
        report = json.loads(run.out)
        self.assertEqual("node1.example.com", report["answer"])
        return report["sent"]

    def test_servers_and_key_come_from_it(self):
        self.assertEqual(2, self.asked(self.ask(tool.data_dir(self, "127.0.0.1\n127.0.0.2\n"))))
        folder = tool.data_dir(self, "127.0.0.1\n\n")
        self.assertEqual(1, self.asked(self.ask(folder)))
        self.assertEqual(1, self.asked(tool.query("--data-dir=" + folder, "--port", self.port, "--json", "master")))

    def test_servers_that_are_named_go_before_its_list(self):
        for listed in ("192.0.2.1\n", None):
            folder = tool.data_dir(self, listed)
            self.assertEqual(2, self.asked(self.ask(folder, "-p", "127.0.0.1,127.0.0.2")))

    def test_a_key_that_is_named_goes_before_its_key(self):
        for key in ("another\n", None):
            folder = tool.data_dir(self, "127.0.0.2\n", key)
            self.assertEqual(1, self.asked(self.ask(folder, "-k", self.sim.key.name)))

    def test_both_named_leave_nothing_to_read(self):
        self.assertEqual(2, self.asked(self.ask("/no", "-k", self.sim.key.name, "-p", self.sim.peers)))

    def wrong(self, message, folder, *more):
        run = self.ask(folder, *more)
        self.assertEqual((2, ""), (run.code, run.out), run)
        self.assertRegex(run.err, r"\Aconfd-query: %s.*\n%s\Z" % (re.escape(message), re.escape(tool.HINT)))

    def test_a_folder_that_is_not_there(self):
        self.wrong("/no/hmac.key: No such file or directory", "/no")
        self.wrong("cannot read the key /no/hmac.key: No such file or directory", "/no", "-p", "127.0.0.1")
        self.wrong("cannot read the list of servers /no/ssconf_master_candidates_ips: No such file or directory",
                   "/no", "-k", self.sim.key.name)

    def test_files_that_are_absent_unreadable_or_empty(self):
        lists = "ssconf_master_candidates_ips"
        for name, why, folder in (
                ("hmac.key", "No such file or directory", tool.data_dir(self, "127.0.0.1\n", None)),
                (lists, "No such file or directory", tool.data_dir(self, None)),
                ("hmac.key", "it is empty", tool.data_dir(self, "127.0.0.1\n", "")),
                (lists, "it is empty", tool.data_dir(self, "")),
                (lists, "it names no address", tool.data_dir(self, "\n\n"))):
            with self.subTest(name, why=why):
                self.wrong("%s/%s: %s" % (folder, name, why), folder)
        folder = tool.data_dir(self, None)
        os.mkdir(os.path.join(folder, lists))       # root may read any file, and no directory
        self.wrong("%s/%s: Is a directory" % (folder, lists), folder)

    def test_a_bad_line_is_named(self):
        folder = tool.data_dir(self, "127.0.0.1\n127.0.0.2\nnode7\n")
        self.wrong('%s/ssconf_master_candidates_ips: line 3: "node7"' % folder, folder)
        folder = tool.data_dir(self, "127.0.0.1\n127.0.0.2\n::1\n")
        self.wrong("%s/ssconf_master_candidates_ips: line 3: " % folder, folder)

    def test_without_options_it_is_that_of_ganeti(self):
        if not os.path.exists("/var/lib/ganeti/hmac.key"):
            run = tool.query("master")
            self.assertEqual((2, ""), (run.code, run.out), run)
            self.assertTrue(run.err.startswith("confd-query: /var/lib/ganeti/hmac.key: No such file"), run)

    def test_silence_names_its_key_file(self):
        folder = tool.data_dir(self, "127.0.0.1\n", "another")
        run = self.ask(folder, "--timeout", "0.2")
        self.assertEqual(1, run.code, run)
        self.assertIn("  key       %s/hmac.key must be a copy of theirs to the byte, newline at the end included;\n"
                      "            this one does not end in a newline, Ganeti's does\n" % folder, run.err)


class Verbose(unittest.TestCase):
    def test_all_is_well(self):
        sim = tool.Sim(tool.EXAMPLE)
        self.addCleanup(sim.close)
        run = sim.ask("-v", "master", peers=("current", "stale"))
        current, stale = sim.peer["current"], sim.peer["stale"]
        self.assertEqual((0, "node1.example.com\n"), (run.code, run.out), run)
        self.assertRegex(run.err, re.sub("  +", " +", (
            r"\Aconfd-query: asking master, query null, salt [-0-9a-f]{36}\n"
            r"best reply: %s, status 0 \(ok\), serial 3189, \"node1.example.com\"\n"
            r"replies: 2 of 2, 2 needed, 0 of them errors\n"
            r"SERVER  ASKED  ANSWERED  ROUND TRIP  SERIAL  STATE\n"
            r"%s  1  1  \d+\.\d ms  3189  answered\n"
            r"%s  1  1  \d+\.\d ms  3179  stale\n"
            r"datagrams: 2 sent, 2 received\n\Z") % (current, current, stale)))

    def test_who_was_slow_silent_refusing_or_in_error(self):
        sim = tool.start(self, {"good": {}, "old": {"serial": 7}, "slow": {"faults": {"delay_ms": 150}},
                                "mute": {"faults": {"silent": True}}, "new": {"faults": {"unloaded": True}}})
        nobody = tool.refusing(self, "127.0.0.9")
        run = tool.query("-v", "-k", sim.key.name, "-p", sim.peers + "," + nobody, "--coverage=-1", "master")
        self.assertEqual((0, "node1.example.com\n"), (run.code, run.out), run)
        self.assertIn("replies: 4 of 6, 4 needed, 1 of them errors\n", run.err)
        table = rows(run)
        for name, expected in {"good": ("1", "42", "answered"), "old": ("1", "7", "stale"),
                               "slow": ("1", "42", "answered"), "mute": ("0", "-", "silent"),
                               "new": ("1", "-", "error")}.items():
            row = table[sim.peer[name]]
            self.assertEqual(expected, (row[1], row[3], row[4]), run)
        self.assertEqual(["1", "0", "-", "-", "refuses: no confd listens there"], table[nobody])
        self.assertGreaterEqual(float(table[sim.peer["slow"]][2].split()[0]), 150)
        self.assertIn("\ndatagrams: 6 sent, 1 refused, 4 received\n", run.err)

    def test_a_late_one_that_is_not_needed_is_told_from_a_silent_one(self):
        sim = tool.start(self, {"a": {}, "b": {}, "slow": {"faults": {"delay_ms": 200}}})
        run = sim.ask("-v", "master")
        self.assertIn("replies: 2 of 3, 2 needed, 0 of them errors\n", run.err)
        self.assertEqual(["1", "1", "late"], [rows(run)[sim.peer["slow"]][i] for i in (0, 1, 4)], run)

    def test_without_it_nobody_waits_for_the_slow(self):
        sim = tool.start(self, {"a": {}, "b": {}, "slow": {"faults": {"delay_ms": 60000}}})
        self.assertEqual("", sim.ask("master").err)

    def test_nobody_is_stale_where_answers_have_no_cluster_serial(self):
        sim = tool.start(self, {"a": {}, "b": {"serial": 7}})
        self.assertEqual({("-", "answered")}, {tuple(row[3:]) for row in rows(sim.ask("-v", "ping")).values()})

    def test_those_that_were_not_asked_are_counted(self):
        sim = tool.start(self, {"a": {}, "b": {}, "c": {}})
        run = sim.ask("-v", "--coverage", "1", "master")
        self.assertEqual(1, len(rows(run)), run)
        self.assertIn("\nnot asked: 2\n", run.err)

    def test_long_queries_and_answers_are_cut(self):
        sim = tool.start(self, {"a": {}})
        run = sim.ask("-v", "where", *["198.51.100.1"] * 50)
        self.assertRegex(run.err, r'\Aconfd-query: asking where, query \{"2":\[.{54}\.\.\., salt [-0-9a-f]{36}\n')
        self.assertRegex(run.err, r'(?m)^best reply: \S+, status 0 \(ok\), serial 42, \[\[0,.{56}\.\.\.$')

    def test_forged_datagrams_are_counted(self):
        sim = tool.start(self, {"forger": {"faults": {"wrong_signature": True}}})
        run = sim.ask("-v", "--timeout", "0.2", "master")
        self.assertIn("\ndatagrams: 1 sent, 1 received, 1 signed with another key\n", run.err)


class Retries(unittest.TestCase):
    def test_lost_datagrams_are_sent_again(self):
        sim = tool.start(self, {"a": {}, "b": {}}, faults={"loss": 0.5, "reply_loss": 0.5}, seed=7)
        for _ in range(5):
            run = sim.ask("--retry", "0.02", "--timeout", "20", "master")
            self.assertEqual((0, "node1.example.com\n", ""), (run.code, run.out, run.err), run)

    def test_retries_are_told(self):
        peer = tool.silent(self)
        run = tool.query("-v", "-k", tool.key_file(self, tool.KEY), "-p", "127.0.0.1:%d" % peer.getsockname()[1],
                         "--retry", "0.1", "--timeout", "0.35", "master")
        self.assertEqual(1, run.code, run)
        self.assertIn("\ndatagrams: 4 sent, 3 of them again\n", run.err)
        self.assertEqual(["4", "0", "-", "-", "silent"], *rows(run).values())

    def test_none_where_none_are_wanted(self):
        peer = tool.silent(self)
        run = tool.query("-v", "-k", tool.key_file(self, tool.KEY), "-p", "127.0.0.1:%d" % peer.getsockname()[1],
                         "--retry", "0", "--timeout", "1.2", "master")
        self.assertIn("\ndatagrams: 1 sent\n", run.err)

    def test_others_take_the_place_of_refusing_and_silent_ones(self):
        sim = tool.start(self, {"good": {}, "mute": {"faults": {"silent": True}}})
        peers = ",".join([sim.peers, tool.refusing(self, "127.0.0.8"), tool.refusing(self, "127.0.0.9")])
        for _ in range(4):
            run = tool.query("-k", sim.key.name, "-p", peers, "--coverage", "1", "--retry", "0.05", "--json", "master")
            self.assertEqual(0, run.code, run)
            self.assertEqual(sim.peer["good"], json.loads(run.out)["server"])


class ManyAddresses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = tool.Sim(tool.EXAMPLE)
        cls.addClassCleanup(cls.sim.close)
        known = {"198.51.100.1": "192.0.2.11", "198.51.100.2": "192.0.2.12", "198.51.100.4": "192.0.2.14"}
        cls.addresses = list(known) * 1500
        cls.expected = "".join("%s  %s\n" % (ip, known[ip]) for ip in cls.addresses)

    def check(self, run):
        self.assertEqual((0, ""), (run.code, run.err), "%d bytes\n%s" % (len(run.out), run.err[:2000]))
        self.assertEqual(self.expected, run.out)

    def test_as_arguments(self):
        self.check(self.sim.ask("where", *self.addresses))

    def test_from_standard_input(self):
        text = "\n".join(self.addresses).encode()
        for stdin in (text, text + b"\n", text.replace(b"\n", b"\r\n\n")):
            self.check(self.sim.ask("where", "-", stdin=stdin))

    def test_both_arguments_first(self):
        self.check(self.sim.ask("where", "-", *self.addresses[:10], stdin="\n".join(self.addresses[10:]).encode()))

    def test_json(self):
        run = self.sim.ask("--json", "where", *self.addresses)
        report = json.loads(run.out)
        self.assertEqual(len(self.addresses), len(report["answer"]))
        self.assertEqual([0, "192.0.2.14", 3189], report["answer"][-1])

    def test_unknown_ones_are_counted(self):
        run = self.sim.ask("where", *self.addresses, "9.9.9.9", "9.9.9.8")
        self.assertEqual((3, "confd-query: where: 2 of 4502 IPs have no answer\n"), (run.code, run.err))
        self.assertTrue(run.out.endswith("\n9.9.9.9       unknown entry\n9.9.9.8       unknown entry\n"))

    def test_input_that_is_none(self):
        for stdin, message in {b"": "standard input has no IP address", b" \n": "standard input has no IP address",
                               b"198.51.100.1\nnode1\n": '"node1" is not an IP address',
                               b"198.51.100.1\n\0\n": "standard input is not text"}.items():
            run = self.sim.ask("where", "-", stdin=stdin)
            self.assertEqual((2, "", "confd-query: %s\n%s" % (message, tool.HINT)), (run.code, run.out, run.err))

    def test_one_alone(self):
        self.assertEqual("198.51.100.1  192.0.2.11\n", self.sim.ask("where", "-", stdin=b"198.51.100.1").out)


if __name__ == "__main__":
    unittest.main()
