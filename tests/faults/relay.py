"""A relay between the client and the hosts, in user space: it delays, reorders, duplicates and loses datagrams.

    relay.py LISTEN=TO… delay=LEAST,MOST duplicate=P reorder=P lose=P seed=N

LISTEN and TO are ADDRESS:PORT; times are milliseconds, P is a probability. What is held back longest is what is
reordered: it comes after all that were sent in the meantime. It writes a line when it serves, and one with its counts
when its standard input ends.
"""

import heapq
import random
import selectors
import socket
import sys
import time


def endpoint(text):
    address, _, port = text.rpartition(":")
    return address, int(port)


class Relay:
    def __init__(self, settings):
        self.least, self.most = map(float, settings.get("delay", "0,0").split(","))
        self.duplicate, self.reorder, self.lose = (
            float(settings.get(name, 0)) for name in ("duplicate", "reorder", "lose"))
        self.chance = random.Random(int(settings.get("seed", 0)))
        self.held, self.number = [], 0
        self.counts = dict.fromkeys("passed duplicated reordered lost".split(), 0)
        self.wait = selectors.DefaultSelector()
        self.back = {}      # (listening socket, client) -> the socket towards the host

    def listen(self, here, there):
        sock = self.socket()
        sock.bind(here)
        self.wait.register(sock, selectors.EVENT_READ, (None, there))

    @staticmethod
    def socket():
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
        return sock

    def hold(self, send):
        if self.chance.random() < self.lose:
            self.counts["lost"] += 1
            return
        copies = 1 + (self.chance.random() < self.duplicate)
        self.counts["duplicated"] += copies - 1
        for _ in range(copies):
            delay = self.chance.uniform(self.least, self.most)
            if self.chance.random() < self.reorder:
                delay += self.most
                self.counts["reordered"] += 1
            self.number += 1
            self.counts["passed"] += 1
            heapq.heappush(self.held, (time.monotonic() + delay / 1000, self.number, send))

    def take(self, sock, client, to):
        for _ in range(256):
            try:
                data, peer = sock.recvfrom(65535)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            if client is not None:      # from a host
                listening, address = client
                self.hold(lambda data=data: listening.sendto(data, address))
                continue
            back = self.back.get((sock, peer))
            if back is None:
                back = self.back[sock, peer] = self.socket()
                back.connect(to)
                self.wait.register(back, selectors.EVENT_READ, ((sock, peer), None))
            self.hold(lambda data=data, back=back: back.send(data))

    def serve(self):
        self.wait.register(sys.stdin, selectors.EVENT_READ, "end")
        print("ready", flush=True)
        while True:
            now = time.monotonic()
            while self.held and self.held[0][0] <= now:
                try:
                    heapq.heappop(self.held)[2]()
                except OSError:
                    pass
            pause = self.held[0][0] - now if self.held else None
            for key, _ in self.wait.select(pause):
                if key.data == "end":
                    print(*("%s=%d" % item for item in self.counts.items()), flush=True)
                    return
                self.take(key.fileobj, *key.data)


def main(arguments):
    pairs = [argument.split("=") for argument in arguments]
    relay = Relay(dict(pair for pair in pairs if ":" not in pair[0]))
    for here, there in pairs:
        if ":" in here:
            relay.listen(endpoint(here), endpoint(there))
    relay.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
