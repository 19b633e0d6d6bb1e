#!/bin/sh
# The program in README.md compiles without a warning as it stands there, and gets the answer that the text shows, not that of the stale candidate.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json

sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$sim_dir/master.c"
[ -s "$sim_dir/master.c" ] || { echo "readme: no C program in README.md" >&2 && exit 1; }
gcc -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror -Iinclude "$sim_dir/master.c" -o "$sim_dir/master" \
    -L"$dist" -lconfdclient -Wl,-rpath,"$dist"
# shellcheck disable=SC2046 # words on purpose
"$sim_dir/master" $(echo "$sim_peers" | tr , ' ') <"$sim_dir/hmac.key" >"$sim_dir/out"
cat "$sim_dir/out"
grep -qx '127.0.0.[13] says "node1.example.com", serial 3189' "$sim_dir/out"
echo "readme: its program works"
