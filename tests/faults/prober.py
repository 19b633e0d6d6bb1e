"""A second client, which knows nothing of the library: by it is decided who could have answered, and when.

Every 25 ms it pings each host by the plain client of ../real/wire.py and writes down whether an answer came, and how
soon. So what a query may be blamed for is measured at the same time, over the same network, on the same busy machine.
"""

import json
import select
import socket
import threading
import time

import wire

PERIOD = 0.025
PROMPT = 0.05       # a host within reach answers in this time, whoever else wants the processor


class Prober(threading.Thread):
    """A context manager. `probes` has for each address a list of [sent, answered]; infinity: never."""

    def __init__(self, addresses, port, key):
        super().__init__(daemon=True)
        self.port, self.key, self.ended = port, key, threading.Event()
        self.probes = {address: [] for address in addresses}
        self.waiting = {}

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            due = time.monotonic()
            while not self.ended.is_set():
                for address, probes in self.probes.items():
                    salt = "%s-%d" % (address, len(probes))
                    probe = self.waiting[salt] = [time.monotonic(), float("inf")]
                    probes.append(probe)
                    self.attempt(sock.sendto, wire.request(self.key, 0, salt=salt), (address, self.port))
                due = max(due + PERIOD, time.monotonic())
                while (rest := due - time.monotonic()) > 0:
                    if select.select([sock], [], [], rest)[0]:
                        self.hear(self.attempt(sock.recv, 65535))

    @staticmethod
    def attempt(call, *arguments):
        try:
            return call(*arguments)
        except OSError:     # nothing there, or no way there
            return None

    def hear(self, datagram):
        if datagram:
            probe = self.waiting.pop(json.loads(datagram[4:].decode("latin-1"))["salt"], None)
            if probe is not None:
                probe[1] = time.monotonic()

    def answered_all_along(self, address, began, ended, settle):
        """Whether the host answered every probe promptly for `settle` seconds of that time."""
        first = last = None
        for sent, answered in self.probes[address]:
            if sent < began:
                continue
            if sent > ended:
                break
            if answered > min(sent + PROMPT, ended) or (last is not None and sent > last + 4 * PERIOD):
                first = None
            if answered <= sent + PROMPT:
                first = sent if first is None else first
                if answered <= ended and sent - first >= settle:
                    return True
            last = sent
        return False
