#!/bin/sh
# Tests the C programs of examples-c, confd-query above all, against simulated
# clusters and a real one: installs what is missing, builds the library, the
# simulator and the programs (strictly, with gcc and clang), runs the tests.
#
#     tests/tool/run.sh [-v] [-k PATTERN]
#     tests/tool/run.sh TEST…           such as test_real.RealCluster.test_json
#
# CARGO_TARGET_DIR is where cargo builds, by default target in the repository.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

missing=""
for package in gcc clang valgrind python3; do
    command -v "$package" >/dev/null || missing="$missing $package"
done
if [ -n "$missing" ]; then
    command="apt-get update && apt-get install -y --no-install-recommends libc6-dev$missing"
    echo "run.sh: $command"
    if [ "$(id -u)" -ne 0 ] || ! DEBIAN_FRONTEND=noninteractive sh -c "$command"; then
        echo "run.sh: missing:$missing. As root, run:" >&2
        echo "    $command" >&2
        exit 1
    fi
fi
"$root/tests/real/install.sh"

cd "$root"
cargo build --quiet --release --package confdclient --package confd-sim
target=${CARGO_TARGET_DIR:-$root/target}
release=$(cd "$target/release" && pwd)
build=$release/tool-tests
strict="-std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
mkdir -p "$build"
ln -sf "$release/libconfdclient.so" "$build/libconfdclient.so.0"    # the name it is looked up by

for compiler in gcc clang; do
    mkdir -p "$build/$compiler"
    for program in ping event_loop confd-query; do
        # ping.c or all of confd-query*.c: each program is a compiler's one call
        "$compiler" $strict -O1 -g -Iinclude "examples-c/$program"*.c -o "$build/$compiler/$program" \
            -L"$release" -lconfdclient -Wl,-rpath,"$build"
    done
    "$compiler" $strict -Iinclude examples-c/ping.c -o "$build/$compiler/ping-static" "$release/libconfdclient.a"
done

export CONFD_TOOL_BUILD="$build" CONFD_SIM="$release/confd-sim"
case "${1--}" in
    -*) set -- discover --start-directory "$here" "$@" ;;
esac
PYTHONPATH=$here exec /usr/bin/python3 -B "$root/tests/real/cluster.py" run -- python3 -B -m unittest "$@"
