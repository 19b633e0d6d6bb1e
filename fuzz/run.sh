#!/bin/sh
# Fuzzing under AddressSanitizer, LeakSanitizer, debug assertions and overflow checks, on the stable toolchain.
#
#     fuzz/run.sh [run|bulk|keep|coverage|total] [TARGET…]
#
#     run        guided by coverage, MINUTES (default 1) for each target; adds a line for each to fuzz/LOG.tsv. Fails where
#                one was found that fails, and says where its input is. What is new goes to the target folder, for the
#                next run.
#     bulk       without guidance, MINUTES (default 1) for each target from a printed seed, logged as TARGET/bulk-asan: some
#                fifteen times as much in the same time. See below for what its inputs are.
#     keep       the smallest inputs that reach all that was reached, and others that reach it more or less often, packed
#                into fuzz/corpus/TARGET.pack
#     coverage   which lines of the library the committed corpora reach (by rustup's llvm-tools)
#     total      what was done in all by the runs of fuzz/LOG.tsv under AddressSanitizer; TARGET/bulk there had none
#
# An input of bulk is made of two of the corpus, put together and changed in some bytes, or once in three times of noise.
# Behind its end datagrams and sequences go on with choices from the seed, so that one client has up to 1024 datagrams. A
# few in a hundred are of an input's own bytes. Of the others two in three are earlier ones, cut, spliced and changed; the
# rest is composed and signed, a third of it after its message was changed so, or noise, or replayed. The model judges
# the datagrams of one input in 16, and of the corpus: it costs more than the client does. For the others what callbacks
# say and the sums of the client's counters are looked at. Sequences are always held against all rules; most have one
# client or two, and all have some 20 calls.
set -eu
cd "$(dirname "$0")/.."

ALL="datagrams answers requests sequences loopback"

case "${1-run}" in
    run | bulk | keep | coverage | total) action=${1-run} ;;
    *) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac
[ $# -eq 0 ] || shift
targets=${*:-${TARGETS:-$ALL}}
built=${CARGO_TARGET_DIR:-$PWD/target}
state=$built/fuzz-state
host=$(rustc -vV | sed -n 's/^host: //p')
unset CARGO_TARGET_DIR

replay() { cargo run --quiet --manifest-path fuzz/Cargo.toml --target-dir "$built" -p confd-fuzz-bodies -- "$@"; }

# PROFILE CARGO-ARGUMENTS: with the sanitizer, which the stable compiler gives so. Build scripts go without: --target.
build() {
    profile=$1 && shift
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address ${FLAGS-}" cargo build --quiet --profile "$profile" \
        --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$built/fuzz" "$@"
}

# What libFuzzer runs.
build_guided() {
    sh tests/install-needs.sh g++ >/dev/null
    RUSTC_WRAPPER=$PWD/fuzz/rustc.sh build release --bins
}
fuzz() { program=$built/fuzz/$host/release/$1 && shift && "$program" "$@"; }
inputs() { # TARGET: its folder, with the committed ones at least
    mkdir -p "$state/$1"
    [ ! -f "fuzz/corpus/$1.pack" ] || replay --unpack "fuzz/corpus/$1.pack" "$state/$1"
}
# Inputs are long, since each holds many datagrams or sequences.
options="-max_len=3000 -len_control=0 -reduce_inputs=0 -rss_limit_mb=3000 -timeout=60"

# TARGET SECONDS FINDINGS COUNTS-FILE: adds a line to the log.
log() {
    [ -f fuzz/LOG.tsv ] || printf 'date\ttarget\tinputs\tunits\tcalls\tseconds\tfindings\tcommit\n' >fuzz/LOG.tsv
    read -r inputs units calls <"$4" || inputs=0 units=0 calls=0
    # The latest commit that changed what is fuzzed.
    commit=$(git log -1 --format=%h -- src Cargo.toml 2>/dev/null || echo -)
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$(date -u +%F)" "$1" "$inputs" "$units" "$calls" "$2" "$3" "$commit" |
        tee -a fuzz/LOG.tsv
}

# What was done in all, by runs that found nothing.
total() {
    awk -F '\t' 'NR > 1 && $7 == 0 && $2 !~ "/bulk$" { sub("/bulk-asan", "", $2); units[$2] += $4; time[$2] += $6 }
        END { for (target in units) printf "in all: %s %d units in %d s\n", target, units[target], time[target] }' \
        fuzz/LOG.tsv
}

# Fails if one of these has found something.
verdict() {
    total
    [ -z "$bad" ] || { echo "fuzz: found in:$bad" >&2 && exit 1; }
}

run() {
    seconds=$((${MINUTES:-1} * 60)) bad=""
    build_guided
    export ASAN_OPTIONS="${ASAN_OPTIONS:-malloc_context_size=4:quarantine_size_mb=8}"
    for target in $targets; do
        inputs "$target"
        artifacts=$state/found/$target-$(date +%s) counts=$state/$target.counts
        mkdir -p "$artifacts"
        : >"$counts"
        began=$(date +%s) result=0
        # shellcheck disable=SC2086 # the options are words
        CONFD_FUZZ_COUNTS=$counts fuzz "$target" "$state/$target" $options -max_total_time="$seconds" \
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
    verdict
}

bulk() {
    seconds=$((${MINUTES:-1} * 60)) bad=""
    # A stack that is used after its function's return is for guided runs to find, and so are allocations' call stacks.
    FLAGS=-Cllvm-args=-asan-use-after-return=never build bulk -p confd-fuzz-bodies
    quick=malloc_context_size=0:quarantine_size_mb=1:thread_local_quarantine_size_kb=64:max_malloc_fill_size=0
    export ASAN_OPTIONS="${ASAN_OPTIONS:-$quick:allocator_release_to_os_interval_ms=-1}"
    for target in $targets; do
        # The input that runs is there, and stays if it ends the process.
        running=$state/found/$target-bulk-$(date +%s)
        mkdir -p "$running"
        began=$(date +%s) findings=0
        : >"$state/bulk.counts"
        CONFD_FUZZ_COUNTS=$state/bulk.counts TMPDIR=$running "$built/fuzz/$host/bulk/confd-fuzz-replay" \
            --bulk "$seconds" "$target=fuzz/corpus/$target.pack" || findings=1
        log "$target/bulk-asan" $(($(date +%s) - began)) "$findings" "$state/bulk.counts"
        if [ "$findings" -gt 0 ]; then
            bad="$bad $target"
            find "$running" -type f >&2
        fi
    done
    verdict
}

keep() {
    build_guided
    for target in $targets; do
        inputs "$target"
        # First what reaches each place, then what reaches them in other numbers.
        for counters in 0 1; do
            rm -rf "$state/least$counters" && mkdir -p "$state/least$counters"
            # shellcheck disable=SC2086 # the options are words
            fuzz "$target" "$state/least$counters" "$state/$target" $options -merge=1 -use_counters="$counters" \
                >"$state/$target.log" 2>&1
        done
        replay --pack "fuzz/corpus/$target.pack" "$state/least0" "$state/least1"
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
