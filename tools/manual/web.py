#!/usr/bin/env python3
"""The manual as HTML: web.py FOLDER, from the project's top folder, as `make docs` runs it.

mandoc makes the pages. Added here: an index, a way back to it, and links: from each name of the API, also in the
examples, to the place that describes it, and from references to pages of the system to where these are on the web.
"""

import html
import os
import re
import shutil
import subprocess
import sys

import header
import pages

STYLE = "tools/manual/manual.css"
ELSEWHERE = "https://manpages.debian.org/%s.%s"


class Links:
    """Where each name is described."""

    def __init__(self, items, owners, titles):
        self.items = items
        self.titles = titles                # of the pages, by name
        self.owners = dict(owners)          # of functions, types and constants: the page
        self.anchored = set()               # names that have a place of their own on their page

    def to(self, name):
        """The address of a name, or None."""
        if name in self.anchored:
            return "%s.3.html#%s" % (self.owners[name], name)
        page = self.owners.get(name, name if name in self.titles else None)
        return "%s.3.html" % page if page else None


def render(path):
    done = subprocess.run(["mandoc", "-Thtml", "-Ios=libconfdclient", "-Oman=%N.%S.html,style=manual.css", path],
                          check=True, capture_output=True, text=True)
    return done.stdout


def anchor(text, page, links):
    """Marks the places that describe the names of this page. mandoc would mark wherever a name comes first."""
    text = re.sub(r' id="(?:confd_|CONFD_)\w+(?:~\d+)?"', "", text)
    text = re.sub(r'<a class="permalink" href="#(?:confd_|CONFD_)\w+(?:~\d+)?">(.*?)</a>', r"\1", text, flags=re.S)
    cut = re.search(r'<h1 class="Sh" id="RETURN_VALUES">|<h1 class="Sh" id="EXAMPLES">', text)
    start, rest = text[:cut.start()], text[cut.start():]

    def mark(match):
        name = match.group(2)
        if name not in links.items or name in links.anchored:
            return match.group()
        links.owners.setdefault(name, page)
        if links.owners[name] != page:
            return match.group()
        links.anchored.add(name)
        return '%s id="%s"' % (match.group(1), name)

    start = re.sub(r'(<dt)(?=><code class="(?:Fn|Dv)">(\w+)</code>)', mark, start)
    start = re.sub(r'(<div class="Bd (?:Pp )?Li")(?=>\s*<pre>typedef (?:struct \{[^}]*\} |[\w ]+\(\*|\w+ )(\w+))',
                   mark, start)
    return start + rest


def link(text, links):
    """Turns the names in a page into links."""
    def linked(name, shown):
        to = links.to(name)
        return '<a class="to" href="%s">%s</a>' % (to, shown) if to else shown

    def in_code(match):
        return re.sub(r"\b(?:confd|CONFD)_\w+", lambda name: linked(name.group(), name.group()), match.group())

    def reference(match):
        name, section = match.group(1), match.group(2)
        to = "confd-query.1.html" if name == "confd-query" else links.to(name)
        return '<a class="Xr" href="%s"' % (to or ELSEWHERE % (name, section))

    text = re.sub(r'<(code|var) class="(?:Fn|Dv|Vt)">(\w+)</\1>',
                  lambda match: linked(match.group(2), match.group()), text)
    text = re.sub(r'<var class="(?:Fa|Ft)">[^<]*\bconfd_[^<]*</var>', in_code, text)
    text = re.sub(r"<pre>.*?</pre>", in_code, text, flags=re.S)
    return re.sub(r'<a class="Xr" href="([\w.-]+)\.(\d)\.html"', reference, text)


def title_of(page):
    return re.search(r"^\.Nd (.*)", page, re.M).group(1)


def index(links):
    """What there is: the pages, and the functions, types and constants of each."""
    out = ['<!DOCTYPE html>', '<html lang="en">', '<head>', '  <meta charset="utf-8"/>',
           '  <meta name="viewport" content="width=device-width, initial-scale=1.0"/>',
           '  <link rel="stylesheet" href="manual.css" type="text/css"/>', '  <title>libconfdclient</title>', '</head>',
           '<body>', '<main class="index">', '<h1>libconfdclient</h1>',
           '<p>A C library that asks the confd daemons of a Ganeti cluster. Start with '
           '<a href="libconfdclient.3.html">libconfdclient(3)</a>; the command-line tool is '
           '<a href="confd-query.1.html">confd-query(1)</a>.</p>']
    for page in ["libconfdclient"] + sorted(name for name in links.titles if name != "libconfdclient"):
        out.append('<section><h2><a href="%s.3.html">%s(3)</a> <small>%s</small></h2>'
                   % (page, page, html.escape(links.titles[page])))
        kinds = (("function",), ("type", "callback", "struct"), ("constant",))
        for kind in kinds:
            names = [name for name, item in links.items.items() if item.kind in kind and
                     links.owners.get(name) == page and name in links.anchored]
            entries = ['<li><a href="%s"><code>%s</code></a></li>' % (links.to(name), name) for name in names]
            if entries:
                out.append("<ul>%s</ul>" % "".join(entries))
        out.append("</section>")
    return "\n".join(out + ["</main>", "</body>", "</html>", ""])


def main(folder):
    items = header.read()
    made, owners = pages.make(items)
    titles = {name[:-2]: title_of(text) for name, text in made.items() if not text.startswith(".so ")}
    links = Links(items, owners, titles)
    texts = {name + ".3": anchor(render(os.path.join("man", name + ".3")), name, links) for name in titles}
    texts["confd-query.1"] = render("man/confd-query.1")
    missing = [name for name, item in items.items() if name not in links.anchored and
               (item.kind != "type" or item.text != "typedef %s %s;" % (name, name))]
    if missing:
        return "no place describes " + ", ".join(missing)
    os.makedirs(folder, exist_ok=True)
    for name, text in texts.items():
        text = link(text, links).replace("<body>", '<body>\n<nav><a href="index.html">libconfdclient</a></nav>', 1)
        with open(os.path.join(folder, name + ".html"), "w", encoding="utf-8") as file:
            file.write(text)
    with open(os.path.join(folder, "index.html"), "w", encoding="utf-8") as file:
        file.write(index(links))
    shutil.copy(STYLE, os.path.join(folder, "manual.css"))
    print("docs: %d pages and an index in %s" % (len(texts), folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
