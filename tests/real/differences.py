"""Where libconfdclient differs from the stock client on purpose: one table, with the reasons.

A row is (what happens, why we differ, what the stock client shows, what we
show, the scenario that shows it). The test plays the scenario on both sides
and compares with the row, so a difference that vanishes fails as well.
"""

import collections
import logging
import time

import wire
from agreements import consistent, filtered, reply
from sides import gather, until_expired

Difference = collections.namedtuple("Difference", "name reason stock ours scenario")
DIFFERENCES = []


def difference(name, reason, stock, ours):
    def add(scenario):
        DIFFERENCES.append(Difference(name, reason, stock, ours, scenario))
        return scenario
    return add


def one_peer(stage, **options):
    return stage.talk(stage.cluster.equal[:1], **options)


# Requests

@difference("a request of type 8, node instances",
            "the daemon answers it; the stock client's table of types leaves it out",
            "REQUEST_TYPE", (False, 4, 4))
def _(stage):
    talk = stage.talk()
    salt = talk.send(talk.request(8, "node-a.test"))
    gather(talk, 4)
    return talk.wait(salt, 0)


@difference("a salt used again after its expiry",
            "a late reply to the first would answer the second",
            None, "DUPLICATE_SALT")
def _(stage):
    talk = stage.talk(offline=True, expire=0.05)
    request = talk.request(0)
    talk.send(request)
    until_expired(talk)
    return stage.error(talk.send, request)


@difference("a request of more than 4096 bytes",
            "the daemon reads 4096 and drops it silently; max_request_bytes raises the limit",
            (True, 4, 0), "REQUEST_TOO_BIG")
def _(stage):
    talk = stage.talk()
    return talk.wait(talk.send(talk.request(10, "/" + "x" * 4096)), 0.2)


@difference("a negative coverage other than -1",
            "the stock client takes it for a slice: that many fewer peers than there are",
            (False, 2, 2), "INVALID_ARGUMENT")
def _(stage):
    talk = stage.talk()
    return talk.wait(talk.send(talk.request(0), -2), 2)


@difference("one peer given twice, coverage 2",
            "repeated peers count once, so there is one; the stock client sends it two datagrams",
            (False, 1, 1), "COVERAGE")
def _(stage):
    talk = stage.talk(2 * stage.cluster.equal[:1])
    return talk.wait(talk.send(talk.request(0), 2), 2)


# Clients

@difference("an empty key", "it protects nothing, and comes of a file that could not be read",
            None, "INVALID_ARGUMENT")
def _(stage):
    return stage.error(stage.talk, key=b"")


@difference("a peer with a port of its own", "several daemons may live at one address",
            "BAD_PEER", (False, 1, 1))
def _(stage):
    talk = stage.talk(["%s:%d" % (stage.cluster.equal[0], stage.cluster.port)], port=9)
    return talk.wait(talk.send(talk.request(0)), 2)


@difference("a link-local peer with its zone", "without the zone it cannot be reached",
            "BAD_PEER", None)
def _(stage):
    return stage.error(stage.talk, ["fe80::1%lo"])


@difference("peers replaced by none, by another family, by no address",
            "the stock client checks peers in its constructor only, and fails at the next send",
            [None, None, None], ["NO_PEERS", "MIXED_FAMILIES", "BAD_PEER"])
def _(stage):
    talk = stage.talk()
    return [stage.error(talk.update_peers, peers) for peers in ([], ["::1"], ["nope"])]


# Waiting

@difference("a wait of 0 with the reply in the socket",
            "the stock client reads it, and then says timed out although it counts it",
            (True, 1, 1), (False, 1, 1))
def _(stage):
    talk = one_peer(stage)
    salt = talk.send(talk.request(0))
    settled(stage)
    return talk.wait(salt, 0)


def settled(stage):
    """After this, the first daemon has answered whatever it was asked before."""
    other = one_peer(stage)
    other.wait(other.send(other.request(0)), 2)


@difference("a wait for a request that was queued, not flushed",
            "a wait that cannot end is a trap: it sends what is queued",
            (True, 1, 0), (False, 1, 1))
def _(stage):
    talk = one_peer(stage)
    return talk.wait(talk.send(talk.request(0), queued=True), 0.2)


# What counts as a reply

@difference("the same reply twice", "UDP may duplicate; a peer has one voice", 2, 1)
def _(stage):
    talk = one_peer(stage, offline=True)
    datagram = reply(stage, talk.send(talk.request(0)))
    for _ in range(2):
        talk.handle(datagram, stage.cluster.equal[0], stage.cluster.port)
    return len(talk.upcalls)


@difference("a reply from an address that was not asked",
            "it would stand in for a peer that has not answered; option any_source is there for it",
            1, 0)
def _(stage):
    talk = one_peer(stage, offline=True)
    talk.handle(reply(stage, talk.send(talk.request(0))), "192.0.2.9", stage.cluster.port)
    return len(talk.upcalls)


@difference("a reply from another port of a peer", "as from another address", 1, 0)
def _(stage):
    talk = one_peer(stage, offline=True)
    talk.handle(reply(stage, talk.send(talk.request(0))), stage.cluster.equal[0], 9)
    return len(talk.upcalls)


def unasked(stage):
    talk = stage.talk(stage.cluster.equal, key=b"another key\n")    # the daemons say nothing
    salt = talk.send(talk.request(0))
    for i in range(5):
        talk.handle(reply(stage, salt, key=b"another key\n"), "192.0.2.%d" % i, 9)
    return talk.wait(salt, 0.05)


DIFFERENCES.append(Difference(
    "a wait and five replies from addresses that were not asked",
    "the stock client counts five answers of four peers, and is content",
    (False, 4, 5), (True, 4, 0), unasked))


@difference("a reply in Latin-1, as the daemon sends it",
            "an error text with a letter in it would end the caller's loop",
            "raises UnicodeDecodeError", (False, 1, 1))
def _(stage):
    talk = one_peer(stage)
    return talk.wait(talk.send(talk.request(1, "n\u00e9.example.com")), 2)


@difference("a reply that cannot be read: a letter beyond Latin-1 was cut to a quotation mark",
            "a datagram that cannot be verified is dropped; it fails no call",
            "raises JSONDecodeError", (True, 1, 0))
def _(stage):
    talk = one_peer(stage)
    return talk.wait(talk.send(talk.request(1, "\u6f22")), 0.2)


def handled(stage, datagram, **options):
    """The error in which the handling of a datagram ends, and the number of upcalls."""
    talk = one_peer(stage, offline=True, **options)
    salt = talk.send(talk.request(0))
    payload = datagram(salt) if callable(datagram) else datagram
    return (stage.error(talk.handle, payload, stage.cluster.equal[0], stage.cluster.port),
            len(talk.upcalls))


def signed(stage, body):
    return lambda salt: wire.seal(body, salt, stage.cluster.key)


@difference("a stray datagram with the magic and no JSON", "anyone may send one: it fails no call",
            ("raises JSONDecodeError", 0), (None, 0))
def _(stage):
    return handled(stage, b"plj0{")


@difference("a stray datagram with the magic and no text", "as above",
            ("raises UnicodeDecodeError", 0), (None, 0))
def _(stage):
    return handled(stage, b"plj0\xff")


@difference("a stray envelope with numbers for strings", "as above",
            ("raises TypeError", 0), (None, 0))
def _(stage):
    return handled(stage, b'plj0{"msg": 1, "salt": 2, "hmac": 3}')


@difference("a signed body that is no object", "a body that is not well formed is no reply",
            ("raises ConfigurationError", 0), (None, 0))
def _(stage):
    return handled(stage, signed(stage, "1"))


@difference("a signed body without its members", "as above", (None, 1), (None, 0))
def _(stage):
    return handled(stage, signed(stage, "{}"))


@difference("a signed body with a member that we do not know",
            "a later Ganeti may send more; what we know is there",
            ("raises TypeError", 0), (None, 1))
def _(stage):
    return handled(stage, signed(
        stage, '{"protocol": 1, "status": 0, "answer": 1, "serial": 1, "more": 2}'))


# Filter

@difference("the filter: an error, and then an ok reply with serial 0, as of a ping",
            "the first ok reply is news after an error, whatever the serials",
            [(1, 0, "no configuration")], [(1, 0, "no configuration"), (0, 0, 3000000)])
def _(stage):
    return filtered(stage, (1, 0, '"no configuration"'), (0, 0, 3000000))


@difference("contradiction: two answers of one serial, and a newer reply between them",
            "the stock client compares with the newest reply only",
            True, False)
def _(stage):
    return consistent(stage, (0, 5, 1), (0, 6, 1), (0, 5, 2))


@difference("contradiction: two errors with different texts",
            "errors carry no serial, and say nothing of the configuration", False, True)
def _(stage):
    return consistent(stage, (1, 0, '"one"'), (1, 0, '"two"'))


# The stock client's own slips

def logged(stage):
    logger = logging.getLogger("confd")
    logger.addHandler(logging.NullHandler())
    options = {"logger": logger} if stage.side.name == "the stock client" else {}
    return handled(stage, lambda _: reply(stage, "another salt"), **options)


DIFFERENCES.append(Difference(
    "a reply to no known request, with a logger",
    "the stock client's debug message names a variable that is not set",
    ("raises UnboundLocalError", 0), (None, 0), logged))


def overrun(stage):
    options = {"patient": True} if stage.side.name == "the stock client" else {}
    talk = one_peer(stage, key=b"another key\n", **options)
    salt = talk.send(talk.request(0))
    began = time.monotonic()
    talk.wait(salt, 0.1)
    return time.monotonic() - began > 0.6


DIFFERENCES.append(Difference(
    "a wait of 100 ms takes longer than 600 ms",
    "the stock client receives for a second before it looks at the clock",
    True, False, overrun))
