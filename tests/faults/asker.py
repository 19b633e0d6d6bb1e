"""The asker (asker.c) as a process: what it says while it runs, and what it came to."""

import collections
import os
import queue
import subprocess
import threading

import programs

GRACE = 20000       # microseconds after its deadline at which a call must have returned
LIMIT = 180         # seconds without a word from the asker, after which it hangs

Query = collections.namedtuple("Query", "index began ended outcome sent received needed late excuse")


class Asker:
    """A context manager. `queries` are those that have ended; what it counted is there after finish()."""

    def __init__(self, environment=None, **settings):
        self.settings = settings
        self.queries, self.counts, self.peers = [], {}, {}
        self.lines, self.shown, self.memory, self.why = {}, [], [], []
        self.retried = self.alarms = self.cpu = 0
        self.held = False
        self.process = subprocess.Popen(
            [programs.path("asker")] + ["%s=%s" % item for item in settings.items()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, **(environment or {})))
        self._said = queue.SimpleQueue()
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self):
        self._until(lambda word: word == "ready")
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()

    def _listen(self):
        try:
            for line in self.process.stdout:
                self._said.put(line)
        except ValueError:      # closed
            pass
        self._said.put(None)

    def _until(self, wanted):
        """Takes in what it says, up to a line whose first word is wanted, or to its end."""
        while (line := self._said.get(timeout=LIMIT)) is not None:
            word, *rest = line.split()
            if word == "q":
                self.queries.append(Query(*map(int, rest)))
            elif word == "r":
                self.retried = int(rest[0])
            elif word == "count":
                self.counts[rest[0]] = int(rest[1])
            elif word == "peer":
                self.peers[rest[0]] = dict(zip(("sent", "answered", "refused"), map(int, rest[1:])))
            elif word == "lines":
                self.lines[int(rest[0])] = int(rest[1])
            elif word == "memory":
                self.memory.append(int(rest[0]))
            elif word == "cpu":
                self.cpu = sum(map(int, rest)) / 1e6
            elif word == "held":
                self.held = True
            elif word == "alarms":
                self.alarms = int(rest[0])
            elif word in ("line", "why"):
                (self.shown if word == "line" else self.why).append(line.strip())
            if wanted(word):
                return True
        return False

    def _progress(self, reached, what):
        if not reached() and not self._until(lambda _: reached()):
            raise AssertionError("the asker ended before %s: %d" % (what, self.process.wait()))

    def until_ended(self, count):
        self._progress(lambda: len(self.queries) >= count, "%d queries had ended" % count)

    def until_retried(self, more):
        aim = self.retried + more
        self._progress(lambda: self.retried >= aim, "%d datagrams were sent again" % aim)

    def until_held(self):
        self._progress(lambda: self.held, "it held")

    def release(self):
        """Ends what hold=1 has begun."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def finish(self):
        """Waits for its end; itself."""
        self._until(lambda _: False)
        if self.process.wait() != 0:
            raise AssertionError("the asker failed: %d" % self.process.returncode)
        return self

    def figures(self):
        """One line: how many of each outcome, how long they took, and how late they were."""
        names = {0: "answered", 1: "partial", 2: "no reply", 3: "cancelled"}
        outcomes = collections.Counter(names.get(q.outcome, "error %d" % -q.outcome) for q in self.queries)
        times = sorted((q.ended - q.began) / 1000 for q in self.queries if q.outcome == 0) or [0]
        late = [(q.late, q.excuse) for q in self.queries if q.late > 0]
        return "%s; ms: median %.1f, 99 %% %.1f, most %.1f; retries %d%s" % (
            ", ".join("%d %s" % (n, name) for name, n in outcomes.most_common()),
            times[len(times) // 2], times[len(times) * 99 // 100], times[-1], self.counts["retries"],
            "; late at most %.1f ms (the machine %.1f)" % tuple(x / 1000 for x in max(late)) if late else "")
