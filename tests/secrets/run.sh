#!/bin/sh
# What becomes of keys and of memory: compiles the C programs beside this file, runs each with the shared and with the
# static library, and prints "N passed, 0 failed".
#
#     tests/secrets/run.sh [NAME…]
#
# CONFDCLIENT_LIBDIR names the folder of libconfdclient.so and .a, as `make secrets-test` does.
set -u
cd "$(dirname "$0")/../.." || exit 1
: "${CONFDCLIENT_LIBDIR:?names no folder; run make secrets-test}"
sh tests/install-needs.sh gcc libc6-dev >/dev/null || exit 1
names=${*:-$(cd tests/secrets && ls ./*.c | sed 's|^\./||; s|\.c$||' | grep -vx search)}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
flags="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -g -O1 -Iinclude -Itests/c -Itests/secrets"
ln -s "$(cd "$CONFDCLIENT_LIBDIR" && pwd)/libconfdclient.so" "$work/libconfdclient.so.0"
passed=0 failed=0

for helper in tests/c/world tests/c/sign tests/secrets/search; do
    # shellcheck disable=SC2086
    ${CC:-gcc} $flags -c "$helper.c" -o "$work/$(basename "$helper").o" || exit 1
done

# run NAME HOW LIBRARIES…
run() {
    name=$1 how=$2
    shift 2
    # shellcheck disable=SC2086
    if ${CC:-gcc} $flags "tests/secrets/$name.c" "$work/world.o" "$work/sign.o" "$work/search.o" -o "$work/$name" \
        "$@" >"$work/said" 2>&1 && TMPDIR=$work timeout -k 5 120 "$work/$name" </dev/null >>"$work/said" 2>&1; then
        passed=$((passed + 1))
        echo "ok      $name, $how"
        sed 's/^/        /' "$work/said"
    else
        failed=$((failed + 1))
        echo "FAILED  $name, $how"
        tail -n 60 "$work/said" | sed 's/^/        /'
    fi
}

for name in $names; do
    run "$name" shared "-L$CONFDCLIENT_LIBDIR" "-Wl,-rpath,$work" -lconfdclient -lpthread
    # Which allocation fails is the same however the library is linked.
    [ "$name" != scarce ] || continue
    # What `rustc --print native-static-libs` names.
    run "$name" static "$CONFDCLIENT_LIBDIR/libconfdclient.a" -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
