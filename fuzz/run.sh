#!/bin/sh
# Coverage-guided fuzzing under AddressSanitizer, on the stable toolchain.
#
#     fuzz/run.sh [run|bulk|keep|coverage] [TARGET…]
#
#     run        MINUTES (default 1) for each target; adds a line for each to fuzz/LOG.tsv. Fails where one was found
#                that fails, and says where its input is. What is new goes to the target folder, for the next run.
#     bulk       RANDOM_INPUTS (default 100000) for each target from a printed seed, made of the corpus and of noise, without
#                guidance and sanitizer, and so some ten times as many in the same time; logged, too, as TARGET/bulk
#     keep       the smallest inputs that reach all that was reached, packed into fuzz/corpus/TARGET.pack
#     coverage   which lines of the library the committed corpora reach (by rustup's llvm-tools)
set -eu
cd "$(dirname "$0")/.."

CARGO_FUZZ=0.13.1
ALL="datagrams answers requests sequences loopback"

case "${1-run}" in
    run | bulk | keep | coverage) action=${1-run} ;;
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
# Comparisons are not traced, so that more is run in the same time.
fuzz() { command=$1 && shift && cargo fuzz "$command" --no-trace-compares --fuzz-dir fuzz --target-dir "$built/fuzz" "$@"; }
inputs() { # TARGET: its folder, with the committed ones at least
    mkdir -p "$state/$1"
    [ ! -f "fuzz/corpus/$1.pack" ] || replay --unpack "fuzz/corpus/$1.pack" "$state/$1"
}
# Inputs are long, since each holds many datagrams or sequences.
options="-max_len=6000 -len_control=0 -reduce_inputs=0 -rss_limit_mb=3000 -timeout=60"
export ASAN_OPTIONS="${ASAN_OPTIONS:-malloc_context_size=4:quarantine_size_mb=32}"

# TARGET SECONDS FINDINGS COUNTS-FILE: adds a line to the log.
log() {
    [ -f fuzz/LOG.tsv ] || printf 'date\ttarget\tinputs\tunits\tcalls\tseconds\tfindings\tcommit\n' >fuzz/LOG.tsv
    read -r inputs units calls <"$4" || inputs=0 units=0 calls=0
    commit=$(git rev-parse --short HEAD 2>/dev/null || echo -)
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u +%F)" "$1" "$inputs" "$units" "$calls" "$2" "$3" "$commit" |
        tee -a fuzz/LOG.tsv
}

# What was done in all, by runs that found nothing. Fails if one of these has found something.
total() {
    awk -F '\t' 'NR > 1 && $7 == 0 { sub("/bulk", "", $2); units[$2] += $4; time[$2] += $6 }
        END { for (target in units) printf "in all: %s %d units in %d s\n", target, units[target], time[target] }' \
        fuzz/LOG.tsv
    [ -z "$bad" ] || { echo "fuzz: found in:$bad" >&2 && exit 1; }
}

run() {
    seconds=$((${MINUTES:-1} * 60)) bad=""
    for target in $targets; do
        inputs "$target"
        artifacts=$state/found/$target-$(date +%s) counts=$state/$target.counts
        mkdir -p "$artifacts"
        : >"$counts"
        began=$(date +%s) result=0
        # shellcheck disable=SC2086 # the options are words
        CONFD_FUZZ_COUNTS=$counts fuzz run "$target" "$state/$target" -- $options -max_total_time="$seconds" \
            -print_final_stats=1 -artifact_prefix="$artifacts/" >"$state/$target.log" 2>&1 || result=$?
        findings=$(find "$artifacts" -type f | wc -l)
        if [ "$result" -ne 0 ] && [ "$findings" -eq 0 ]; then
            tail -n 20 "$state/$target.log" >&2
            echo "fuzz: $target could not be run; all of it is in $state/$target.log" >&2
            exit 1
        fi
        log "$target" $(($(date +%s) - began)) "$findings" "$counts"
        if [ "$findings" -gt 0 ]; then
            bad="$bad $target"
            grep -v -E '^#|NEW|REDUCE' "$state/$target.log" | head -n 40 >&2
            find "$artifacts" -type f >&2
        fi
    done
    total
}

bulk() {
    bad=""
    mkdir -p "$state"
    for target in $targets; do
        began=$(date +%s) findings=0
        : >"$state/bulk.counts"
        cargo build --quiet --release --manifest-path fuzz/Cargo.toml --target-dir "$built" -p confd-fuzz-bodies
        CONFD_FUZZ_COUNTS=$state/bulk.counts "$built/release/confd-fuzz-replay" --random "${RANDOM_INPUTS:-100000}" \
            "$target=fuzz/corpus/$target.pack" || findings=1
        log "$target/bulk" $(($(date +%s) - began)) "$findings" "$state/bulk.counts"
        [ "$findings" -eq 0 ] || bad="$bad $target"
    done
    total
}

keep() {
    for target in $targets; do
        inputs "$target"
        rm -rf "$state/least" && mkdir -p "$state/least"
        # shellcheck disable=SC2086 # the options are words
        fuzz run "$target" "$state/least" "$state/$target" -- $options -merge=1 -use_counters=0 >"$state/$target.log" 2>&1
        replay --pack "$state/least" "fuzz/corpus/$target.pack"
    done
}

coverage() {
    # In the terms of the compiler that made it, so by the toolchain's own tools.
    rustup component add llvm-tools >/dev/null 2>&1 || true
    tools=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin
    program=$built/fuzz-coverage/debug/confd-fuzz-replay
    RUSTFLAGS=-Cinstrument-coverage cargo build --quiet --manifest-path fuzz/Cargo.toml -p confd-fuzz-bodies \
        --target-dir "$built/fuzz-coverage"
    mkdir -p "$state" && rm -f "$state"/*.profraw
    for target in $targets; do
        LLVM_PROFILE_FILE=$state/$target.profraw "$program" --random 0 "$target=fuzz/corpus/$target.pack"
    done
    "$tools/llvm-profdata" merge -o "$state/coverage" "$state"/*.profraw
    "$tools/llvm-cov" report "$program" -instr-profile "$state/coverage" src --show-region-summary=false \
        --show-branch-summary=false
    "$tools/llvm-cov" show "$program" -instr-profile "$state/coverage" src >"$state/coverage.txt"
    echo "line by line: $state/coverage.txt"
}

"$action"
