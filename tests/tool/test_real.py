"""Each command put to real ganeti-confd daemons, those of tests/real/cluster.py."""

import json
import os
import re
import unittest

import tool

TEST = {name[len("CONFD_TEST_"):]: value for name, value in os.environ.items() if name.startswith("CONFD_TEST_")}


def ask(*arguments, peers=None, key=None):
    return tool.query("-k", key or TEST["KEY_FILE"], "--port", TEST["PORT"], "-p", peers or TEST["EQUAL"], *arguments)


class RealCluster(unittest.TestCase):
    def test_each_command(self):
        master = TEST["MASTER"]
        for command, expected in {
                ("master",): master + "\n",
                ("node-role", master): "master\n",
                ("where", "10.1.0.1"): "10.1.0.1  127.0.0.11\n",
                ("where", "10.1.0.1", "10.1.0.1"): "10.1.0.1  127.0.0.11\n" * 2,
                ("candidates",): TEST["PEERS"].replace(",", "\n") + "\n",
                ("nodes",): TEST["PEERS"].replace(",", "\n") + "\n198.51.100.18\n198.51.100.19\n198.51.100.20\n",
                ("instance-ips",): "10.1.0.1\n10.1.0.2\n10.1.0.3\n",
                ("drbd", master): "NODE         MINOR  INSTANCE  DISK    ROLE       PEER\n"
                                  "node-a.test      0  web.test  disk/0  primary    node-b.test\n"
                                  "node-a.test      1  web.test  disk/1  primary    node-b.test\n"
                                  "node-a.test      2  db.test   disk/0  secondary  node-b.test\n",
                ("instances", master): "INSTANCE  ROLE       STATE  OS    HYPERVISOR\n"
                                       "web.test  primary    up     noop  kvm\n"
                                       "db.test   secondary  up     noop  kvm\n",
                ("disks", "web.test"): "DISK  TYPE       SIZE  MODE  NAME/UUID\n"
                                       "   0  drbd   1024 MiB  rw    dddddddd-0000-4000-8000-000000001000\n"
                                       "   1  drbd   4096 MiB  rw    dddddddd-0000-4000-8000-000000002000\n"
                                       "   2  plain  2048 MiB  rw    dddddddd-0000-4000-8000-000000003000\n",
                ("config", "/cluster/cluster_name"): "cluster.test\n",
                ("config", "/cluster/serial_no"): TEST["SERIAL"] + "\n",
        }.items():
            with self.subTest(" ".join(command)):
                run = ask(*command)
                self.assertEqual((0, expected, ""), (run.code, run.out, run.err), run)

    def test_ping_and_collectors(self):
        self.assertRegex(ask("ping").out, r"\Aconfiguration version \d+ \(3 of 4 servers answered, 3 needed\)\n\Z")
        self.assertRegex(ask("collectors").out, r"\ACOLLECTOR .*\n(\S+ +(yes|no) +5 s\n){6}\Z")

    def test_json(self):
        for command in (("ping",), ("master",), ("nodes",), ("collectors",), ("disks", "web.test")):
            report = json.loads(ask("--json", *command).out)
            self.assertEqual(("answered", 0, 4, 3, True), tuple(
                report[name] for name in ("outcome", "status", "sent", "needed", "consistent")))

    def test_errors(self):
        for command, error in {("where", "9.9.9.9"): "unknown entry", ("node-role", "nope"): "nope not found",
                               ("disks", "nope"): "nope not found", ("config", "/nope"): 'anything at "/nope"'}.items():
            run = ask(*command)
            self.assertEqual((3, ""), (run.code, run.out), run)
            self.assertIn(error, run.err)

    def test_the_current_candidate_beats_the_stale_one_and_the_empty_one(self):
        stale, empty, current = TEST["STALE"], TEST["EMPTY"], TEST["EQUAL"].split(",")[0]
        for peers, expected in (((stale, empty), "node-b.test"), ((stale, current), TEST["MASTER"]),
                                ((empty, current), TEST["MASTER"])):
            self.assertEqual(expected + "\n", ask("master", peers=",".join(peers)).out)

    def test_a_daemon_without_configuration(self):
        run = ask("master", peers=TEST["EMPTY"])
        self.assertEqual((3, ""), (run.code, run.out), run)
        self.assertIn("error from %s:%s: " % (TEST["EMPTY"], TEST["PORT"]), run.err)

    def test_names_beyond_ascii(self):
        self.assertEqual("regular\n", ask("node-role", "n\u00e9.example.com", peers=TEST["LATIN1"]).out)
        run = ask("instances", "n\u00e9.example.com", peers=TEST["LATIN1"])
        self.assertIn("m\u00fcnchen.example.com  primary ", run.out)

    def test_ipv6(self):
        self.assertEqual(TEST["MASTER"] + "\n", ask("master", peers=TEST["PEER6"]).out)

    def test_a_key_without_its_newline_gets_silence(self):
        with open(TEST["KEY_FILE"], "rb") as file:
            key = tool.key_file(self, file.read().rstrip(b"\n"))
        run = ask("--timeout", "0.3", "master", key=key)
        self.assertEqual((1, ""), (run.code, run.out), run)
        self.assertIn("this one does not end in a newline, Ganeti's does", run.err)

    def test_the_small_programs(self):
        peers = ["%s:%s" % (address, TEST["PORT"]) for address in TEST["EQUAL"].split(",")]
        run = tool.Run([tool.program("ping"), TEST["KEY_FILE"], *peers])
        self.assertRegex(run.out, r"\A127\.0\.0\.\d+ says: version \d+\n3 of 4 answered, enough\n\Z")
        run = tool.Run([tool.program("event_loop"), TEST["KEY_FILE"], *peers])
        self.assertEqual(0, run.code, run)
        self.assertIn('    "%s"\n' % TEST["MASTER"], run.out)
        self.assertNotIn("no reply", run.out)
        self.assertIn("Which servers are there? (4 of 4 answered)\n", run.out)

    def test_a_nodes_data_folder(self):
        run = tool.query("-d", TEST["DIR"], "--port", TEST["PORT"], "--coverage=-1", "-v", "master")
        self.assertEqual((0, TEST["MASTER"] + "\n"), (run.code, run.out), run)
        states = dict(re.findall(r"(?m)^(127\S+) .*  (\S.*)$", run.err))  # "stale, late" is one
        self.assertEqual(set(TEST["PEERS"].split(",")), set(states))
        words = {word for state in states.values() for word in state.split(", ")}
        self.assertLessEqual(words, {"answered", "stale", "error", "late"}, run)
        stale = [tool.query("-d", TEST["DIR"], "--port", TEST["PORT"], "-v", "-p", TEST["EQUAL"].split(",")[0] + "," +
                            other, "master").err for other in (TEST["STALE"], TEST["EMPTY"])]
        self.assertRegex(stale[0], r"(?m)^%s .* stale$" % TEST["STALE"])
        self.assertRegex(stale[1], r"(?m)^%s .* error$" % TEST["EMPTY"])

    def test_many_addresses(self):
        known = ["10.1.0.1", "10.1.0.2", "10.1.0.3"]
        addresses = known * 400 + ["9.9.9.9"]
        run = tool.query("-k", TEST["KEY_FILE"], "--port", TEST["PORT"], "-p", TEST["EQUAL"], "where", *addresses)
        self.assertEqual((3, "confd-query: where: 1 of 1201 IPs have no answer\n"), (run.code, run.err), run)
        self.assertEqual(addresses, [line.split()[0] for line in run.out.splitlines()])
        one_by_one = {ip: ask("where", ip).out for ip in known}
        for line in run.out.splitlines()[:-1]:
            self.assertEqual(one_by_one[line.split()[0]], line + "\n")

    def test_watch(self):
        run = ask("watch", "-n", "0.05", "--count", "5", "ping")
        self.assertRegex(run.out, tool.TIME + r" answered\nconfiguration version \d+\n\Z")


if __name__ == "__main__":
    unittest.main()
