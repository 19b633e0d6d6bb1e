#!/bin/sh
# The examples compile without a warning, with gcc and with clang, as their own lines and README.md say; and they
# get answers. STRICT has the compiler's flags.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json

for compiler in gcc clang; do
    out=$CARGO_TARGET_DIR/examples-$compiler
    mkdir -p "$out"
    for program in ping event_loop confd-query; do
        case $program in
        confd-query) sources='examples-c/confd-query*.c' ;;
        *) sources=examples-c/$program.c ;;
        esac
        # shellcheck disable=SC2086 # words and patterns on purpose
        $compiler ${STRICT:--std=c99 -Wall -Wextra -Wpedantic -Werror} -O2 -Iinclude $sources -o "$out/$program" \
            -L"$dist" -lconfdclient -Wl,-rpath,"$dist"
        echo "examples: $program is clean with $compiler"
    done
    # shellcheck disable=SC2046 # words on purpose
    "$out/ping" "$sim_dir/hmac.key" $(echo "$sim_peers" | tr , ' ') | tail -n 1
    # shellcheck disable=SC2046
    "$out/event_loop" "$sim_dir/hmac.key" $(echo "$sim_peers" | tr , ' ') >"$sim_dir/out"
    [ "$(grep -c '(. of 3 answered)' "$sim_dir/out")" -eq 5 ] || { cat "$sim_dir/out" && exit 1; }
    echo "examples: ping and event_loop of $compiler got their answers"
done
