"""The questions that the tests put to the cluster, and what a daemon must answer.

Every request type, every form of query. The expected answers follow from
tests/data/config.json, which the four daemons that are alike have.
"""

import collections

# status 0 ok, 1 error; answers of errors: 0 unknown entry, 2 argument, or a text
Question = collections.namedtuple("Question", "name type query status serial answer")
UNKNOWN_ENTRY, ARGUMENT = 0, 2


class Text:
    """An answer that is a text for a person: all that is expected of it is a part."""

    def __init__(self, part):
        self.part = part

    def __eq__(self, other):
        return isinstance(other, str) and self.part in other

    def __repr__(self):
        return "Text(%r)" % self.part


def questions(config):
    cluster, nodes, instances = config["cluster"], config["nodes"], config["instances"]
    serial = cluster["serial_no"]
    by_name = {node["name"]: node for node in nodes.values()}
    disks = [config["disks"][uuid] for uuid in _named(instances, "web.test")["disks"]]
    web, db, bare = (_named(instances, name + ".test") for name in ("web", "db", "bare"))
    descending = [nodes[uuid] for uuid in sorted(nodes, reverse=True)]

    def ok(name, rtype, query, answer, serial=serial):
        return Question(name, rtype, query, 0, serial, answer)

    def error(name, rtype, query, answer):
        return Question(name, rtype, query, 1, 0, answer)

    return [
        ok("ping", 0, None, config["version"], serial=0),

        ok("role of the master", 1, "node-a.test", 0),
        ok("role of a candidate", 1, "node-b.test", 1),
        ok("role of an offline node", 1, "node-i.test", 2),
        ok("role of a drained node", 1, "node-h.test", 3),
        ok("role of a regular node", 1, "node-j.test", 4),
        error("role of an unknown node", 1, "nope.test", Text("Node name nope.test not found")),
        error("role of an unknown node, Latin-1", 1, "n\u00e9.example.com",
              Text("Node name n\u00e9.example.com not found")),
        error("role of a node with no name", 1, "", Text("not found")),

        ok("node of an instance IP", 2, {"1": "10.1.0.1"}, "127.0.0.11"),
        ok("node of an instance IP, its link", 2, {"1": "10.2.0.1", "0": "br1"}, "127.0.0.11"),
        ok("node of an instance IP, default link", 2, {"1": "10.1.0.2", "0": "br0"}, "127.0.0.12"),
        error("node of an instance IP, wrong link", 2, {"1": "10.1.0.1", "0": "br1"},
              UNKNOWN_ENTRY),
        error("node of an unknown IP", 2, {"1": "10.9.9.9"}, UNKNOWN_ENTRY),
        ok("nodes of instance IPs", 2, {"2": ["10.1.0.2", "10.9.9.9", "10.1.0.1"]},
           [[0, "127.0.0.12", serial], [1, UNKNOWN_ENTRY, 0], [0, "127.0.0.11", serial]]),
        ok("nodes of instance IPs, link", 2, {"2": ["10.2.0.1", "10.1.0.1"], "0": "br1"},
           [[0, "127.0.0.11", serial], [1, UNKNOWN_ENTRY, 0]]),
        ok("nodes of no IPs", 2, {"2": []}, []),
        error("node of an IP, query a string", 2, "10.1.0.1", ARGUMENT),
        error("node of an IP, no query", 2, None, ARGUMENT),
        ok("node of an IP, query an empty object", 2, {}, []),

        ok("master", 3, None, "node-a.test"),
        ok("master: no fields", 3, {"3": []}, []),
        ok("master: name", 3, {"3": [0]}, ["node-a.test"]),
        ok("master: ip", 3, {"3": [1]}, [cluster["master_ip"]]),
        ok("master: node's ip", 3, {"3": [2]}, ["127.0.0.11"]),
        ok("master: name, ip", 3, {"3": [0, 1]}, ["node-a.test", cluster["master_ip"]]),
        ok("master: name, node's ip", 3, {"3": [0, 2]}, ["node-a.test", "127.0.0.11"]),
        ok("master: ip, node's ip", 3, {"3": [1, 2]}, [cluster["master_ip"], "127.0.0.11"]),
        ok("master: all fields", 3, {"3": [0, 1, 2]},
           ["node-a.test", cluster["master_ip"], "127.0.0.11"]),
        ok("master: fields in another order, one twice", 3, {"3": [2, 0, 2]},
           ["127.0.0.11", "node-a.test", "127.0.0.11"]),
        error("master: query a string", 3, "name", ARGUMENT),

        ok("node IPs", 4, None, [node["primary_ip"] for node in descending]),
        ok("candidate IPs", 5, None,
           [node["primary_ip"] for node in descending if node["master_candidate"]]),

        ok("instance IPs", 6, None, ["10.1.0.1", "10.1.0.2", "10.1.0.3"]),
        ok("instance IPs of a link", 6, "br1", ["10.2.0.1", "10.2.0.3"]),
        ok("instance IPs of an unknown link", 6, "br9", []),
        error("instance IPs, query an object", 6, {}, Text("Invalid query type")),

        ok("DRBD minors", 7, "node-a.test", [
            ["node-a.test", 0, "web.test", "disk/0", "primary", "node-b.test"],
            ["node-a.test", 1, "web.test", "disk/1", "primary", "node-b.test"],
            ["node-a.test", 2, "db.test", "disk/0", "secondary", "node-b.test"]],
           by_name["node-a.test"]["serial_no"]),
        ok("DRBD minors of a node without", 7, "node-j.test", [],
           by_name["node-j.test"]["serial_no"]),
        error("DRBD minors of an unknown node", 7, "nope.test", Text("nope.test not found")),
        error("DRBD minors, no query", 7, None, Text("Invalid query type")),

        ok("instances of a node", 8, "node-a.test", [[web], [db]],
           by_name["node-a.test"]["serial_no"]),
        ok("instances of a node, primary only", 8, "node-j.test", [[bare], []],
           by_name["node-j.test"]["serial_no"]),
        error("instances of an unknown node", 8, "nope.test", Text("nope.test not found")),

        ok("disks by name", 9, "web.test", disks, web["serial_no"]),
        ok("disks by UUID", 9, web["uuid"], disks, web["serial_no"]),
        ok("disks of an instance without", 9, "bare.test", [], bare["serial_no"]),
        error("disks of an unknown instance", 9, "nope.test", Text("nope.test not found")),

        ok("configuration: a string", 10, "/cluster/cluster_name", "cluster.test"),
        ok("configuration: a number", 10, "/serial_no", config["serial_no"]),
        ok("configuration: a fraction", 10, "/cluster/ctime", cluster["ctime"]),
        ok("configuration: true", 10, "/cluster/modify_etc_hosts", True),
        ok("configuration: an empty list", 10, "/cluster/blacklisted_os", []),
        ok("configuration: an empty object", 10, "/networks", {}),
        ok("configuration: an element", 10, "/cluster/enabled_hypervisors/1", "fake"),
        ok("configuration: a list", 10, "/cluster/enabled_hypervisors", ["kvm", "fake"]),
        ok("configuration: an object", 10, "/nodes/" + by_name["node-b.test"]["uuid"],
           by_name["node-b.test"]),
        error("configuration: a missing member", 10, "/nope", ARGUMENT),
        error("configuration: past the end", 10, "/cluster/enabled_hypervisors/2", ARGUMENT),
        error("configuration: no pointer", 10, "nope", ARGUMENT),
        error("configuration: the whole, which it refuses", 10, "", ARGUMENT),
        error("configuration: no query", 10, None, Text("Invalid query type")),

        ok("data collectors", 11, None, cluster["data_collectors"]),
    ]


# A daemon says nothing to these; type 12 is sent by no client that checks its types.
SILENT = [
    ("master: fields as strings", 3, {"3": ["0"]}),
    ("master: a field that does not exist", 3, {"3": [9]}),
]


def _named(table, name):
    return next(entry for entry in table.values() if entry["name"] == name)
