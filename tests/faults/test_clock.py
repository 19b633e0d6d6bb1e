"""The client's wall clock is wrong, and becomes right; the machine's own is left alone (libfaketime)."""

import contextlib
import glob
import os
import signal
import tempfile
import time
import unittest

import judge
from asker import Asker
from cluster import Cluster, wait_until
from network import sh

LONG = bool(os.environ.get("LONG"))
HOUR = 3600


def library():
    found = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
    if not found:
        raise RuntimeError("no libfaketime; as root: apt-get install libfaketime")
    return found[0]


class ClockTest(unittest.TestCase):
    """A server ignores what was signed more than 300 s from its clock. Times of the library's own are monotonic."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())

    def setUp(self):
        folder = self.enterContext(tempfile.TemporaryDirectory())
        self.file = os.path.join(folder, "clock")
        self.shift(0)

    def shift(self, seconds):
        """Replaced as a whole, since it is read at every look at the clock."""
        with open(self.file + ".new", "w", encoding="ascii") as out:
            out.write("%+d\n" % seconds)
        os.rename(self.file + ".new", self.file)

    def asker(self, **settings):
        environment = {"LD_PRELOAD": library(), "FAKETIME_TIMESTAMP_FILE": self.file, "FAKETIME_NO_CACHE": "1",
                       "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}
        settings = {"key": self.cluster.key_file, "peers": ",".join(self.cluster.equal),
                    "port": self.cluster.port, "retry": 50, **settings}
        return self.enterContext(Asker(environment, **settings))

    def test_servers_ignore_a_client_whose_clock_is_wrong_and_deadlines_hold(self):
        for seconds in (HOUR, -HOUR):
            for how in ("async", "query", "wait", "receive"):
                with self.subTest(seconds=seconds, how=how):
                    self.shift(seconds)
                    asker = self.asker(how=how, count=50 if how == "async" else 2, timeout=150).finish()
                    print("        " + asker.figures(), flush=True)
                    self.assertEqual({(q.outcome, q.received) for q in asker.queries}, {(judge.NO_REPLY, 0)})
                    self.assertEqual((judge.late(asker.queries), judge.early(asker.queries)), ([], []))
                    self.assertGreater(asker.counts["datagrams_out"], 0)
                    self.assertEqual(asker.counts["datagrams_in"], 0)

    def test_within_five_minutes_it_may_be_wrong(self):
        for seconds in (280, -280):
            with self.subTest(seconds=seconds):
                self.shift(seconds)
                judge.check(self, self.asker(count=50).finish())

    def test_a_query_that_is_asking_again_is_answered_when_the_clock_is_right(self):
        for seconds in (HOUR, -HOUR):
            with self.subTest(seconds=seconds):
                self.shift(seconds)
                asker = self.asker(count=20, timeout=30000)
                asker.until_retried(20 * 4 * 5)
                self.assertEqual(asker.queries, [])
                self.shift(0)
                right = time.monotonic()
                asker.finish()
                judge.check(self, asker)
                # The very next attempt is signed anew.
                last = max(q.ended for q in asker.queries) / 1e6 - right
                self.assertLess(last, 2)

    def test_a_query_that_began_at_the_right_time_outlives_a_wrong_hour(self):
        sh("nft", "-f", "-", stdin="""
            table ip faults {
                chain input {
                    type filter hook input priority 0
                    udp dport %d drop
                }
            }
        """ % self.cluster.port)
        with contextlib.ExitStack() as lost:
            lost.callback(sh, "nft", "flush", "ruleset")
            asker = self.asker(count=20, timeout=30000)
            asker.until_retried(20 * 4)
            self.shift(HOUR)
            asker.until_retried(20 * 4 * 4)
        asker.until_retried(20 * 4 * 4)
        self.assertEqual(asker.queries, [])
        self.shift(0)
        asker.finish()
        judge.check(self, asker)

    def test_a_clock_that_jumps_all_the_time_moves_no_deadline(self):
        for i in range(4):
            self.cluster.daemons[i].signal(signal.SIGSTOP, "T")
        try:
            asker = self.asker(count=400 if LONG else 100, window=20, timeout=200)
            jumps = 0
            while asker.process.poll() is None and jumps < 100000:
                self.shift((HOUR, -HOUR, 0, 86400 * 3650)[jumps % 4])
                jumps += 1
                time.sleep(0.001)
            asker.finish()
        finally:
            for i in range(4):
                self.cluster.cont(i)
        print("        " + asker.figures() + "; %d jumps" % jumps, flush=True)
        self.assertGreater(jumps, 100)
        self.assertEqual({q.outcome for q in asker.queries}, {judge.NO_REPLY})
        self.assertEqual((judge.late(asker.queries), judge.early(asker.queries)), ([], []))
        wait_until(lambda: all(d.ping() is not None for d in self.cluster.daemons[:4]), 10, "no daemon goes on")


if __name__ == "__main__":
    unittest.main()
