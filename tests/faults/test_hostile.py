"""Hostile peers: a flood of forgeries by one who overhears all and has not the key, while honest queries run."""

import os
import subprocess
import time
import unittest

import judge
import programs
from asker import Asker
from cluster import Cluster, wait_until

LONG = bool(os.environ.get("LONG"))
COUNT = 10000 if LONG else 1000
RATE = 100000       # datagrams a second
MEMORY = 12 * 1024  # KiB: 8 MiB for 128 datagrams of 64 KiB at once, and what the heap keeps
DROPPED = "magic malformed signature salt source duplicate".split()


class Attacker:
    """attacker.c as a process; a context manager."""

    def __init__(self, port, rate):
        self.process = subprocess.Popen([programs.path("attacker"), str(port), str(rate)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.sent = {}

    def __enter__(self):
        assert self.process.stdout.readline() == "listening\n"
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def end(self):
        """Ends the flood, and says how many datagrams there were."""
        self.process.stdin.close()
        assert self.process.stdout.readline() == "flooding\n"
        for line in self.process.stdout:
            word, *rest = line.split()
            if word == "sent":
                self.sent[rest[0]] = int(rest[1])
            elif word == "took":
                self.seconds = int(rest[0]) / 1e6
            elif word == "cpu":
                self.cpu = int(rest[0]) / 1e6
        assert self.process.wait() == 0
        return sum(self.sent.values())


def udp(name):
    """A counter of this network namespace."""
    with open("/proc/net/snmp", encoding="ascii") as file:
        names, numbers = (line.split() for line in file if line.startswith("Udp:"))
    return int(numbers[names.index(name)])


def backlog_dropped():
    """Packets that the machine dropped before they came to any socket."""
    with open("/proc/net/softnet_stat", encoding="ascii") as file:
        return sum(int(line.split()[1], 16) for line in file)


def processor_time(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class FloodTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())

    def under_fire(self, rate, **settings):
        """Asks while the flood is on; the asker, the attacker, and what they say of each other."""
        daemons = self.cluster.daemons[:4]
        settings = {"key": self.cluster.key_file, "peers": ",".join(self.cluster.equal), "port": self.cluster.port,
                    "count": COUNT, "every": 1500, "timeout": 10000, "retry": 100, "hold": 1, **settings}
        out, dropped = udp("OutDatagrams"), backlog_dropped()
        used, began = [processor_time(d.process.pid) for d in daemons], time.monotonic()
        with Attacker(self.cluster.port, rate) as attacker, Asker(**settings) as asker:
            asker.until_held()
            sent = attacker.end()
            asker.release()
            asker.finish()
        seconds = time.monotonic() - began
        used = sum(processor_time(d.process.pid) - u for d, u in zip(daemons, used))
        counts = asker.counts
        print("        %d forgeries in %.1f s, %d a second; processor: client %.0f %%, attacker %.0f %%, daemons %.0f %%;"
              " %d KiB, %d at a tenth; lost in a full buffer %d"
              % (sent, attacker.seconds, sent / attacker.seconds, 100 * asker.cpu / seconds,
                 100 * attacker.cpu / seconds, 100 * used / seconds, asker.memory[-1], asker.memory[0],
                 counts["dropped_overflow"]), flush=True)
        print("        dropped: " + ", ".join("%d %s" % (counts["dropped_" + why], why) for why in DROPPED), flush=True)
        # What servers sent, and what was forged: all of it came in, or was lost where the client says so.
        came = sent + udp("OutDatagrams") - out - counts["datagrams_out"]
        accounted = counts["datagrams_in"] + counts["dropped_overflow"]
        self.assertLessEqual(accounted, came)
        self.assertGreaterEqual(accounted, came - (backlog_dropped() - dropped))
        self.assertEqual(counts["datagrams_in"], counts["replies"] + sum(counts["dropped_" + why] for why in DROPPED))
        return asker, attacker

    def judge(self, asker):
        print("        " + asker.figures(), flush=True)
        unanswered = [q for q in asker.queries if q.outcome != judge.ANSWERED]
        self.assertLessEqual(len(unanswered), len(asker.queries) // 1000, unanswered)
        self.assertEqual((judge.late(asker.queries), judge.early(asker.queries)), ([], []))
        self.assertLess(asker.memory[-1] - asker.memory[0], MEMORY)

    def test_a_flood_of_forgeries_loses_no_query_grows_no_memory_and_fills_no_log(self):
        signatures = 0
        for how, log in (("async", 1), ("query", 1), ("async", 0)):
            with self.subTest(how=how, log=log):
                asker, attacker = self.under_fire(RATE, how=how, log=log)
                self.judge(asker)
                self.assertGreater(min(attacker.sent.values()), 0)
                for why in DROPPED:
                    # On a busy machine all forgeries of one case may come behind the answers; of three they do not.
                    if why != "signature":
                        self.assertGreater(asker.counts["dropped_" + why], 0, why)
                signatures += asker.counts["dropped_signature"]
                self.assertLessEqual(sum(asker.lines[level] for level in (1, 2, 3)), 2, asker.shown)
                if log == 0:    # each is told of at DEBUG
                    self.assertGreaterEqual(asker.lines[0], sum(asker.counts["dropped_" + why] for why in DROPPED))
        self.assertGreater(signatures, 0)

    def test_a_buffer_that_overflows_all_the_time_is_made_up_for_by_asking_again(self):
        asker, _ = self.under_fire(0, buffer=4096, every=3000, count=COUNT // 2)
        self.judge(asker)
        self.assertGreater(asker.counts["dropped_overflow"], 0)

    def test_deadlines_hold_while_every_signature_must_be_looked_at(self):
        # Two of four are away, so no query can be answered, and its salt is good for forgeries all the while.
        for i in range(2):
            self.cluster.stop(i)
        try:
            asker, _ = self.under_fire(RATE, every=16000, timeout=500, window=1000, count=COUNT // 10)
        finally:
            for i in range(2):
                self.cluster.cont(i)
        # Their answers to all that has waited are none of the next test's.
        wait_until(lambda: all(d.ping() is not None for d in self.cluster.daemons[:2]), 10, "a daemon is lost")
        print("        " + asker.figures(), flush=True)
        # Each asks two silent peers four times more. Fewer, since no more may be in flight than the buffer holds; but a
        # flood does not narrow that: half as many would then be asked.
        self.assertGreater(asker.counts["retries"], 4.2 * len(asker.queries))
        self.assertTrue(all(q.outcome in (judge.PARTIAL, judge.NO_REPLY) and q.sent == 4 for q in asker.queries))
        self.assertLessEqual(sum(q.outcome == judge.NO_REPLY for q in asker.queries), COUNT // 500)
        self.assertEqual((judge.late(asker.queries), judge.early(asker.queries)), ([], []))
        self.assertGreater(asker.counts["dropped_signature"], COUNT)
        self.assertLess(asker.memory[-1] - asker.memory[0], MEMORY)

    def how_much_it_stands(self):
        for rate in (10000, 50000, 100000, 200000, 0):
            with self.subTest(rate=rate):
                self.judge(self.under_fire(rate, count=2000, timeout=20000)[0])

    if LONG:
        test_how_much_it_stands = how_much_it_stands


if __name__ == "__main__":
    unittest.main()
