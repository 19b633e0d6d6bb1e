"""Ganeti's own Python client and libconfdclient behind one small face.

A scenario is written once and run on each. Both faces report what a program
sees: upcalls, the result of a wait, the kind of an error. Nothing of the stock
client is changed but two things, named at Stock.Talk.
"""

import functools
import sys
import time
import warnings

import harness
import libconfd

sys.path.insert(0, "/usr/share/ganeti/3.0")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")             # asyncore is deprecated since Python 3.6
    from ganeti import constants, errors
    from ganeti.confd import client as confd

KINDS = {1: "reply", 2: "expire", 3: "cancel"}


class Ours:
    """libconfdclient."""

    name = "libconfdclient"

    @staticmethod
    def refusal(problem):
        return problem.name if isinstance(problem, libconfd.ConfdError) else None

    class Talk:
        def __init__(self, key, peers, port, expire=None, filtered=False, offline=False,
                     **options):
            if expire is not None:
                options["expire_ms"] = int(expire * 1000)
            self.client = libconfd.Client(key, peers, port=port, filter=int(filtered),
                                          external_io=int(offline), **options)

        def request(self, rtype, query=None):
            return harness.build(rtype, query)

        def set_salt(self, request, salt):
            request.set_salt(salt)

        def send(self, request, coverage=-1, queued=False):
            return self.client.send(request, coverage, libconfd.SEND_QUEUED if queued else 0)

        def wait(self, salt, seconds):
            return self.client.wait(salt, int(seconds * 1000))

        def receive(self, seconds):
            return self.client.receive(int(seconds * 1000)) > 0

        def handle(self, datagram, ip, port):
            self.client.handle_datagram(datagram, ip, port)

        def expire(self):
            self.client.expire()

        def update_peers(self, peers):
            self.client.update_peers(peers)

        @property
        def upcalls(self):
            return [(KINDS[e.type], e.ip, e.port or None, e.status, e.serial, e.answer)
                    for e in self.client.events]

        def consistent(self, _salt):
            return self.client.events[-1].consistent

        def all_answered(self):
            return self.client.outstanding()[1] == 0

        def close(self):
            self.client.close()


class Stock:
    """ganeti.confd.client, as Debian ships it."""

    name = "the stock client"
    REFUSALS = (("Peer address", "BAD_PEER"), ("Peer list empty", "NO_PEERS"),
                ("same address family", "MIXED_FAMILIES"), ("Not enough MCs", "COVERAGE"),
                ("Invalid request type", "REQUEST_TYPE"), ("Missing request", "MISSING_SALT"),
                ("Duplicate request", "DUPLICATE_SALT"), ("too big", "REQUEST_TOO_BIG"))

    @classmethod
    def refusal(cls, problem):
        if isinstance(problem, errors.ConfdClientError):
            return next((code for part, code in cls.REFUSALS if part in str(problem)), None)
        return "raises " + type(problem).__name__

    class Talk:
        """Two things are not as they come. A wait looks at the clock after each
        receive, which blocks for a whole second: here for 20 ms. The expiry is a
        constant of ten seconds: here an argument."""

        def __init__(self, key, peers, port, expire=None, filtered=False, offline=False,
                     logger=None, patient=False):
            self.taken, self.sent_off = [], not offline
            self.expiry = constants.CONFD_CLIENT_EXPIRE_TIMEOUT if expire is None else expire
            self.judge = confd.ConfdFilterCallback(lambda upcall: None)
            take = confd.ConfdFilterCallback(self.taken.append) if filtered else self.taken.append
            self.counter = confd.ConfdCountingCallback(lambda up: (self.judge(up), take(up)))
            self.client = confd.ConfdClient(key.decode("utf-8"), list(peers), self.counter,
                                            port=port, logger=logger)
            self.receive = self.client.ReceiveReply
            if not patient:
                self.client.ReceiveReply = functools.partial(self.receive, timeout=0.02)

        def request(self, rtype, query=None):
            return confd.ConfdClientRequest(type=rtype, query=query)

        def set_salt(self, request, salt):
            request.rsalt = salt

        def send(self, request, coverage=-1, queued=False):
            normal = constants.CONFD_CLIENT_EXPIRE_TIMEOUT
            constants.CONFD_CLIENT_EXPIRE_TIMEOUT = self.expiry
            try:
                self.client.SendRequest(request, coverage=coverage,
                                        async_=queued or not self.sent_off)
            finally:
                constants.CONFD_CLIENT_EXPIRE_TIMEOUT = normal
            self.counter.RegisterQuery(request.rsalt)
            return request.rsalt

        def wait(self, salt, seconds):
            return self.client.WaitForReply(salt, timeout=seconds)

        def handle(self, datagram, ip, port):
            self.client.HandleResponse(datagram, ip, port)

        def expire(self):
            self.client.ExpireRequests()

        def update_peers(self, peers):
            self.client.UpdatePeerList(list(peers))

        @property
        def upcalls(self):
            return [(KINDS[u.type], u.server_ip, u.server_port)
                    + ((None,) * 3 if u.server_reply is None else
                       (u.server_reply.status, u.server_reply.serial, u.server_reply.answer))
                    for u in self.taken]

        def consistent(self, salt):
            return self.judge.consistent[salt]

        def all_answered(self):
            return self.counter.AllAnswered()

        def close(self):
            self.client._socket.close()


class Stage:
    """Where a scenario plays: one side, the cluster, and the clients to close."""

    def __init__(self, side, cluster):
        self.side, self.cluster, self.open = side, cluster, []

    def talk(self, peers=None, key=None, port=None, **options):
        """A client of the daemons that are alike, unless told otherwise."""
        talk = self.side.Talk(self.cluster.key if key is None else key,
                              self.cluster.equal if peers is None else peers,
                              self.cluster.port if port is None else port, **options)
        self.open.append(talk)
        return talk

    def play(self, scenario):
        """What the scenario returns, or the name of the error that it ends in."""
        try:
            return scenario(self)
        except Exception as problem:
            refusal = self.side.refusal(problem)
            if refusal is None:
                raise
            return refusal
        finally:
            for talk in self.open:
                talk.close()

    def error(self, function, *arguments, **named):
        """The name of the error in which a call ends; None when it does not."""
        try:
            function(*arguments, **named)
        except Exception as problem:
            refusal = self.side.refusal(problem)
            if refusal is None:
                raise
            return refusal
        return None


def gather(talk, count, limit=2.0):
    """Receives until there are `count` upcalls; what they were, in no order of arrival."""
    deadline = time.monotonic() + limit
    while len(talk.upcalls) < count and time.monotonic() < deadline:
        talk.receive(0.1)
    return sorted(talk.upcalls, key=repr)


def until_expired(talk, expiries=1, limit=2.0):
    """Lets time pass until so many requests have expired."""
    deadline = time.monotonic() + limit
    while sum(upcall[0] == "expire" for upcall in talk.upcalls) < expiries:
        if time.monotonic() > deadline:
            raise AssertionError("nothing has expired: %r" % talk.upcalls)
        time.sleep(0.005)
        talk.expire()
