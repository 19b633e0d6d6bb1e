"""Runs the tests of this folder as those of real daemons are run, once their programs are compiled."""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "real"))

import run          # noqa: E402 (of ../real)
import programs     # noqa: E402

if __name__ == "__main__":
    programs.compile_all()
    sys.exit(run.main(sys.argv[1:], HERE))
