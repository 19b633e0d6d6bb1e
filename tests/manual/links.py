"""Checks the links of a folder of HTML: links.py FOLDER. Each leads to a file and a place that are there, each place
has one name, each page is reached from the index, and so is each function of the header."""

import os
import re
import sys
from html.parser import HTMLParser


class Page(HTMLParser):
    """The links and the named places of a page."""

    def __init__(self, path):
        super().__init__()
        self.links, self.places, self.open = [], [], []
        with open(path, encoding="utf-8") as file:
            self.feed(file.read())
        self.close()

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a" and self.open and "a" in self.open:
            self.links.append("a link within a link")
        if tag not in ("br", "meta", "link", "img", "hr"):
            self.open.append(tag)
        if "href" in attrs:
            self.links.append(attrs["href"])
        if "id" in attrs:
            self.places.append(attrs["id"])

    def handle_startendtag(self, tag, attrs):
        if tag == "link":
            self.links.append(dict(attrs)["href"])

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.links.append("</%s> closes nothing" % tag)


def main(folder):
    names = [name for name in os.listdir(folder) if name.endswith(".html")]
    pages = {name: Page(os.path.join(folder, name)) for name in names}
    wrong, count = [], 0
    for name, page in sorted(pages.items()):
        if len(set(page.places)) != len(page.places):
            wrong.append("%s has two places of one name" % name)
        for link in page.links:
            count += 1
            if re.match(r"https://manpages\.debian\.org/[\w.-]+\.\d$", link):
                continue
            file, _, place = link.partition("#")
            if file and not os.path.isfile(os.path.join(folder, file)):
                wrong.append("%s leads to %s, which is not there" % (name, link))
            elif place and place not in pages[file or name].places:
                wrong.append("%s leads to %s, where nothing has that name" % (name, link))
    index = {link.partition("#")[0] for link in pages["index.html"].links}
    wrong += ["the index does not lead to " + name for name in names if name != "index.html" and name not in index]
    with open("include/confdclient.h", encoding="utf-8") as file:
        functions = re.findall(r"^[a-z][\w ]*[ *](confd_\w+)\(", file.read(), re.M)
    places = {link.partition("#")[2] for link in pages["index.html"].links}
    wrong += ["the index does not lead to " + name for name in functions if name not in places]
    print("\n".join(wrong), file=sys.stderr, end="\n" if wrong else "")
    print("docs: %d links in %d pages, %d wrong; %d functions in the index" %
          (count, len(pages), len(wrong), len(functions)))
    return 1 if wrong or count < 100 or not functions else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
