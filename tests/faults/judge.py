"""What must have become of each query, by who could have answered it while it ran."""

from asker import GRACE

EARLY = 1000        # microseconds: how much before its deadline a query may end unanswered (clocks are rounded)
ANSWERED, PARTIAL, NO_REPLY = 0, 1, 2


def lost(queries, prober, settle):
    """The queries that have fewer replies than they could have: as many as they needed, or as there were hosts that
    answered another client promptly, all along `settle` seconds of the query's life. In that time it asks three times."""
    def could_have(query):
        began, ended = query.began / 1e6, query.ended / 1e6
        return sum(prober.answered_all_along(address, began, ended, settle) for address in prober.probes)
    return [q for q in queries if q.outcome in (PARTIAL, NO_REPLY) and q.received < min(q.needed, could_have(q))]


def invented(queries, hosts):
    """The queries that have replies of hosts that were out of reach for as long as they ran."""
    return [q for q in queries if q.received > sum(
        not any(since <= q.began / 1e6 and until >= q.ended / 1e6 for since, until in host.away) for host in hosts)]


def late(queries):
    """Those that returned more than 20 ms after their deadline, the machine's own lateness apart."""
    return [q for q in queries if q.late > GRACE + q.excuse]


def early(queries):
    """Those that gave up before their deadline."""
    return [q for q in queries if q.outcome in (PARTIAL, NO_REPLY) and q.late < -EARLY]


def check(case, asker, prober=None, hosts=(), settle=None):
    """What holds for every run: each question ended once, none late, none early; and with a prober nothing was lost that
    could have been answered, without one all are answered."""
    queries = asker.queries
    print("        " + asker.figures(), flush=True)
    case.assertEqual(sorted(q.index for q in queries), list(range(len(queries))))
    case.assertEqual(late(queries), [], "returned too late")
    case.assertEqual(early(queries), [], "gave up too early")
    if hosts:
        case.assertEqual(invented(queries, hosts), [], "answered by nobody")
    if prober is not None:
        case.assertEqual(lost(queries, prober, settle), [], "could have been answered")
    else:
        case.assertEqual([q for q in queries if q.outcome != ANSWERED], [], asker.why[:3])
    case.assertEqual((asker.counts["outstanding"], asker.counts["queued"]), (0, 0))
