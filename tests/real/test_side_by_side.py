"""The stock Python client and libconfdclient, the same questions to the same real daemons."""

import unittest

from agreements import SCENARIOS
from cluster import Cluster
from differences import DIFFERENCES
from questions import SILENT, questions
from sides import Ours, Stage, Stock, gather


def ask(rtype, query):
    """A scenario: the question to all seven; every upcall, and the wait once they are in."""
    def scenario(stage):
        talk = stage.talk(stage.cluster.addresses)
        salt = talk.send(talk.request(rtype, query))
        timed_out, sent, received = talk.wait(salt, 2)
        assert not timed_out and 4 <= received <= sent, (timed_out, sent, received)
        return gather(talk, 7), talk.wait(salt, 0)
    return scenario


def ask_in_vain(rtype, query):
    def scenario(stage):
        talk = stage.talk()
        return talk.wait(talk.send(talk.request(rtype, query)), 0.2), talk.upcalls
    return scenario


class SideBySideTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.cluster = cls.enterClassContext(Cluster())

    def play(self, scenario):
        return [Stage(side, self.cluster).play(scenario) for side in (Stock, Ours)]

    def test_the_same_questions_have_the_same_answers(self):
        differ = {8}                        # see differences.py
        for q in questions(self.cluster.base):
            latin1 = isinstance(q.query, str) and not q.query.isascii()
            if q.type in differ or latin1:
                continue
            with self.subTest(q.name):
                stock, ours = self.play(ask(q.type, q.query))
                self.assertEqual(stock, ours)
                self.assertEqual((len(ours[0]), ours[1]), (7, (False, 7, 7)))

    def test_the_same_questions_have_no_answer(self):
        for name, rtype, query in SILENT:
            with self.subTest(name):
                stock, ours = self.play(ask_in_vain(rtype, query))
                self.assertEqual(stock, ours)
                self.assertEqual(ours, ((True, 4, 0), []))

    def test_ipv6(self):
        def scenario(stage):
            talk = stage.talk([stage.cluster.address6])
            return talk.wait(talk.send(talk.request(3)), 2), talk.upcalls
        stock, ours = self.play(scenario)
        self.assertEqual(stock, ours)
        self.assertEqual(ours[0], (False, 1, 1))

    def test_the_same_scenarios_show_the_same(self):
        for name, scenario in SCENARIOS.items():
            with self.subTest(name):
                stock, ours = self.play(scenario)
                self.assertEqual(stock, ours)

    def test_the_differences_are_the_ones_listed(self):
        for row in DIFFERENCES:
            with self.subTest(row.name, reason=row.reason):
                self.assertNotEqual(row.stock, row.ours)
                stock, ours = self.play(row.scenario)
                self.assertEqual(stock, row.stock, Stock.name)
                self.assertEqual(ours, row.ours, Ours.name)


if __name__ == "__main__":
    unittest.main()
