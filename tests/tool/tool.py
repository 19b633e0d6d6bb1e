"""What the tests of the C programs share: the programs, simulated clusters, questions put to them.

run.sh tells where the programs are (CONFD_TOOL_BUILD) and the simulator (CONFD_SIM).
"""

import json
import os
import re
import socket
import subprocess
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ["CONFD_TOOL_BUILD"]
EXAMPLE = os.path.join(HERE, "..", "..", "sim", "examples", "three.json")
KEY = "a key of the tests\n"
LIMIT = 30      # seconds; far more than any run takes, so that nothing hangs
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full"]

TIME = r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
HINT = "Try 'confd-query --help'.\n"


def program(name, compiler="gcc"):
    return os.path.join(BUILD, compiler, name)


class Run:
    """A finished program: `code`, `out`, `err`."""

    def __init__(self, command, valgrind=False, stdout=subprocess.PIPE, stdin=b""):
        if valgrind:
            command = VALGRIND + command
        done = subprocess.run(command, input=stdin, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=LIMIT, check=False)
        self.command, self.code = command, done.returncode
        self.out = (done.stdout or b"").decode("utf-8")
        self.err = done.stderr.decode("utf-8")

    def __str__(self):
        return "%s\nexit %d\n--- stdout\n%s--- stderr\n%s" % (
            " ".join(self.command), self.code, self.out, self.err)


def query(*arguments, compiler="gcc", **options):
    """Runs confd-query with just these arguments."""
    return Run([program("confd-query", compiler), *arguments], **options)


class Watch:
    """A running `confd-query watch`, until the test's end."""

    def __init__(self, test, *arguments, valgrind=False):
        command = [program("confd-query"), "watch", *arguments]
        self.err = tempfile.TemporaryFile("w+", encoding="utf-8")
        self.process = subprocess.Popen((VALGRIND if valgrind else []) + command, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self.err, text=True)
        self.killer = threading.Timer(LIMIT, self.process.kill)
        self.killer.start()
        test.addCleanup(self.close)

    def line(self):
        """The next line, without the time that it may begin with."""
        return re.sub(TIME + " ", "", self.process.stdout.readline()).rstrip("\n")

    def end(self, signal):
        """Exit code, the rest of stdout, and stderr."""
        self.process.send_signal(signal)
        return self.rest()

    def rest(self):
        out = self.process.stdout.read()
        self.process.wait()
        self.err.seek(0)
        return self.process.returncode, out, self.err.read()

    def close(self):
        self.killer.cancel()
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.err.close()


def key_file(test, key):
    """A file with this key, until the test's end."""
    file = tempfile.NamedTemporaryFile(prefix="confd-key-")
    test.addCleanup(file.close)
    file.write(key if isinstance(key, bytes) else key.encode("utf-8"))
    file.flush()
    return file.name


class Sim:
    """A running confd-sim: `peers` as -p takes them, by name in `peer`."""

    def __init__(self, config, key=KEY):
        if isinstance(config, dict):
            config = json.dumps(dict({"key": key}, **config))
        else:
            with open(config, encoding="utf-8") as file:
                config = file.read()
        self.key = tempfile.NamedTemporaryFile(prefix="confd-key-")
        self.key.write(json.loads(config)["key"].encode("utf-8"))
        self.key.flush()
        with tempfile.NamedTemporaryFile("w", prefix="confd-sim-", suffix=".json") as file:
            file.write(config)
            file.flush()
            self.process = subprocess.Popen(
                [os.environ["CONFD_SIM"], "--until-eof", file.name],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            self.peer = {}
            for line in self.process.stdout:
                if line.startswith("serving"):
                    break
                _, name, address = line.split()
                self.peer[name] = address
        if not self.peer:
            self.close()
            raise RuntimeError("confd-sim did not start")

    @property
    def peers(self):
        return ",".join(self.peer.values())

    def ask(self, *arguments, peers=None, **options):
        """confd-query with the right key and this simulator's addresses, or the named ones."""
        named = ",".join(self.peer[name] for name in peers) if peers else self.peers
        return query("-k", self.key.name, "-p", named, *arguments, **options)

    def close(self):
        self.process.stdin.close()
        self.process.wait(LIMIT)
        self.process.stdout.close()
        self.key.close()


def start(test, candidates, **config):
    """A simulator until the test's end; `candidates` by name, an address is given to those without."""
    listed = [dict({"name": name, "address": "127.0.0.%d" % (1 + i)}, **candidate)
              for i, (name, candidate) in enumerate(candidates.items())]
    sim = Sim(dict(config, candidates=listed))
    test.addCleanup(sim.close)
    return sim


def answering(kind, answer, **more):
    """One candidate's rule: this answer to every request of the type."""
    return {"answers": [dict({"type": kind, "answer": answer, "serial": 1}, **more)]}


def data_dir(test, peers, key=KEY):
    """A folder like a node's /var/lib/ganeti, until the test's end; None leaves a file out."""
    folder = tempfile.TemporaryDirectory(prefix="confd-data-")
    test.addCleanup(folder.cleanup)
    for name, content in (("hmac.key", key), ("ssconf_master_candidates_ips", peers)):
        if content is not None:
            with open(os.path.join(folder.name, name), "w", encoding="utf-8") as file:
                file.write(content)
    return folder.name


def silent(test):
    """A bound socket that never answers: its `recv` tells that it was asked."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    test.addCleanup(sock.close)
    sock.settimeout(LIMIT)
    sock.bind(("127.0.0.1", 0))
    return sock


def refusing(test, address="127.0.0.1"):
    """An address and port that refuse datagrams: taken by a socket that listens to another only."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    test.addCleanup(sock.close)
    sock.bind((address, 0))
    sock.connect((address, sock.getsockname()[1]))      # to itself
    return "%s:%d" % sock.getsockname()
