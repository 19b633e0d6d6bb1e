"""The small programs, ping and event_loop, and all programs under valgrind."""

import concurrent.futures
import re
import signal
import subprocess
import unittest

import tool

QUESTIONS = {
    "Which node is the master?": '"node1.example.com"',
    "Which addresses have the nodes?": '["192.0.2.13","192.0.2.15","192.0.2.16","192.0.2.14","192.0.2.11",'
                                       '"192.0.2.12"]',
    "Which of them are master candidates?": '["192.0.2.13","192.0.2.11","192.0.2.12"]',
    "What is the cluster called?": '"cluster.example.com"',
}


ROLL_CALL = "Which servers are there? (%d of %d answered)"


class Programs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = tool.Sim(tool.EXAMPLE)
        cls.addClassCleanup(cls.sim.close)
        cls.stale_and_current = [cls.sim.peer["stale"], cls.sim.peer["current"]]

    def ask(self, name, *peers, compiler="gcc", **options):
        return tool.Run([tool.program(name, compiler), self.sim.key.name, *peers], **options)

    def check_ping(self, run):
        self.assertEqual((0, ""), (run.code, run.err), run)
        self.assertRegex(run.out, r"\A127\.0\.0\.[12] says: version 3000000\n2 of 2 answered, enough\n\Z")

    def check_event_loop(self, run):
        self.assertEqual((0, ""), (run.code, run.err), run)
        told = re.findall(r"(.*) \((\d) of (\d) answered\)\n    (.*)\n", run.out)
        self.assertEqual(sorted((text, "2", "2", answer) for text, answer in QUESTIONS.items()), sorted(told))
        there = [peer.replace(":", " port ") + " is there" for peer in self.stale_and_current]
        self.assertEqual(sorted(there + [ROLL_CALL % (2, 2)]),
                         sorted(line for line in run.out.splitlines() if " there" in line))

    def test_ping(self):
        for compiler, name in (("gcc", "ping"), ("clang", "ping"), ("gcc", "ping-static"), ("clang", "ping-static")):
            with self.subTest(name, compiler=compiler):
                self.check_ping(self.ask(name, *self.stale_and_current, compiler=compiler))

    def test_ping_waits_for_no_more_than_are_needed(self):
        run = self.ask("ping", *self.sim.peer.values())
        self.assertTrue(run.out.endswith("\n2 of 3 answered, enough\n"), run)

    def test_ping_of_too_few(self):
        run = self.ask("ping", self.sim.peer["current"], tool.refusing(self))
        self.assertEqual(1, run.code)
        self.assertTrue(run.out.endswith("\n1 of 2 answered, too few\n"), run)

    def test_event_loop(self):
        for compiler in ("gcc", "clang"):
            self.check_event_loop(self.ask("event_loop", *self.stale_and_current, compiler=compiler))

    def test_wrong_arguments(self):
        for name, client in (("ping", "ping"), ("event_loop", "event_loop: client")):
            usage = "Usage: %s KEY-FILE [PEER...], with a KEY-FILE that can be read\n" % name
            for arguments in ([], ["/no/key", "192.0.2.1"]):
                run = tool.Run([tool.program(name), *arguments])
                self.assertEqual((2, "", usage), (run.code, run.out, run.err))
            run = self.ask(name, "node7")
            self.assertEqual((1, '%s: peer 1, "node7", is not an IPv4 or IPv6 address\n' % client),
                             (run.code, run.err))

    def interrupt(self, *before):
        """event_loop, interrupted once its first question has arrived at a peer that says nothing."""
        peer = tool.silent(self)
        program = subprocess.Popen(
            [*before, tool.program("event_loop"), self.sim.key.name, "127.0.0.1:%d" % peer.getsockname()[1]],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            peer.recv(4096)
            program.send_signal(signal.SIGINT)
            out, err = program.communicate(timeout=tool.LIMIT)
        finally:
            program.kill()
            program.wait()
        self.assertEqual((130, "event_loop: interrupted, 5 questions are cancelled\n"), (program.returncode, err))
        ends = [ROLL_CALL % (0, 1), *("%s (0 of 1 answered)\n    no reply" % text for text in QUESTIONS)]
        self.assertEqual(sorted(ends), sorted(re.split(r"\n(?! )", out.strip())))

    def test_event_loop_ends_cleanly_on_sigint(self):
        self.interrupt()

    def test_event_loop_ends_cleanly_on_sigint_under_valgrind(self):
        self.interrupt(*tool.VALGRIND)

    def test_small_programs_under_valgrind(self):
        self.check_ping(self.ask("ping", *self.stale_and_current, valgrind=True))
        self.check_event_loop(self.ask("event_loop", *self.stale_and_current, valgrind=True))
        self.assertEqual(1, self.ask("event_loop", "node7", valgrind=True).code)

    def test_confd_query_under_valgrind(self):
        expected = ((0, ["-v", "instances", "node2.example.com"]), (0, ["disks", "web.example.com"]),
                    (0, ["--json", "collectors"]), (0, ["config", "/cluster"]), (0, ["nodes"]),
                    (3, ["where", "198.51.100.1", "9.9.9.9"]), (3, ["node-role", "nope"]),
                    (0, ["watch", "-n", "0.05", "--count", "3", "-v", "drbd", "node2.example.com"]),
                    (0, ["watch", "-n", "0.05", "--count", "2", "--json", "disks", "web.example.com"]),
                    (2, ["where", "-"]), (2, ["--coverage", "9", "ping"]), (0, ["--help"]))
        with concurrent.futures.ThreadPoolExecutor(2) as both_processors:
            runs = both_processors.map(lambda what: self.sim.ask(*what[1], peers=("current", "stale"), valgrind=True),
                                       expected)
            for (code, arguments), run in zip(expected, runs):
                with self.subTest(" ".join(arguments)):
                    self.assertEqual(code, run.code, run)
        run = tool.query("-k", tool.key_file(self, "other"), "-p", self.sim.peers, "--timeout", "0.2", "master",
                         valgrind=True)
        self.assertEqual(1, run.code, run)
        self.assertEqual(2, tool.query("-d", "/no", "master", valgrind=True).code)
        addresses = "\n".join("198.51.100.%d" % (i % 250) for i in range(1000)).encode()
        self.assertEqual(3, self.sim.ask("where", "-", peers=["current"], stdin=addresses, valgrind=True).code)

    def test_watch_under_valgrind(self):
        peer = tool.silent(self)
        watch = tool.Watch(self, "-k", self.sim.key.name, "-p", "127.0.0.1:%d" % peer.getsockname()[1], "master",
                           valgrind=True)
        peer.recv(4096)
        self.assertEqual((0, "", ""), watch.end(signal.SIGINT))


if __name__ == "__main__":
    unittest.main()
