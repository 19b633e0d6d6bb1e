"""confd-query when something is wrong: usage, silence, too few replies, servers' errors, forgeries."""

import json
import os
import re
import unittest

import tool

COMMANDS = ["ping", "master", "node-role", "where", "nodes", "candidates", "instance-ips", "drbd",
            "instances", "disks", "config", "collectors"]
OPTIONS = ["-d, --data-dir", "-p, --peers", "-k, --key-file", "--port", "--coverage", "--timeout", "--retry", "--link",
           "-n, --interval", "--count", "--json", "-v, --verbose", "-h, --help", "-V, --version"]
KEY_LINE = "  key       %s must be a copy of theirs to the byte, newline at the end included"
NO_NEWLINE = ";\n            this one does not end in a newline, Ganeti's does\n"
CLOCK_LINE = r"  clock     within 300 s of theirs; here it is \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n"
NETWORK_LINE = "  network   addresses, port and firewalls, for UDP both ways"
SIZE_LINE = "  size      a server sends no answer over 65,507 bytes, the largest UDP datagram"


class Usage(unittest.TestCase):
    def wrong(self, message, *arguments):
        run = tool.query(*arguments)
        self.assertEqual((2, "", "confd-query: %s\n%s" % (message, tool.HINT)),
                         (run.code, run.out, run.err), run)

    def test_help_fits_a_terminal_and_has_every_command_and_option(self):
        run = tool.query("--help")
        self.assertEqual((0, ""), (run.code, run.err), run)
        self.assertLessEqual(max(map(len, run.out.splitlines())), 80)
        for command in COMMANDS + ["watch"]:
            self.assertRegex(run.out, r"(?m)^  %s( [A-Z\[].*|\.\.\.)?  +\S" % command)
        for option in OPTIONS:
            self.assertRegex(run.out, r"(?m)^ +%s[ \n]" % option)
        self.assertEqual(run.out, tool.query("master", "-h", "--nonsense").out)

    def test_help_leaves_nothing_out(self):
        with open(os.path.join(tool.HERE, "../../examples-c/confd-query-args.c"), encoding="utf-8") as source:
            text = source.read()
        self.assertEqual(COMMANDS, re.findall(r'^    \{"([a-z-]+)", CONFD_REQ', text, re.M))
        self.assertEqual(sorted(option.rpartition("--")[2] for option in OPTIONS),
                         sorted(re.findall(r"^    \{(?:'.'|OPTION_[A-Z]+), \"([a-z-]+)\"", text, re.M)))

    def test_version(self):
        for option in ("-V", "--version"):
            run = tool.query(option)
            self.assertRegex(run.out, r"\Aconfd-query \(libconfdclient\) \d+\.\d+\.\d+\n\Z")
            self.assertEqual((0, ""), (run.code, run.err), run)

    def test_wrong_commands_and_options_get_one_line_and_a_hint(self):
        number = "takes a whole number from"
        for message, arguments in {
                "which command?": [],
                "wrong number of arguments: confd-query drbd NODE": ["watch", "drbd"],
                'unknown command "maste"': ["maste"],
                'unknown command ""': [""],
                'unknown command "\\u001b[31m"': ["\x1b[31m"],
                'unknown option "-x"': ["-x"],
                'unknown option "--timeou"': ["--timeou", "1", "master"],
                "option --key-file needs a value": ["master", "-k"],
                "option --timeout needs a value": ["master", "--timeout"],
                "option --json takes no value": ["--json=1", "master"],
                "wrong number of arguments: confd-query node-role NODE": ["node-role"],
                "wrong number of arguments: confd-query where [--link LINK] IP...|-": ["where"],
                "wrong number of arguments: confd-query instance-ips [LINK]": ["instance-ips", "a", "b"],
                "wrong number of arguments: confd-query master": ["master", "node1"],
                "--link is an option of the command where": ["instance-ips", "--link", "br0"],
                "--interval is an option of the command watch": ["master", "-n", "1"],
                "--count is an option of the command watch": ["--count", "1", "master"],
                'unknown command "watch"': ["watch", "watch", "master"],
                '--count %s 1 to %d, not "0"' % (number, 2**63 - 1): ["watch", "--count", "0", "master"],
                '--interval takes seconds from 0.001 to 2147483, not "0"': ["watch", "-n0", "master"],
                '--retry takes seconds from 0 to 2147483, not "-1"': ["--retry", "-1", "master"],
                '"node1" is not an IP address': ["where", "192.0.2.1", "node1"],
                'a JSON pointer starts with a slash: "/cluster"?': ["config", "cluster"],
                '--port %s 1 to 65535, not "65536"' % number: ["--port", "65536", "master"],
                '--port %s 1 to 65535, not "0"' % number: ["--port=0", "master"],
                '--port %s 1 to 65535, not " 1"' % number: ["--port", " 1", "master"],
                '--coverage %s -1 to 2147483647, not "-2"' % number: ["--coverage", "-2", "master"],
        }.items():
            with self.subTest(message):
                self.wrong(message, *arguments)

    def test_timeouts_that_are_none(self):
        for value in ("", "0", "0.0004", "-1", "inf", "nan", "1e3", "0x1", "1s", " 1", ".", "1.2.3", "2147484"):
            self.wrong('--timeout takes seconds from 0.001 to 2147483, not "%s"' % value,
                       "--timeout", value, "master")

    def test_servers_and_keys_that_cannot_be_had(self):
        key, empty = tool.key_file(self, tool.KEY), tool.key_file(self, "")
        at, cannot = ["-p", "192.0.2.1"], "the servers cannot be asked: "
        for message, arguments in {
                "cannot read the key /no/key: No such file or directory (name its file with -k)":
                    [*at, "-k", "/no/key"],
                "cannot read the key /proc: Is a directory (name its file with -k)": [*at, "-k", "/proc"],
                "cannot read the key /dev/zero: it is too large (name its file with -k)": [*at, "-k", "/dev/zero"],
                "the key %s is empty" % empty: [*at, "-k", empty],
                "-p names no servers": ["-k", key, "-p", ", ,"],
                cannot + 'peer 2, "node7", is not an IPv4 or IPv6 address': ["-k", key, "-p", "192.0.2.1,node7"],
                cannot + 'peer 2, "::1", is not of the family of those before it': ["-k", key, "-p", "192.0.2.1,::1"],
                cannot + "a coverage of 2 is more than the known peers, 1": [*at, "-k", key, "--coverage", "2"],
        }.items():
            with self.subTest(message):
                self.wrong(message, *arguments, "master")

    def test_a_question_too_long_for_a_server_is_refused(self):
        run = tool.query("-p", "192.0.2.1", "-k", tool.key_file(self, tool.KEY), "drbd", "n" * 5000)
        self.assertEqual((2, ""), (run.code, run.out), run)
        self.assertRegex(run.err, r"\Aconfd-query: .* datagram of \d+ bytes, and the limit is 4096\n" + tool.HINT)


class TooFewReplies(unittest.TestCase):
    def advice(self, run, first, *, newline=True, network="\n", key=None, rest=""):
        """Exit 1, and on stderr this line and what to check; returns what came on stdout."""
        self.assertEqual(1, run.code, run)
        key = key or run.command[run.command.index("-k") + 1]
        expected = (re.escape("confd-query: %s\n" % first) +
                    "Servers that do not like a request say nothing, so check:\n" +
                    re.escape(KEY_LINE % key + ("\n" if newline else NO_NEWLINE)) + CLOCK_LINE +
                    re.escape(NETWORK_LINE + network + rest))
        self.assertRegex(run.err, r"\A%s\Z" % expected)
        return run.out

    def test_a_wrong_key_gets_silence_and_advice(self):
        sim = tool.start(self, {"a": {}})
        key = tool.key_file(self, "another key\n")
        run = tool.query("-p", sim.peers, "-k", key, "--timeout", "0.2", "master")
        self.assertEqual("", self.advice(run, "no reply: 0 of 1 answered within 0.2 s, 1 needed"))

    def test_a_key_without_its_newline_is_pointed_at(self):
        sim = tool.start(self, {"a": {}})
        key = tool.key_file(self, tool.KEY.rstrip("\n"))
        run = tool.query("-p", sim.peers, "-k", key, "--timeout", "0.2", "master")
        self.advice(run, "no reply: 0 of 1 answered within 0.2 s, 1 needed", newline=False)

    def test_silence_as_json(self):
        sim = tool.start(self, {"a": {}, "b": {}}, faults={"silent": True})
        run = sim.ask("--timeout", "0.2", "--json", "master")
        report = json.loads(self.advice(run, "no reply: 0 of 2 answered within 0.2 s, 2 needed"))
        self.assertEqual({"outcome": "no_reply", "status": None, "serial": None, "answer": None, "server": None,
                          "sent": 2, "needed": 2, "received": 0, "errors": 0, "consistent": True,
                          "error": "no reply"}, report)

    def test_nobody_listens(self):
        run = tool.query("-p", tool.refusing(self), "-k", tool.key_file(self, tool.KEY), "--timeout", "0.2", "nodes")
        self.advice(run, "no reply: 0 of 1 answered within 0.2 s, 1 needed",
                    network=";\n            refused, no confd listens there: 1\n")

    def test_a_host_without_network(self):
        isolate = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-r", "-n"]
        run = tool.Run([*isolate, tool.program("confd-query"), "-k", tool.key_file(self, tool.KEY),
                        "-p", "192.0.2.1", "--json", "master"])
        self.assertEqual(1, run.code, run)
        why = re.fullmatch(r"confd-query: nothing could be sent: (.*)\n", run.err).group(1)
        self.assertIn("Network is unreachable", why)
        report = json.loads(run.out)
        self.assertEqual(("no_reply", 0, why), (report["outcome"], report["sent"], report["error"]))

    def test_an_answer_too_large_to_be_sent(self):
        sim = tool.start(self, {"a": {}}, cluster={"name": "c", "nodes": [{"name": "n", "ip": "192.0.2.1"}],
                                                   "instances": [], "config": {"large": ["x" * 70000]}})
        run = sim.ask("--timeout", "0.2", "config", "/large")
        self.advice(run, "no reply: 0 of 1 answered within 0.2 s, 1 needed",
                    rest=SIZE_LINE + ";\n            ask for a smaller part\n")

    def test_too_few_replies_print_the_best_with_a_warning(self):
        sim = tool.start(self, {"a": {}, "b": {"faults": {"silent": True}}})
        first = "warning: too few replies: 1 of 2 answered within 0.5 s, 2 needed"
        self.assertEqual("node1.example.com\n", self.advice(sim.ask("--timeout", "0.5", "master"), first))
        report = json.loads(self.advice(sim.ask("--timeout", "0.5", "--json", "master"), first))
        self.assertEqual(("partial", "node1.example.com", 1, sim.peer["a"]), tuple(
            report[name] for name in ("outcome", "answer", "received", "server")))

    def test_a_reply_too_late_is_none(self):
        sim = tool.start(self, {"late": {"faults": {"delay_ms": 60000}}})
        self.assertEqual("", self.advice(sim.ask("--timeout", ".25", "master"),
                                         "no reply: 0 of 1 answered within 0.25 s, 1 needed"))

    def test_forged_replies_alone_are_no_reply(self):
        other_key = ";\n            replies signed with another key: 1\n"
        for fault, network in {"wrong_signature": other_key, "wrong_salt": "\n", "garbage": "\n",
                               "truncate": "\n"}.items():
            with self.subTest(fault):
                sim = tool.start(self, {"forger": {"faults": {fault: True}}})
                self.assertEqual("", self.advice(sim.ask("--timeout", "0.2", "master"),
                                                 "no reply: 0 of 1 answered within 0.2 s, 1 needed", network=network))

    def test_a_reply_from_another_port_is_none_and_is_named(self):
        sim = tool.start(self, {"a": {"faults": {"wrong_source": True}}})
        run = sim.ask("--timeout", "0.2", "master")
        self.assertEqual((1, ""), (run.code, run.out), run)
        self.assertRegex(run.err, r"\Aconfd-query: warning: .*127\.0\.0\.1")
        self.assertIn(";\n            replies from addresses or ports that were not asked: 1\n", run.err)

    def test_a_reply_that_comes_twice_counts_once(self):
        sim = tool.start(self, {"twice": {"faults": {"duplicate": True}}, "b": {"faults": {"silent": True}}})
        self.advice(sim.ask("--timeout", "0.5", "master"),
                    "warning: too few replies: 1 of 2 answered within 0.5 s, 2 needed")

    def test_forged_replies_beside_true_ones_change_nothing(self):
        for fault in ("wrong_signature", "wrong_salt", "wrong_source", "garbage", "truncate"):
            with self.subTest(fault):
                forger = dict(tool.answering(3, "forged", serial=99999), faults={fault: True})
                sim = tool.start(self, {"forger": forger, "a": {"faults": {"delay_ms": 50}},
                                        "b": {"faults": {"delay_ms": 50}}})
                run = sim.ask("master")
                self.assertEqual((0, "node1.example.com\n"), (run.code, run.out), run)


class ServerErrors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = tool.Sim(tool.EXAMPLE)
        cls.addClassCleanup(cls.sim.close)

    def test_a_servers_error_is_named_with_its_server(self):
        text = "Node not found in the configuration: OpPrereqError \"Node name nope not found\" ECodeNoEnt"
        for command, error in {
                ("where", "9.9.9.9"): "unknown entry",
                ("instances", "nope"): text,
                ("config", "/nope"): "the server does not accept the argument;\n    is there anything at \"/nope\"?",
                ("node-role", "nope"): "Failure: prerequisites not met for this operation:\n"
                                       "    error type: ECodeNoEnt, error details:\n    Node name nope not found",
        }.items():
            with self.subTest(" ".join(command)):
                run = self.sim.ask(*command, peers=["current"])
                self.assertEqual((3, "", "confd-query: %s: error from %s: %s\n"
                                  % (command[0], self.sim.peer["current"], error)), (run.code, run.out, run.err), run)

    def test_an_error_as_json(self):
        run = self.sim.ask("where", "9.9.9.9", "--json", peers=["current"])
        report = json.loads(run.out)
        self.assertEqual((3, 1, 0, 0, "unknown entry", "answered", 1), (run.code, *(report[name] for name in (
            "status", "serial", "answer", "error", "outcome", "errors"))), run)

    def test_an_error_for_one_of_several_ips(self):
        for json_option in ([], ["--json"]):
            run = self.sim.ask("where", "198.51.100.1", "9.9.9.9", *json_option)
            self.assertEqual((3, "confd-query: where: 1 of 2 IPs have no answer\n"), (run.code, run.err), run)
        self.assertEqual("198.51.100.1  192.0.2.11\n9.9.9.9       unknown entry\n",
                         self.sim.ask("where", "198.51.100.1", "9.9.9.9").out)

    def test_an_answer_beats_an_error(self):
        sim = tool.start(self, {"new": {"faults": {"unloaded": True}}, "b": {}})
        run = sim.ask("master")
        self.assertEqual((0, "node1.example.com\n", ""), (run.code, run.out, run.err), run)

    def test_a_server_without_configuration(self):
        sim = tool.start(self, {"new": {"faults": {"unloaded": True}}})
        for command in (["master"], ["config", "/cluster"]):
            run = sim.ask(*command)
            self.assertEqual((3, ""), (run.code, run.out), run)
            self.assertRegex(run.err, r"\Aconfd-query: %s: error from 127\.0\.0\.1:\d+: [^?]+\n\Z" % command[0])

    def test_a_question_that_the_server_does_not_know(self):
        run = tool.start(self, {"old": tool.answering(11, 0, status=2, serial=0)}).ask("collectors")
        self.assertEqual((3, ""), (run.code, run.out), run)
        self.assertRegex(run.err, r"error from \S+: .*not implement")
        self.assertIn(", status 2 (not implemented), serial 0, ", tool.start(self, {"old": tool.answering(
            11, 0, status=2, serial=0)}).ask("-v", "collectors").err)


if __name__ == "__main__":
    unittest.main()
