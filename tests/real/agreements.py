"""Scenarios in which a program sees the same from the stock client and from libconfdclient.

Each takes a Stage and returns what the program saw.
"""

import json

import wire
from sides import gather, until_expired

SCENARIOS = {}


def scenario(function):
    SCENARIOS[function.__name__.replace("_", " ")] = function
    return function


def reply(stage, salt, status=0, serial=42, answer=7, key=None):
    """A reply datagram, as a daemon would make it."""
    body = '{"protocol": 1, "status": %d, "answer": %s, "serial": %d}' % (status, answer, serial)
    return wire.seal(body, salt, stage.cluster.key if key is None else key)


def refusals(stage, *peer_lists):
    return [stage.error(stage.talk, peers) for peers in peer_lists]


@scenario
def peers_that_are_no_addresses(stage):
    return refusals(stage, ["nope"], ["127.0.0.1", "nope"], ["localhost"], ["127.1"], [""],
                    ["127.0.0.1 "], ["1.2.3.4.5"], ["::1::"])


@scenario
def no_peers_and_two_families(stage):
    return refusals(stage, [], ["127.0.0.1", "::1"], ["::1", "127.0.0.1"])


@scenario
def types_that_do_not_exist(stage):
    talk = stage.talk()
    return [stage.error(talk.request, rtype) for rtype in (12, -1, 99, 2 ** 31 - 1)]


@scenario
def coverages(stage):
    seen = []
    for coverage in (-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 100):
        talk = stage.talk(stage.cluster.addresses)
        request = talk.request(0)
        talk.set_salt(request, "the salt")
        error = stage.error(talk.send, request, coverage)
        replies = 0 if error else len(gather(talk, {-1: 7, 0: 6}.get(coverage, coverage)))
        seen.append((coverage, error, replies, talk.wait("the salt", 0)))
    return seen


@scenario
def the_default_coverage_of_few_peers(stage):
    talk = stage.talk()
    return talk.wait(talk.send(talk.request(0), 0), 2)[:2]


@scenario
def an_empty_salt(stage):
    talk = stage.talk()
    request = talk.request(0)
    talk.set_salt(request, "")
    return stage.error(talk.send, request)


@scenario
def a_salt_that_is_still_out(stage):
    talk = stage.talk()
    request = talk.request(0)
    talk.send(request)
    return stage.error(talk.send, request), len(gather(talk, 4))


@scenario
def which_error_comes_first(stage):
    talk = stage.talk()
    request = talk.request(0)
    talk.set_salt(request, "")
    return [stage.error(talk.send, request, 99), stage.error(talk.send, request, 1)]


@scenario
def a_refused_request_is_not_out(stage):
    talk = stage.talk()
    request = talk.request(0)
    talk.set_salt(request, "salt-1")
    return stage.error(talk.send, request, 99), talk.wait("salt-1", 0), talk.send(request, 1)


@scenario
def a_request_past_the_limit_of_the_stock_client(stage):
    talk = stage.talk()
    return stage.error(talk.send, talk.request(10, "/" + "x" * 70000))


@scenario
def a_wait_for_an_unknown_salt(stage):
    return stage.talk().wait("never sent", 2)


@scenario
def a_wait_when_all_have_answered(stage):
    talk = stage.talk(stage.cluster.addresses)
    salt = talk.send(talk.request(3))
    return gather(talk, 7), talk.wait(salt, 0), talk.wait(salt, 5)


@scenario
def a_wait_with_another_key(stage):
    talk = stage.talk(key=b"another key\n")
    return talk.wait(talk.send(talk.request(0)), 0.2), talk.upcalls


@scenario
def a_wait_with_the_key_without_its_newline(stage):
    talk = stage.talk(key=stage.cluster.key.rstrip(b"\n"))
    return talk.wait(talk.send(talk.request(0)), 0.2), talk.upcalls


@scenario
def a_wait_for_a_closed_port(stage):
    talk = stage.talk(port=1)
    return talk.wait(talk.send(talk.request(0), 1), 0.2), talk.upcalls


def with_stopped(stage, count, peers, seconds):
    talk = stage.talk(peers)
    for i in range(count):
        stage.cluster.stop(i)
    try:
        return talk.wait(talk.send(talk.request(0)), seconds)
    finally:
        for i in range(count):
            stage.cluster.cont(i)


@scenario
def a_wait_with_three_of_seven_stopped(stage):
    return with_stopped(stage, 3, stage.cluster.addresses, 2)


@scenario
def a_wait_with_four_of_seven_stopped(stage):
    return with_stopped(stage, 4, stage.cluster.addresses, 0.2)


@scenario
def a_wait_with_one_of_four_stopped(stage):
    return with_stopped(stage, 1, stage.cluster.equal, 2)


@scenario
def a_wait_with_two_of_four_stopped(stage):
    return with_stopped(stage, 2, stage.cluster.equal, 0.2)


@scenario
def a_wait_with_one_of_two_stopped(stage):
    return with_stopped(stage, 1, stage.cluster.equal[:2], 0.2)


@scenario
def a_wait_extends_the_expiry(stage):
    talk = stage.talk(key=b"another key\n", expire=0.2)
    salt = talk.send(talk.request(0))
    first, second = talk.wait(salt, 0.3), talk.wait(salt, 0.01)     # at 0.3 s, of 0.2
    until_expired(talk)
    return first, second, talk.wait(salt, 0.1), talk.upcalls


@scenario
def an_expiry_without_a_wait(stage):
    talk = stage.talk(key=b"another key\n", expire=0.05)
    salts = [talk.send(talk.request(0)) for _ in range(2)]
    until_expired(talk, 2)
    return talk.upcalls, [talk.wait(salt, 1) for salt in salts]


@scenario
def an_answered_request_expires_too(stage):
    talk = stage.talk(expire=0.2)
    talk.send(talk.request(0))
    replies = gather(talk, 4)
    until_expired(talk)
    return replies, talk.upcalls[-1], len(talk.upcalls)


@scenario
def peers_replaced_while_a_question_is_out(stage):
    first, second = stage.cluster.equal[:2], stage.cluster.equal[2:]
    talk = stage.talk(first)
    salts = [talk.send(talk.request(0))]
    talk.update_peers(second)
    salts.append(talk.send(talk.request(0)))
    return gather(talk, 4), [talk.wait(salt, 0) for salt in salts]


@scenario
def datagrams_that_are_dropped(stage):
    talk = stage.talk(stage.cluster.equal[:1], offline=True)
    salt = talk.send(talk.request(0))
    good = reply(stage, salt)
    for datagram in (b"", b"plj", b"xxxx" + good[4:], b"plj0[]", b'plj0{"msg": "1", "salt": "2"}',
                     reply(stage, salt, key=b"another key"), reply(stage, "another salt"),
                     good.replace(b"7", b"8", 1)):
        talk.handle(datagram, stage.cluster.equal[0], stage.cluster.port)
    return talk.upcalls


@scenario
def replies_in_other_spellings(stage):
    talk, key = stage.talk(stage.cluster.equal[:1], offline=True), stage.cluster.key
    for body in ('{"protocol":1,"status":0,"answer":{"a":[1.5,null,"\\u00e9"]},"serial":42}',
                 ' {"serial" : 42,\n "answer": "\\/", "status": 0, "protocol": 1}\n',
                 '{"protocol": 1, "status": 1, "answer": "two\\nlines", "serial": 0}'):
        salt = talk.send(talk.request(0))
        envelope = json.loads(wire.seal(body, salt, key)[4:])
        datagram = b"plj0" + json.dumps(envelope, indent=1, sort_keys=True).encode("ascii") + b"\n"
        talk.handle(datagram, stage.cluster.equal[0], stage.cluster.port)
    return talk.upcalls


@scenario
def a_signature_in_capitals(stage):
    talk = stage.talk(stage.cluster.equal[:1], offline=True)
    salt = talk.send(talk.request(0))
    head, quote, rest = reply(stage, salt).rpartition(b'"hmac": "')
    talk.handle(head + quote + rest.upper(), stage.cluster.equal[0], stage.cluster.port)
    return talk.upcalls


def replied(stage, replies, **options):
    """A request to all seven, answered by (status, serial, answer)s, each from another peer."""
    talk = stage.talk(stage.cluster.addresses, offline=True, **options)
    salt = talk.send(talk.request(3))
    for address, (status, serial, answer) in zip(stage.cluster.addresses, replies):
        talk.handle(reply(stage, salt, status, serial, answer), address, stage.cluster.port)
    return talk, salt


def filtered(stage, *replies):
    """What the filter hands on of these replies."""
    return [upcall[3:] for upcall in replied(stage, replies, filtered=True)[0].upcalls]


def consistent(stage, *replies):
    """Whether these replies contradict each other."""
    talk, salt = replied(stage, replies)
    return talk.consistent(salt)


@scenario
def the_filter_and_replies_that_agree(stage):
    return filtered(stage, (0, 5, 1), (0, 5, 1), (0, 5, 1))


@scenario
def the_filter_and_a_newer_reply(stage):
    return filtered(stage, (0, 5, 1), (0, 6, 2), (0, 5, 1), (0, 7, 2), (0, 6, 3), (0, 8, 1))


@scenario
def the_filter_and_contradicting_replies(stage):
    return filtered(stage, (0, 5, 1), (0, 5, 2), (0, 5, 3), (0, 6, 2))


@scenario
def the_filter_and_an_error_first(stage):
    return filtered(stage, (1, 0, '"no configuration"'), (0, 5, 1), (1, 0, 0), (0, 5, 1))


@scenario
def replies_that_contradict_each_other(stage):
    return [consistent(stage, *replies) for replies in (
        [(0, 5, 1)], [(0, 5, 1), (0, 5, 1)], [(0, 5, 1), (0, 5, 2)], [(0, 5, 1), (0, 6, 2)],
        [(0, 5, 1), (0, 5, 2), (0, 6, 2)], [(0, 6, 1), (0, 5, 2)], [(0, 5, 1), (1, 0, 0)],
        [(0, 5, "[1, {}]"), (0, 5, "[1,{}]")],
        [(0, 5, '{"a": 1, "b": 2}'), (0, 5, '{"b": 2, "a": 1}')],
        [(0, 5, "1"), (0, 5, '"1"')], [(0, 5, "1.5"), (0, 5, "15e-1")])]


@scenario
def whether_all_are_answered(stage):
    talk = stage.talk(stage.cluster.equal[:2], offline=True, expire=0.2)
    seen, salts = [talk.all_answered()], [talk.send(talk.request(0)) for _ in range(2)]
    for salt, address in zip(salts, stage.cluster.equal):
        seen.append(talk.all_answered())
        talk.handle(reply(stage, salt), address, stage.cluster.port)
    seen.append(talk.all_answered())
    talk.send(talk.request(0))
    seen.append(talk.all_answered())
    until_expired(talk, 3)
    return seen + [talk.all_answered()]
