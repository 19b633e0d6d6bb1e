#!/bin/sh
# tools/archive.sh ARCHIVE: makes of the static library as cargo leaves it one that defines the functions of the
# header and nothing else. Cargo's brings along the names of all of Rust's runtime, sqrt and rust_eh_personality among
# them, which clash with those of any other Rust library in the same program.
set -eu
cd "$(dirname "$0")/.."
archive=$1
object=${archive%.a}.o

# The lines of the header that begin with a type and go on with a name of ours.
wanted=$(sed -n 's/^[a-z][a-z0-9_ ]*[ *]\(confd_[a-z0-9_]*\)(.*/-Wl,-u,\1/p' include/confdclient.h)
# A section group left in the object would still go by its name, DW.ref.rust_eh_personality, among all objects of the
# program, and throw out the one that another Rust library needs: the sections become plain ones.
# shellcheck disable=SC2086 # words on purpose
"${CC:-cc}" -r -nostdlib -Wl,--force-group-allocation $wanted "$archive" -o "$object"
# The LLVM bitcode of the runtime, which linkers with another LLVM trip over, goes too.
objcopy --wildcard --keep-global-symbol='confd_*' --remove-section=.llvmbc --remove-section=.llvmcmd "$object"
# A file of its own: cargo's is a hard link to the one that it keeps.
rm -f "$archive"
ar rcs "$archive" "$object"
rm -f "$object"
