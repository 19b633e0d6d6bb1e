#!/usr/bin/env python3
"""Builds and runs the benchmarks and prints one table of ratios, absolute figures and targets.

    benches/run.py [--quick] [NAME…]

--quick: three short rounds, to see that all works. NAME: only these parts of measures.py. The table is also written to
bench.txt in cargo's target directory. Exit status: 0, whether targets are met or not.
"""

import argparse
import os
import platform
import sys
import time

sys.dont_write_bytecode = True

import harness  # noqa: E402: leaves no files behind
from measures import ALL, Scale  # noqa: E402

WIDTHS = (60, 10, 10, 6)


def line(*cells):
    padded = [cell.ljust(width) for cell, width in zip(cells, WIDTHS)]
    return "  ".join(padded + list(cells[len(WIDTHS):])).rstrip()


def processor():
    with open("/proc/cpuinfo") as info:
        names = [row.split(":", 1)[1].strip() for row in info if row.startswith("model name")]
    return names[0] if names else platform.machine()


def main():
    arguments = argparse.ArgumentParser(description="Runs the benchmarks.")
    arguments.add_argument("--quick", action="store_true", help="three short rounds, to see that all works")
    arguments.add_argument("names", nargs="*", metavar="NAME", help="only these: " + ", ".join(ALL))
    chosen = arguments.parse_args()
    unknown = set(chosen.names) - set(ALL)
    if unknown:
        arguments.error("unknown: " + ", ".join(sorted(unknown)))
    scale = Scale(chosen.quick)
    harness.build()
    client, simulator = harness.cores()
    where = "%s, Linux %s, %s; client on core %d, simulator on core %d; medians of at least %d rounds; load average %.1f" % (
        processor(), platform.release(), time.strftime("%Y-%m-%d %H:%M"), client, simulator, scale.rounds,
        os.getloadavg()[0])
    lines = [where, "", line("measure", "result", "target", "", "figures")]
    print("\n".join(lines), flush=True)
    with harness.Sim() as sim:
        for name, measure in ALL.items():
            if chosen.names and name not in chosen.names:
                continue
            for row in measure(scale, sim.port):
                lines.append(line(row.measure, row.result, row.target, row.met, row.figures))
                print(lines[-1], flush=True)
    table = harness.TARGET / "bench.txt"
    table.write_text("\n".join(lines) + "\n")
    print("\nwritten to %s" % table, file=sys.stderr)


if __name__ == "__main__":
    main()
