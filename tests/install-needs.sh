#!/bin/sh
# Installs from Debian's own archive what `make check` needs: compilers for C and C++, valgrind, and the real
# ganeti-confd with its stock client. Does nothing when all of it is there; fails with the command to run when it
# may not install.
#
#     tests/install-needs.sh [PACKAGE…]
set -eu

# mandoc judges the manual's pages, and man-db finds them. libc6-dev is only recommended by gcc, and so has to be named. libc6-dbg is what valgrind finds its way in libc by.
all="gcc g++ clang libc6-dev libc6-dbg binutils make valgrind python3 iproute2 pkg-config mandoc man-db groff-base
    zsh abigail-tools libuv1-dev libglib2.0-dev nftables libfaketime
    ganeti-haskell-3.0 ganeti-3.0"

# clang's sanitizers are a package of their own, by the version of the compiler.
clang_runtime() { clang -dumpversion | sed 's/\..*//; s/.*/libclang-rt-&-dev/'; }
[ $# -gt 0 ] || ! command -v clang >/dev/null || all="$all $(clang_runtime)"

missing=""
for package in ${*:-$all}; do
    dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' || missing="$missing $package"
done

if [ -z "$missing" ]; then
    echo "needs: nothing to install, all here:" ${*:-$all}
    exit 0
fi

command="apt-get update && apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
    {
        echo "needs: missing:$missing. As root, run:"
        echo "    $command"
    } >&2
    exit 1
fi

echo "needs: $command"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # the names are words
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; }; then
    {
        echo "needs: could not install. Run by hand:"
        echo "    $command"
    } >&2
    exit 1
fi
# Where clang was not there before, its version is known only now.
[ $# -gt 0 ] || exec sh "$0" "$(clang_runtime)"
