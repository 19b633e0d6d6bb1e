"""The configurations of the test cluster: tests/data/config.json and what is made of it.

The base is a small cluster, invented, in which every request type has an
answer worth comparing: nodes of all five roles, instances with NICs on two
links, DRBD disks seen from both their nodes. Its master candidates have the
addresses that the daemons listen on.
"""

import copy
import json
import os

BASE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "config.json")

LATIN1_NODE = "n\u00e9.example.com"             # é: one byte in Latin-1
LATIN1_INSTANCE = "m\u00fcnchen.example.com"
WIDE_NODE = "\u0142\u00f3d\u017a.example.com"   # ł and ź lie beyond U+00FF
WIDE_INSTANCE = "\u6f22.example.com"


def load():
    with open(BASE, encoding="utf-8") as base:
        return json.load(base)


def for_role(base, role):
    """The configuration of a daemon by its role in the cluster; None is no file."""
    return {"equal": lambda: base, "stale": lambda: stale(base),
            "empty": lambda: None, "latin1": lambda: non_ascii(base)}[role]()


def master_name(config):
    return config["nodes"][config["cluster"]["master_node"]]["name"]


def node_uuid(config, name):
    return next(uuid for uuid, node in config["nodes"].items() if node["name"] == name)


def with_serial(base, serial):
    config = copy.deepcopy(base)
    config["cluster"]["serial_no"] = serial
    return config


def with_master(base, name):
    config = copy.deepcopy(base)
    config["cluster"]["master_node"] = node_uuid(config, name)
    return config


def stale(base):
    """Ten changes ago, before a failover: the second node was the master."""
    older = with_serial(base, base["cluster"]["serial_no"] - 10)
    return with_master(older, sorted(n["name"] for n in base["nodes"].values())[1])


def non_ascii(base):
    """The base and four names: two that fit Latin-1, two that do not."""
    config = copy.deepcopy(base)
    for i, name in enumerate((LATIN1_NODE, WIDE_NODE)):
        _copy_of_first(config["nodes"], "99999999-0000-4000-8000-%012d" % i, name,
                       primary_ip="198.51.100.%d" % (90 + i), master_candidate=False,
                       secondary_ip="203.0.113.%d" % (90 + i))
    for i, name in enumerate((LATIN1_INSTANCE, WIDE_INSTANCE)):
        _copy_of_first(config["instances"], "99999999-0000-4000-8000-%012d" % (10 + i), name,
                       nics=[], disks=[], primary_node="99999999-0000-4000-8000-%012d" % i)
    return config


def _copy_of_first(table, uuid, name, **changes):
    table[uuid] = dict(copy.deepcopy(table[min(table)]), uuid=uuid, name=name, **changes)
