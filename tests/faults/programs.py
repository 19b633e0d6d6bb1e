"""The C programs of this folder, compiled; they are gone with this process, as all of TMPDIR is."""

import os
import subprocess
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
C = os.path.join(ROOT, "tests", "c")
FOLDER = os.path.join(tempfile.gettempdir(), "programs")
LIBRARIES = os.path.dirname(os.path.abspath(os.environ["CONFDCLIENT_LIBRARY"]))
FLAGS = ("-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -g -O2 "
         "-I%s/include -I%s -I%s" % (ROOT, C, HERE)).split()
LINKED = ["-L" + LIBRARIES, "-lconfdclient", "-Wl,-rpath," + FOLDER, "-lpthread"]
WORLD = [os.path.join(C, name) for name in ("world.c", "sign.c", "sim.c")]

# What each is made of, and what else the compiler is told.
ALL = {
    "asker": (["asker.c", "lateness.c", "report.c"] + WORLD, LINKED),
    "descriptors": (["descriptors.c"] + WORLD, LINKED),
    "attacker": (["attacker.c", "forged.c", "listen.c"], []),
    "sending.so": (["sending.c"], ["-shared", "-fPIC", "-ldl"]),
}


def path(name):
    return os.path.join(FOLDER, name)


def compile_all():
    os.makedirs(FOLDER)
    # A program looks for the library by its SONAME.
    os.symlink(os.path.join(LIBRARIES, "libconfdclient.so"), path("libconfdclient.so.0"))
    running = {name: subprocess.Popen([os.environ.get("CC", "gcc"), *FLAGS, *sources, "-o", path(name), *more],
                                      cwd=HERE) for name, (sources, more) in ALL.items()}
    failed = [name for name, process in running.items() if process.wait() != 0]
    if failed:
        raise SystemExit("faults: do not compile: " + ", ".join(failed))
