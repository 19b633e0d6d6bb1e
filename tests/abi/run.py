#!/usr/bin/env python3
"""The ABI, held against what was promised: see compare.py for what may change.

    tests/abi/run.py check        include/confdclient.h against baseline.abi, and that the check finds planted changes
    tests/abi/run.py baseline     takes baseline.abi and exports.txt anew; FIRST=1: the first header, too

baseline.abi is of the latest release. confdclient-0.h is the first header with this SONAME: programs that were built
against it run with every library that bears it, which old.sh tries. exports.txt has the names that the shared library
exported, for tests/exports.sh. LONG=1: check plants every change in every part of the header, not one of each kind.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter

sys.dont_write_bytecode = True

import compare  # noqa: E402: leaves no files behind
import header as headers  # noqa: E402
import plants  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
HEADER = os.path.join(ROOT, "include", "confdclient.h")
BASELINE = os.path.join(HERE, "baseline.abi")
FIRST = os.path.join(HERE, "confdclient-0.h")
EXPORTS = os.path.join(HERE, "exports.txt")
ASSERTED = os.path.join(ROOT, "tests", "c", "abi.c")
LIBRARY = os.environ.get("CONFDCLIENT_LIBRARY", "")


def unasserted(header):
    """What tests/c/abi.c does not assert: numbers, members, sizes, and functions with their types."""
    with open(ASSERTED, encoding="ascii") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    numbers = set(re.findall(r"\bNUMBER\((CONFD_\w+), \d+\);", text))
    members = set(re.findall(r"\bAT\((confd_\w+), (\w+), \d+\);", text))
    sizes = set(re.findall(r"\b(?:SAME|CHECK)\(sizeof\((confd_\w+)\)", text))
    words = set(re.findall(r"\bconfd_\w+", text))
    return ([name for name in header.numbers if name not in numbers] +
            ["%s.%s" % (struct, member.name) for struct, all_ in header.structs.items() for member in all_
             if (struct, member.name) not in members] +
            ["sizeof(%s)" % name for name in [*header.structs, *header.types] if name not in sizes] +
            [name for name in [*header.functions, *header.callbacks] if name not in words])


def try_plant(plant, baseline, folder):
    """Nothing if the check sees the change as it should, else what it does instead."""
    path = os.path.join(folder, "planted.h")
    with open(path, "w", encoding="latin-1", newline="") as file:
        file.write(plant.text)
    header = headers.read(path)
    verdict = compare.compare(baseline, header, os.path.join(folder, "cut"))
    report = "\n".join(verdict.broken)
    if plant.wanted == plants.BREAKS:
        return None if any(name in report for name in plant.named) else "reports %r" % report
    if report:
        return "reports, though it is allowed: %s" % report
    if plant.wanted == plants.NOTHING:
        return "tells of %s" % verdict.added if verdict.added else None
    new = [name for name in unasserted(header) if re.search("planted|confd_new", name, re.I)]
    if not new:
        return "does not miss an assertion in tests/c/abi.c"
    return None if plant.named[0] in verdict.added else "tells of %s" % verdict.added


def plant_all(baseline, folder):
    header = headers.read(HEADER)
    chosen = list(plants.every(header) if os.environ.get("LONG") else plants.some(header))
    bad = 0
    for plant in chosen:
        said = try_plant(plant, baseline, folder)
        if said:
            bad += 1
            print("abi: planted: %s (%s); the check %s" % (plant.kind, plant.what, said), file=sys.stderr)
    kinds = Counter(plant.wanted for plant in chosen)
    print("abi: planted %d changes of %d kinds: %d that break, %d that may come, %d that are none; %d not seen as such" % (
        len(chosen), len({plant.kind for plant in chosen}), kinds[plants.BREAKS], kinds[plants.ADDS],
        kinds[plants.NOTHING], bad))
    return bad


def headers_of_others(folder):
    """For old.sh: the first header, and one that has grown, each with a library that defines what it declares."""
    for name, text in (("first", headers.read(FIRST).text), ("later", grown(headers.read(HEADER)))):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        path = os.path.join(folder, name, "confdclient.h")
        with open(path, "w", encoding="latin-1", newline="") as file:
            file.write(text)
        headers.build(headers.read(path), (), os.path.join(folder, name, "libconfdclient.so"))


def grown(header):
    text = header.text
    for members in sorted((header.structs[name] for name in compare.GROWING), key=lambda all_: -all_[-1].end):
        end = members[-1].end + 1
        text = text[:end] + "\n  uint64_t later;" + text[end:]
    return text


def check(folder):
    baseline = compare.read_baseline(BASELINE)
    header = headers.read(HEADER)
    bad = 0

    verdict = compare.compare(baseline, header, os.path.join(folder, "now"))
    for name in verdict.added:
        print("abi: added: %s (the next release takes a new baseline, by: make abi-baseline)" % name)
    for text in verdict.broken:
        bad += 1
        print("abi: changed since baseline.abi:\n%s" % text, file=sys.stderr)
    print("abi: %d functions, %d structs, %d callbacks, %d numbers: %d changes, %d added" % (
        len(header.functions), len(header.structs), len(header.callbacks), len(header.numbers),
        len(verdict.broken), len(verdict.added)))

    for text in against_first(header, folder):
        bad += 1
        print("abi: breaks programs that were built against confdclient-0.h:\n%s" % text, file=sys.stderr)

    missing = unasserted(header)
    for name in missing:
        bad += 1
        print("abi: tests/c/abi.c asserts nothing of %s" % name, file=sys.stderr)
    print("abi: %d things of the header are not asserted in tests/c/abi.c" % len(missing))

    bad += plant_all(baseline, folder)
    headers_of_others(folder)
    for script in ("exports-planted.sh", "old.sh"):
        bad += subprocess.run(["sh", os.path.join(HERE, script), folder], check=False).returncode != 0
    print("abi: %d findings" % bad)
    return 1 if bad else 0


def against_first(header, folder):
    """What would break programs of the first header; not what they would not notice, such as another name."""
    path = os.path.join(folder, "first.abi")
    compare.take(headers.read(FIRST), path)
    return compare.compare(compare.read_baseline(path), header, os.path.join(folder, "first"), ()).broken


def take_baseline(folder):
    header = headers.read(HEADER)
    if os.environ.get("FIRST"):
        shutil.copyfile(HEADER, FIRST)
    broken = against_first(header, folder)
    if broken:
        print("\n".join(broken), file=sys.stderr)
        print("abi: this breaks programs that were built against the first header: no baseline was taken. Such a change "
              "needs another SONAME. Where nothing has been released with this one: make abi-baseline FIRST=1",
              file=sys.stderr)
        return 1
    compare.take(header, BASELINE)
    # With their versions, if they should ever have some; without addresses.
    names = [line.split()[1:] for line in headers.output("nm", "-D", "--defined-only", LIBRARY).splitlines()]
    with open(EXPORTS, "w", encoding="ascii") as file:
        file.writelines("%s %s\n" % (kind, name) for kind, name in sorted(names, key=lambda pair: pair[1]))
    print("abi: taken: %d functions and %d numbers; %d exports" % (
        len(header.functions), len(header.numbers), len(names)))
    return 0


def main():
    actions = {"check": check, "baseline": take_baseline}
    if len(sys.argv) != 2 or sys.argv[1] not in actions:
        sys.exit(__doc__)
    if not os.path.exists(LIBRARY):
        sys.exit("abi: CONFDCLIENT_LIBRARY names no library; run: make abi-check")
    subprocess.run(["sh", os.path.join(ROOT, "tests", "install-needs.sh"), "abigail-tools", "clang", "gcc", "binutils",
                    "libc6-dev"], stdout=subprocess.DEVNULL, check=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            sys.exit(actions[sys.argv[1]](folder))
        except headers.Unfit as unfit:
            sys.exit("abi: %s" % unfit)


if __name__ == "__main__":
    main()
