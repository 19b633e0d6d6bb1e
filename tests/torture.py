#!/usr/bin/env python3
"""Runs the checks that look for what nobody has thought of, in their long forms, and prints one table.

    tests/torture.py [--short] [KIND…]          make torture [SHORT=1] [KINDS="…"] [MINUTES=5] [SEEDS=100000]

--short: the forms that `make check` runs. MINUTES of fuzzing for each target, SEEDS of simulated clusters, of queries a
tenth of it; one more cluster has REQUESTS (1000000) at once. MUTANTS=1 mutates the code, which takes hours; without it, what the committed report says is shown.

An amount is what the run said that it did. Everything that a run printed is in a file of its kind in torture/, in
cargo's target directory, and the table in torture/table.txt. Seconds are without compiling, where that is not a part of the
run as with fuzzing and the sanitizers. Fails if anything was found, or could not be run.
"""

import argparse
import os
import re
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target")
LOGS = TARGET / "torture"
WIDTHS = (11, 110, 9, 8)


def variable(name, default):
    text = os.environ.get(name) or default
    if not text.isdigit() or int(text) == 0:
        sys.exit("torture: %s is %s, which is no number of them" % (name, text))
    return int(text)


MINUTES = variable("MINUTES", "5")
SEEDS = variable("SEEDS", "100000")
# Outstanding at once, in the largest simulated cluster.
REQUESTS = variable("REQUESTS", "1000000")


class Unread(Exception):
    """A run did not say what it did."""


def last(pattern, text):
    """The groups of the last place that matches."""
    found = None
    for found in re.finditer(pattern, text, re.M):
        pass
    if not found:
        raise Unread("it did not say: " + pattern)
    return found.groups()


def numbers(pattern, text):
    """The sums of the groups of all places that match."""
    rows = re.findall(pattern, text, re.M)
    if not rows:
        raise Unread("it did not say: " + pattern)
    return [sum(int(cell) for cell in column) for column in zip(*((row,) if isinstance(row, str) else row for row in rows))]


def read_clusters(text):
    amount, at_once = last(r"(\d+ seeds: .*)$", text) + last(r"(\d+ requests at once) to ", text)
    return "%s; %s" % (amount, at_once), numbers(r"^test result: .* (\d+) failed;", text)[0]


def read_queries(text):
    seeds, = numbers(r"(\d+) seeds$", text)
    passed, failed = numbers(r"^test result: .* (\d+) passed; (\d+) failed;", text)
    return "%d simulated clusters, in %d tests" % (seeds, passed + failed), failed


def read_fuzz(text):
    row = r"^[\d-]+\t[\w/]+\t(\d+)\t(\d+)\t(\d+)\t\d+\t(\d+)\t"
    inputs, units, calls, findings = numbers(row, text)
    log, seconds = numbers(r"^in all: \w+ (\d+) units in (\d+) s$", text)
    return "%d inputs, %d units, %d calls; by the log %d units in %d s" % (inputs, units, calls, log, seconds), findings


def read_replay(text):
    corpus, random, units = numbers(r"^\w+: (\d+) inputs of the corpus, (\d+) random ones, (\d+) units", text)
    return "%d inputs of the corpora, %d random ones, %d units" % (corpus, random, units), 0


def read_programs(text):
    passed, failed = last(r"^(\d+) passed, (\d+) failed$", text)
    return "%d runs of programs" % (int(passed) + int(failed)), int(failed)


def read_python(text):
    tests, cases, failed = last(r"^(\d+) tests, (\d+) cases, (\d+) failed", text)
    return "%s tests, %s cases" % (tests, cases), int(failed)


def read_abi(text):
    functions, numbered = last(r"^abi: (\d+) functions, .* (\d+) numbers:", text)
    planted, kinds = last(r"^abi: planted (\d+) changes of (\d+) kinds", text)
    findings, = last(r"^abi: (\d+) findings$", text)
    return "%s functions, %s numbers; %s planted changes of %s kinds" % (functions, numbered, planted, kinds), int(findings)


def read_mutants(text):
    viable, caught, timeouts, missed, left = last(
        r"^mutants: (\d+) viable, (\d+) caught, (\d+) timeouts, (\d+) missed, (\d+) not run$", text)
    findings = re.findall(r"^mutants: (?:missed|explained, and \w[\w ]*): ", text, re.M)
    return "%s viable, %s caught, %s timeouts, %s missed, %s not run" % (viable, caught, timeouts, missed, left), len(findings)


def read_report(text):
    """Of the committed report, whose lines are wrapped."""
    viable, noticed, missed, explained, left = last(
        r"(\d+) changes that compile, (\d+) noticed .* (\d+) missed, (\d+) of them explained below; (\d+) not run",
        " ".join(text.split()))
    return "as reported: %s viable, %s noticed, %s missed (%s explained), %s not run" % (
        viable, noticed, missed, explained, left), int(missed) - int(explained)


@dataclass
class Kind:
    about: str
    long: list
    short: list
    read: object
    read_short: object = None       # where the short form says something else
    before: tuple = ((), ())        # what compiles the long and the short form, and is not counted


def make(*arguments):
    return [os.environ.get("MAKE") or "make", "--no-print-directory", *arguments]


def tests(*arguments, seeds=None):
    """cargo test with `arguments`, and how it is compiled alone."""
    environment = ["env", "CONFD_SEEDS=%d" % seeds, "CONFD_REQUESTS=%d" % REQUESTS] if seeds else []
    profile = ["--release"] if seeds else []
    command = ["cargo", "test", *profile, "-p", "confdclient", *arguments]
    # Without what a test filters by.
    return environment + command + ["--", "--nocapture"], command + ["--no-run"]


def same(*command):
    return {"long": make(*command), "short": make(*command)}


def kinds():
    mutants = {"long": make("mutants"), "read": read_mutants} if os.environ.get("MUTANTS") else \
        {"long": ["cat", "tests/mutants/REPORT.md"], "read": read_report}
    clusters, clusters_short = tests("--lib", "simulated", seeds=SEEDS), tests("--lib", "simulated")
    queries = tests("--test", "query_figures", seeds=max(SEEDS // 10, 1))
    queries_short = tests("--test", "query_figures")
    bodies = ["cargo", "build", "--quiet", "--manifest-path", "fuzz/Cargo.toml", "-p", "confd-fuzz-bodies"]
    return {
        "clusters": Kind("simulated clusters against a model of the client, by seed", clusters[0], clusters_short[0],
                         read_clusters, before=(clusters[1], clusters_short[1])),
        "queries": Kind("queries in simulated clusters, by seed", queries[0], queries_short[0], read_queries,
                        before=(queries[1], queries_short[1])),
        "fuzz": Kind("coverage-guided fuzzing under AddressSanitizer; short: the corpora and random inputs",
                     make("fuzz", "MINUTES=%d" % MINUTES), make("fuzz-replay"), read_fuzz, read_replay, ((), bodies)),
        "sanitizers": Kind("C programs with the library, for addresses, leaks and undefined behaviour",
                           **same("c-tests-sanitized"), read=read_programs),
        "tsan": Kind("the same for races; long: threads hammer for a minute", make("tsan", "LONG=1"),
                     make("tsan", "LONG="), read_programs),
        "valgrind": Kind("C programs under valgrind", **same("c-tests-valgrind"), read=read_programs),
        "faults": Kind("faults of network, system and clock, and hostile peers", make("faults", "LONG=1"),
                       make("faults", "LONG="), read_python),
        "secrets": Kind("keys in memory, lack of memory, hostile input", **same("secrets-test"), read=read_programs),
        "abi": Kind("the ABI; long: a change planted in every part of it", make("abi-check", "LONG=1"),
                    make("abi-check", "LONG="), read_abi),
        "mutants": Kind("changes of the code, and whether a test notices", short=["cat", "tests/mutants/REPORT.md"],
                        read_short=read_report, **mutants),
    }


def row(*cells):
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS)) + "  " + cells[-1]


def run(command, log):
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT).returncode


def torture(name, kind, short):
    """The row of a kind, and whether it is in order."""
    path = LOGS / (name + ".log")
    command = kind.short if short else kind.long
    with open(path, "w+", encoding="utf-8", errors="replace") as log:
        before = kind.before[short]
        failed = bool(before) and run(before, log) != 0
        began, used = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        code = 1 if failed else run(command, log)
        seconds, now = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = now.ru_utime + now.ru_stime - used.ru_utime - used.ru_stime
    read = kind.read_short if short and kind.read_short else kind.read
    try:
        amount, findings = read(path.read_text(encoding="utf-8", errors="replace"))
    except Unread as unread:
        amount, findings = "could not be run: %s" % unread, None
    if code and not findings:
        amount = amount if findings is None else "ended with %d; %s" % (code, amount)
        findings = None
    cells = [name, amount, "?" if findings is None else str(findings), "%.0f" % seconds, "%.0f" % processor]
    return row(*cells), findings == 0, seconds, processor


def main():
    everything = kinds()
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="kinds:\n" + "\n".join("  %-12s%s" % (name, kind.about) for name, kind in everything.items()))
    arguments.add_argument("--short", action="store_true", default=bool(os.environ.get("SHORT")),
                           help="the forms that make check runs")
    arguments.add_argument("kinds", nargs="*", metavar="KIND", help="only these")
    chosen = arguments.parse_args()
    unknown = set(chosen.kinds) - set(everything)
    if unknown:
        arguments.error("unknown: %s; there are: %s" % (", ".join(sorted(unknown)), ", ".join(everything)))
    # Nothing of a make around this one that is not said in the commands.
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "CONFD_SEEDS", "CONFD_SEED", "CONFD_REQUESTS", "LONG"):
        os.environ.pop(name, None)
    LOGS.mkdir(parents=True, exist_ok=True)
    table = []

    def show(line):
        table.append(line)
        print(line, flush=True)

    show(row("kind", "amount", "findings", "seconds", "of CPU"))
    bad, sums = [], [0, 0]
    for name in chosen.kinds or everything:
        line, good, *used = torture(name, everything[name], chosen.short)
        sums = [one + other for one, other in zip(sums, used)]
        show(line)
        if not good:
            bad.append(name)
    show(row("all", "findings in: " + ", ".join(bad) if bad else "no findings", "", *("%.0f" % one for one in sums)))
    (LOGS / "table.txt").write_text("\n".join(table) + "\n", encoding="utf-8")
    for name in bad:
        print("torture: what %s said: %s" % (name, LOGS / (name + ".log")), file=sys.stderr)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
