#!/usr/bin/env python3
"""Finds the functions that every request goes through, and has the linker put them side by side.

    tools/hot.py            writes tools/hot.ld anew: half a minute, with valgrind
    tools/hot.py --check    whether the library was linked by it, and the list still fits

After a sleep a program finds neither its code nor the way to its pages near the processor, and what a question costs is
then decided by how many of them it goes through: a blocking query through 41 pages of the library as the compiler leaves
its functions, and through 26 with these side by side.

The file is for the linker, in a form that GNU ld and LLVM's lld know. It names functions, with wildcards for what the
compiler makes up, so it fits any version of the compiler; a name that is no more has no effect.
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benches"))
import harness  # noqa: E402: leaves no files behind

SCRIPT = ROOT / "tools" / "hot.ld"
SECTION = ".text.hot"
HEAD = "/* Functions that every request goes through, for them to stand side by side. Written by tools/hot.py. */\n"
# A function belongs to them that is called for each fourth request.
OFTEN = 4
# So much of the list may have become other names, or parts of their callers, since it was written.
STALE = 0.25


def symbols(library):
    """The library's functions: where each is, by its name."""
    lines = subprocess.run(["nm", library], check=True, text=True, stdout=subprocess.PIPE).stdout.splitlines()
    fields = (line.split() for line in lines)
    return {field[2]: int(field[0], 16) for field in fields if len(field) == 3 and field[1] in "tT"}


def calls(program, *arguments):
    """How often each function is called, by its name, while a program runs."""
    file = harness.BUILT / "hot.out"
    harness.pinned(["valgrind", "--tool=callgrind", "--demangle=no", "--callgrind-out-file=%s" % file,
                    harness.BUILT / program, *arguments])
    names, counts, called = {}, {}, None
    for line in file.read_text().splitlines():
        if match := re.match(r"c?fn=\((\d+)\)(?: ([^']*))?", line):
            called = match[1]
            names.setdefault(called, match[2])
        elif match := re.match(r"calls=(\d+)", line):
            name = names[called]
            counts[name] = counts.get(name, 0) + int(match[1])
    return counts


def pattern(name):
    """What fits the section of a function, whatever the compiler makes of its hash."""
    name = re.sub(r"17h[0-9a-f]{16}E$", "17h*E", name)
    # The same in the newer scheme, where a crate's hash stands before its name.
    name = re.sub(r"Cs[0-9A-Za-z]+_", "Cs*_", name)
    return ".text." + re.sub(r"[^0-9A-Za-z_.*]", "?", name)


def write():
    harness.build()
    known = symbols(harness.LIBRARY)
    hot = set()
    with harness.Sim() as sim:
        loads = [["load", way, sim.port, harness.PEERS, 32, 200, 200, 200] for way in ("queued", "async", "poll")]
        for run in (["one", sim.port, 2, "ours"], *loads):
            counts = calls(*run)
            least = counts["confd_request_new"] / OFTEN
            hot |= {name for name, count in counts.items() if count >= least and name in known}
    lines = ["  *(%s)\n" % name for name in sorted({pattern(name) for name in hot})]
    SCRIPT.write_text(HEAD + "SECTIONS { %s : {\n" % SECTION + "".join(lines) + "} } INSERT BEFORE .text;\n")
    print("%s: %d functions" % (SCRIPT.relative_to(ROOT), len(lines)))


def check():
    known = symbols(harness.LIBRARY)
    sections = subprocess.run(["readelf", "-SW", harness.LIBRARY], check=True, text=True, stdout=subprocess.PIPE).stdout
    place = re.search(r" %s +PROGBITS +([0-9a-f]+) [0-9a-f]+ ([0-9a-f]+)" % re.escape(SECTION), sections)
    if place is None:
        sys.exit("hot: %s has no section %s: it was linked without tools/hot.ld; run: make library" % (
            harness.LIBRARY, SECTION))
    start, size = (int(number, 16) for number in place.groups())
    inside = {".text." + name for name, at in known.items() if start <= at < start + size}
    named = re.findall(r"\*\((.*)\)", SCRIPT.read_text())
    absent = [name for name in named if not fnmatch.filter(inside, name)]
    print("hot: %d functions in %d KiB; %d of %d names fit none" % (len(inside), size // 1024, len(absent), len(named)))
    if len(absent) > STALE * len(named):
        sys.exit("hot: the list is stale; make hot writes it anew. These fit none:\n  " + "\n  ".join(absent))


if __name__ == "__main__":
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__.strip())
    check() if sys.argv[1:] else write()
