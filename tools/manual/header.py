"""include/confdclient.h as items with their comments: what the manual is made from.

The header is what cbindgen makes of the comments and signatures in src/ffi (`make header-check` sees to that), so it
has the C types that a reader wants, and one regular form. Whatever does not have that form is an error here: nothing
is left out of the manual in silence.
"""

import re
from dataclasses import dataclass, field

HEADER = "include/confdclient.h"

# What stands between the items.
FRAME = re.compile(r"#(ifndef|ifdef|endif|include)\b.*|#define CONFDCLIENT_H|extern \"C\" \{|\}\s*// extern \"C\"|")


class HeaderError(Exception):
    """The header has something that the manual does not understand."""


@dataclass
class Doc:
    """A comment: its paragraphs, and what its tags say."""
    paragraphs: list
    params: dict = field(default_factory=dict)
    returns: str = ""


@dataclass
class Item:
    """One definition. `kind` is constant, type, callback, struct or function."""
    kind: str
    name: str
    doc: Doc
    text: str                                       # the C text, as a reader wants it
    result: str = ""                                # of functions and callbacks
    params: list = field(default_factory=list)      # the same: (whole declaration, name)
    members: list = field(default_factory=list)     # of structs: (declaration, name, Doc)


def read_doc(comment):
    """Of the lines between /** and */."""
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() for line in comment.strip().splitlines()]
    doc = Doc([])
    gather = []             # the lines of what is being read
    into = None             # where they go

    def end():
        text = " ".join(" ".join(gather).split())
        gather.clear()
        if not text:
            return
        if into is None:
            doc.paragraphs.append(text)
        elif into == "@return":
            doc.returns = text
        else:
            doc.params[into] = text

    for line in lines:
        tag = re.match(r"@(\w+)\s+(.*)", line)
        if tag and tag.group(1) == "param":
            end()
            into, rest = tag.group(2).split(None, 1)
            gather.append(rest)
        elif tag and tag.group(1) == "return":
            end()
            into = "@return"
            gather.append(tag.group(2))
        elif tag:
            raise HeaderError("unknown tag: " + line)
        elif not line:
            end()
            if into is not None and doc.returns:
                into = "nothing may follow"
        elif into is None and re.match(r"\s{2,}|[-*] ", line):
            raise HeaderError("only paragraphs can be set, not this: " + line)
        else:
            gather.append(line)
    end()
    if "nothing may follow" in doc.params:
        raise HeaderError("text behind @return: " + doc.params["nothing may follow"])
    return doc


def clean(declaration):
    """On one line; and without the `struct` that C does not need before our names."""
    return re.sub(r"\bstruct (confd_)", r"\1", " ".join(declaration.split()))


def read_params(text):
    if text.strip() == "void":
        return []
    params = [clean(param) for param in text.split(",")]
    return [(param, re.search(r"(\w+)$", param).group(1)) for param in params]


def read_members(body):
    members = []
    rest = body
    while rest.strip():
        match = re.match(r"\s*/\*\*(.*?)\*/\s*([^;]+);", rest, re.S)
        if not match:
            raise HeaderError("a member without a comment: " + rest.strip()[:80])
        declaration = clean(match.group(2))
        name = re.search(r"(\w+)(\[\d+\])?$", declaration).group(1)
        members.append((declaration, name, read_doc(match.group(1))))
        rest = rest[match.end():]
    return members


def read_item(doc, code):
    """The definition at the start of `code`, and how much of it that takes."""
    match = re.match(r"#define (CONFD_\w+) (\S+)\n", code)
    if match:
        return Item("constant", match.group(1), doc, match.group(2)), match.end()
    match = re.match(r"typedef struct (\w+) \{(.*?)\n\} (\w+);", code, re.S)
    if match:
        return Item("struct", match.group(3), doc, "", members=read_members(match.group(2))), match.end()
    match = re.match(r"typedef (\w+) \(\*(\w+)\)\(([^()]*)\);", code)
    if match:
        item = Item("callback", match.group(2), doc, "", match.group(1), read_params(match.group(3)))
        return item, match.end()
    match = re.match(r"typedef ([\w ]+) (confd_\w+);", code)
    if match:
        return Item("type", match.group(2), doc, clean(match.group(0))), match.end()
    match = re.match(r"([\w ]+?[ *]+)(confd_\w+)\(([^()]*)\);", code)
    if match:
        item = Item("function", match.group(2), doc, "", clean(match.group(1)), read_params(match.group(3)))
        return item, match.end()
    raise HeaderError("a definition of unknown form: " + code[:100])


def check(item):
    """Each parameter that the comment names is one, in their order; the obvious handle may go without."""
    names = [name for _, name in item.params]
    described = list(item.doc.params)
    if not item.doc.paragraphs:
        raise HeaderError(item.name + " is not described")
    if described and described not in (names, names[1:]):
        raise HeaderError("%s describes %s and takes %s" % (item.name, described, names))
    if item.kind == "function" and (item.result != "void") != bool(item.doc.returns):
        raise HeaderError(item.name + " does not say what it returns")


def read(path=HEADER):
    """All items, by name, in the header's order."""
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"\A/\*\n.*?\*/\n", "", text, count=1, flags=re.S)      # the page at its top
    items = {}
    while True:
        start = text.find("/**")
        frame = text if start < 0 else text[:start]
        for line in frame.splitlines():
            if not FRAME.fullmatch(line.strip()):
                raise HeaderError("a line without a comment: " + line)
        if start < 0:
            return items
        end = text.index("*/", start)
        doc = read_doc(text[start + 3:end])
        code = text[end + 2:].lstrip("\n")
        item, length = read_item(doc, code)
        check(item)
        items[item.name] = item
        text = code[length:]
