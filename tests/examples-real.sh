#!/bin/sh
# The examples ask real ganeti-confd daemons, the same programs that `make examples` has built, and those of C++.
set -eu
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:=$PWD/target}"
built=$CARGO_TARGET_DIR/examples-gcc

if [ "${1:-}" != inside ]; then
    sh tests/install-needs.sh g++ python3 iproute2 ganeti-haskell-3.0 >/dev/null
    [ -x "$built/glib" ] || sh tests/examples.sh
    for program in master cluster; do
        g++ -std=c++17 -O2 -Wall -Wextra -Wpedantic -Werror -Iinclude "examples-cpp/$program.cpp" -o "$built/cpp-$program" \
            -L"$CARGO_TARGET_DIR/dist" -lconfdclient -Wl,-rpath,"$CARGO_TARGET_DIR/dist" -pthread
    done
    exec python3 -B tests/real/cluster.py run -- sh "$0" inside
fi

peers=$(echo "$CONFD_TEST_EQUAL" | sed "s/,\|$/:$CONFD_TEST_PORT /g")
out=$(mktemp)
trap 'rm -f "$out"' EXIT
# LINES PATTERN PROGRAM: so many lines of what it prints are such
asks() {
    # shellcheck disable=SC2086 # words on purpose
    timeout -k 5 60 "$built/$3" "$CONFD_TEST_KEY_FILE" $peers >"$out" || { cat "$out" && exit 1; }
    [ "$(grep -c "$2" "$out")" -eq "$1" ] || { cat "$out" && echo "examples: not $1 times $2 from $3" && exit 1; } >&2
    echo "examples: $3 got its answers from real daemons"
}
asks 1 '^[34] of 4 answered' ping
asks 5 '([34] of 4 answered)' event_loop
for program in epoll libuv glib; do
    asks 3 "^\"$CONFD_TEST_MASTER\" ([34] of 4 answered)" $program
done
asks 1 "^$CONFD_TEST_MASTER\$" cpp-master
asks 1 '^servers that are there: 4' cpp-cluster
