"""What the real daemon does, asked by a plain client: no library involved.

When this fails, the daemon or the cluster is not what the other tests take it
for, and their failures say nothing about libconfdclient.
"""

import os
import subprocess
import sys
import time
import unittest

import configs
import wire
from cluster import HERE, Cluster
from questions import SILENT, questions


def alive(pid):
    """Whether a process runs; a zombie, which nobody has reaped yet, does not."""
    try:
        with open("/proc/%s/stat" % pid) as stat:
            return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class DaemonTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())

    def ask(self, address, rtype, query=None, timeout=2.0):
        return wire.ask(address, self.cluster.port, self.cluster.key, rtype, query, timeout)

    def silent(self, datagram):
        address = self.cluster.equal[0]
        self.assertIsNone(wire.exchange(address, self.cluster.port, datagram, 0.15))

    def test_each_question_has_its_answer_from_each_daemon_that_is_alike(self):
        for q in questions(self.cluster.base):
            for address in self.cluster.equal + [self.cluster.address6]:
                with self.subTest(q.name, address=address):
                    self.assertEqual(self.ask(address, q.type, q.query),
                                     {"protocol": 1, "status": q.status, "serial": q.serial,
                                      "answer": q.answer})

    def test_some_queries_are_dropped_silently(self):
        key = self.cluster.key
        for name, rtype, query in SILENT + [("an unknown type", 12, None)]:
            with self.subTest(name):
                self.silent(wire.request(key, rtype, query))

    def test_other_keys_and_old_stamps_are_dropped_silently(self):
        key = self.cluster.key
        self.silent(wire.request(b"another key\n", 0))
        self.silent(wire.request(key.rstrip(b"\n"), 0))
        self.silent(wire.request(key, 0, stamp=int(time.time()) - 302))
        self.silent(b"xxxx" + wire.request(key, 0)[4:])

    def test_a_request_may_have_4096_bytes_and_not_one_more(self):
        key, address, port = self.cluster.key, self.cluster.equal[0], self.cluster.port
        pad = 4096 - len(wire.request(key, 10, "/"))
        exact, longer = (wire.request(key, 10, "/" + "x" * n) for n in (pad, pad + 1))
        self.assertEqual((len(exact), len(longer)), (4096, 4097))
        self.assertIsNotNone(wire.exchange(address, port, exact))
        self.silent(longer)

    def test_the_stale_daemon_has_an_older_serial_and_another_master(self):
        reply = self.ask(self.cluster.stale, 3)
        self.assertEqual((reply["answer"], reply["serial"]), ("node-b.test", 32))

    def test_the_daemon_without_a_configuration_answers_every_type_with_an_error(self):
        for q in questions(self.cluster.base):
            reply = self.ask(self.cluster.empty, q.type, q.query)
            self.assertEqual((reply["status"], reply["serial"]), (1, 0), q.name)
            self.assertIn("config.data", reply["answer"])

    def test_a_reply_keeps_the_low_byte_of_each_character(self):
        cases = (("n\u00f6", "latin-1"), ("n\u0142", None), ("\u6f22", None))
        for name, reading in cases:
            with self.subTest(name):
                reply = wire.exchange(self.cluster.equal[0], self.cluster.port,
                                      wire.request(self.cluster.key, 1, name))
                if reading is None:     # nobody can verify it: the high byte is lost
                    with self.assertRaises(ValueError):
                        wire.unseal(reply, self.cluster.key)
                else:
                    self.assertEqual(wire.unseal(reply, self.cluster.key)[2], reading)

    def test_a_low_byte_may_be_a_quotation_mark(self):
        reply = wire.exchange(self.cluster.equal[0], self.cluster.port,
                              wire.request(self.cluster.key, 1, "\u6f22"))   # U+6F22, and 0x22 is "
        self.assertIn(b'Node name " not found', reply)


class ClusterTest(unittest.TestCase):
    def test_daemons_can_be_stopped_killed_and_given_another_configuration(self):
        with Cluster() as cluster:
            def ping(i):
                return wire.ask(cluster.addresses[i], cluster.port, cluster.key, 0, timeout=0.15)
            cluster.stop(0)
            self.assertIsNone(ping(0))
            cluster.cont(0)
            self.assertIsNotNone(ping(0))
            cluster.kill(1)
            self.assertIsNone(ping(1))
            cluster.restart(1)
            self.assertIsNotNone(ping(1))
            cluster.set_config(2, configs.with_serial(cluster.base, 77))
            cluster.set_config(cluster.EMPTY, cluster.base)     # its first one

    def test_nothing_is_left_of_a_run_that_was_killed(self):
        script = ("import os, sys, cluster\n"
                  "with cluster.Cluster() as c:\n"
                  "    print(*c.pids, c.directory, flush=True)\n"
                  "    os.kill(os.getpid(), int(sys.argv[1]))\n")
        for number in (9, 15):
            with self.subTest(signal=number):
                done = subprocess.run([sys.executable, "-c", script, str(number)], cwd=HERE,
                                      stdout=subprocess.PIPE, text=True, check=False)
                *pids, directory = done.stdout.split()
                self.assertEqual(len(pids), 8)
                deadline = time.monotonic() + 5
                while any(map(alive, pids)):
                    self.assertLess(time.monotonic(), deadline, "daemons have survived")
                    time.sleep(0.01)
                subprocess.run(["rm", "-rf", directory], check=True)

    def test_run_hands_on_the_exit_status_and_cleans_up(self):
        done = subprocess.run(
            [sys.executable, "cluster.py", "run", "--", "sh", "-c",
             "echo $CONFD_TEST_DIR; [ -s $CONFD_TEST_KEY_FILE ]; exit 7"], cwd=HERE,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
        self.assertEqual(done.returncode, 7)
        self.assertFalse(os.path.exists(done.stdout.strip()))

    def test_run_cleans_up_when_it_is_terminated(self):
        with subprocess.Popen(
                [sys.executable, "cluster.py", "run", "--", "sh", "-c",
                 "echo $CONFD_TEST_PIDS $$ $CONFD_TEST_DIR; exec sleep 60"], cwd=HERE,
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as runner:
            daemons, child, directory = runner.stdout.readline().split()
            runner.terminate()
            self.assertEqual(runner.wait(20), 143)
        for pid in daemons.split(",") + [child]:
            self.assertFalse(alive(pid), pid)
        self.assertFalse(os.path.exists(directory))


if __name__ == "__main__":
    unittest.main()
