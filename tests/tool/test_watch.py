"""confd-query watch: the answer at first, then what changes, until it is told to end."""

import json
import os
import signal
import unittest

import tool

FAST = ["-n", "0.02"]


def replace(folder, peers):
    """Changes a data folder's list of servers, at once, as Ganeti does."""
    path = os.path.join(folder, "ssconf_master_candidates_ips")
    with open(path + ".new", "w", encoding="ascii") as file:
        file.write(peers)
    os.rename(path + ".new", path)


class Watch(unittest.TestCase):
    def watch(self, sim, *arguments):
        return tool.Watch(self, "-k", sim.key.name, "-p", sim.peers, *arguments)

    def again(self, sim, candidate):
        """A new simulator where the old one was."""
        return tool.start(self, {"a": dict(candidate, address=sim.peers)})

    def test_what_does_not_change_is_printed_once(self):
        sim = tool.start(self, {"a": {}, "b": {}})
        for command, lines in ((["master"], "node1.example.com\n"), (["ping"], "configuration version 3000000\n"),
                               (["node-role", "node2.example.com"], "candidate\n"),
                               (["where", "198.51.100.1"], "198.51.100.1  192.0.2.11\n")):
            run = sim.ask("watch", *FAST, "--count", "10", *command)
            self.assertEqual((0, ""), (run.code, run.err), run)
            self.assertRegex(run.out, r"%s answered\n%s\Z" % (tool.TIME, lines))

    def test_an_order_that_differs_is_no_change(self):
        sim = tool.start(self, {"a": tool.answering(4, ["192.0.2.1", "192.0.2.2"]),
                                "b": tool.answering(4, ["192.0.2.2", "192.0.2.1"])})
        for json_option in ([], ["--json"]):
            run = sim.ask("watch", *FAST, "--count", "20", "--coverage", "1", *json_option, "nodes")
            self.assertEqual(1 if json_option else 3, run.out.count("\n"), run)

    def test_answers_errors_and_silence_are_changes(self):
        sim = tool.start(self, {"a": tool.answering(3, "node1")})
        watch = self.watch(sim, *FAST, "--timeout", "0.2", "master")
        self.assertEqual(["answered", "node1"], [watch.line(), watch.line()])
        sim.close()
        self.assertEqual("no reply", watch.line())
        again = self.again(sim, tool.answering(3, "node2", serial=5))
        self.assertEqual(["answered", "node2"], [watch.line(), watch.line()])
        again.close()
        self.assertEqual("no reply", watch.line())
        again = self.again(sim, tool.answering(3, "out of\norder", status=1, serial=0))
        self.assertEqual(["error: out of", "    order"], [watch.line(), watch.line()])
        again.close()
        self.assertEqual("no reply", watch.line())
        self.again(sim, tool.answering(3, "node2", serial=6))
        self.assertEqual(["answered", "node2"], [watch.line(), watch.line()])
        code, out, err = watch.end(signal.SIGINT)
        self.assertEqual((0, ""), (code, out))
        self.assertEqual(3, err.count("confd-query: no reply: 0 of 1 answered within 0.2 s, 1 needed\n"), err)
        self.assertIn("refused, no confd listens there: ", err)

    def test_too_few_replies_are_a_change(self):
        sim = tool.start(self, {"a": {}, "b": {}})
        other = tool.start(self, {"c": {"address": "127.0.0.3:0"}})
        watch = tool.Watch(self, *FAST, "-k", sim.key.name, "-p", sim.peer["a"] + "," + other.peers,
                           "--timeout", "0.2", "master")
        self.assertEqual(["answered", "node1.example.com"], [watch.line(), watch.line()])
        other.close()
        self.assertEqual(["too few replies", "node1.example.com"], [watch.line(), watch.line()])
        tool.start(self, {"c": {"address": other.peers}})
        self.assertEqual(["answered", "node1.example.com"], [watch.line(), watch.line()])
        self.assertEqual((0, ""), watch.end(signal.SIGTERM)[:2])

    def test_json_is_one_object_on_a_line(self):
        sim = tool.start(self, {"a": tool.answering(3, "node1")})
        watch = self.watch(sim, *FAST, "--timeout", "0.2", "--json", "master")
        first = json.loads(watch.line())
        self.assertRegex(first.pop("time"), tool.TIME)
        self.assertEqual({"outcome": "answered", "status": 0, "serial": 1, "answer": "node1", "server": sim.peers,
                          "sent": 1, "needed": 1, "received": 1, "errors": 0, "consistent": True}, first)
        sim.close()
        second = json.loads(watch.line())
        self.assertEqual(("no_reply", None, "no reply"), (second["outcome"], second["answer"], second["error"]))
        self.again(sim, tool.answering(3, "node2"))
        self.assertEqual("node2", json.loads(watch.line())["answer"])
        self.assertEqual((0, ""), watch.end(signal.SIGINT)[:2])

    def test_json_also_tells_of_what_the_table_leaves_out(self):
        disk = {"dev_type": "plain", "size": 1, "mode": "rw", "uuid": "u", "nodes": ["one"]}
        sim = tool.start(self, {"a": tool.answering(9, [disk]),
                                "b": tool.answering(9, [dict(disk, nodes=["two"])])})
        for json_option, lines in (([], 3), (["--json"], 2)):
            folder = tool.data_dir(self, "127.0.0.1\n")
            watch = tool.Watch(self, *FAST, "-d", folder, "--port", sim.peers.rpartition(":")[2], "--count", "20",
                               *json_option, "disks", "i")
            watch.line()
            replace(folder, "127.0.0.2\n")
            code, out, err = watch.rest()
            self.assertEqual((0, lines - 1, ""), (code, out.count("\n"), err), out)

    def test_a_changed_list_of_servers_is_taken_up(self):
        sim = tool.start(self, {"a": tool.answering(3, "node1"), "b": tool.answering(3, "node2")})
        folder = tool.data_dir(self, "127.0.0.1\n")
        watch = tool.Watch(self, *FAST, "-d", folder, "--port", sim.peers.rpartition(":")[2], "master")
        self.assertEqual(["answered", "node1"], [watch.line(), watch.line()])
        replace(folder, "127.0.0.2\n")
        self.assertEqual(["answered", "node2"], [watch.line(), watch.line()])
        self.assertEqual((0, "", ""), watch.end(signal.SIGTERM))

    def test_the_servers_own_list_of_candidates_is_taken_up_where_the_folder_gives_no_key(self):
        rules = [tool.answering(5, ["127.0.0.2"])["answers"] + tool.answering(3, name)["answers"]
                 for name in ("node1", "node2")]
        sim = tool.start(self, {"a": {"answers": rules[0]}, "b": {"answers": rules[1]}})
        watch = tool.Watch(self, *FAST, "-d", tool.data_dir(self, "127.0.0.1\n", None), "-k", sim.key.name,
                           "--port", sim.peers.rpartition(":")[2], "master")
        self.assertEqual(["answered", "node1", "answered", "node2"], [watch.line() for _ in range(4)])
        self.assertEqual((0, "", ""), watch.end(signal.SIGTERM))

    def test_a_list_too_short_for_the_coverage_is_told(self):
        sim = tool.start(self, {"a": tool.answering(3, "node1"), "b": tool.answering(3, "node1")})
        folder = tool.data_dir(self, "127.0.0.1\n127.0.0.2\n")
        watch = tool.Watch(self, *FAST, "-d", folder, "--port", sim.peers.rpartition(":")[2], "--coverage", "2",
                           "master")
        self.assertEqual(["answered", "node1"], [watch.line(), watch.line()])
        replace(folder, "127.0.0.2\n")
        self.assertEqual("no reply: a coverage of 2 is more than the known peers, 1", watch.line())
        self.assertEqual((0, "", ""), watch.end(signal.SIGTERM))

    def test_servers_that_are_named_stay(self):
        sim = tool.start(self, {"a": {}})       # whose candidates are 192.0.2.11 and others
        run = sim.ask("watch", *FAST, "--count", "10", "--timeout", "0.5", "master")
        self.assertEqual((0, 2, ""), (run.code, run.out.count("\n"), run.err), run)

    def test_verbose_tells_of_the_question_that_changed_it(self):
        sim = tool.start(self, {"a": {}})
        watch = self.watch(sim, *FAST, "--timeout", "0.2", "-v", "master")
        self.assertEqual(["answered", "node1.example.com"], [watch.line(), watch.line()])
        sim.close()
        self.assertEqual("no reply", watch.line())
        code, _, err = watch.end(signal.SIGINT)
        self.assertEqual(0, code)
        self.assertRegex(err, r"(?m)^%s +1 +1 +\d+\.\d ms +42  answered$" % sim.peers)
        self.assertRegex(err, r"(?m)^%s +1 +0 +- +-  refuses: no confd listens there$" % sim.peers)

    def test_count_bounds_it_and_the_last_code_counts(self):
        sim = tool.start(self, {"a": {}})
        for command, code in ((["master"], 0), (["where", "9.9.9.9"], 3), (["where", "9.9.9.9", "198.51.100.1"], 3)):
            self.assertEqual(code, sim.ask("watch", *FAST, "--count", "2", *command).code)
        run = tool.query("watch", *FAST, "--count", "2", "--timeout", "0.05", "-k", sim.key.name,
                         "-p", tool.refusing(self), "master")
        self.assertEqual(1, run.code, run)

    def test_an_empty_list_is_said_to_be_one(self):
        run = tool.start(self, {"a": tool.answering(6, [])}).ask("watch", "--count", "1", "instance-ips")
        self.assertRegex(run.out, r"%s answered: the list is empty\n\Z" % tool.TIME)
        self.assertEqual("", run.err)

    def test_wrong_usage_ends_it_at_once(self):
        run = tool.query("watch", "-k", tool.key_file(self, tool.KEY), "-p", "127.0.0.1", "--coverage", "2", "master")
        self.assertEqual((2, ""), (run.code, run.out), run)
        self.assertIn("a coverage of 2 is more than the known peers, 1\n", run.err)

    def test_a_signal_ends_it_while_nobody_answers(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            peer = tool.silent(self)
            watch = tool.Watch(self, "-k", tool.key_file(self, tool.KEY), "-p", "127.0.0.1:%d" % peer.getsockname()[1],
                               "--timeout", "1000", "master")
            peer.recv(4096)
            self.assertEqual((0, "", ""), watch.end(number))

    def test_a_signal_ends_it_between_questions(self):
        sim = tool.start(self, {"a": {}})
        for number in (signal.SIGINT, signal.SIGTERM):
            watch = self.watch(sim, "-n", "1000", "master")
            self.assertEqual(["answered", "node1.example.com"], [watch.line(), watch.line()])
            self.assertEqual((0, "", ""), watch.end(number))

    def test_output_that_fails_ends_it(self):
        sim = tool.start(self, {"a": {}})
        with open("/dev/full", "wb") as full:
            run = sim.ask("watch", "master", stdout=full)
        self.assertEqual((1, "confd-query: cannot write to standard output: No space left on device\n"),
                         (run.code, run.err))


if __name__ == "__main__":
    unittest.main()
