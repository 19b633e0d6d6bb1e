"""Runs the examples of the manual: what a reader copies from the pages, compiled and run as they say.

    examples.py PAGE…

In EXAMPLES of a page each shown block is either a C program or a session: lines after "$ " are commands, the others
what they print. The programs of a page are written to a folder under the names that its sessions compile; then each
command is run there by a shell, and has to print just what the page shows. What differs from run to run is compared
by its form: times, round trips, salts, what is left of a shortened list.

Run inside a namespace of its own by tests/man-examples.sh, which is where the cluster and the tools come from.
"""

import html
import os
import re
import subprocess
import sys
import tempfile

LIMIT = 30  # seconds for a command; far more than any takes

# Whatever has one of these forms equals any other of it.
FORMS = [(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "SALT"),
         (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
         (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "CLOCK"),
         (r"\d+\.\d ms", "ROUND TRIP")]


def blocks(page):
    """The shown blocks of EXAMPLES, as a reader of the rendered page gets them."""
    rendered = subprocess.run(["mandoc", "-Thtml", page], check=True, capture_output=True, text=True).stdout
    section = re.search(r'<h1 class="Sh" id="EXAMPLES">(.*?)</section>', rendered, re.S)
    if not section:
        return []
    found = re.findall(r"<pre>(.*?)</pre>", section.group(1), re.S)
    return [html.unescape(re.sub(r"<[^>]*>", "", block)).strip("\n") + "\n" for block in found]


def steps(session):
    """Pairs of a command and what it prints."""
    pairs = []
    for line in session.splitlines(True):
        if line.startswith("$ "):
            pairs.append([line[2:], ""])
        elif pairs and pairs[-1][0].endswith("\\\n"):
            pairs[-1][0] += line
        else:
            pairs[-1][1] += line
    return pairs


def by_form(text):
    lines = []
    for line in text.splitlines():
        changed = line
        for form, name in FORMS:
            changed = re.sub(form, name, changed)
        # Columns move with what stands in them.
        lines.append(" ".join(changed.split()) if changed != line else line)
    return lines


def run(page, folder):
    """The number of commands that were run, and what went wrong."""
    shown = blocks(page)
    programs = [block for block in shown if not block.startswith("$ ")]
    commands = [pair for block in shown if block.startswith("$ ") for pair in steps(block)]
    sources = [name for command, _ in commands for name in re.findall(r"^cc .*?(\w+\.c)\b", command)]
    if len(sources) != len(programs):
        return 0, ["%d programs, and %s compiled" % (len(programs), sources)]
    for name, program in zip(sources, programs):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(program)
    wrong = []
    for command, expected in commands:
        done = subprocess.run(["sh", "-c", command], cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=LIMIT, check=False)
        if by_form(done.stdout) != by_form(expected):
            wrong.append("$ %s--- shown\n%s--- printed (exit %d)\n%s" % (command, expected, done.returncode,
                                                                        done.stdout))
    return len(commands), wrong


def main():
    failed = total = 0
    for page in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            # What the pages take as given beside the cluster's own files.
            with open("/var/lib/ganeti/hmac.key", "rb") as key, open(os.path.join(folder, "hmac.key"), "wb") as copy:
                copy.write(key.read())
            with open(os.path.join(folder, "addresses"), "w", encoding="ascii") as file:
                file.write("198.51.100.1\n198.51.100.2\n198.51.100.77\n")
            count, wrong = run(page, folder)
        total += count
        for text in wrong:
            print("%s:\n%s" % (page, text), file=sys.stderr)
        failed += len(wrong)
    print("man: %d commands of the examples, %d not as shown" % (total, failed))
    return 1 if failed or not total else 0


if __name__ == "__main__":
    sys.exit(main())
