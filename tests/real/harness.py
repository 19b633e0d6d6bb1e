"""What the tests through the library share: a cluster for each class, clients that go away."""

import time
import unittest

from cluster import Cluster
from libconfd import REPLY, Client, ConfdError, Request

ENOUGH = 2000       # ms in which a daemon that answers at all has answered
SILENCE = 300       # ms after which one that has not will not


class RealCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())

    def client(self, peers=None, key=None, **options):
        """A client of the daemons that are alike, unless told otherwise."""
        options.setdefault("port", self.cluster.port)
        return self.enterContext(Client(self.cluster.key if key is None else key,
                                        self.cluster.equal if peers is None else peers, **options))

    def gather(self, client, salt, count):
        """The first `count` replies to a request; fewer when they do not come in time."""
        def replies():
            return [e for e in client.events if e.type == REPLY and e.salt == salt]
        deadline = time.monotonic() + ENOUGH / 1000
        while len(replies()) < count and time.monotonic() < deadline:
            client.receive(100)
        return replies()

    def ask(self, client, request, coverage=-1, count=None):
        """Sends a request to all peers; the replies of all, or of `count`."""
        salt = client.send(request, coverage)
        timed_out, sent, _ = client.wait(salt, ENOUGH)
        self.assertFalse(timed_out)
        return self.gather(client, salt, sent if count is None else count)

    def assertRefused(self, name, function, *arguments, **named):
        with self.assertRaises(ConfdError) as caught:
            function(*arguments, **named)
        self.assertEqual(caught.exception.name, name, str(caught.exception))
        self.assertTrue(str(caught.exception).strip().split(": ", 1)[1], "no text for a person")

    def assertSilent(self, client, request, sent):
        """Nobody answers: the wait ends at its timeout, not before, and says who was asked."""
        salt = client.send(request, -1)
        began = time.monotonic()
        self.assertEqual(client.wait(salt, SILENCE), (True, sent, 0))
        elapsed = 1000 * (time.monotonic() - began)
        self.assertGreaterEqual(elapsed, SILENCE - 1)
        self.assertLess(elapsed, SILENCE + 500)
        self.assertEqual(client.events, [])


def build(rtype, query):
    """A request for a query of any shape."""
    request = Request(rtype, query if isinstance(query, str) else None)
    return request if query is None or isinstance(query, str) else request.set_json(query)


def every_form(rtype, query):
    """Each way in which the C API can make this request, as (name, request)."""
    yield "as it is", build(rtype, query)
    yield "set_query_json", Request(rtype).set_json(query)
    if isinstance(query, dict):
        link = query.get("0")
        if rtype == 2 and "1" in query:
            yield "set_ip", Request(rtype).set_ip(query["1"], link)
        if rtype == 2 and "2" in query:
            yield "set_ips", Request(rtype).set_ips(query["2"], link)
        if rtype == 3 and "3" in query:
            yield "set_fields", Request(rtype).set_fields(query["3"])
