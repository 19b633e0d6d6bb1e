#!/usr/bin/python3
"""A real cluster on one machine: ganeti-confd daemons, each with its own configuration.

    cluster.py run -- COMMAND…     start, wait until every daemon answers, run COMMAND, clean up

Seven daemons share one UDP port on 127.0.0.11 to .17, an eighth has ::1. Four
of the seven are alike; one is stale, one has no configuration, and one has
non-ASCII names (see configs.py). COMMAND learns where they are from its
environment (see Cluster.environment). Each daemon runs in a mount namespace of
its own, with private folders over /var/lib, /run and /var/log, so the machine's
own ganeti, if it has one, is neither read nor touched. Daemons die with the
process that started them, however it ends.
"""

import glob
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import configs
import wire

HERE = os.path.dirname(os.path.abspath(__file__))
# Its folder has the version of Ganeti in it: that of Debian 12 is 3.0, of Debian 13 3.1.
CONFD = max(glob.glob("/usr/lib/ganeti/*/usr/sbin/ganeti-confd"), default="/usr/lib/ganeti/3.0/usr/sbin/ganeti-confd")
KEY = b"abcdefghijklmnopqrstuvwxyz0123456789\n"
START_LIMIT = 20        # seconds; far more than a start takes
STOP_LIMIT = 5

# What becomes the daemon: the mounts are relative, so a temporary folder under
# one of the three places is still found once another is mounted over. The
# parent may have gone before setpriv asked for its death to be told.
BOOT = """
[ "$PPID" = "$1" ] || exit 1
mount --bind lib /var/lib && mount --bind run /run && mount --bind log /var/log &&
exec "$2" -f --no-user-checks -b "$3" -p "$4"
"""


class Daemon:
    """One ganeti-confd with its private folders. `within` is a command to run it under."""

    within = ()

    def __init__(self, role, address, port, folder):
        self.role, self.address, self.port, self.folder = role, address, port, folder
        self.process = None
        self.data = os.path.join(folder, "lib", "ganeti")
        for part in ("lib", "run", "log"):
            os.makedirs(os.path.join(folder, part, "ganeti"))
        self.write("hmac.key", KEY)

    def write(self, name, content):
        """Replaces a file of the data folder at once, as Ganeti does."""
        path = os.path.join(self.data, name)
        with open(path + ".new", "wb") as out:
            out.write(content)
        os.rename(path + ".new", path)

    def write_config(self, config):
        self.write("config.data", json.dumps(config).encode("ascii"))

    def start(self):
        isolate = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-r", "-m"]
        with open(os.path.join(self.folder, "output"), "ab") as output:
            self.process = subprocess.Popen(
                [*self.within, *isolate, "setpriv", "--pdeathsig", "KILL", "sh", "-c", BOOT, "boot",
                 str(os.getpid()), CONFD, self.address, str(self.port)],
                cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def output(self):
        with open(os.path.join(self.folder, "output"), errors="replace") as output:
            return output.read()

    def ping(self, timeout=0.2):
        return wire.ask(self.address, self.port, KEY, 0, timeout=timeout)

    def signal(self, number, states):
        """Sends a signal and waits until the process is in one of `states` (as in ps)."""
        self.process.send_signal(number)
        wait_until(lambda: self.state() in states, STOP_LIMIT,
                   "%s did not take signal %d" % (self.address, number))

    def state(self):
        with open("/proc/%d/stat" % self.process.pid) as stat:
            return stat.read().rpartition(")")[2].split()[0]

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


class Started:
    """A context manager of what is started, and closed in any case, also when its start fails."""

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        self.close()


class Cluster(Started):
    """A running cluster, as a context manager. Daemons are named by index:
    0 to 6 are the IPv4 ones, in the order of `addresses`; 7 is the one on ::1."""

    ROLES = ("equal", "equal", "equal", "equal", "stale", "empty", "latin1")
    STALE, EMPTY, LATIN1, V6 = 4, 5, 6, 7

    def __init__(self):
        self.key = KEY
        self.addresses = ["127.0.0.%d" % (11 + i) for i in range(len(self.ROLES))]
        self.equal = [a for a, role in zip(self.addresses, self.ROLES) if role == "equal"]
        self.stale = self.addresses[self.STALE]
        self.empty = self.addresses[self.EMPTY]
        self.latin1 = self.addresses[self.LATIN1]
        self.address6 = "::1"
        self.base = configs.load()
        self.directory = self.port = None
        self.daemons = []

    def close(self):
        for daemon in self.daemons:
            daemon.kill()
        self.daemons = []
        if self.directory is not None:
            shutil.rmtree(self.directory, ignore_errors=True)
            self.directory = None

    @property
    def data_dir(self):
        """A folder like a node's /var/lib/ganeti: hmac.key, ssconf_master_candidates_ips."""
        return self.daemons[0].data

    @property
    def key_file(self):
        return os.path.join(self.data_dir, "hmac.key")

    @property
    def pids(self):
        return [daemon.process.pid for daemon in self.daemons]

    def environment(self):
        """What a test program is told. Lists are comma separated."""
        return {
            "CONFD_TEST_PORT": str(self.port),
            "CONFD_TEST_PEERS": ",".join(self.addresses),       # all seven IPv4 daemons
            "CONFD_TEST_EQUAL": ",".join(self.equal),           # the four that are alike
            "CONFD_TEST_STALE": self.stale,                     # older serial, other master
            "CONFD_TEST_EMPTY": self.empty,                     # no configuration
            "CONFD_TEST_LATIN1": self.latin1,                   # non-ASCII names
            "CONFD_TEST_PEER6": self.address6,
            "CONFD_TEST_KEY_FILE": self.key_file,
            "CONFD_TEST_DIR": self.data_dir,                    # for confd_client_open
            "CONFD_TEST_PIDS": ",".join(map(str, self.pids)),   # of the peers, then of PEER6
            "CONFD_TEST_MASTER": configs.master_name(self.base),
            "CONFD_TEST_SERIAL": str(self.base["cluster"]["serial_no"]),
        }

    def stop(self, index):
        """SIGSTOP: the daemon falls silent; what is sent to it waits in its socket."""
        self.daemons[index].signal(signal.SIGSTOP, "T")

    def cont(self, index):
        """SIGCONT: the daemon goes on, and answers what has waited."""
        self.daemons[index].signal(signal.SIGCONT, "RSD")

    def kill(self, index):
        """The daemon is gone: its port answers with ICMP port unreachable."""
        self.daemons[index].kill()

    def restart(self, index):
        """Starts the daemon anew, and waits until it answers."""
        self.daemons[index].kill()
        self.daemons[index].start()
        self._wait_for([self.daemons[index]])

    def set_config(self, index, config):
        """Gives a daemon a new configuration, and waits until it answers from it."""
        daemon, serial = self.daemons[index], config["cluster"]["serial_no"]
        daemon.write_config(config)

        def loaded():
            reply = wire.ask(daemon.address, self.port, KEY, 3)
            return reply is not None and reply["serial"] == serial
        wait_until(loaded, START_LIMIT, "%s took no new configuration" % daemon.address)

    def write_candidates(self, addresses):
        """Changes the list of the data folder. No daemon reads it; clients do."""
        self.daemons[0].write("ssconf_master_candidates_ips",
                              "".join(a + "\n" for a in addresses).encode("ascii"))

    def _start(self):
        need_programs()
        self.directory = tempfile.mkdtemp(prefix="confd-cluster-")
        for attempt in range(5):
            self.port = free_port()
            self.daemons = []
            for i, (role, address) in enumerate(zip(self.ROLES + ("equal",),
                                                    self.addresses + [self.address6])):
                folder = os.path.join(self.directory, "%d-%d-%s" % (attempt, i, role))
                daemon = Daemon(role, address, self.port, folder)
                config = configs.for_role(self.base, role)
                if config is not None:
                    daemon.write_config(config)
                self.daemons.append(daemon)
            self.write_candidates(self.addresses)
            for daemon in self.daemons:
                daemon.start()
            try:
                self._wait_for(self.daemons)
                return
            except PortTaken:
                for daemon in self.daemons:
                    daemon.kill()
        raise RuntimeError("found no free port in five attempts")

    def _wait_for(self, daemons):
        for daemon in daemons:
            def answers():
                if daemon.process.poll() is not None:
                    said = daemon.output()
                    if "Address already in use" in said or "resource busy" in said:
                        raise PortTaken()
                    raise RuntimeError("ganeti-confd on %s ended at its start:\n%s"
                                       % (daemon.address, said))
                return daemon.ping() is not None
            wait_until(answers, START_LIMIT, "%s does not answer:\n%s"
                       % (daemon.address, daemon.output()))


class PortTaken(Exception):
    """Another program took the port between its choice and the daemon's start."""


def wait_until(condition, limit, complaint):
    deadline = time.monotonic() + limit
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(complaint)
        time.sleep(0.01)


def free_port():
    """A UDP port free on every address, outside the range that systems hand out."""
    for _ in range(1000):
        port = random.randrange(20000, 32000)
        try:
            for family, wildcard in ((socket.AF_INET, ""), (socket.AF_INET6, "::")):
                with socket.socket(family, socket.SOCK_DGRAM) as sock:
                    if family == socket.AF_INET6:
                        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                    sock.bind((wildcard, port))
            return port
        except OSError:
            continue
    raise RuntimeError("no free UDP port")


def need_programs():
    """Installs what is missing, or says how; never goes on without."""
    if os.access(CONFD, os.X_OK) and all(map(shutil.which, ("unshare", "setpriv", "mount"))):
        return
    if subprocess.call([os.path.join(HERE, "install.sh")]) != 0:
        raise SystemExit("cluster.py: ganeti-confd is missing, see above")


def run(command):
    """Runs a command beside a cluster; its exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(128 + signal.SIGHUP))
    began = time.monotonic()
    with Cluster() as cluster:
        print("cluster.py: %d ganeti-confd daemons on port %d answer after %.1f s"
              % (len(cluster.daemons), cluster.port, time.monotonic() - began),
              file=sys.stderr, flush=True)
        child = subprocess.Popen(["setpriv", "--pdeathsig", "TERM"] + command,
                                 env=dict(os.environ, **cluster.environment()))
        try:
            status = child.wait()
        finally:
            if child.poll() is None:
                child.terminate()
                try:
                    child.wait(STOP_LIMIT)
                except subprocess.TimeoutExpired:
                    child.kill()
                    child.wait()
    return status if status >= 0 else 128 - status


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1:3] != ["run", "--"]:
        raise SystemExit("usage: cluster.py run -- COMMAND...")
    sys.exit(run(sys.argv[3:]))
