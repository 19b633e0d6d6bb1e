#!/bin/sh
# Compiles the C programs beside this file and runs each, linked to the shared and, but for valgrind, to the static library.
#
#     tests/c/run.sh [--valgrind] [NAME…]
#     tests/c/run.sh --sanitize=address|thread [NAME…]
#
# Sanitized, the programs and the library are built for it, by tests/sanitizers/library.sh, and linked statically;
# address is also for leaks and undefined behaviour. Programs with a planted defect come first, each to be reported.
#
# CONFDCLIENT_LIBDIR names the folder of libconfdclient.so and .a, and CONFD_SIM the simulator; what is not named is
# built with cargo. CC and CLANG name the compilers. Ends with "N passed, 0 failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
limit=60
valgrind=
sanitize=
names=
for argument; do
    case $argument in
    --valgrind) valgrind=1 limit=240 CHECK_SLOWLY=1 && export CHECK_SLOWLY ;;
    --sanitize=address | --sanitize=thread) sanitize=${argument#*=} limit=240 ;;
    -*) echo "usage: tests/c/run.sh [--valgrind|--sanitize=address|--sanitize=thread] [NAME…]" >&2; exit 2 ;;
    *) names="$names $(basename "$argument" .c)" ;;
    esac
done

die() {
    echo "run.sh: $*" >&2
    exit 1
}

# need COMMAND PACKAGE
need() {
    command -v "$1" >/dev/null && return
    [ "$(id -u)" = 0 ] || die "there is no $1; as root: apt-get install $2"
    DEBIAN_FRONTEND=noninteractive apt-get install -y "$2" >/dev/null || die "cannot do: apt-get install $2"
}
cc=${CC:-gcc} clang=${CLANG:-clang}
need "${cc%% *}" gcc
need g++ g++
need "${clang%% *}" clang
[ -z "$valgrind" ] || need valgrind valgrind

case $sanitize in
address) cc="clang-19 -fsanitize=address,undefined,leak -fno-sanitize-recover=all -fno-omit-frame-pointer" ;;
thread) cc="clang-19 -fsanitize=thread -fno-omit-frame-pointer" CHECK_SLOWLY=1 && export CHECK_SLOWLY ;;
esac
if [ -n "$sanitize" ]; then
    # Debian's plain clang, of LLVM 14, has not all that Rust's code calls, and does not start where the kernel spreads
    # addresses as widely as it can (vm.mmap_rnd_bits).
    sh "$root/tests/install-needs.sh" clang-19 libclang-rt-19-dev llvm-19 || exit 1
    CONFDCLIENT_LIBDIR=$(sh "$root/tests/sanitizers/library.sh" $sanitize) || die "the library cannot be built"
    CONFDCLIENT_LIBDIR=$CONFDCLIENT_LIBDIR SANITIZED_CC=$cc sh "$root/tests/sanitizers/plants.sh" $sanitize || exit 1
    # Beyond the defaults: what a function leaves on its stack, and strings without an end.
    export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1
    # At once, so that a child process that goes on to something else does not hide it.
    export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
fi

if [ -z "${CONFDCLIENT_LIBDIR:-}" ]; then
    (cd "$root" && cargo build --release --quiet) || die "the library cannot be built"
    CONFDCLIENT_LIBDIR=$target/release
fi
if [ -z "${CONFD_SIM:-}" ]; then
    (cd "$root" && cargo build --release --quiet -p confd-sim) || die "the simulator cannot be built"
    CONFD_SIM=$target/release/confd-sim
fi
export CONFD_SIM

if [ -z "$names" ]; then
    for file in "$here"/*.c; do
        case $file in */world.c | */sign.c | */sim.c | *_calls.c) ;; *) names="$names $(basename "$file" .c)" ;; esac
    done
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
flags="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -g -O1 -I$root/include -I$here"
passed=0 failed=0

# result WORDS… : the outcome of the command before it, and what it said.
result() {
    code=$?
    if [ $code = 0 ]; then
        passed=$((passed + 1))
        echo "ok      $*"
        sed '/^==/d; s/^/        /' "$work/said"
    else
        failed=$((failed + 1))
        echo "FAILED  $* (status $code)"
        sed 's/^/        /' "$work/said"
    fi
    return $code
}

# A program looks for the library by its SONAME.
[ -n "$sanitize" ] || [ -e "$CONFDCLIENT_LIBDIR/libconfdclient.so" ] ||
    die "there is no libconfdclient.so in $CONFDCLIENT_LIBDIR"
ln -s "$(cd "$CONFDCLIENT_LIBDIR" && pwd)/libconfdclient.so" "$work/libconfdclient.so.0"

for helper in world sign sim; do
    $cc $flags -c "$here/$helper.c" -o "$work/$helper.o" || die "$helper.c does not compile"
    $clang $flags -fsyntax-only "$here/$helper.c" || die "$helper.c does not compile with $clang"
done

# run PROGRAM
run() {
    # shellcheck disable=SC2086
    TMPDIR=$work timeout -k 5 $limit ${valgrind:+valgrind --fair-sched=try --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=all \
        --errors-for-leak-kinds=definite,possible,indirect --track-fds=yes ${SUPPRESSIONS:-}} "$1" \
        </dev/null >"$work/said" 2>&1
}

# compiles NAME…
compiles() {
    for part; do
        $cc $flags -c "$here/$part.c" -o "$work/$part.o" && $clang $flags -fsyntax-only "$here/$part.c" || return
    done
}

for name in $names; do
    # A program may be in two files.
    parts=$name && [ ! -e "$here/${name}_calls.c" ] || parts="$name ${name}_calls"
    compiles $parts >"$work/said" 2>&1 || { result "$name: compiles"; continue; }
    objects="$work/world.o $work/sign.o $work/sim.o"
    for part in $parts; do objects="$work/$part.o $objects"; done
    [ -n "$sanitize" ] || {
        $cc $objects -o "$work/$name.shared" "-L$CONFDCLIENT_LIBDIR" "-Wl,-rpath,$work" -lconfdclient -lpthread \
            >"$work/said" 2>&1 &&
            run "$work/$name.shared"
        result "$name"
    }
    # Under valgrind, which makes them slow, once: the code is the same. The sanitized ones are linked statically.
    [ -z "$valgrind" ] || { rm -f "$work/$name".* && continue; }
    # What `rustc --print native-static-libs` names.
    $cc $objects -o "$work/$name.static" "$CONFDCLIENT_LIBDIR/libconfdclient.a" -lgcc_s -lutil -lrt -lpthread \
        -lm -ldl -lc >"$work/said" 2>&1 &&
        run "$work/$name.static"
    result "$name, ${sanitize:-static}"
    rm -f "$work/$name".*
done

case " $names " in
*" hammer "*)
    # Threads meet in every function that the header has.
    for function in $(sed -n 's/^[a-z][a-z0-9_ ]*[ *]\(confd_[a-z0-9_]*\)(.*/\1/p' "$root/include/confdclient.h"); do
        grep -qw "$function" "$here"/hammer*.c "$here/world.c" "$here/check.h" || echo "$function is missing"
    done >"$work/said"
    [ ! -s "$work/said" ]
    result "hammer makes every call of the API"
    ;;
esac

case "$sanitize $names " in
" "*" abi "*)
    for cxx in "${CXX:-g++} -x c++" "$clang -x c++"; do
        # A C++ compiler takes the same program, and the header gives it the same ABI.
        $cxx $(echo "$flags" | sed s/-std=c99/-std=c++11/) -c "$here/abi.c" -o "$work/abi.o" >"$work/said" 2>&1 &&
            $cc "$work/abi.o" "$work/world.o" "$work/sign.o" "$work/sim.o" -o "$work/abi.cxx" "-L$CONFDCLIENT_LIBDIR" \
                "-Wl,-rpath,$work" -lconfdclient -lpthread -lstdc++ >"$work/said" 2>&1 && run "$work/abi.cxx"
        result "abi, as C++11 with ${cxx%% *}"
    done
    ;;
esac
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
