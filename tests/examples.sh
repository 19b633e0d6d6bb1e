#!/bin/sh
# The examples compile without a warning, with gcc and with clang, as their own lines and README.md say; and they
# get answers. STRICT has the compiler's flags.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/sim.sh
. tools/sim.sh
sh tests/install-needs.sh gcc clang valgrind pkg-config libuv1-dev libglib2.0-dev
sim_start sim/examples/three.json

# What a program leaves behind is an error, but for what libraries hold on to for ever.
kinds=definite,possible,indirect
memcheck="valgrind --fair-sched=try --quiet --error-exitcode=9 --leak-check=full --show-leak-kinds=$kinds
    --errors-for-leak-kinds=$kinds"

# run PROGRAM…: with key and candidates
run() {
    # shellcheck disable=SC2046 # words on purpose
    timeout -k 5 60 "$@" "$sim_dir/hmac.key" $(echo "$sim_peers" | tr , ' ') >"$sim_dir/out" || complain
}
# ask PROGRAM QUESTION…: with them as confd-query takes them
ask() {
    timeout -k 5 60 "$@" -p "$sim_peers" -k "$sim_dir/hmac.key" >"$sim_dir/out" 2>&1 || complain
    [ -s "$sim_dir/out" ] || complain
}
complain() { cat "$sim_dir/out" && exit 1; }

for compiler in gcc clang; do
    out=$CARGO_TARGET_DIR/examples-$compiler
    mkdir -p "$out"
    for program in ping event_loop epoll libuv glib confd-query; do
        sources=examples-c/$program.c needs=
        case $program in
        confd-query) sources='examples-c/confd-query*.c' ;;
        libuv) needs=$(pkg-config --cflags --libs libuv) ;;
        glib) needs=$(pkg-config --cflags --libs glib-2.0) ;;
        esac
        # shellcheck disable=SC2086 # words and patterns on purpose
        $compiler ${STRICT:--std=c99 -Wall -Wextra -Wpedantic -Werror} -O2 -g -Iinclude $sources -o "$out/$program" \
            -L"$dist" -lconfdclient -Wl,-rpath,"$dist" $needs
        echo "examples: $program is clean with $compiler"
    done
    # Debian 12's valgrind cannot read what its clang writes for debuggers.
    ways=plain && [ $compiler = clang ] || ways="plain memcheck"
    for way in $ways; do
        check= && [ $way = plain ] || check=$memcheck
        # shellcheck disable=SC2086 # words on purpose
        {
            run $check "$out/ping"
            tail -n 1 "$sim_dir/out"
            run $check "$out/event_loop"
            [ "$(grep -c '(. of 3 answered)' "$sim_dir/out")" -eq 5 ] || complain
            for program in epoll libuv glib; do
                run $check "$out/$program"
                [ "$(grep -cx '"node1.example.com" ([23] of 3 answered)' "$sim_dir/out")" -eq 3 ] || complain
            done
            for words in "--verbose ping" "--json master" nodes "drbd node1.example.com" "config /cluster/cluster_name"; do
                ask $check "$out/confd-query" $words
            done
        }
        echo "examples: all of $compiler got their answers${check:+ under valgrind}"
    done
done
