"""What is measured, against what, and the target of each."""

import shutil

import size
from harness import PEERS, Sim, Turns, instructions, pinned, run, say, system_calls

MILLION = 1_000_000
BURST = 10_000
# As asked for: the kernel doubles it, and it reads back as 212,992.
SMALL_BUFFER = 106_496


class Scale:
    """How much of each is done: all of it, or enough to see that it works."""

    def __init__(self, quick):
        self.rounds = 3 if quick else 7
        # Of what differs from the floor by less than a round does from the next one.
        self.more_rounds = 3 if quick else 15
        # Of turns of one at a time, in each round.
        self.pairs = 4 if quick else 40
        # Load runs until requests expire as fast as they are made before anything is measured.
        self.expire_ms, self.warm_up, self.load = (100, 150, 200) if quick else (500, 600, 800)
        self.short = 200 if quick else 700
        self.many = MILLION // 10 if quick else MILLION
        self.expiry_ms = 1500 if quick else 8000


class Row:
    """A line of the table: what came out, in words, and whether that is within the target (None: no target)."""

    def __init__(self, measure, result, target, met, figures):
        self.measure, self.result, self.target, self.figures = measure, result, target, figures
        self.met = "" if met is None else "met" if met else "MISSED"


def ratio_row(measure, turns, name, other, target, figure="us_per_reply", other_figure=None, itself=None):
    """`itself`: the figure that is the ratio, where the program takes its sides by turns."""
    ratio = turns.median(name, itself) if itself else turns.ratio(name, other, figure, other_figure)
    figures = "%.2f / %.2f us" % (turns.median(name, figure), turns.median(other, other_figure or figure))
    return Row(measure, "%.2f" % ratio, "<= %.2f" % target if target else "", ratio <= target if target else None,
               figures)


def most_row(measure, value, unit, target, figures=""):
    """A figure that should be small. No target: it is only told."""
    return Row(measure, "%.3g %s" % (value, unit), "<= %g %s" % (target, unit) if target else "",
               value <= target if target else None, figures)


def load(scale, port):
    times = [scale.warm_up, scale.load]
    commands = {"floor": ["floor", port, PEERS, 32, *times]}
    for way in ("queued", "send", "async", "poll"):
        commands[way] = ["load", way, port, PEERS, 32, *times, scale.expire_ms]
    turns = Turns(scale.more_rounds, commands)
    yield ratio_row("coverage 6, 32 in flight: send with callback / floor", turns, "queued", "floor", 1.15)
    yield ratio_row("  each send by itself / floor", turns, "send", "floor", None)
    yield ratio_row("  query_async / floor", turns, "async", "floor", 1.15)
    yield ratio_row("  send, poll on the descriptor, process / floor", turns, "poll", "floor", 1.20)
    turns = Turns(scale.rounds, {"floor": ["floor", port, 1, 64, *times],
                                 "queued": ["load", "queued", port, 1, 64, *times, scale.expire_ms]})
    yield ratio_row("coverage 1, 64 in flight: send with callback / floor", turns, "queued", "floor", 1.20)


def one_at_a_time(scale, port):
    turns = Turns(scale.rounds, {"one": ["one", port, scale.pairs]})
    yield ratio_row("one at a time: blocking query / raw sendto+recvfrom, CPU", turns, "one", "one", 1.15,
                    "ours_cpu_us", "raw_cpu_us", "cpu_ratio")
    yield ratio_row("  p50, by turns of 500", turns, "one", "one", 1.10, "ours_p50_us", "raw_p50_us")
    if shutil.which("strace") is None:
        say("benches: no strace, so system calls are not counted")
        return
    # By strace the reply would be there before anybody waits for it, so it is held back for a while.
    with Sim("--fault", "delay_ms=2") as late:
        few, many = system_calls("one", late.port, 1, "ours"), system_calls("one", late.port, 2, "ours")
    each = {name: (many[name] - few.get(name, 0)) / 500 for name in many}
    each = {name: count for name, count in each.items() if count >= 0.005}
    listed = ", ".join("%s %.2f" % item for item in sorted(each.items(), key=lambda item: -item[1]))
    yield Row("  system calls per question, for a reply to wait for", "%.2f" % sum(each.values()), "(raw: 2)", None,
              listed)


def user_space(scale, _port):
    turns = Turns(scale.rounds, {"own": ["userspace", scale.short]})
    yardstick = "signing a reply in plain C: %.2f us" % turns.median("own", "yardstick_us")
    yield most_row("own I/O: create, pack and sign a request", turns.median("own", "request_us"), "us", 0.9, yardstick)
    yield most_row("own I/O: verify, match and deliver a reply", turns.median("own", "reply_us"), "us", 0.5, yardstick)
    yield most_row("  poll_transmit, one datagram", turns.median("own", "poll_transmit_us"), "us", None)
    yield most_row("  cancel, one request", turns.median("own", "cancel_us"), "us", None)


def many_outstanding(scale, _port):
    turns = Turns(scale.rounds, {"few": ["scale", "replies", 1000, 20], "many": ["scale", "replies", scale.many, 20]})
    yield ratio_row("reply, %s outstanding / 1,000: time" % format(scale.many, ","), turns, "many", "few", 1.5)
    yield ratio_row("  time where no two replies are of one request", turns, "many", "few", None,
                    "us_per_reply_apart", "us_per_reply")
    if shutil.which("valgrind") is None:
        say("benches: no valgrind, so instructions are not counted")
    else:
        figures = [instructions("deliver", "scale", "replies", count, 5) for count in (1000, scale.many)]
        few, many = ((total - sha1) / replies for total, sha1, replies in figures)
        yield Row("  instructions, SHA-1 excluded", "%.2f" % (many / few), "<= 1.10", many / few <= 1.1,
                  "%.0f / %.0f" % (many, few))
    yield most_row("memory per outstanding request, coverage 6, ping", turns.median("many", "bytes"), "bytes", 320)
    turns = Turns(scale.rounds, {"expire": ["scale", "expire", scale.many, scale.expiry_ms]})
    most = max(result["most_per_call"] for result in turns.results["expire"])
    yield most_row("expiry of %s outstanding requests, each" % format(scale.many, ","),
                   turns.median("expire", "us_per_expiry"), "us", 1)
    yield Row("  most in one call; the longest call", "%.0f" % most, "<= 65536", most <= 65536,
              "%.3g ms" % turns.median("expire", "longest_ms"))


def burst(scale, port):
    for name, buffer in ("default buffer", 0), ("buffer of 212,992", SMALL_BUFFER):
        turns = Turns(scale.rounds, {"burst": ["burst", port, BURST, buffer]})
        # The worst of all rounds: nothing may be lost in any.
        delivered, expected = turns.least("burst", "delivered"), BURST * PEERS
        figures = [turns.median("burst", name) for name in ("buffer", "dropped", "flush_ms", "ms", "us_per_reply")]
        yield Row("burst, 10,000 requests to 6, %s: delivered" % name, "%.0f" % delivered, "= %d" % expected,
                  delivered == expected, "buffer %.0f, %.0f dropped, flush %.3g ms, all %.3g ms, %.2f us a reply" % (
                      *figures,))


def forged(scale, _port):
    turns = Turns(scale.rounds, {"forged": ["forged", scale.short * 2]})
    receive = "receive call: %.2f us" % turns.median("forged", "receive_us")
    for name, figure, target in (("wrong source", "wrong_source_us", 0.1), ("unknown salt", "unknown_salt_us", 0.3),
                                 ("bad HMAC", "bad_hmac_us", 0.5)):
        yield most_row("forged, %s: CPU beyond the receive call" % name, turns.median("forged", figure),
                       "us", target, receive)


def clients(scale, port):
    turns = Turns(scale.rounds, {"time": ["create", "time", scale.short], "many": ["create", "many", 1000],
                                 "used": ["create", "used", port]})
    yield most_row("client created and freed, port given: CPU", turns.median("time", "us"), "us", 30)
    yield most_row("client never used: resident memory", turns.median("many", "kib_unused"), "KiB", 32)
    yield most_row("  after 10,000 replies to queries", turns.median("used", "kib_used"), "KiB", 256)
    yield Row("1,000 clients in one process", "works", "works", True, "%.0f descriptors each, and %.0f once polled" % (
        turns.median("many", "descriptors"), turns.median("many", "descriptors_to_poll")))


def library_size(_scale, _port):
    ours, empty = size.ours(), size.of_an_empty_one()
    yield most_row("stripped library, more than an empty cdylib", (ours - empty) / 1024, "KiB", 300,
                   "%.0f - %.0f KiB" % (ours / 1024, empty / 1024))


def python(scale, port):
    times = [scale.warm_up, scale.load]
    try:
        pinned(["/usr/bin/python3", "-c", "import sys; sys.path.insert(0, '/usr/share/ganeti/3.0'); import ganeti"])
    except SystemExit:
        say("benches: the stock Python client is not installed (Debian: ganeti-3.0)")
        return
    turns = Turns(scale.rounds, {"python": ["python.py", port, PEERS, 32, *times],
                                 "ours": ["load", "queued", port, PEERS, 32, *times, scale.expire_ms]})
    ratio = turns.ratio("python", "ours", "us_per_reply")
    yield Row("stock Python client / ours, CPU per reply", "%.1f" % ratio, ">= 15", ratio >= 15,
              "%.1f / %.2f us a reply" % tuple(turns.median(name, "us_per_reply") for name in ("python", "ours")))


ALL = {"load": load, "one": one_at_a_time, "userspace": user_space, "scale": many_outstanding, "burst": burst,
       "forged": forged, "create": clients, "size": library_size, "python": python}
