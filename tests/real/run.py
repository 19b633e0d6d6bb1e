"""Runs the tests of this folder, or of another, and tells what it does while it does it."""

import os
import sys
import time
import unittest

import libconfd

HERE = os.path.dirname(os.path.abspath(__file__))


class Result(unittest.TestResult):
    """One line for each test, with its time and its number of cases (subtests)."""

    def __init__(self):
        super().__init__()
        self.cases = 0
        self.module = None

    def startTest(self, test):
        super().startTest(test)
        self.began, self.inner, self.bad = time.monotonic(), 0, self.trouble()
        module = type(test).__module__
        if module != self.module:
            self.module = module
            print("%s: %s" % (module, sys.modules[module].__doc__.split("\n")[0]), flush=True)

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        self.inner += 1

    def stopTest(self, test):
        super().stopTest(test)
        self.cases += max(1, self.inner)
        print("  %s %5.2f s  %s%s" % (
            "ok  " if self.trouble() == self.bad else "FAIL", time.monotonic() - self.began,
            test._testMethodName.removeprefix("test_").replace("_", " "),
            ", %d cases" % self.inner if self.inner else ""), flush=True)

    def trouble(self):
        return len(self.failures) + len(self.errors) + len(self.skipped)


def main(patterns, folder=HERE):
    if not os.path.exists(libconfd.PATH):
        return "run.py: no library at %s; CONFDCLIENT_LIBRARY names another" % libconfd.PATH
    print("library: %s, version %s" % (libconfd.PATH, libconfd.lib.version().decode()), flush=True)
    loader = unittest.TestLoader()
    loader.testNamePatterns = ["*%s*" % pattern for pattern in patterns] or None
    began, result = time.monotonic(), Result()
    loader.discover(folder, "test_*.py", folder).run(result)
    for test, trace in result.failures + result.errors + result.skipped:
        print("\n%s\n%s\n%s" % ("-" * 70, test, trace))
    print("\n%d tests, %d cases, %d failed, %.1f s" % (
        result.testsRun, result.cases, result.trouble(), time.monotonic() - began))
    return 1 if result.trouble() or not result.testsRun else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
