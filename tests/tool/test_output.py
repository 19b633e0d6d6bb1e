"""What confd-query writes whatever it is told: hostile answers, answers of strange shapes, outputs that fail."""

import json
import os
import unittest

import tool

EVIL = "a\x1b[31m\x07\r\n\x7f\x9b\u202eb\u2028"
SAFE = "a\\u001b[31m\\u0007\\r\\n\\u007f\\u009b\\u202eb\\u2028"


class Hostile(unittest.TestCase):
    """Answers whose strings would move a terminal's cursor, colour it, or turn text around."""

    def ask(self, kind, answer, *arguments, status=0):
        rule = tool.answering(kind, answer, status=status, serial=0 if status else 1)
        run = tool.start(self, {"evil": dict(rule, faults={"utf8": True})}).ask(*arguments)
        for stream in (run.out, run.err):
            self.assertTrue(all(char == "\n" or char.isprintable() for char in stream), repr(stream))
        return run

    def test_a_string_is_escaped(self):
        self.assertEqual(SAFE + "\n", self.ask(3, EVIL, "master").out)
        self.assertEqual(SAFE + "\n", self.ask(10, EVIL, "config", "/a").out)

    def test_control_characters_of_latin1_are_escaped(self):
        sim = tool.start(self, {"evil": tool.answering(3, "\u00e9\u009b2J")})
        self.assertEqual("\u00e9\\u009b2J\n", sim.ask("master").out)

    def test_lists_and_tables_are_escaped(self):
        self.assertEqual("192.0.2.1\n%s\n" % SAFE, self.ask(4, [EVIL, "192.0.2.1"], "nodes").out)
        self.assertEqual("192.0.2.1  %s\n" % SAFE, self.ask(2, EVIL, "where", "192.0.2.1").out)
        out = self.ask(7, [["node1", 0, EVIL, "disk/0", "primary", ""]], "drbd", "node1").out
        self.assertEqual(["node1", "0", SAFE, "disk/0", "primary", "-"], out.splitlines()[1].split())
        out = self.ask(11, {EVIL: {"active": True, "interval": 1}}, "collectors").out
        self.assertEqual([SAFE, "yes", "1e-06", "s"], out.splitlines()[1].split())

    def test_json_stays_the_same_json(self):
        answer = {EVIL: [EVIL, {"\u00e9": "\u6f22", "": None}], "1": 1.5e300, "deep": [[[[]]]]}
        for options in ([], ["--json"], ["-v"]):
            out = json.loads(self.ask(10, answer, "config", "/a", *options).out)
            self.assertEqual(answer, out["answer"] if options == ["--json"] else out)

    def test_an_error_keeps_its_lines_and_nothing_else(self):
        run = self.ask(3, "first\n\x1b[2Jsecond\u202e", "master", status=1)
        self.assertEqual(3, run.code)
        self.assertTrue(run.err.endswith(": first\n    \\u001b[2Jsecond\\u202e\n"), run)
        run = self.ask(3, EVIL, "master", "--json", status=1)
        self.assertEqual([EVIL, EVIL], [json.loads(run.out)[name] for name in ("answer", "error")])

    def test_deep_nesting_is_not_blown_up(self):
        answer = []
        for _ in range(100):
            answer = [answer, 0]
        run = self.ask(10, answer, "config", "/a")
        self.assertEqual(answer, json.loads(run.out))
        self.assertLess(max(map(len, run.out.splitlines())), 100)

    def test_a_string_with_nul_is_shown_as_json(self):
        self.assertEqual('"a\\u0000b"\n', self.ask(10, "a\0b", "config", "/a").out)


class Shapes(unittest.TestCase):
    """Answers that a server of another version may give."""

    def test_an_unknown_shape_is_shown_as_json_with_a_warning(self):
        for kind, answer, *command in ((0, "3.0", "ping"), (1, 9, "node-role", "n"), (1, -1, "node-role", "n"),
                                       (3, ["n"], "master"), (4, {}, "nodes"), (5, [1], "candidates"),
                                       (2, [[0, "192.0.2.1", 1]], "where", "192.0.2.1", "192.0.2.2"),
                                       (6, None, "instance-ips"), (7, [["n", 0]], "drbd", "n"),
                                       (8, [[]], "instances", "n"), (8, [[{}], []], "instances", "n"),
                                       (9, [{"size": 1}], "disks", "i"), (9, {}, "disks", "i"),
                                       (11, [], "collectors"), (11, {"lv": 1}, "collectors")):
            with self.subTest(kind=kind, answer=answer):
                run = tool.start(self, {"odd": tool.answering(kind, answer)}).ask(*command)
                self.assertEqual((0, "confd-query: warning: this answer has an unknown shape; it follows as JSON\n"),
                                 (run.code, run.err), run)
                self.assertEqual(answer, "3.0" if kind == 0 else json.loads(run.out))

    def test_what_a_row_lacks_is_a_dash(self):
        run = tool.start(self, {"odd": tool.answering(9, [{"dev_type": "plain", "name": None}])}).ask("disks", "i")
        self.assertEqual("DISK  TYPE   SIZE  MODE  NAME/UUID\n   0  plain     -  -     -\n", run.out)

    def test_wide_names_keep_the_columns_apart(self):
        rows = [["n\u00e9", 0, "i", "disk/0", "primary", "p"], ["node", 10, "i", "disk/0", "primary", "p"]]
        run = tool.start(self, {"odd": tool.answering(7, rows)}).ask("drbd", "n")
        self.assertEqual("NODE  MINOR  INSTANCE  DISK    ROLE     PEER\n"
                         "n\u00e9        0  i         disk/0  primary  p\n"
                         "node     10  i         disk/0  primary  p\n", run.out)

    def test_a_pointer_into_keys_with_slashes(self):
        sim = tool.start(self, {"a": {}}, cluster={
            "name": "c", "nodes": [{"name": "n", "ip": "192.0.2.1"}], "instances": [], "config": {"a/b~": {"c": "d"}}})
        self.assertEqual("d\n", sim.ask("config", "/a~1b~0/c").out)

    def test_a_name_that_looks_like_an_option(self):
        sim = tool.start(self, {"a": tool.answering(1, 4, query="--json")})
        self.assertEqual("regular\n", sim.ask("node-role", "--", "--json").out)


class Output(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.sim = tool.Sim(tool.EXAMPLE)
        cls.addClassCleanup(cls.sim.close)

    def fails(self, run, why):
        self.assertEqual((1, "confd-query: cannot write to standard output: %s\n" % why), (run.code, run.err), run)

    def test_a_full_disk_is_noticed(self):
        for arguments in (["nodes"], ["--json", "nodes"], ["--help"], ["--version"]):
            with self.subTest(arguments), open("/dev/full", "wb") as full:
                run = (self.sim.ask if arguments[-1] == "nodes" else tool.query)(*arguments, stdout=full)
                self.fails(run, "No space left on device")

    def test_a_closed_pipe_is_noticed_and_does_not_kill(self):
        for arguments in (["nodes"], ["--json", "nodes"]):
            read, write = os.pipe()
            os.close(read)
            run = self.sim.ask(*arguments, stdout=write)
            os.close(write)
            self.fails(run, "Broken pipe")

    def test_closed_standard_descriptors_do_no_harm(self):
        command = [tool.program("confd-query"), "-k", self.sim.key.name, "-p", self.sim.peers, "master"]
        self.fails(tool.Run(["sh", "-c", 'exec "$@" <&- >&-', "sh", *command]), "Bad file descriptor")
        run = tool.Run(["sh", "-c", 'exec "$@" <&- 2>&-', "sh", *command])
        self.assertEqual((0, "node1.example.com\n"), (run.code, run.out), run)

    def test_an_error_of_the_server_stays_one_when_there_is_nothing_to_write(self):
        with open("/dev/full", "wb") as full:
            self.assertEqual(3, self.sim.ask("disks", "nope", stdout=full).code)


if __name__ == "__main__":
    unittest.main()
