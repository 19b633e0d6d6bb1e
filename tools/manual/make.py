#!/usr/bin/env python3
"""Writes man/*.3 from man/src and include/confdclient.h; with --check shows where the two differ.

Run it from the project's top folder, as `make man` and `make man-check` do. man/confd-query.1 is written by hand.
"""

import difflib
import glob
import os
import sys

import header
import mdoc
import pages

MAN = "man"


def differences(wanted, found):
    """Lines of a diff, and files that are missing or too many."""
    out = []
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            out.append("%s is missing\n" % name)
        elif name not in wanted:
            out.append("%s should not be there\n" % name)
        else:
            out += difflib.unified_diff(found[name].splitlines(True), wanted[name].splitlines(True), name,
                                        "as the sources make it", n=0)
    return out


def main():
    wanted, _ = pages.make(header.read())
    found = {os.path.basename(path): pages.read(path) for path in glob.glob(os.path.join(MAN, "*.3"))}
    if sys.argv[1:] == ["--check"]:
        different = differences(wanted, found)
        sys.stderr.writelines(different)
        if different:
            return "the manual is not what the sources make: run `make man`"
        print("man: %d pages are what the sources make" % len(wanted))
        return 0
    if sys.argv[1:]:
        return __doc__
    for name in found.keys() - wanted.keys():
        os.remove(os.path.join(MAN, name))
    for name, text in wanted.items():
        if found.get(name) != text:
            with open(os.path.join(MAN, name), "w", encoding="utf-8") as file:
                file.write(text)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (header.HeaderError, pages.PageError, ValueError) as problem:
        sys.exit("the manual cannot be made: %s" % problem)
