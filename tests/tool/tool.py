"""What the tests of the C programs share: the programs, simulated clusters, questions put to them.

run.sh tells where the programs are (CONFD_TOOL_BUILD) and the simulator (CONFD_SIM).
"""

import json
import os
import socket
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ["CONFD_TOOL_BUILD"]
EXAMPLE = os.path.join(HERE, "..", "..", "sim", "examples", "three.json")
KEY = "a key of the tests\n"
LIMIT = 30      # seconds; far more than any run takes, so that nothing hangs
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=full"]

HINT = "Try 'confd-query --help'.\n"


def program(name, compiler="gcc"):
    return os.path.join(BUILD, compiler, name)


class Run:
    """A finished program: `code`, `out`, `err`."""

    def __init__(self, command, valgrind=False, stdout=subprocess.PIPE):
        if valgrind:
            command = VALGRIND + command
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout,
                              stderr=subprocess.PIPE, timeout=LIMIT, check=False)
        self.command, self.code = command, done.returncode
        self.out = (done.stdout or b"").decode("utf-8")
        self.err = done.stderr.decode("utf-8")

    def __str__(self):
        return "%s\nexit %d\n--- stdout\n%s--- stderr\n%s" % (
            " ".join(self.command), self.code, self.out, self.err)


def query(*arguments, compiler="gcc", valgrind=False, stdout=subprocess.PIPE):
    """Runs confd-query with just these arguments."""
    return Run([program("confd-query", compiler), *arguments], valgrind, stdout)


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


def refusing(test, address="127.0.0.1"):
    """An address and port that refuse datagrams: taken by a socket that listens to another only."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    test.addCleanup(sock.close)
    sock.bind((address, 0))
    sock.connect((address, sock.getsockname()[1]))      # to itself
    return "%s:%d" % sock.getsockname()
