#!/bin/sh
# What the libraries define and what they need: the functions of the header and nothing else; libc and its kin.
set -eu
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:=$PWD/target}"
shared=${CONFDCLIENT_LIBRARY:-$CARGO_TARGET_DIR/dist/libconfdclient.so}
static=${shared%.so}.a
export LC_ALL=C
bad=0
complain() { bad=1 && printf 'exports: %s\n%s\n' "$1" "$2" | sed '2,$s/^/    /' >&2; }

# The functions that the header declares: the lines that begin with a type and go on with a name of ours.
declared=$(sed -n 's/^[a-z][a-z0-9_ ]*[ *]\(confd_[a-z0-9_]*\)(.*/\1/p' include/confdclient.h | sort)
defined=$(nm -D --defined-only "$shared" | awk '{print $NF}' | sort)
if [ "$declared" != "$defined" ]; then
    complain "the header declares (<) and the shared library exports (>)" \
        "$(printf '%s\n' "$declared" >"$shared.declared" && printf '%s\n' "$defined" | diff "$shared.declared" - || true)"
    rm -f "$shared.declared"
fi

# Names that a release has exported, with the versions of the symbols if any, are never missed by a program again. Which
# list: for the check that this is noticed.
exported=$(nm -D --defined-only "$shared" | awk '{print $2, $3}' | sort)
released=$(sort "${CONFD_EXPORTS:-tests/abi/exports.txt}")
gone=$(printf '%s\n' "$released" | while read -r symbol; do
    printf '%s\n' "$exported" | grep -qxF "$symbol" || echo "$symbol"
done)
[ -z "$gone" ] || complain "exported once (tests/abi/exports.txt), and no longer" "$gone"

# The symbols file of the Debian package has each, with the version that brought it. A source tarball has no debian/.
if [ -d debian ]; then
    listed=$(sed -n 's/^ \(confd_[a-z0-9_]*\)@Base .*/\1/p' debian/libconfdclient0.symbols | sort)
    [ "$declared" = "$listed" ] || complain "debian/libconfdclient0.symbols should have, or not have" \
        "$(printf '%s\n%s\n' "$declared" "$listed" | sort | uniq -u)"
fi

soname=$(readelf -d "$shared" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[ "$soname" = libconfdclient.so.0 ] || complain "the SONAME is not libconfdclient.so.0" "$soname"
needed=$(readelf -d "$shared" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')
others=$(printf '%s\n' "$needed" | grep -vE '^(libc\.so\.6|libm\.so\.6|libgcc_s\.so\.1|ld-linux.*\.so\.[0-9]+)$' || true)
[ -z "$others" ] || complain "the shared library needs more than libc, libgcc_s and the loader" "$others"

# (readelf, since an nm with a plugin of another LLVM takes offence at Rust's objects.)
globals=$(readelf -Ws "$static" | awk '($5 == "GLOBAL" || $5 == "WEAK") && $7 != "UND" && $8 != "" {print $8}' | sort -u)
others=$(printf '%s\n' "$globals" | grep -v '^confd_' || true)
[ -z "$others" ] || complain "the static library defines names that are not ours" "$others"
missing=$(printf '%s\n' "$declared" | while read -r name; do
    printf '%s\n' "$globals" | grep -qx "$name" || echo "$name"
done)
[ -z "$missing" ] || complain "the static library does not define" "$missing"

[ "$bad" -eq 0 ] || exit 1
echo "exports: $(printf '%s\n' "$defined" | wc -l) functions and nothing else, shared and static; SONAME $soname; needs" $needed
cp "$shared" "$shared.stripped" && strip "$shared.stripped"
echo "exports: $(wc -c <"$shared.stripped") bytes when stripped"
rm -f "$shared.stripped"
