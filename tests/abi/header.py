"""A header as clang reads it, where each part of it stands in the text, and the witness that is made of it.

The witness is a C library that defines every function of the header, so that its debug information has each type, struct
and callback that a program can reach. Rust's would not do: it says nothing of what lies behind a callback. The header's
numbers are macros, of which debug information says nothing either: here each is the length of an array, its member of a
union. (Not a value of an enum: abidiff takes another name with the same value for it.)
"""

import json
import re
import subprocess
from dataclasses import dataclass, field

SONAME = "libconfdclient.so.0"
# The union and the function that shows it.
NUMBERS = "confd_abi_numbers"
# What another release is expected to change.
VARIES = "CONFD_VERSION_NUMBER"


class Unfit(Exception):
    """A header that no compiler takes, or that is not understood here."""


def output(*command, text=None):
    done = subprocess.run(command, input=text, capture_output=True, text=True)
    if done.returncode:
        raise Unfit("%s\n%s" % (" ".join(command), done.stderr.strip()))
    return done.stdout


@dataclass
class Part:
    """A member, a parameter, a callback: its name, its type, and where its declaration stands."""
    name: str
    type: str
    begin: int
    end: int


@dataclass
class Function(Part):
    """`type` is that of the result; `at` is where the name stands."""
    at: int
    params: list


@dataclass
class Header:
    path: str
    text: str
    functions: dict = field(default_factory=dict)
    structs: dict = field(default_factory=dict)         # the members of each; none of those that are only named
    callbacks: dict = field(default_factory=dict)
    types: dict = field(default_factory=dict)           # names of other types
    numbers: dict = field(default_factory=dict)         # the value of each, as written


def part(node):
    # `bool` is a macro.
    begin, end = (at.get("expansionLoc", at) for at in (node["range"]["begin"], node["range"]["end"]))
    return Part(node.get("name", ""), node["type"]["qualType"], begin["offset"], end["offset"] + end["tokLen"])


def function(node):
    this = part(node)
    result, _, rest = this.type.partition(" (")
    if not rest:
        result = this.type.partition("(")[0]            # "const char *(void)"
    params = [part(inner) for inner in node.get("inner", ()) if inner["kind"] == "ParmVarDecl"]
    return Function(this.name, result.strip(), this.begin, this.end, node["loc"]["offset"], params)


def read(path):
    with open(path, encoding="latin-1", newline="") as file:     # a character for each byte, as clang counts
        header = Header(path, file.read())
    tree = json.loads(output("clang", "-x", "c", "-std=c99", "-fsyntax-only", "-Xclang", "-ast-dump=json", path))
    for node in tree["inner"]:
        name, kind = node.get("name", ""), node["kind"]
        if not name.startswith("confd_"):
            continue
        if kind == "FunctionDecl":
            header.functions[name] = function(node)
        elif kind == "RecordDecl":
            members = [part(inner) for inner in node.get("inner", ()) if inner["kind"] == "FieldDecl"]
            if members:
                header.structs[name] = members
        elif kind == "TypedefDecl" and "(*)" in node["type"]["qualType"]:
            header.callbacks[name] = part(node)
        elif kind == "TypedefDecl":
            if not node["type"]["qualType"].startswith("struct "):
                header.types[name] = part(node)
        else:
            raise Unfit("%s is a %s, which this script does not know" % (name, kind))
    macros = output("clang", "-x", "c", "-E", "-dM", path)
    for name, value in re.findall(r"^#define (CONFD_\w+) (\S+)$", macros, re.M):
        if name != VARIES:
            header.numbers[name] = value
    return header


def witness(header, numbers):
    """The C source; of the numbers only those named."""
    yield '#include "%s"' % header.path
    yield "union %s {" % NUMBERS
    yield from ("    char of_%s[1 + (%s)];" % (name, name) for name in numbers)
    yield "};"
    yield "void %s(union %s *numbers);" % (NUMBERS, NUMBERS)
    yield "void %s(union %s *numbers) { (void)numbers; }" % (NUMBERS, NUMBERS)
    for one in header.functions.values():
        params = ["%s %s" % (param.type, param.name) for param in one.params]
        body = "".join("(void)%s; " % param.name for param in one.params)
        yield "%s %s(%s) { %s%s}" % (one.type, one.name, ", ".join(params) or "void", body,
                                     "" if one.type == "void" else "return 0; ")


def build(header, numbers, library):
    """The witness as a shared library. The compiler holds it against the header, which it includes."""
    output("gcc", "-x", "c", "-std=c99", "-g", "-shared", "-fPIC", "-Wl,-soname," + SONAME, "-o", library, "-",
           text="\n".join(witness(header, numbers)) + "\n")
