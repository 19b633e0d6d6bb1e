"""Completion of confd-query in bash and zsh, at a terminal, and that --help, both completions and the manual name the
same commands and options. make tells where confd-query is (CONFDCLIENT_LIBDIR)."""

import os
import re
import subprocess
import tempfile
import unittest

import shell

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
TOOL = os.path.join(os.environ["CONFDCLIENT_LIBDIR"], "confd-query")
FILES = {"data/ssconf_node_list": "node1.example.com\nnode2.example.com\n",
         "data/ssconf_instance_list": "db.example.com\nweb.example.com\n",
         "data/ssconf_master_candidates_ips": "192.0.2.11\n192.0.2.12\n2001:db8::1\n",
         "my.key": "", "of.mine/other.key": ""}
NODES = {"node1.example.com", "node2.example.com"}

HELP = subprocess.run([TOOL, "--help"], check=True, capture_output=True, text=True).stdout
COMMANDS = set(re.findall(r"^  ([a-z-]+)", HELP.partition("Commands:")[2].partition("Options")[0], re.M))
# (letter or "", name, value or "")
OPTIONS = re.findall(r"^  (?:-(\w), |    )--([\w-]+)(?: ([A-Z]+))?", HELP, re.M)
WORDS = {"--" + name for _, name, _ in OPTIONS} | {"-" + letter for letter, _, _ in OPTIONS if letter}

# What stands before the cursor, and all that may follow.
BOTH = {
    "": COMMANDS,
    "watch ": COMMANDS - {"watch"},
    "n": {"node-role", "nodes"},
    "watch --interval 5 nod": {"node-role", "nodes"},
    "-- wat": {"watch"},
    "-": WORDS,
    "master -": WORDS,
    "--ver": {"--verbose", "--version"},
    "ping --c": {"--coverage", "--count"},
    "-d data node-role ": NODES,
    "-ddata instances ": NODES,
    "watch drbd --data-dir data ": NODES,
    "--data-dir=data -v drbd node2": {"node2.example.com"},
    "-vd data disks ": {"db.example.com", "web.example.com"},
    "-d data disks w": {"web.example.com"},
    "-d nowhere disks ": set(),
    "-d data node-role node1.example.com ": set(),
    "ping ": set(),
    "where ": {"-"},
    "where 198.51.100.7 ": {"-"},
    "config /cluster/master": {"/cluster/master_ip", "/cluster/master_node"},
    "-d ": {"data", "of.mine"},
    "--data-dir=d": {"data"},
    "-k ": {"data", "my.key", "of.mine"},
    "--key-file m": {"my.key"},
    "-d data -p ": {"192.0.2.11", "192.0.2.12", "2001:db8::1"},
    "-d data --peers=192": {"192.0.2.11", "192.0.2.12"},
    "-p 192.0.2.1:1814,192.0.2.2 --coverage ": {"-1", "0", "1", "2", "3", "4", "5", "6"},
    "--port ": {"1814"},
    "--port=": {"1814"},
    "--retry 0.": {"0.2", "0.5"},
}


class Completion:
    """What both shells do; each is a class of its own below."""

    shell = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        for name, text in FILES.items():
            path = os.path.join(folder.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        cls.at = cls.shell(os.path.join(ROOT, "completions"), folder.name)
        cls.addClassCleanup(cls.at.close)

    def complete(self, line):
        return self.at.complete("confd-query " + line)

    def test_what_may_follow(self):
        for line, words in BOTH.items():
            with self.subTest(line):
                self.assertEqual(words, self.complete(line))

    def test_options_with_a_value_take_the_next_word_and_others_do_not(self):
        for letter, name, value in OPTIONS:
            for word in ["--" + name] + (["-" + letter] if letter else []):
                if name in ("help", "version"):
                    continue        # behind which nothing has to stand
                with self.subTest(word):
                    words = self.complete(word + " ")
                    self.assertEqual(not value, "ping" in words, words)
                    if value:
                        self.assertIn("ping", self.complete(word + " 1 "))

    def test_a_path_with_a_space_is_one_word(self):
        self.assertEqual({"ping"}, self.complete("-k 'my key' pi"))
        self.assertEqual(NODES, self.complete("-k my\\ key -d data node-role "))


class Bash(Completion, unittest.TestCase):
    shell = shell.Bash

    def test_of_a_list_of_servers_the_last_is_completed(self):
        self.assertEqual({"192.0.2.11,192.0.2.12"}, self.complete("-d data -p 192.0.2.11,192.0.2.12"))
        # The colons of an address end a word in bash.
        self.assertEqual({"1,192.0.2.11", "1,192.0.2.12"}, self.complete("-d data -p 2001:db8::1,19"))
        self.assertEqual({"db8::1"}, self.complete("-d data -p 2001:"))


class Zsh(Completion, unittest.TestCase):
    shell = shell.Zsh

    def test_of_a_list_of_servers_the_last_is_completed(self):
        self.assertEqual({"192.0.2.12"}, self.complete("-d data -p 192.0.2.11,192.0.2.12"))
        self.assertEqual({"192.0.2.11", "192.0.2.12"}, self.complete("-d data -p 2001:db8::1,19"))
        self.assertEqual({"2001:db8::1"}, self.complete("-d data -p 2001:"))


class Page(unittest.TestCase):
    """The manual's page, by its source."""

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(ROOT, "man", "confd-query.1"), encoding="ascii") as file:
            cls.page = file.read()

    def section(self, name):
        return re.search(r"^\.S[hs] %s\n(.*?)^\.S[hs] " % name, self.page, re.M | re.S).group(1)

    def test_commands(self):
        listed = re.findall(r"^\.It Cm ([\w-]+)", self.section("Commands"), re.M)
        self.assertEqual(sorted(COMMANDS), sorted(listed))

    def test_options(self):
        listed = re.findall(r"^\.It (?:Fl (\w)(?: Ar \w+)? , )?Fl Fl ([\w-]+)(?: Ar (\w+))?$",
                            self.section("Options"), re.M)
        self.assertEqual([(letter, name, value.lower()) for letter, name, value in OPTIONS], listed)

    def test_exit_codes_and_members_of_the_json_object(self):
        codes = re.findall(r"^  (\d)  ", HELP, re.M)
        self.assertEqual(codes, re.findall(r"^\.It (\d)$", self.section("EXIT STATUS"), re.M))
        members = re.findall(r"^\.It Li (\w+)$", self.section("Output"), re.M)
        told = HELP.partition("The JSON object has")[2].partition("Exit codes")[0]
        self.assertEqual([], [member for member in members if not re.search(r"\b%s\b" % member, told)])
        run = subprocess.run([TOOL, "-p", "127.0.0.1:1", "-k", __file__, "--timeout", "0.05", "--json", "master"],
                             check=False, capture_output=True, text=True)
        self.assertEqual(set(re.findall(r'"(\w+)":', run.stdout)) | {"time"}, set(members))


if __name__ == "__main__":
    unittest.main()
