#!/bin/sh
# Compiles the C programs beside this file and runs each, linked to the shared and to the static library.
#
#     tests/c/run.sh [--valgrind] [NAME…]
#
# CONFDCLIENT_LIBDIR names the folder of libconfdclient.so and .a, and CONFD_SIM the simulator; what is not named is
# built with cargo. CC and CLANG name the compilers. Ends with "N passed, 0 failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
limit=60
valgrind=
names=
for argument; do
    case $argument in
    --valgrind) valgrind=1 limit=240 CHECK_SLOWLY=1 && export CHECK_SLOWLY ;;
    -*) echo "usage: tests/c/run.sh [--valgrind] [NAME…]" >&2; exit 2 ;;
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
        case $file in */world.c | */sign.c | */sim.c) ;; *) names="$names $(basename "$file" .c)" ;; esac
    done
fi

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
flags="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -g -O1 -I$root/include -I$here"
passed=0 failed=0

# result WORDS… : the outcome of the command before it, and what it said if it failed.
result() {
    code=$?
    if [ $code = 0 ]; then
        passed=$((passed + 1))
        echo "ok      $*"
    else
        failed=$((failed + 1))
        echo "FAILED  $* (status $code)"
        sed 's/^/        /' "$work/said"
    fi
    return $code
}

# A program looks for the library by its SONAME.
[ -e "$CONFDCLIENT_LIBDIR/libconfdclient.so" ] || die "there is no libconfdclient.so in $CONFDCLIENT_LIBDIR"
ln -s "$(cd "$CONFDCLIENT_LIBDIR" && pwd)/libconfdclient.so" "$work/libconfdclient.so.0"

for helper in world sign sim; do
    $cc $flags -c "$here/$helper.c" -o "$work/$helper.o" || die "$helper.c does not compile"
    $clang $flags -fsyntax-only "$here/$helper.c" || die "$helper.c does not compile with $clang"
done

# run PROGRAM
run() {
    # shellcheck disable=SC2086
    timeout -k 5 $limit ${valgrind:+valgrind --fair-sched=try --quiet --error-exitcode=1 --leak-check=full --show-leak-kinds=all \
        --errors-for-leak-kinds=definite,possible,indirect --track-fds=yes ${SUPPRESSIONS:-}} "$1" \
        </dev/null >"$work/said" 2>&1
}

for name in $names; do
    source=$here/$name.c
    {
        $cc $flags -c "$source" -o "$work/$name.o" && $clang $flags -fsyntax-only "$source"
    } >"$work/said" 2>&1 || { result "$name: compiles"; continue; }
    $cc "$work/$name.o" "$work/world.o" "$work/sign.o" "$work/sim.o" -o "$work/$name.shared" "-L$CONFDCLIENT_LIBDIR" \
        "-Wl,-rpath,$work" -lconfdclient -lpthread >"$work/said" 2>&1 &&
        run "$work/$name.shared"
    result "$name"
    # What `rustc --print native-static-libs` names.
    $cc "$work/$name.o" "$work/world.o" "$work/sign.o" "$work/sim.o" -o "$work/$name.static" \
        "$CONFDCLIENT_LIBDIR/libconfdclient.a" -lgcc_s -lutil -lrt -lpthread -lm -ldl -lc >"$work/said" 2>&1 &&
        run "$work/$name.static"
    result "$name, static"
    rm -f "$work/$name".*
done

case " $names " in
*" abi "*)
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
