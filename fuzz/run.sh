#!/bin/sh
# Coverage-guided fuzzing under AddressSanitizer, on the stable toolchain.
#
#     fuzz/run.sh [run|keep|coverage] [TARGET…]
#
#     run        MINUTES (default 1) for each target; adds a line for each to fuzz/LOG.tsv. Fails where one was found
#                that fails, and says where its input is. What is new goes to the target folder, for the next run.
#     keep       the smallest inputs that reach all that was reached, packed into fuzz/corpus/TARGET.pack
#     coverage   which lines of the library the committed corpora reach
set -eu
cd "$(dirname "$0")/.."

CARGO_FUZZ=0.13.1
ALL="datagrams answers requests sequences loopback"

case "${1-run}" in
    run | keep | coverage) action=${1-run} ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
[ $# -eq 0 ] || shift
targets=${*:-${TARGETS:-$ALL}}
built=${CARGO_TARGET_DIR:-$PWD/target}
state=$built/fuzz-state
# cargo-fuzz asks the compiler for its sanitizer, which the stable one gives so.
export RUSTC_BOOTSTRAP=1
unset CARGO_TARGET_DIR

sh tests/install-needs.sh g++ >/dev/null
if [ "$(cargo fuzz --version 2>/dev/null)" != "cargo-fuzz $CARGO_FUZZ" ]; then
    echo "fuzz: cargo install cargo-fuzz --version $CARGO_FUZZ --locked"
    cargo install cargo-fuzz --version "$CARGO_FUZZ" --locked --quiet
fi
replay() { cargo run --quiet --manifest-path fuzz/Cargo.toml --target-dir "$built" -p confd-fuzz-bodies -- "$@"; }
fuzz() { command=$1 && shift && cargo fuzz "$command" --fuzz-dir fuzz --target-dir "$built/fuzz" "$@"; }
inputs() { # TARGET: its folder, with the committed ones at least
    mkdir -p "$state/$1"
    [ ! -f "fuzz/corpus/$1.pack" ] || replay --unpack "fuzz/corpus/$1.pack" "$state/$1"
}
# Inputs are long, since each holds many datagrams or sequences.
options="-max_len=6000 -len_control=0 -rss_limit_mb=3000 -timeout=60"

run() {
    seconds=$((${MINUTES:-1} * 60)) bad=""
    [ -f fuzz/LOG.tsv ] || printf 'date\ttarget\tinputs\tunits\tcalls\tseconds\tfindings\tcommit\n' >fuzz/LOG.tsv
    commit=$(git rev-parse --short HEAD 2>/dev/null || echo -)
    for target in $targets; do
        inputs "$target"
        artifacts=$state/found/$target-$(date +%s) counts=$state/$target.counts
        mkdir -p "$artifacts"
        rm -f "$counts"
        began=$(date +%s) result=0
        # shellcheck disable=SC2086 # the options are words
        CONFD_FUZZ_COUNTS=$counts fuzz run "$target" "$state/$target" -- $options -max_total_time="$seconds" \
            -print_final_stats=1 -artifact_prefix="$artifacts/" >"$state/$target.log" 2>&1 || result=$?
        took=$(($(date +%s) - began)) findings=$(find "$artifacts" -type f | wc -l)
        if [ "$result" -ne 0 ] && [ "$findings" -eq 0 ]; then
            tail -n 20 "$state/$target.log" >&2
            echo "fuzz: $target could not be run; all of it is in $state/$target.log" >&2
            exit 1
        fi
        read -r runs units calls <"$counts" || { runs=0 units=0 calls=0; }
        printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u +%F)" "$target" "$runs" "$units" "$calls" "$took" \
            "$findings" "$commit" | tee -a fuzz/LOG.tsv
        if [ "$findings" -gt 0 ]; then
            bad="$bad $target"
            grep -v -E '^#|NEW|REDUCE' "$state/$target.log" | head -n 40 >&2
            find "$artifacts" -type f >&2
        fi
    done
    # What was done in all, of runs that found nothing.
    awk -F '\t' 'NR > 1 && $7 == 0 { units[$2] += $4; time[$2] += $6 }
        END { for (target in units) printf "in all: %s %d units in %d s\n", target, units[target], time[target] }' \
        fuzz/LOG.tsv
    [ -z "$bad" ] || { echo "fuzz: found in:$bad" >&2 && exit 1; }
}

keep() {
    for target in $targets; do
        inputs "$target"
        rm -rf "$state/least" && mkdir -p "$state/least"
        # shellcheck disable=SC2086 # the options are words
        fuzz run "$target" "$state/least" "$state/$target" -- $options -merge=1 >"$state/$target.log" 2>&1
        replay --pack "$state/least" "fuzz/corpus/$target.pack"
    done
}

coverage() {
    sh tests/install-needs.sh clang >/dev/null
    for target in $targets; do
        rm -rf "$state/packed" && replay --unpack "fuzz/corpus/$target.pack" "$state/packed"
        fuzz coverage "$target" "$state/packed" >/dev/null 2>&1
    done
}

"$action"
