"""Builds the library, the simulator and the benchmark programs, and runs them: client and simulator on different cores,
the sides of a comparison by turns."""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
BUILT = TARGET / "benches"
# The library as it is installed.
LIBRARY = TARGET / "dist" / "libconfdclient.so"
PROGRAMS = ("floor", "load", "one", "userspace", "scale", "burst", "forged", "create")
FLAGS = "-std=c99 -O2 -g -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror".split()
KEY = "a key for the benchmarks\n"
PEERS = 6


def say(text):
    print(text, file=sys.stderr, flush=True)


def cores():
    """The core of the clients and that of the simulator."""
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        sys.exit("benches: two cores are needed, one for the client and one for the simulator")
    return allowed[0], allowed[-1]


def build():
    missing = [tool for tool in ("cargo", "make", "cc", "taskset", "strip") if shutil.which(tool) is None]
    if missing:
        sys.exit("benches: not installed: " + ", ".join(missing))
    subprocess.run(["make", "--no-print-directory", "build"], cwd=ROOT, check=True, stdout=sys.stderr)
    BUILT.mkdir(parents=True, exist_ok=True)
    soname = BUILT / "libconfdclient.so.0"
    soname.unlink(missing_ok=True)
    # A copy, so that a build during a run changes nothing in it.
    shutil.copy(LIBRARY, soname)
    for name in PROGRAMS:
        subprocess.run(["cc", *FLAGS, "-I", ROOT / "include", HERE / (name + ".c"), "-o", BUILT / name, soname,
                        "-Wl,-rpath," + str(BUILT)], check=True)


class Sim:
    """A simulator of six candidates at one port, on a core of its own, while the `with` lasts."""

    def __init__(self, *options):
        self.options = options

    def __enter__(self):
        command = ["taskset", "-c", str(cores()[1]), TARGET / "release" / "confd-sim", "--until-eof", "--key", KEY,
                   *self.options]
        for host in range(PEERS):
            command += ["--address", "127.0.0.%d" % (host + 1)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if line.startswith("ready"):
                self.port = line.rsplit(":", 1)[1].strip()
            if line.startswith("serving"):
                return self
        sys.exit("benches: the simulator does not start")

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(10)


def pinned(command, **named):
    """Runs a command on the clients' core."""
    command = ["taskset", "-c", str(cores()[0]), *map(str, command)]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **named)
    if done.returncode != 0:
        sys.exit("benches: %s: %s" % (" ".join(command), done.stderr.strip()))
    return done


def run(program, *arguments):
    """The results of one run of a program, by name."""
    command = [BUILT / program] if program in PROGRAMS else ["/usr/bin/python3", "-B", HERE / program]
    lines = (line.split() for line in pinned([*command, *arguments]).stdout.splitlines())
    return {name: float(value) for name, value in lines}


class Turns:
    """Several commands, each run once a round, in turns that begin elsewhere each time."""

    def __init__(self, rounds, commands):
        self.results = {name: [] for name in commands}
        names = list(commands)
        for number in range(rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                self.results[name].append(run(*commands[name]))

    def median(self, name, figure):
        return statistics.median(result[figure] for result in self.results[name])

    def least(self, name, figure):
        return min(result[figure] for result in self.results[name])

    def total(self, name, figure):
        return sum(result[figure] for result in self.results[name])

    def ratio(self, name, other, figure, other_figure=None):
        """The median of the rounds' ratios: what disturbs one round disturbs both sides."""
        pairs = zip(self.results[name], self.results[other])
        return statistics.median(ours[figure] / theirs[other_figure or figure] for ours, theirs in pairs)


def instructions(function, program, *arguments):
    """Instructions in a function of a program and what it calls, by valgrind: all, and SHA-1's own."""
    file = BUILT / "callgrind.out"
    done = pinned(["valgrind", "--tool=callgrind", "--instr-atstart=no", "--toggle-collect=" + function,
                   "--callgrind-out-file=%s" % file, BUILT / program, *arguments])
    listed = subprocess.run(["callgrind_annotate", "--auto=no", "--threshold=100", file], check=True, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    total = sha1 = 0
    for count, what in re.findall(r"^\s*([\d,]+) \([ \d.]+%\)\s+(.*)$", listed, re.MULTILINE):
        count = int(count.replace(",", ""))
        if what.startswith("PROGRAM TOTALS"):
            total = count
        elif "sha1::" in what:
            sha1 += count
    results = dict(line.split() for line in done.stdout.splitlines())
    return total, sha1, float(results["replies"])


def system_calls(program, *arguments):
    """How often a program makes each system call."""
    file = BUILT / "strace.out"
    pinned(["strace", "-f", "-c", "-U", "name,calls", "-o", file, BUILT / program, *arguments])
    rows = (line.split() for line in file.read_text().splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2 and row[1].isdigit() and row[0] != "total"}
