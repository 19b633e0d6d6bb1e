#!/bin/sh
# Builds the library, or the Rust package at MANIFEST, as an archive that a sanitizer watches, and prints the folder
# that it is in. Compiled so that it checks itself, too: overflows, and what the standard library asserts in a debug build.
#
#     tests/sanitizers/library.sh address|thread [MANIFEST]
#
# The sanitizer's run-time library is clang's, which comes with the C program that is linked with the archive.
# RUSTC_BOOTSTRAP is for -Zsanitizer and -Zbuild-std, which a released compiler does not offer otherwise.
set -eu
cd "$(dirname "$0")/../.."
: "${CARGO_TARGET_DIR:=$PWD/target}"
manifest=${2:-Cargo.toml}
triple=$(uname -m)-unknown-linux-gnu
export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=$1 -Zexternal-clangrt -Cforce-frame-pointers=yes"

case $1 in
address) cargo=cargo std= ;;
# ThreadSanitizer has to see the standard library's locks at work, else it takes what they guard for unguarded: the
# standard library is built for it from Debian's source, once; cargo keeps it in the target folder.
thread)
    sh tests/install-needs.sh rustc-web cargo-web rust-web-src >&2
    cargo=/usr/bin/cargo std=-Zbuild-std=std,panic_unwind
    export RUSTC=/usr/bin/rustc
    ;;
*) sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2 && exit 2 ;;
esac

# shellcheck disable=SC2086 # nothing or a word
$cargo rustc --quiet --locked $std --target "$triple" --target-dir "$CARGO_TARGET_DIR/$1" -j2 \
    --manifest-path "$manifest" --profile sanitized --lib --crate-type staticlib \
    --config 'profile.sanitized.inherits="release"' --config 'profile.sanitized.lto=false' \
    --config 'profile.sanitized.codegen-units=16' --config 'profile.sanitized.opt-level=1' \
    --config 'profile.sanitized.debug="line-tables-only"' \
    --config 'profile.sanitized.debug-assertions=true' --config 'profile.sanitized.overflow-checks=true' >&2
echo "$CARGO_TARGET_DIR/$1/$triple/sanitized"
