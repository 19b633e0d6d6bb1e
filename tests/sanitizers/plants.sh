#!/bin/sh
# Proves that a sanitizer would report: programs with a defect on purpose are each reported, by the name of the defect
# and with the function of the API that it was in, and programs without one are not.
#
#     tests/sanitizers/plants.sh address|thread
#
# SANITIZED_CC names the compiler with its flags, CONFDCLIENT_LIBDIR the folder of the library that the sanitizer
# watches; both as tests/c/run.sh has them.
set -eu
cd "$(dirname "$0")/../.."
: "${SANITIZED_CC:?names no compiler; run tests/c/run.sh --sanitize}" "${CONFDCLIENT_LIBDIR:?}"
native="-lgcc_s -lutil -lrt -lpthread -lm -ldl -lc"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# plant PROGRAM NAME [REPORT…]: run, it reports each of these; or nothing, and succeeds.
plant() {
    program=$1 name=$2 code=0
    shift 2
    ${STARTER:-} timeout -k 5 60 "$program" "$name" </dev/null >"$work/said" 2>&1 || code=$?
    if [ $# -eq 0 ]; then
        [ "$code" = 0 ] && ! grep -q Sanitizer "$work/said" && echo "ok      $name is not reported" && return
    else
        missed=
        for report; do grep -qE "$report" "$work/said" || missed="$missed \"$report\""; done
        [ "$code" != 0 ] && [ "$code" -lt 124 ] && [ -z "$missed" ] && echo "ok      a planted $name is reported" && return
        echo "FAILED  of a planted $name there is no report of:$missed"
    fi
    echo "FAILED  $name (status $code)"
    sed 's/^/        /' "$work/said"
    exit 1
}

# shellcheck disable=SC2086 # words on purpose
build() { $SANITIZED_CC -std=c99 -Wall -Wextra -Wpedantic -Werror -g -O1 -Iinclude -Itests/c "$@" $native; }

build tests/sanitizers/plants.c tests/c/world.c tests/c/sign.c "$CONFDCLIENT_LIBDIR/libconfdclient.a" -o "$work/plants"
case $1 in
address)
    plant "$work/plants" use-after-free 'AddressSanitizer: heap-use-after-free' 'in confd_request_type .*src/ffi' \
        'in confd_request_free'
    plant "$work/plants" over-read 'AddressSanitizer: heap-buffer-overflow' 'in confd_client_new'
    plant "$work/plants" leak 'LeakSanitizer: detected memory leaks' 'in confd_client_new'
    plant "$work/plants" undefined 'runtime error: signed integer overflow'
    plant "$work/plants" no-race
    ;;
thread)
    plant "$work/plants" race 'ThreadSanitizer: data race' 'unguarded_upcall' 'confd_client_cancel'
    plant "$work/plants" no-race
    folder=$(sh tests/sanitizers/library.sh thread tests/sanitizers/planted/Cargo.toml 2>"$work/said") ||
        { cat "$work/said" && exit 1; }
    build tests/sanitizers/planted/main.c "$folder/libplanted.a" -o "$work/rust"
    plant "$work/rust" rust-race 'ThreadSanitizer: data race' 'planted::count_up'
    plant "$work/rust" rust-no-race
    ;;
*) exit 2 ;;
esac
