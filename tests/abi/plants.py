"""Changes planted into a header, one at a time, each of which the check has to report by name; and some that are allowed,
of which it must not complain.

They are made of the header itself, one of each kind for each part of it that the kind fits, so that what comes to the header
later has its changes planted, too.
"""

import re
from dataclasses import dataclass

from compare import GROWING

BREAKS, ADDS, NOTHING = "is reported", "is told as added", "goes unnoticed"


@dataclass
class Plant:
    kind: str
    what: str           # the part that changes
    text: str           # the header with the change
    named: tuple = ()   # one of these is in the report
    wanted: str = BREAKS


def edit(header, begin, end, new):
    return header.text[:begin] + new + header.text[end:]


def of_functions(header):
    for one in header.functions.values():
        name = one.name

        def plant(kind, begin, end, new, what=name):
            return Plant(kind, what, edit(header, begin, end, new), (name,))

        yield plant("a function removed", one.begin, one.end + 1, "")
        yield plant("a result's type changed", one.begin, one.at, "double ")
        for param in one.params:
            yield plant("a parameter's type changed", param.begin, param.end, "double " + param.name,
                        "%s: %s" % (name, param.name))
        if one.params:
            yield plant("a parameter added", one.params[-1].end, one.params[-1].end, ", double added")
            # A last one that is removed leaves the others where they are.
            before = one.params[-2].end if one.params[1:] else one.params[0].begin
            yield plant("a parameter removed", before, one.params[-1].end, "" if one.params[1:] else "void")


def of_structs(header):
    for struct, members in header.structs.items():
        for member, after in zip(members, members[1:] + [None]):
            def plant(kind, begin, end, new, named=(member.name,)):
                return Plant(kind, "%s.%s" % (struct, member.name), edit(header, begin, end, new), named)

            yield plant("a member removed", member.begin, member.end + 1, "")
            yield plant("a member's type changed", member.begin, member.end, "float %s" % member.name)
            declared = header.text[member.begin:member.end]
            yield plant("a member renamed", member.begin, member.end,
                        re.sub(r"\b%s\b" % member.name, "renamed", declared, count=1))
            yield plant("a member put before", member.begin, member.begin, "double planted; ",
                        (member.name, struct))
            if after:
                between = header.text[member.end:after.begin]
                yield plant("two members reordered", member.begin, after.end,
                            header.text[after.begin:after.end] + between + declared)
        last = members[-1]
        if struct not in GROWING:
            yield Plant("a member added to a frozen struct", struct,
                        edit(header, last.end + 1, last.end + 1, " double planted;"), (struct,))
            continue
        yield Plant("a member added at the end", struct,
                    edit(header, last.end + 1, last.end + 1, " uint64_t planted;"),
                    ("member %s.planted" % struct,), ADDS)
        yield Plant("a member added and another's type changed", struct,
                    edit(header, last.begin, last.end + 1, "float %s; uint64_t planted;" % last.name), (last.name,))
        if last.type == "_Bool":
            yield Plant("a member added in padding", struct,
                        edit(header, last.end + 1, last.end + 1, " bool planted;"), (struct,))


def of_callbacks(header):
    for name, one in header.callbacks.items():
        text = " ".join(header.text[one.begin:one.end].split())
        result, params = re.fullmatch(r"typedef ([^(]*)\(\*\w+\)\((.*)\)", text).groups()
        params = params.split(", ")

        def plant(kind, result, params):
            new = "typedef %s (*%s)(%s)" % (result.strip(), name, ", ".join(params))
            return Plant(kind, name, edit(header, one.begin, one.end, new), (name,))

        yield plant("a callback's result changed", "double", params)
        yield plant("a callback's parameter removed", result, params[:-1])
        for i, param in enumerate(params):
            yield plant("a callback's parameter's type changed", result, params[:i] + ["double planted"] + params[i + 1:])


def of_numbers(header):
    for name, value in header.numbers.items():
        line = re.search(r"^#define %s (\S+)$" % name, header.text, re.M)
        yield Plant("a number moved", name, edit(header, line.start(1), line.end(1), "%s + 100" % value), (name,))
        yield Plant("a number removed", name, edit(header, line.start(), line.end(), ""), (name,))
    for name, one in header.types.items():
        yield Plant("a type changed", name, edit(header, one.begin, one.end, "typedef int64_t " + name), (name,))


def allowed(header):
    first = next(iter(header.functions.values()))
    yield Plant("a function added", "", edit(header, first.begin, first.begin,
                "typedef struct confd_planted { int member; } confd_planted;\nint confd_new(confd_planted *planted);\n"),
                ("function confd_new",), ADDS)
    line = next(re.finditer(r"^#define CONFD_\w+ \S+\n", header.text, re.M))
    yield Plant("a number added", "", edit(header, line.end(), line.end(), "#define CONFD_PLANTED 999\n"),
                ("number CONFD_PLANTED",), ADDS)
    param = next(param for one in header.functions.values() for param in one.params)
    yield Plant("a parameter renamed", "", edit(header, param.end - len(param.name), param.end, "renamed"), (), NOTHING)
    yield Plant("a comment added", "", edit(header, first.begin, first.begin, "/* planted */ "), (), NOTHING)


def every(header):
    for kind in (of_functions, of_structs, of_callbacks, of_numbers, allowed):
        yield from kind(header)


def some(header):
    """The last of each kind: what came latest is what was looked at least."""
    return list({plant.kind: plant for plant in every(header)}.values())
