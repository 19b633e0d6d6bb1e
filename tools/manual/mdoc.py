"""Prose of the header's comments as mdoc(7).

A sentence starts a line, as mdoc wants it. What a word is shows in its form: functions, constants, types, options,
parameters and files get their macros.
"""

import re

CLOSING = ".,:;)]?!"
OPENING = "(["
# What is not ours, and where it is described.
FOREIGN = {"fork": "2", "longjmp": "3"}
WIDTH = 78
LITERAL_WIDTH = 74


def fill(text):
    """Lines of mdoc text, each sentence on lines of its own."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > WIDTH:
            lines.append(line)
            line = ""
        line = (line + " " + word).strip()
        if re.search(r"[.!?][)\"']*$", word):
            lines.append(line)
            line = ""
    lines += [line] if line else []
    return ["\\&" + line if line.startswith((".", "'")) else line for line in lines]


def tidy(lines):
    """Text lines filled; no paragraph before what begins one itself."""
    out, text, shown = [], [], False
    for line in [*lines, "."]:
        if not shown and not line.startswith("."):
            text.append(line)
            continue
        out += fill(" ".join(text))
        text.clear()
        shown = line.startswith(".Bd") or shown and line != ".Ed"
        starts = line.startswith((".Sh", ".Ss", ".Bd")) or line.startswith(".Bl") and "-compact" not in line
        if out and out[-1] == ".Pp" and starts:
            out.pop()
        out.append(line)
    return out[:-1]


def escape(text):
    """For a text line or a macro's argument."""
    for plain, escaped in (("\\", "\\e"), ("→", "\\(->"), ("~", "\\(ti"), ("^", "\\(ha"), ("`", "\\(ga")):
        text = text.replace(plain, escaped)
    if not text.isascii():
        raise ValueError("not ASCII: " + text)
    return text


def argument(text):
    """One argument of a macro, quoted where it has to be."""
    text = escape(text).replace('"', "\\(dq")
    return '"%s"' % text if " " in text else text


def literal(text):
    """Lines that are shown as they are, and have to fit a terminal of 80 columns."""
    lines = []
    for line in text.splitlines():
        if len(line) > LITERAL_WIDTH:
            raise ValueError("longer than %d characters: %s" % (LITERAL_WIDTH, line))
        line = escape(line).replace("'", "\\(aq").replace("-", "\\-")
        lines.append("\\&" + line if line.startswith((".", "\\(aq")) else line)
    return [".Bd -literal", *lines, ".Ed"]


class Prose:
    """Sets the prose of one page."""

    def __init__(self, items, here):
        self.items = items              # of the header
        self.here = here                # the page's own functions
        self.options = {name[len("confd_options_set_"):] for name in items if name.startswith("confd_options_set_")}
        self.names = {name for each in here for _, name in items[each].params + [m[:2] for m in items[each].members]}

    def set(self, text):
        """The lines of some sentences."""
        # What is in backquotes, or is a call of sizeof, is one word.
        words = [word.replace("\0", " ") for word in
                 re.sub(r"`[^`]*`", lambda match: match.group().replace(" ", "\0"), text).split()]
        lines, line = [], []

        def flush():
            if line:
                lines.append(" ".join(line))
                line.clear()

        full = ""                       # the last function that was named in full
        for i, word in enumerate(words):
            macro, full = self.macro(word, full, words[i + 1:i + 6])
            if macro:
                flush()
                lines.append("." + macro)
            else:
                line.append(escape(word))
        flush()
        return lines

    def macro(self, word, full, following):
        """The macro line, without its dot, for a word that is a name; else None. And the last full name."""
        match = re.fullmatch(r'([(\["]*)(`[^`]*`|/?[\w./]*\w(?:\(\))?|CONFD_\w+)((?:[.,:;)\]?!"]|\'s|-)*)', word)
        if not match:
            return None, full
        before, core, after = match.groups()
        if core.startswith("_") and core.endswith("()"):
            core = self.whole_name(core[:-2], full) + "()"
        said = self.kind(core, following, after)
        if said is None:
            return None, full
        if core.endswith("()") and core.startswith("confd_"):
            full = core[:-2]
        if before:
            said = "Pf %s %s" % (before.replace('"', "\\(dq"), said)
        if after and all(character in CLOSING for character in after):
            said += " " + " ".join(after)
        elif after:
            said += " Ns " + after.replace('"', "\\(dq")
        return said, full

    def kind(self, core, following, after):
        """The macro and the name."""
        item = self.items.get(core.removesuffix("()"))
        if core.startswith("`"):
            return "Ql " + argument(core[1:-1]).strip('"')
        if core.endswith("()"):
            name = core[:-2]
            if item:
                return "Fn " + name if name in self.here else "Xr %s 3" % name
            if name in FOREIGN:
                return "Xr %s %s" % (name, FOREIGN[name])
            raise ValueError("an unknown function: " + core)
        if core == "NULL" or (core.startswith("CONFD_") and (item or self.is_prefix(core))):
            return "Dv " + core
        if core.startswith("CONFD_"):
            raise ValueError("an unknown constant: " + core)
        if item and core.startswith("confd_"):
            return "Vt " + core
        if core.startswith("confd_"):
            raise ValueError("an unknown name: " + core)
        if core.startswith("/") and "/" in core[1:] or re.fullmatch(r"hmac\.key|ssconf_\w+", core):
            return "Pa " + core
        if core in self.options and "_" in core:
            return "Va " + core
        if core in self.names and "_" in core:
            return "Fa " + core
        if core in self.names and not after.strip(",") and self.stands_for_argument(following):
            return "Fa " + core
        return None

    def is_prefix(self, core):
        return core.endswith("_") and any(name.startswith(core) for name in self.items)

    def stands_for_argument(self, following):
        """Does `is NULL`, `has another bit` and the like follow, perhaps after further names?"""
        for word in following:
            if word in ("is", "are"):
                rest = " ".join(following[following.index(word) + 1:])
                return rest.startswith(("NULL", "0", "less than", "negative", "malformed", "out of range"))
            if word.rstrip(",") not in self.names and word != "or":
                return False
        return False

    def whole_name(self, rest, full):
        """`_receive` behind confd_client_flush is confd_client_receive."""
        parts = full.split("_")
        for length in range(len(parts) - 1, 0, -1):
            name = "_".join(parts[:length]) + rest
            if name in self.items:
                return name
        raise ValueError("an unknown function: " + rest)
