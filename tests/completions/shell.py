"""Shells at a terminal, that complete a line as for a person at the keyboard."""

import os
import pty
import re
import select
import tempfile
import time

LIMIT = 20  # seconds; far more than any completion takes
PROMPT = b"at your service> "


class Shell:
    """An interactive shell, without anybody's own settings."""

    def __init__(self, command, setup, folder):
        environment = {"PATH": os.environ["PATH"], "HOME": folder, "TERM": "dumb", "LC_ALL": "C.UTF-8",
                       "COLUMNS": "4000", "LINES": "100"}
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        self.write(setup + "\n")
        self.read_until(rb"[\r\n]" + PROMPT)

    def write(self, text):
        os.write(self.fd, text.encode("utf-8"))

    def read_until(self, end):
        """What is said until something of this form is."""
        text, stop = b"", time.monotonic() + LIMIT
        while not re.search(end, text):
            ready, _, _ = select.select([self.fd], [], [], max(0, stop - time.monotonic()))
            try:
                more = os.read(self.fd, 65536) if ready else b""
            except OSError:
                more = b""
            if not more:
                raise RuntimeError("the shell does not say %r, but %r" % (end, text[-2000:]))
            text += more
        return text

    def close(self):
        os.close(self.fd)
        os.waitpid(self.pid, 0)


class Bash(Shell):
    """bash: readline puts all completions into the line, and a key prints it."""

    def __init__(self, completions, folder):
        super().__init__(["bash", "--norc", "--noprofile", "-i"], "; ".join([
            "bind 'set enable-bracketed-paste off'", "bind 'set horizontal-scroll-mode on'",
            "bind -x '\"\\C-x1\": printf \"\\n<%s>\\n\" \"$READLINE_LINE\"'",
            "bind '\"\\C-x2\": insert-completions'", ". %s/confd-query.bash" % completions,
            "PS1='%s'" % PROMPT.decode()]), folder)

    def complete(self, line):
        """The words that may stand at the line's end."""
        self.write("\x15" + line + "\x182\x181")
        done = self.read_until(rb">\r\n").decode("utf-8")
        found = re.findall(r"<(.*)>\r\n", done)[-1]
        kept = line[:re.search(r"[^ :=]*$", line).start()]
        assert found.startswith(kept), (line, found)
        return set() if found == line else set(found[len(kept):].split())


class Zsh(Shell):
    """zsh: what completion adds to its list is written to a file."""

    def __init__(self, completions, folder):
        self.out = tempfile.NamedTemporaryFile("r", encoding="utf-8")
        super().__init__(["zsh", "-f", "-i"], "; ".join([
            "fpath=(%s $fpath)" % completions, "autoload -Uz compinit", "compinit -u -D", "unsetopt zle_bracketed_paste",
            "compadd() { if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then builtin compadd \"$@\"; return; fi; "
            "local -a found; builtin compadd -A found \"$@\"; print -rl -- $found >>%s; builtin compadd \"$@\" }"
            % self.out.name,
            "tell() { zle list-choices; print -r -- end >>%s; zle kill-whole-line; }" % self.out.name,
            "zle -N tell", "bindkey '^X1' tell", "LISTMAX=10000", "PS1='%s'" % PROMPT.decode()]), folder)

    def complete(self, line):
        """The words that may stand at the line's end."""
        self.out.seek(0)
        os.truncate(self.out.name, 0)
        self.write("\x15" + line + "\x181")
        stop = time.monotonic() + LIMIT
        while True:
            self.out.seek(0)
            words = self.out.read().splitlines()
            if words and words[-1] == "end":
                return {word for word in words[:-1] if word}
            if time.monotonic() > stop:
                raise RuntimeError("zsh says nothing about %r: %r" % (line, words))
            # Keeps the terminal's other side from filling up; returns at once when there is something.
            if select.select([self.fd], [], [], 0.01)[0]:
                os.read(self.fd, 65536)
