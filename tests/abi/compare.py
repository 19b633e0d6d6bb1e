"""What may change from one release to the next while the SONAME stays, and what a header has changed.

Nothing that is there may go or change, and a program can rely on all of it. What may come:
- functions, with types of their own, and numbers;
- members at the end of the structs in GROWING, of which the library or the call says the size, and there only behind all
  that the struct had: not in its padding, since then its size would not tell whether the member is there.
"""

import os
import re
import subprocess
import xml.etree.ElementTree as xml
from dataclasses import dataclass, field

import header as headers
from header import NUMBERS, Unfit

GROWING = ("confd_upcall", "confd_result", "confd_stats", "confd_peer_stats")


@dataclass
class Verdict:
    broken: list = field(default_factory=list)
    added: list = field(default_factory=list)


@dataclass
class Baseline:
    """What compare() has to know of it before abidiff does."""
    path: str
    functions: set
    members: dict       # of each struct
    sizes: dict         # in bytes
    numbers: list


def take(header, path):
    """Writes the baseline of a header."""
    library = path + ".so"
    headers.build(header, header.numbers, library)
    # Without what is of one machine, or no part of the ABI.
    headers.output("abidw", "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--no-architecture",
                   "--no-elf-needed", "--no-parameter-names", "--no-write-default-sizes", "--out-file", path, library)
    os.remove(library)


def read_baseline(path):
    root = xml.parse(path).getroot()
    functions = {symbol.get("name") for symbol in root.iter("elf-symbol")} - {NUMBERS}
    members, sizes = {}, {}
    for struct in root.iter("class-decl"):
        if struct.get("is-declaration-only") != "yes":
            members[struct.get("name")] = [member.get("name") for member in struct.findall("data-member/var-decl")]
            sizes[struct.get("name")] = int(struct.get("size-in-bits")) // 8
    numbers = [member.get("name").removeprefix("of_") for union in root.iter("union-decl")
               if union.get("name") == NUMBERS for member in union.findall("data-member/var-decl")]
    if not (functions and members and numbers):
        raise Unfit("%s is no baseline" % path)
    return Baseline(path, functions, members, sizes, numbers)


def without_growth(header, baseline, verdict, folder):
    """The header without the members that have come at the end of a struct that may grow. A program of the baseline's
    time sees no more than that of such a struct."""
    text = header.text
    cuts = []
    for name in GROWING:
        known, now = baseline.members.get(name, []), header.structs.get(name, [])
        more = now[len(known):]
        if not more or [member.name for member in now[:len(known)]] != known:
            continue
        cuts.append((more[0].begin, more[-1].end + 1))
        verdict.added += ["member %s.%s" % (name, member.name) for member in more]
        test = '#include "%s"\n_Static_assert(offsetof(%s, %s) >= %d, "");\n' % (
            header.path, name, more[0].name, baseline.sizes[name])
        done = subprocess.run(["gcc", "-x", "c", "-std=c11", "-fsyntax-only", "-"], input=test, text=True,
                              capture_output=True)
        if done.returncode:
            verdict.broken.append("%s.%s lies in what was padding: the size does not tell whether it is there" % (
                name, more[0].name))
    for begin, end in sorted(cuts, reverse=True):
        text = text[:begin] + text[end:]
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, "confdclient.h")
    with open(path, "w", encoding="latin-1", newline="") as file:
        file.write(text)
    return headers.read(path)


def compare(baseline, header, folder, options=("--harmless",)):
    """What has changed since the baseline. With --harmless also what compiled programs would not notice, such as the name
    of a member or a missing const."""
    verdict = Verdict()
    verdict.added += ["function " + name for name in header.functions if name not in baseline.functions]
    verdict.added += ["number " + name for name in header.numbers if name not in baseline.numbers]
    cut = without_growth(header, baseline, verdict, folder)
    library = os.path.join(folder, headers.SONAME)
    headers.build(cut, [name for name in baseline.numbers if name in header.numbers], library)
    done = subprocess.run(["abidiff", "--no-show-locs", "--no-architecture", "--no-corpus-path", "--no-added-syms",
                           *options, baseline.path, library], capture_output=True, text=True)
    if done.returncode & 3 or done.stderr.strip():
        raise Unfit("abidiff: " + done.stdout + done.stderr)
    if done.returncode:
        verdict.broken.append(re.sub(r"\n{2,}", "\n", done.stdout).strip())
    return verdict
