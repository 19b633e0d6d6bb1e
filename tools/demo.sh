#!/bin/sh
# `make demo`: three simulated master candidates, one of them stale and one slow, asked from C through confd-query.
# Fails when an answer is not the one that its text tells of.
set -eu
cd "$(dirname "$0")/.."

if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); else bold='' plain=''; fi
step() { printf '\n%s%s%s\n\n' "$bold" "$1" "$plain"; }
say() { printf '   %s\n' "$@"; }
indented() { sed 's/^/   /'; }

step "1. Build the library and the simulator (Rust), and confd-query (C, from the public header alone)"
command -v "${CC:-cc}" >/dev/null || sh tests/install-needs.sh gcc libc6-dev
"${MAKE:-make}" --no-print-directory build confd-query
# shellcheck source=tools/sim.sh
. tools/sim.sh

step "2. Start three master candidates in one process, on ports that the kernel chooses"
sim_start sim/examples/three.json
current=$(sim_address current) stale=$(sim_address stale) slow=$(sim_address slow)
say "$(printf '%-8s %-16s %s' current "$current" 'has the cluster'"'"'s configuration of today, serial 3189')" \
    "$(printf '%-8s %-16s %s' stale "$stale" 'missed the last changes: serial 3179, another master')" \
    "$(printf '%-8s %-16s %s' slow "$slow" 'is up to date, and answers after 300 ms')"

cd "$sim_dir"
PATH=$dist:$PATH
# Shows a command line, then runs it; what it prints on stdout stays in the file "answer".
run() {
    printf '   %s$ %s%s\n' "$bold" "$*" "$plain"
    "$@" >answer 2>messages || { cat messages answer && exit 1; }
}
# A member of the JSON object that `confd-query --json` prints.
member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" answer; }
expect() {
    [ "$1" = "$2" ] || { printf '\nThe demo went wrong: "%s" and not "%s"\n' "$1" "$2" >&2 && exit 1; }
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }

step "3. Ask each of them alone: who is the master?"
table=$(printf '%-8s  %-16s  %8s  %6s  %-18s' who address took serial 'says the master is')
for who in current stale slow; do
    began=$(now_ms)
    run confd-query -p "$(sim_address $who)" -k hmac.key --json master
    took=$(($(now_ms) - began)) note=''
    [ "$(member serial)" -ge 3189 ] || note='  <- stale: an older configuration'
    [ "$took" -lt 300 ] || note='  <- slow'
    table="$table
$(printf '%-8s  %-16s  %5s ms  %6s  %-18s%s' $who "$(member server)" "$took" "$(member serial)" "$(member answer)" "$note")"
    case $who in
    stale) expect "$(member serial) $(member answer)" "3179 node2.example.com" ;;
    *) expect "$(member serial) $(member answer)" "3189 node1.example.com" ;;
    esac
done
echo
printf '%s\n' "$table" | indented

step "4. Ask all three at once"
run confd-query --verbose -p "$sim_peers" -k hmac.key master
cat messages answer | indented
expect "$(cat answer)" node1.example.com
echo
say "Two replies of three are enough, so the slow one came too late to count. They disagree:" \
    "the one with the higher serial won, and node1.example.com is the answer."

step "5. Ask the stale and the slow one only: the first to answer is wrong"
run confd-query --verbose -p "$stale,$slow" -k hmac.key master
cat messages answer | indented
expect "$(cat answer)" node1.example.com
echo
say "Of two, both are needed. The stale one was first, the slow one has the higher serial and won."

step "6. The same for a program"
run confd-query -p "$sim_peers" -k hmac.key --json master
indented <answer
expect "$(member answer)" node1.example.com

step "Done; the simulator ends with this script. To play on with another, from the project's folder:"
target=$CARGO_TARGET_DIR
case $target in "$OLDPWD"/*) target=${target#"$OLDPWD"/} ;; esac
say "printf 'demo key, not a secret\\n' >/tmp/demo.key" \
    "$target/release/confd-sim --port 18140 sim/examples/three.json &" \
    "$target/dist/confd-query -p 127.0.0.1,127.0.0.2,127.0.0.3 --port 18140 -k /tmp/demo.key nodes"
