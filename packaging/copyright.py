#!/usr/bin/python3
"""debian/copyright: the project's own part, and a stanza for each crate that its packages are built from.

    packaging/copyright.py VENDOR           writes it
    packaging/copyright.py VENDOR --check   shows where it differs from what it should be

VENDOR is what packaging/vendor.sh makes. The crates are those of Cargo.lock. A licence that is not known here, or a
crate that names nobody, is an error: somebody has to look at it.
"""

import difflib
import pathlib
import re
import sys
import tomllib

HERE = pathlib.Path(__file__).resolve().parent.parent
TARGET = HERE / "debian" / "copyright"

# SPDX names, as Debian calls them.
NAMES = {"MIT": "Expat", "Apache-2.0": "Apache-2.0", "Unlicense": "Unlicense", "Unicode-3.0": "Unicode-3.0",
         "LGPL-2.1-or-later": "LGPL-2.1+", "BSD-2-Clause": "BSD-2-Clause", "BSD-3-Clause": "BSD-3-Clause",
         "Zlib": "Zlib", "ISC": "ISC"}

# The texts that a system of Debian has, by reference.
COMMON = {
    "Apache-2.0": ("Apache License, Version 2.0", "Apache-2.0"),
    "LGPL-2.1+": ("GNU Lesser General Public License, version 2.1 or (at your option) any later version", "LGPL-2.1"),
}
# The others are taken from a crate that carries them.
TEXTS = {"Expat": "LICENSE-MIT", "Unlicense": "UNLICENSE", "Unicode-3.0": "LICENSE-UNICODE"}

# Those whose files do not say who holds the rights, with where it was found.
KNOWN = {
    # As its earlier versions said, and the other crates of serde say.
    "serde_json": ["Erick Tryzelaar <erick.tryzelaar@gmail.com>", "David Tolnay <dtolnay@gmail.com>"],
}


def main():
    vendor, check = pathlib.Path(sys.argv[1]), "--check" in sys.argv[2:]
    wanted = text(vendor)
    if not check:
        TARGET.write_text(wanted, encoding="utf-8")
        return 0
    found = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    if found == wanted:
        print("copyright: debian/copyright has all %d crates" % wanted.count("Files: vendor/"))
        return 0
    sys.stdout.writelines(difflib.unified_diff(found.splitlines(True), wanted.splitlines(True),
                                               "debian/copyright", "what it should be"))
    print("copyright: differs; `make copyright` writes it anew", file=sys.stderr)
    return 1


def text(vendor):
    own = (HERE / "LICENSE").read_text(encoding="utf-8")
    holders = re.search(r"Copyright \(c\) (.*)", own).group(1)
    parts = ["Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
             "Upstream-Name: libconfdclient\n"
             "Comment: Written by packaging/copyright.py, from LICENSE and the crates of Cargo.lock.\n",
             "Files: *\nCopyright: %s\nLicense: BSD-2-Clause\n" % holders]
    used = {}
    for name, version in crates():
        # Where there are two versions of one crate, cargo puts the older one's number to its folder's name.
        folder = next(filter(pathlib.Path.is_dir, (vendor / ("%s-%s" % (name, version)), vendor / name)), vendor / name)
        if not folder.is_dir():
            raise SystemExit("copyright: %s has no %s" % (vendor, name))
        about = tomllib.loads((folder / "Cargo.toml").read_text(encoding="utf-8"))["package"]
        if about["version"] != version:
            raise SystemExit("copyright: %s is %s in %s, not %s" % (name, about["version"], vendor, version))
        expression = debian(about["license"])
        for word in re.findall(r"[A-Za-z][A-Za-z0-9.+-]*", expression):
            if word not in ("and", "or"):
                used.setdefault(word, []).append(folder)
        people = copyright_of(folder, about) or KNOWN.get(name)
        if not people:
            raise SystemExit("copyright: %s does not say whose it is; look, and add it to KNOWN" % name)
        parts.append("Files: vendor/%s/*\nCopyright: %s\nLicense: %s\n"
                     % (folder.name, "\n           ".join(people), expression))
    parts.append("License: BSD-2-Clause\n" + indented(own[own.index("Redistribution"):]))
    for licence in sorted(used):
        parts.append("License: %s\n%s" % (licence, text_of(licence, used[licence])))
    return "\n".join(parts)


def crates():
    """Name and version of each crate that is not of the project itself."""
    lock = tomllib.loads((HERE / "Cargo.lock").read_text(encoding="utf-8"))["package"]
    return [(package["name"], package["version"]) for package in lock if "source" in package]


def debian(expression):
    """An SPDX expression, in the words of Debian's format."""
    # The old way to write "or".
    words = re.findall(r"[()]|[^\s()]+", expression.replace("/", " OR "))
    out = []
    for word in words:
        if word in ("AND", "OR", "(", ")"):
            out.append(word.lower())
        elif word in NAMES:
            out.append(NAMES[word])
        else:
            raise SystemExit("copyright: the licence %r is not known here" % word)
    # The format has no parentheses: "and" binds less than "or" where a comma stands before it.
    return re.sub(r"\( (.*?) \) and", r"\1, and", " ".join(out))


def copyright_of(folder, about):
    """The lines of its licences that name somebody; or its authors."""
    people = []
    for path in sorted(folder.iterdir()):
        if not re.match(r"(LICEN[CS]E|COPYING|COPYRIGHT|AUTHORS)", path.name, re.I) or not path.is_file():
            continue
        for line in path.read_text(encoding="utf-8").splitlines():
            found = re.match(r"^(?:\W|\d)*Copyright\s+(?:\(c\)|©)?\s*((?:\d{4}|The|[A-Z]).*)$", line.strip(), re.I)
            # The Apache licence's form to be filled in, and its talk of what copyright is.
            if not found or re.search(r"\[yyyy\]|\[name|\{yyyy\}|^(owner|notice|license|statement|assignment)", found.group(1), re.I):
                continue
            person = found.group(1).strip().rstrip(".")
            if person not in people and not person.lower().startswith(("and ", "the copyright")):
                people.append(person)
    return people or [re.sub(r"\s+", " ", author) for author in about.get("authors", [])]


def text_of(licence, folders):
    if licence in COMMON:
        name, file = COMMON[licence]
        return indented("The text of the %s is in /usr/share/common-licenses/%s on Debian systems." % (name, file))
    for folder in folders:
        path = folder / TEXTS.get(licence, "LICENSE")
        if path.exists():
            return indented(plain(path.read_text(encoding="utf-8"), licence))
    raise SystemExit("copyright: no crate has the text of %s" % licence)


def plain(whole, licence):
    """A licence without the names at its head, which the stanzas have."""
    if licence == "Expat":
        return whole[whole.index("Permission is hereby"):]
    return whole


def indented(lines):
    return "".join(" %s\n" % (line.rstrip() or ".") for line in lines.strip().splitlines())


if __name__ == "__main__":
    sys.exit(main())
