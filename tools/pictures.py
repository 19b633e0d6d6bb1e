#!/usr/bin/env python3
"""Draws docs/house.svg and docs/query.svg; with --check tells whether they are what this makes.

Run it from the project's top folder, as `make pictures` does. The pictures bring their own ground, light or dark as the
reader's screen is, so that they can stand on any.
"""

import sys
from html import escape
from xml.dom import minidom

STYLE = """
  .ground { fill: #ffffff; stroke: #d0d7de; }
  text { font: 14px "DejaVu Sans", "Segoe UI", "Liberation Sans", Helvetica, Arial, sans-serif; fill: #1f2328; }
  .name { font-weight: bold; }
  .soft { fill: #59636e; font-size: 12.5px; }
  .flow { font-size: 12.5px; fill: #0a58a8; }
  .box { fill: #eef4fb; stroke: #5b8fc7; stroke-width: 1.4; }
  .pure { fill: #eaf6ec; stroke: #4f9d63; }
  .out { fill: #f6f8fa; stroke: #8c959f; stroke-dasharray: 5 3; }
  .line { stroke: #0a58a8; stroke-width: 1.5; fill: none; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .event { stroke: #8c959f; stroke-width: 1; stroke-dasharray: 3 3; }
  .head { fill: #0a58a8; }
  .good { fill: #1a7f37; } .good-line { stroke: #1a7f37; stroke-width: 2; }
  .stale { fill: #9a6700; } .stale-line { stroke: #9a6700; stroke-width: 2; }
  .bad { fill: #b42318; } .bad-line { stroke: #b42318; stroke-width: 2; }
  .late { fill: #8c959f; }
  .wait { stroke: #afb8c1; stroke-width: 2; stroke-dasharray: 2 4; }
  .mark { stroke: #ffffff; stroke-width: 1; }
  @media (prefers-color-scheme: dark) {
    .ground { fill: #14191f; stroke: #3d444d; }
    text { fill: #e6eaef; }
    .soft { fill: #9aa4ae; }
    .flow, .head { fill: #7db7ff; } .line { stroke: #7db7ff; }
    .box { fill: #1a2634; stroke: #5b8fc7; }
    .pure { fill: #182a1d; stroke: #4f9d63; }
    .out { fill: #1b2027; stroke: #7a838d; }
    .grid { stroke: #2d343c; } .event { stroke: #7a838d; }
    .good { fill: #5fce7a; } .good-line { stroke: #5fce7a; }
    .stale { fill: #e0b13c; } .stale-line { stroke: #e0b13c; }
    .bad { fill: #ff8a80; } .bad-line { stroke: #ff8a80; }
    .late { fill: #7a838d; } .wait { stroke: #59636e; }
    .mark { stroke: #14191f; }
  }
"""


class Picture:
    """Shapes in the order in which they are drawn."""

    def __init__(self, width, height, title, description):
        self.parts = [
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" '
            'aria-labelledby="title description">' % (width, height, width, height),
            '<title id="title">%s</title>' % escape(title), '<desc id="description">%s</desc>' % escape(description),
            "<style>%s</style>" % STYLE,
            '<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
            'orient="auto-start-reverse"><path class="head" d="M0 0 10 5 0 10z"/></marker></defs>',
            '<rect class="ground" x="0.5" y="0.5" width="%d" height="%d" rx="10"/>' % (width - 1, height - 1)]

    def text(self, x, y, text, kind="", anchor="start"):
        self.parts.append('<text x="%g" y="%g" class="%s" text-anchor="%s">%s</text>'
                          % (x, y, kind, anchor, escape(text)))

    def box(self, x, y, width, height, name, lines, kind=""):
        self.parts.append('<rect class="box %s" x="%g" y="%g" width="%g" height="%g" rx="7"/>'
                          % (kind, x, y, width, height))
        self.text(x + 14, y + 24, name, "name")
        for i, line in enumerate(lines):
            self.text(x + 14, y + 44 + 18 * i, line, "soft")

    def arrow(self, x1, y1, x2, y2, both=False):
        self.parts.append('<path class="line" d="M%g %g %g %g" marker-end="url(#head)"%s/>'
                          % (x1, y1, x2, y2, ' marker-start="url(#head)"' if both else ""))

    def line(self, x1, y1, x2, y2, kind):
        self.parts.append('<path class="%s" d="M%g %g %g %g"/>' % (kind, x1, y1, x2, y2))

    def dot(self, x, y, kind):
        self.parts.append('<circle class="%s mark" cx="%g" cy="%g" r="5"/>' % (kind, x, y))

    def svg(self):
        return "\n".join(self.parts + ["</svg>", ""])


def house():
    """The modules, and what flows between them."""
    picture = Picture(860, 640, "The house of libconfdclient", (
        "A program calls ffi, which calls client. client holds one lock around engine, which uses wire, and moves "
        "datagrams between engine and net. net talks UDP with the ganeti-confd daemons."))
    picture.box(30, 24, 800, 56, "your program", [], "out")
    picture.text(816, 48, "C, or any language that can call it", "soft", "end")

    picture.box(30, 136, 800, 66, "ffi", ["the C API: checks NULL, ranges and UTF-8, turns errors into codes, "
                                          "lets no panic out"])
    picture.arrow(230, 80, 230, 136)
    picture.text(220, 113, "calls", "flow", "end")
    picture.arrow(520, 136, 520, 80)
    picture.text(530, 113, "upcalls, on the calling thread, with no lock held", "flow")

    picture.box(30, 258, 800, 66, "client", ["one lock around the engine; the clock; threads that wait; the order "
                                             "of upcalls"])
    picture.arrow(230, 202, 230, 258)
    picture.arrow(520, 258, 520, 202)
    picture.text(530, 235, "events: replies, expiries, completions", "flow")

    picture.box(30, 388, 430, 102, "engine", ["the protocol: who is asked, deadlines, retries, what counts",
                                              "as a reply, which is the best", "no socket, no clock, no randomness "
                                              "of its own"], "pure")
    picture.arrow(120, 324, 120, 388)
    picture.text(130, 352, "time, entropy,", "flow")
    picture.text(130, 370, "datagrams in", "flow")
    picture.arrow(290, 388, 290, 324)
    picture.text(300, 352, "datagrams out, events,", "flow")
    picture.text(300, 370, "the next deadline", "flow")

    picture.box(30, 546, 430, 66, "wire", ["bytes and nothing else: salts, signing, verifying, JSON"], "pure")
    picture.arrow(120, 490, 120, 546)
    picture.text(130, 523, "requests", "flow")
    picture.arrow(290, 546, 290, 490)
    picture.text(300, 523, "replies, verified", "flow")

    picture.box(500, 388, 196, 102, "net", ["one UDP socket, batches;", "ICMP errors; the one", "descriptor to poll"])
    picture.arrow(560, 324, 560, 388, both=True)
    picture.text(570, 361, "datagrams", "flow")
    picture.box(712, 388, 118, 102, "cluster_dir", ["the files", "of a node"])
    picture.arrow(750, 388, 750, 324)
    picture.text(760, 361, "key, peers", "flow")
    picture.box(500, 546, 330, 66, "ganeti-confd", ["on each master candidate of the cluster"], "out")
    picture.arrow(560, 490, 560, 546, both=True)
    picture.text(570, 523, "requests and replies, signed, over UDP", "flow")
    return picture.svg()


def query():
    """A query's life: time goes to the right, a row for each candidate."""
    left, top, row = 150, 112, 38
    now, early, again, end = left + 20, left + 140, left + 380, left + 420
    rows = [("candidate 1", "fresh"), ("candidate 2", "stale"), ("candidate 3", "silent"), ("candidate 4", "refuses"),
            ("candidate 5", "packet lost"), ("candidate 6", "slow"), ("candidate 7", ""), ("candidate 8", "")]
    bottom = top + row * len(rows)
    picture = Picture(860, bottom + 112, "The life of a query", (
        "Six of eight candidates are asked. Two answer, one of them stale. One is silent, one refuses and is replaced "
        "at once, the packet to one is lost, one is slow. After a second those that have not answered are asked again, "
        "and another one. The fourth answer ends the query; the highest serial wins."))
    picture.text(24, 36, "confd_client_query(), coverage 6 of 8 candidates: 4 replies are needed", "name")
    picture.text(24, 58, "A line waits for a reply. A dot is what has come.", "soft")

    def y(candidate):
        return top + row * (candidate - 1) + row / 2

    for i, (name, about) in enumerate(rows, 1):
        picture.line(24, top + row * i, 836, top + row * i, "grid")
        picture.text(24, y(i) + (0 if about else 5), name)
        if about:
            picture.text(24, y(i) + 14, about, "soft")
    for x, label in ((now, "0 ms"), (again, "1000 ms: asked again"), (end + 40, "")):
        picture.line(x, top - 8, x, bottom + 8, "event")
        picture.text(x, top - 16, label, "flow", "middle")
    picture.text(end + 48, top - 16, "answered", "good")

    def ask(candidate, start, stop, kind="wait"):
        picture.line(start, y(candidate), stop, y(candidate), kind)
        picture.parts.append('<path class="head" d="M%g %g v-12 l10 6z"/>' % (start - 5, y(candidate) + 6))

    def come(candidate, x, kind, text):
        picture.dot(x, y(candidate), kind)
        picture.text(x + 11, y(candidate) + 5, text, kind)

    ask(1, now, early - 40, "good-line")
    come(1, early - 40, "good", "serial 42 (1st)")
    ask(2, now, early, "stale-line")
    come(2, early, "stale", "serial 41: older (2nd)")
    ask(3, now, again)
    ask(4, now, early - 70, "bad-line")
    come(4, early - 70, "bad", "no daemon (ICMP): 7 instead")
    ask(4, again, again + 25, "bad-line")
    come(4, again + 25, "bad", "")
    ask(5, now, again)
    ask(6, now, again)
    picture.parts.append('<path class="line" d="M%g %g V%g" marker-end="url(#head)"/>'
                         % (early - 70, y(4) + 6, y(7) - 8))
    ask(7, early - 70, early + 40, "good-line")
    come(7, early + 40, "good", "serial 42 (3rd)")
    ask(3, again, 836)
    ask(5, again, end + 40, "good-line")
    come(5, end + 40, "good", "serial 42 (4th)")
    for candidate, x in ((6, end + 130), (8, end + 90)):
        ask(candidate, again, x)
        come(candidate, x, "late", "")
        picture.text(x + 11, y(candidate) + 5, "late", "soft")

    picture.text(24, bottom + 40, "CONFD_OUTCOME_ANSWERED: sent 8, received 4, needed 4. The highest serial wins: 42.",
                 "name")
    picture.text(24, bottom + 64, "After retry_ms those that have not answered are asked again, and as many others, "
                 "as far as there are any.", "soft")
    picture.text(24, bottom + 84, "The next query asks those that refused or stayed silent last. A late answer shows "
                 "that its candidate is only slow.", "soft")
    return picture.svg()


def main():
    different = False
    for path, text in (("docs/house.svg", house()), ("docs/query.svg", query())):
        if sys.argv[1:] == ["--check"]:
            minidom.parseString(text)
            with open(path, encoding="utf-8") as file:
                same = file.read() == text
            print("%s %s" % (path, "is what tools/pictures.py makes" if same else "is not: run `make pictures`"))
            different |= not same
        else:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
