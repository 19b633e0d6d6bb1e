"""confd-query asks and is answered: what each command prints, for people and as JSON."""

import json
import unittest

import tool

ANSWERS = {
    ("ping",): "configuration version 3000000 (2 of 2 servers answered, 2 needed)\n",
    ("master",): "node1.example.com\n",
    ("node-role", "node1.example.com"): "master\n",
    ("node-role", "node2.example.com"): "candidate\n",
    ("node-role", "node4.example.com"): "regular\n",
    ("node-role", "node5.example.com"): "drained\n",
    ("node-role", "node6.example.com"): "offline\n",
    ("where", "198.51.100.1"): "198.51.100.1  192.0.2.11\n",
    ("where", "198.51.100.4", "198.51.100.1"):
        "198.51.100.4  192.0.2.14\n"
        "198.51.100.1  192.0.2.11\n",
    ("where", "--link", "br1", "198.51.100.3"): "198.51.100.3  192.0.2.13\n",
    ("nodes",):
        "192.0.2.11\n192.0.2.12\n192.0.2.13\n192.0.2.14\n192.0.2.15\n192.0.2.16\n",
    ("candidates",): "192.0.2.11\n192.0.2.12\n192.0.2.13\n",
    ("instance-ips",): "198.51.100.1\n198.51.100.2\n198.51.100.4\n2001:db8::4\n",
    ("instance-ips", "br1"): "198.51.100.3\n",
    ("drbd", "node2.example.com"): """\
NODE               MINOR  INSTANCE         DISK    ROLE       PEER
node2.example.com      0  web.example.com  disk/0  secondary  node1.example.com
node2.example.com      1  web.example.com  disk/1  secondary  node1.example.com
node2.example.com      2  db.example.com   disk/0  primary    node3.example.com
""",
    ("instances", "node2.example.com"): """\
INSTANCE         ROLE       STATE  OS                   HYPERVISOR
db.example.com   primary    up     debootstrap+default  kvm
web.example.com  secondary  up     debootstrap+default  kvm
""",
    ("disks", "web.example.com"): """\
DISK  TYPE       SIZE  MODE  NAME/UUID
   0  drbd  10240 MiB  rw    2a27466c-d54a-5df1-8c67-96708fbf6d6e
   1  drbd   2048 MiB  rw    9f735aab-66df-5b0e-888d-01201b456f9e
""",
    ("config", "/cluster/cluster_name"): "cluster.example.com\n",
    ("config", "/cluster/serial_no"): "3189\n",
    ("config", "/cluster/enabled_hypervisors"): "[\n  \"kvm\"\n]\n",
    ("config", "/cluster/nicparams"): """\
{
  "default": {
    "link": "br0",
    "mode": "bridged",
    "vlan": ""
  }
}
""",
    ("collectors",): """\
COLLECTOR         ACTIVE  INTERVAL
cpu-avg-load      yes          5 s
diskstats         yes          5 s
drbd              yes          5 s
inst-status-xen   no           5 s
lv                yes          5 s
xen-cpu-avg-load  yes          5 s
""",
}
JSON_ANSWERS = {
    ("ping",): 3000000,
    ("master",): "node1.example.com",
    ("node-role", "node5.example.com"): 3,
    ("where", "198.51.100.1"): "192.0.2.11",
    ("where", "198.51.100.1", "198.51.100.2"): [[0, "192.0.2.11", 3189], [0, "192.0.2.12", 3189]],
    ("candidates",): ["192.0.2.13", "192.0.2.11", "192.0.2.12"],
    ("instance-ips", "br1"): ["198.51.100.3"],
    ("drbd", "node3.example.com"):
        [["node3.example.com", 0, "db.example.com", "disk/0", "secondary", "node2.example.com"]],
    ("instances", "node6.example.com"): [[], []],
    ("disks", "diskless.example.com"): [],
    ("config", "/cluster/enabled_hypervisors"): ["kvm"],
}
EMPTY = [("instance-ips", "br9"), ("drbd", "node6.example.com"),
         ("instances", "node6.example.com"), ("disks", "diskless.example.com")]


class ExampleCluster(unittest.TestCase):
    """The cluster of sim/examples/three.json: one candidate is current, one stale, one slow."""

    @classmethod
    def setUpClass(cls):
        cls.sim = tool.Sim(tool.EXAMPLE)
        cls.addClassCleanup(cls.sim.close)

    def ask(self, *arguments, peers=("current", "stale"), code=0, err="", **options):
        run = self.sim.ask(*arguments, peers=peers, **options)
        self.assertEqual((code, err), (run.code, run.err), run)
        return run.out

    def test_each_command_prints_its_answer_for_people(self):
        for command, expected in ANSWERS.items():
            with self.subTest(" ".join(command)):
                self.assertEqual(expected, self.ask(*command))

    def test_what_clang_compiled_prints_the_same(self):
        for command in (("drbd", "node2.example.com"), ("disks", "web.example.com"), ("nodes",)):
            with self.subTest(" ".join(command)):
                self.assertEqual(ANSWERS[command], self.ask(*command, compiler="clang"))

    def test_no_line_for_people_is_wider_than_a_terminal(self):
        for command, expected in ANSWERS.items():
            self.assertLessEqual(max(map(len, expected.splitlines())), 80, command)

    def test_json_has_the_answer_and_what_it_rests_on(self):
        for command, expected in JSON_ANSWERS.items():
            with self.subTest(" ".join(command)):
                text = self.ask(*command, "--json")
                self.assertEqual(1, text.count("\n"))
                report = json.loads(text)
                server = report.pop("server")
                self.assertIn(server, self.sim.peer.values())
                self.assertIsInstance(report.pop("serial"), int)
                self.assertEqual({"outcome": "answered", "status": 0, "answer": expected, "sent": 2,
                                  "needed": 2, "received": 2, "errors": 0, "consistent": True}, report)

    def test_json_of_large_answers_is_whole(self):
        instances = json.loads(self.ask("instances", "node2.example.com", "--json"))["answer"]
        self.assertEqual([["db.example.com"], ["web.example.com"]],
                         [[instance["name"] for instance in part] for part in instances])
        disks = json.loads(self.ask("disks", "web.example.com", "--json"))["answer"]
        self.assertEqual([("disk/0", 10240), ("disk/1", 2048)],
                         [(disk["iv_name"], disk["size"]) for disk in disks])
        collectors = json.loads(self.ask("collectors", "--json"))["answer"]
        self.assertEqual({"active": False, "interval": 5000000}, collectors["inst-status-xen"])

    def test_json_lists_all_nodes(self):
        answer = json.loads(self.ask("nodes", "--json"))["answer"]
        self.assertEqual(["192.0.2.1%d" % i for i in range(1, 7)], sorted(answer))

    def test_an_empty_list_is_an_answer_and_is_said_to_be_one(self):
        for command in EMPTY:
            with self.subTest(" ".join(command)):
                said = "confd-query: %s: the list is empty\n" % command[0]
                self.assertEqual("", self.ask(*command, err=said))

    def test_the_stale_candidate_loses_whoever_is_asked_first(self):
        for peers in (("current", "stale"), ("stale", "current")):
            self.assertEqual("node1.example.com\n", self.ask("master", peers=peers))
        report = json.loads(self.ask("master", "--json"))
        self.assertEqual((3189, self.sim.peer["current"]), (report["serial"], report["server"]))
        self.assertEqual("node2.example.com\n", self.ask("master", peers=["stale"]))

    def test_two_of_three_are_enough(self):
        report = json.loads(self.ask("master", "--json", peers=None))
        self.assertEqual((3, 2, 2), (report["sent"], report["needed"], report["received"]))

    def test_a_slow_candidate_is_waited_for_where_it_is_needed(self):
        report = json.loads(self.ask("master", "--json", peers=("stale", "slow")))
        self.assertEqual(("node1.example.com", self.sim.peer["slow"]), (report["answer"], report["server"]))

    def test_coverage_says_how_many_are_asked(self):
        for coverage, sent in (("-1", 3), ("0", 3), ("2", 2), ("1", 1)):
            report = json.loads(self.ask("ping", "--json", "--coverage", coverage, peers=None))
            self.assertEqual(sent, report["sent"])

    def test_peers_come_in_lists_or_one_by_one(self):
        current, stale, slow = (self.sim.peer[name] for name in ("current", "stale", "slow"))
        for peers in (["-p", current, "-p", stale, "-p", slow], ["-p%s,%s" % (current, stale), "--peers=" + slow],
                      ["--peers", "%s, %s\n%s,," % (current, stale, slow)], ["-p", current + "," + self.sim.peers]):
            run = tool.query("-k", self.sim.key.name, *peers, "--json", "--coverage=-1", "ping")
            self.assertEqual(3, json.loads(run.out)["sent"], run)

    def test_addresses_without_a_port_get_the_option_port(self):
        port = self.sim.peers.rpartition(":")[2]
        run = tool.query("-k", self.sim.key.name, "-p", "127.0.0.1,127.0.0.2", "--port", port, "master")
        self.assertEqual((0, "node1.example.com\n", ""), (run.code, run.out, run.err), run)

    def test_options_come_before_or_after_the_command(self):
        first = ["-k", self.sim.key.name, "-p", self.sim.peer["current"]]
        for line in ([*first, "node-role", "node1.example.com"], ["node-role", *first, "--", "node1.example.com"],
                     ["node-role", "node1.example.com", *first], ["--", "node-role", "node1.example.com"]):
            run = tool.query(*(line if line[0] != "--" else first + line))
            self.assertEqual((0, "master\n"), (run.code, run.out), run)

    def test_timeouts_may_have_a_fraction(self):
        for timeout in ("5", "5.5", "5.", "7.125", "0005"):
            self.assertEqual("node1.example.com\n", self.ask("master", "--timeout", timeout))


class OtherClusters(unittest.TestCase):
    def test_each_server_may_have_its_own_port(self):
        sim = tool.start(self, {"a": {"address": "127.0.0.1:0"}, "b": {"address": "127.0.0.1:0"}})
        self.assertEqual(2, len(set(sim.peer.values())))
        run = sim.ask("ping", "--json")
        self.assertEqual(2, json.loads(run.out)["received"], run)

    def test_ipv6_servers_with_and_without_a_port(self):
        sim = tool.start(self, {"six": {"address": "[::1]:0"}})
        run = sim.ask("-v", "master")
        self.assertEqual((0, "node1.example.com\n"), (run.code, run.out), run)
        self.assertIn("\nbest reply: %s, " % sim.peers, run.err)
        self.assertRegex(sim.peers, r"\A\[::1\]:\d+\Z")
        run = tool.query("-k", sim.key.name, "-p", "::1", "--port", sim.peers.rpartition(":")[2], "--json", "master")
        self.assertEqual(sim.peers, json.loads(run.out)["server"], run)

    def test_names_beyond_ascii_go_there_and_come_back(self):
        for utf8 in (False, True):
            sim = tool.start(self, {"a": {"faults": {"utf8": utf8}, "cluster": {
                "nodes": [{"name": "n\u00e9.example.com", "ip": "192.0.2.1"}], "master": "n\u00e9.example.com",
                "instances": []}}})
            self.assertEqual("n\u00e9.example.com\n", sim.ask("master").out)
            self.assertEqual("master\n", sim.ask("node-role", "n\u00e9.example.com").out)

    def test_servers_of_one_serial_that_differ_are_warned_about(self):
        sim = tool.start(self, {"a": tool.answering(3, "a"), "b": tool.answering(3, "b")})
        run = sim.ask("master", "--json")
        self.assertFalse(json.loads(run.out)["consistent"], run)
        self.assertEqual("confd-query: warning: servers with one configuration serial gave different answers\n",
                         run.err)


if __name__ == "__main__":
    unittest.main()
