#!/bin/sh
# The archive for musl: it defines our functions and nothing else, and a C program that musl-gcc links from it, with
# nothing of glibc in it, asks the simulator. Rust's standard library for musl is built from Debian's rust-web-src,
# once: cargo keeps it in the target folder.
set -eu
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:=$PWD/target}"
sh tests/install-needs.sh musl-tools rustc-web cargo-web rust-web-src libunwind-14-dev binutils
triple=$(uname -m)-unknown-linux-musl
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json

archive=$CARGO_TARGET_DIR/$triple/dist/libconfdclient.a
# RUSTC_BOOTSTRAP is for -Zbuild-std, which a released cargo does not offer otherwise.
RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 \
    /usr/bin/cargo rustc --quiet --locked -Zbuild-std=std,panic_unwind --target "$triple" --profile dist -j2 \
    -p confdclient --lib --crate-type staticlib
CC=musl-gcc sh tools/archive.sh "$archive"

declared=$(sed -n 's/^[a-z][a-z0-9_ ]*[ *]\(confd_[a-z0-9_]*\)(.*/\1/p' include/confdclient.h | sort)
defined=$(readelf -Ws "$archive" | awk '($5 == "GLOBAL" || $5 == "WEAK") && $7 != "UND" && $8 != "" {print $8}' | sort -u)
[ "$declared" = "$defined" ] || { echo "musl: the archive defines other names than the header declares" >&2 && exit 1; }

# The unwinder is for the program's linker to bring. On systems of musl gcc's own does; Debian's is made for glibc, and
# asks for _dl_find_object. LLVM's asks for one name that only glibc has, to print what it never prints.
unwinder=/usr/lib/llvm-14/lib/libunwind.a
cat >"$sim_dir/glibc.c" <<'EOF'
#include <stdarg.h>
#include <stdio.h>
int __fprintf_chk(FILE *to, int flag, const char *format, ...)
{
    va_list rest;
    va_start(rest, format);
    int printed = vfprintf(to, format, rest);
    va_end(rest);
    return flag < 0 ? -1 : printed;
}
EOF

for program in ping event_loop; do
    musl-gcc -static -std=c99 -Iinclude "examples-c/$program.c" "$sim_dir/glibc.c" "$archive" "$unwinder" -o "$sim_dir/$program"
    if readelf -lWs "$sim_dir/$program" | grep -E 'INTERP|GLIBC'; then
        echo "musl: $program wants glibc" >&2
        exit 1
    fi
    # shellcheck disable=SC2046 # words on purpose
    "$sim_dir/$program" "$sim_dir/hmac.key" $(echo "$sim_peers" | tr , ' ') >"$sim_dir/out" || { cat "$sim_dir/out" && exit 1; } >&2
    grep 'of 3 answered' "$sim_dir/out" | tail -n 1
    grep -q 'of 3 answered' "$sim_dir/out"
done
echo "musl: programs of musl, static, got their answers"
