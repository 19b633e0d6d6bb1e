"""Faults of the system under the client: no descriptors, sends that fail, signals at 1 kHz."""

import contextlib
import errno
import mmap
import os
import signal
import struct
import subprocess
import tempfile
import unittest

import judge
import programs
from asker import Asker
from cluster import Cluster, wait_until

LONG = bool(os.environ.get("LONG"))
COUNT = 10000 if LONG else 1000


class SystemCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())

    def asker(self, environment=None, **settings):
        settings = {"key": self.cluster.key_file, "peers": ",".join(self.cluster.equal),
                    "port": self.cluster.port, "count": COUNT, **settings}
        return self.enterContext(Asker(environment, **settings))


class DescriptorsTest(unittest.TestCase):
    def test_without_a_descriptor_calls_fail_and_clients_go_on(self):
        done = subprocess.run([programs.path("descriptors")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, timeout=60, check=False)
        print("        " + done.stdout.strip(), flush=True)
        self.assertEqual(done.returncode, 0, done.stdout)


class SendingTest(SystemCase):
    """Sending fails as sending.c is told to."""

    def setUp(self):
        file = self.enterContext(tempfile.NamedTemporaryFile())
        file.truncate(16)
        self.orders = self.enterContext(contextlib.closing(mmap.mmap(file.fileno(), 16)))
        self.environment = {"LD_PRELOAD": programs.path("sending.so"), "FAULTS_FILE": file.name}

    def order(self, per_mille, error=errno.ENOBUFS):
        self.orders[:8] = struct.pack("II", per_mille, error)

    def failed(self):
        return struct.unpack("II", self.orders[8:])

    def test_sends_that_fail_now_and_then_lose_no_query(self):
        # What the library waits for, and what it takes for a failure to reach that one peer.
        for error, is_failure in ((errno.ENOBUFS, False), (errno.EAGAIN, False), (errno.ENOMEM, False),
                                  (errno.EINTR, False), (errno.EPERM, True), (errno.ENETUNREACH, True)):
            for how in ("async", "query"):
                with self.subTest(errno.errorcode[error], how=how):
                    before = self.failed()
                    self.order(200, error)
                    asker = self.asker(self.environment, how=how, timeout=20000, count=COUNT // 4).finish()
                    judge.check(self, asker)
                    failed, shortened = (now - then for now, then in zip(self.failed(), before))
                    self.assertGreater(failed, 5)
                    self.assertGreater(shortened, 0)
                    if is_failure:  # each is tried twice before it is given up
                        self.assertGreater(asker.counts["send_errors"], 0)
                        self.assertLessEqual(asker.counts["send_errors"], failed)
                    else:
                        self.assertEqual(asker.counts["send_errors"], 0)

    def test_a_queue_that_stays_full_delays_queries_and_loses_none(self):
        for error in (errno.ENOBUFS, errno.EAGAIN):
            with self.subTest(errno.errorcode[error]):
                self.order(0)
                asker = self.asker(self.environment, every=1000, timeout=20000, window=100000)
                asker.until_ended(COUNT // 4)
                before = self.failed()[0]
                self.order(1000, error)
                wait_until(lambda: self.failed()[0] > before + 50, 20, "nothing is sent any more")
                self.order(0)
                asker.finish()
                judge.check(self, asker)
                self.assertEqual(asker.counts["send_errors"], 0)

    def test_deadlines_hold_while_nothing_can_be_sent(self):
        for error in (errno.ENOBUFS, errno.EAGAIN):
            for how in ("async", "query", "wait", "receive"):
                with self.subTest(errno.errorcode[error], how=how):
                    self.order(1000, error)
                    asker = self.asker(self.environment, how=how, count=3, timeout=100).finish()
                    print("        " + asker.figures(), flush=True)
                    self.assertEqual({q.outcome for q in asker.queries}, {judge.NO_REPLY})
                    self.assertEqual((judge.late(asker.queries), judge.early(asker.queries)), ([], []))
                    self.assertEqual(asker.counts["datagrams_out"], 0)
                    if error == errno.ENOBUFS:
                        # It waits, and does not spin. (The room for which it waits after EAGAIN is there all the
                        # time: see test_network.py for a socket that is full.)
                        self.assertLess(asker.cpu, 0.5)

    def test_what_nobody_can_be_sent_is_an_error_at_once(self):
        for how in ("async", "query", "wait"):
            with self.subTest(how=how):
                self.order(1000, errno.ENETUNREACH)
                asker = self.asker(self.environment, how=how, count=10, timeout=20000).finish()
                self.assertEqual({q.outcome for q in asker.queries}, {-11})     # CONFD_ERR_IO
                self.assertEqual(asker.counts["send_errors"], 40)
                self.assertEqual(asker.counts["outstanding"], 0)


class SignalsTest(SystemCase):
    """An itimer interrupts the process a thousand times a second, without SA_RESTART."""

    FORMS = ("async", "query", "wait", "receive")

    def test_signals_lose_no_answer(self):
        for how in self.FORMS:
            with self.subTest(how=how):
                asker = self.asker(how=how, storm=1000, timeout=20000, every=500, count=COUNT // 2).finish()
                judge.check(self, asker)
                self.assertGreater(asker.alarms, 50)

    def test_signals_cut_no_deadline_short_and_put_none_off(self):
        for i in range(4):
            self.cluster.daemons[i].signal(signal.SIGSTOP, "T")
        try:
            for how in self.FORMS:
                with self.subTest(how=how):
                    asker = self.asker(how=how, storm=1000, timeout=150, count=COUNT // 250, retry=20).finish()
                    print("        " + asker.figures(), flush=True)
                    self.assertEqual({q.outcome for q in asker.queries}, {judge.NO_REPLY})
                    self.assertEqual((judge.late(asker.queries), judge.early(asker.queries)), ([], []))
                    self.assertGreater(asker.alarms, 50)
        finally:
            for i in range(4):
                self.cluster.cont(i)


if __name__ == "__main__":
    unittest.main()
