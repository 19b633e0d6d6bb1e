"""Templates and the header's items as pages.

A template in man/src is mdoc with lines of its own, each starting with `@`. At its top, up to the first other line:

    @title TEXT                 what the page is about, on one line
    @functions NAME…            the functions that the page describes, in this order; may be repeated
    @types NAME…                the same for types

Below:

    @describe                   what the header says of the functions
    @type NAME                  what it says of a type; the C text and the members of a struct
    @constants PREFIX…          a list of the constants that start so
    @returns                    the section RETURN VALUES
    @errors                     the section ERRORS
    @example NAME               man/examples/NAME.c, and NAME.session, in which it is compiled and run
    @session NAME               the session alone
    @see NAME(SECTION)…         the section SEE ALSO
"""

import os
import re

import mdoc

SOURCES = "man/src"
EXAMPLES = "man/examples"
# The day that the manual's text was last looked through; mdoc wants one.
DATE = "November 23, 2026"


class PageError(Exception):
    """A template asks for what is not there."""


def comma_list(names, macro):
    """`.Fn a ,` … `and` `.Fn z`, as lines."""
    lines = [".%s %s ," % (macro, name) for name in names]
    lines[-1] = lines[-1].removesuffix(" ,")
    if len(names) > 1:
        lines[-2] = lines[-2].removesuffix(" ,")
        lines.insert(-1, "and")
    return lines


def split_returns(text):
    """What @return says of CONFD_OK, and of each error."""
    parts = re.split(r"(?:;|:)\s+(?=CONFD_ERR_)", text)
    errors = []
    for part in parts[1:]:
        match = re.match(r"(CONFD_ERR_\w+),?\s*(.*)", part)
        errors.append((match.group(1), match.group(2).rstrip(".")))
    return parts[0], errors


class Page:
    """One page in the making."""

    def __init__(self, name, template, items):
        self.name = name
        self.items = items
        self.functions, self.types, self.title = [], [], ""
        body = self.read_head(template.splitlines())
        for each in self.functions + self.types:
            if each not in items:
                raise PageError("%s: the header has no %s" % (name, each))
        self.prose = mdoc.Prose(items, set(self.functions + self.types))
        self.lines = [".\\\" Made by tools/manual from man/src/%s.mdoc and include/confdclient.h: do not edit it here."
                      % name, ".Dd " + DATE, ".Dt %s 3" % name.upper(), ".Os"]
        self.add_names()
        self.add_synopsis()
        for line in body:
            if line.startswith("@"):
                self.directive(*line[1:].split())
            else:
                self.lines.append(line)

    def text(self):
        return "\n".join(mdoc.tidy(self.lines)) + "\n"

    def read_head(self, lines):
        """Takes what the template's top says; gives the rest."""
        for i, line in enumerate(lines):
            word, _, rest = line.partition(" ")
            if word == "@title":
                self.title = rest
            elif word == "@functions":
                self.functions += rest.split()
            elif word == "@types":
                self.types += rest.split()
            else:
                return lines[i:]
        raise PageError(self.name + " has no text")

    def add_names(self):
        names = [self.name] + [name for name in self.functions + self.types if name != self.name]
        self.lines.append(".Sh NAME")
        self.lines += [".Nm %s ," % name for name in names[:-1]] + [".Nm " + names[-1], ".Nd " + self.title]
        self.lines += [".Sh LIBRARY", "libconfdclient", ".Pq pkg-config name Li confdclient , Fl l Ns Li confdclient"]

    def add_synopsis(self):
        self.lines += [".Sh SYNOPSIS", ".In confdclient.h"]
        for name in self.functions:
            item = self.items[name]
            self.lines += [".Ft " + mdoc.argument(item.result), ".Fo " + name]
            self.lines += [".Fa " + mdoc.argument(declaration) for declaration, _ in item.params or [("void", "")]]
            self.lines.append(".Fc")

    def directive(self, word, *rest):
        actions = {"describe": self.describe, "type": self.add_type, "constants": self.constants,
                   "returns": self.returns, "errors": self.errors, "example": self.example,
                   "session": self.session, "see": self.see}
        if word not in actions:
            raise PageError("%s: @%s is not known" % (self.name, word))
        actions[word](*rest)

    def paragraphs(self, texts):
        for i, text in enumerate(texts):
            if i > 0:
                self.lines.append(".Pp")
            self.lines += self.prose.set(text)

    def describe(self):
        self.lines.append(".Bl -tag -width Ds")
        for name in self.functions:
            item = self.items[name]
            self.lines.append(" ".join([".It Fn", name, *[param for _, param in item.params]]))
            self.paragraphs(item.doc.paragraphs)
            if item.doc.params:
                width = max(item.doc.params, key=len)
                self.lines += [".Pp", ".Bl -tag -width %s -compact" % width]
                for param, text in item.doc.params.items():
                    self.lines.append(".It Fa " + param)
                    self.lines += self.prose.set(text)
                self.lines.append(".El")
        self.lines.append(".El")

    def add_type(self, name):
        item = self.items[name]
        if item.kind == "callback":
            self.lines.append(".Bd -literal")
            self.lines.append("typedef %s (*%s)(%s);" % (item.result, name, (",\n    ").join(
                declaration for declaration, _ in item.params)))
            self.lines += [".Ed", ".Pp"]
        elif item.kind == "struct":
            self.lines.append(".Bd -literal")
            self.lines += ["typedef struct {", *["    %s;" % member[0] for member in item.members], "} %s;" % name]
            self.lines += [".Ed", ".Pp"]
        elif item.text != "typedef %s %s;" % (name, name):      # as that of an opaque type is
            self.lines += [".Bd -literal", item.text, ".Ed", ".Pp"]
        self.paragraphs(item.doc.paragraphs)
        if item.members:
            width = max((member[1] for member in item.members), key=len)
            self.lines.append(".Bl -tag -width " + width)
            for _, member, doc in item.members:
                self.lines.append(".It Fa " + member)
                self.paragraphs(doc.paragraphs)
            self.lines.append(".El")

    def constants(self, *prefixes):
        chosen = [item for item in self.items.values() if item.kind == "constant" and item.name.startswith(prefixes)]
        if not chosen:
            raise PageError("%s: no constant starts with %s" % (self.name, prefixes))
        self.lines.append(".Bl -tag -width Ds")
        for item in chosen:
            self.lines.append(".It Dv %s Pq %s" % (item.name, item.text))
            # "Request type: the role of a node." stands in a list of request types.
            text = re.sub(r"\A(Request type|A field of CONFD_\w+|Kind of \w+(?: \w+)*|Log level|"
                          r"Outcome of a query|Status of a reply|Role of a node|Flag of \w+\(\)): ", "",
                          " ".join(item.doc.paragraphs))
            self.lines += self.prose.set(text[0].upper() + text[1:])
        self.lines.append(".El")

    def returns(self):
        self.lines.append(".Sh RETURN VALUES")
        plain, others = [], []
        for name in self.functions:
            item = self.items[name]
            if item.result == "confd_error":
                said, _ = split_returns(item.doc.returns)
                if said.rstrip(".") == "CONFD_OK":
                    plain.append(name)
                else:
                    others.append((name, said))
            elif item.doc.returns:
                others.append((name, item.doc.returns))
        if plain:
            self.lines += comma_list(plain, "Fn")
            self.lines += [("returns" if len(plain) == 1 else "return"), ".Dv CONFD_OK",
                           "or one of the", ".Sx ERRORS" + (" ." if not others else " .")]
        if others:
            self.lines.append(".Bl -tag -width Ds")
            for name, said in others:
                self.lines.append(".It Fn " + name)
                said = said if said.endswith(".") else said + "."
                self.lines += self.prose.set(said)
                if self.items[name].result == "confd_error":
                    self.lines += ["Otherwise one of the", ".Sx ERRORS ."]
            self.lines.append(".El")

    def errors(self):
        self.lines.append(".Sh ERRORS")
        groups = []                     # functions whose errors are the same, in the page's order
        for name in self.functions:
            if self.items[name].result != "confd_error":
                continue
            said = split_returns(self.items[name].doc.returns)[1]
            for group in groups:
                if group[1] == said:
                    group[0].append(name)
                    break
            else:
                groups.append(([name], said))
        for i, (names, said) in enumerate(groups):
            if i > 0:
                self.lines.append(".Pp")
            self.lines += comma_list(names, "Fn")
            self.lines += ["fails with" if len(names) == 1 else "fail with", ".Bl -tag -width Ds"]
            for code, why in said:
                self.lines.append(".It Dv " + code)
                self.lines += self.prose.set(self.error_text(code, why))
            self.lines.append(".El")
        self.lines += [".Pp", "Any function may fail with", ".Dv CONFD_ERR_INTERNAL ,", "see",
                       ".Xr confd_error 3 .", ".Fn confd_last_error" if "confd_last_error" in self.functions
                       else ".Xr confd_last_error 3", "says in words what was wrong."]

    def error_text(self, code, why):
        """When the code comes: what the function says, or where it says nothing the code's own line."""
        own = " ".join(self.items[code].doc.paragraphs)
        if not why:
            return own
        if why.startswith("also "):
            return "%s Also %s." % (own, why.removeprefix("also "))
        return why[0].upper() + why[1:] + "."

    def example(self, name):
        self.lines += mdoc.literal(read(os.path.join(EXAMPLES, name + ".c")))
        self.session(name)

    def session(self, name):
        self.lines += mdoc.literal(read(os.path.join(EXAMPLES, name + ".session")))

    def see(self, *names):
        self.lines.append(".Sh SEE ALSO")
        pairs = sorted((match.group(2), match.group(1)) for match in
                       (re.fullmatch(r"([\w.-]+)\((\d)\)", name) for name in names))
        lines = [".Xr %s %s ," % (name, section) for section, name in pairs]
        self.lines += lines[:-1] + [lines[-1].removesuffix(" ,")]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def make(items):
    """All pages of section 3, by file name: those with text, and for each function and type one that leads there."""
    pages, owners = {}, {}
    for source in sorted(os.listdir(SOURCES)):
        name = source.removesuffix(".mdoc")
        page = Page(name, read(os.path.join(SOURCES, source)), items)
        pages[name + ".3"] = page.text()
        for each in page.functions + page.types:
            if each in owners:
                raise PageError("%s is on two pages, %s and %s" % (each, owners[each], name))
            owners[each] = name
    for item in items.values():
        if item.kind != "constant" and item.name not in owners:
            raise PageError("%s is on no page: add it to one in %s" % (item.name, SOURCES))
        if item.kind == "constant" and not any(".It Dv %s " % item.name in text for text in pages.values()):
            raise PageError("%s is on no page: add it to one in %s" % (item.name, SOURCES))
    for each, owner in owners.items():
        pages.setdefault(each + ".3", ".so man3/%s.3\n" % owner)
    return pages, owners
