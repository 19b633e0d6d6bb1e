#!/bin/sh
# The Debian packages on this system: built from the source package by Debian's own compiler with no network, sound in
# lintian's eyes, and of use to programs when installed (debian/tests).
#
#     tests/packages.sh                 on a system that is used: installs the packages for the tests, then removes them
#     tests/packages.sh --disposable    on one that is thrown away: autopkgtest does that
#
# Without --disposable the unit tests are left out of the build, since `make unit` runs them.
set -eu
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:=$PWD/target}"
release=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
disposable=${1:-}
[ "$(id -u)" -eq 0 ] || { echo "packages: needs root, to install packages" >&2 && exit 1; }
compiler="rustc cargo" daemon=ganeti-haskell-3.1
[ "$release" != bookworm ] || compiler="rustc-web cargo-web" daemon=ganeti-haskell-3.0
# shellcheck disable=SC2086 # words
sh tests/install-needs.sh build-essential debhelper lintian iproute2 util-linux python3 $compiler
ours="libconfdclient0 libconfdclient-dev confd-query"

out=$CARGO_TARGET_DIR/packages/$release
mkdir -p "$out"
tree=$(sh packaging/source.sh "$out")
python3 packaging/copyright.py "$tree/vendor" --check

began=$(date +%s)
options=parallel=$(nproc)
[ -n "$disposable" ] || options="$options nocheck"
# A network of its own, with nothing in it but loopback.
# shellcheck disable=SC2016 # for the shell inside
if ! unshare --net sh -ec 'ip link set lo up && cd "$1" && DEB_BUILD_OPTIONS=$2 dpkg-buildpackage --no-sign' - \
    "$tree" "$options" >"$out/build.log" 2>&1; then
    tail -n 60 "$out/build.log" >&2
    exit 1
fi
echo "packages: built in $(($(date +%s) - began)) s, with $(/usr/bin/rustc --version)"
[ -z "$disposable" ] || sed -n 's/^test result: ok\. \([1-9][0-9]*\) passed.*/packages: \1 unit tests passed in one program/p' "$out/build.log"

lintian --allow-root --fail-on error,warning --tag-display-limit 0 "$out"/*.changes
echo "packages: lintian has neither errors nor warnings"

if [ -n "$disposable" ]; then
    if ! autopkgtest --no-built-binaries "$out"/*.changes -- null >"$out/autopkgtest.log" 2>&1; then
        cat "$out/autopkgtest.log" >&2
        exit 1
    fi
    sed -n '/@@@@ summary/,$p' "$out/autopkgtest.log" | grep ' PASS' | sed 's/^/packages: autopkgtest: /'
    exit 0
fi

for package in $ours; do
    if dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed'; then
        echo "packages: $package is installed here, and this test would remove it: remove it, or try packaging/debian13.sh" >&2
        exit 1
    fi
done
sh tests/install-needs.sh cmake gcc libc6-dev make pkg-config python3 mount "$daemon"
AUTOPKGTEST_TMP=$(mktemp -d)
export AUTOPKGTEST_TMP
# shellcheck disable=SC2086 # words
remove() { status=$? && rm -rf "$AUTOPKGTEST_TMP" && dpkg --purge $ours >"$out/remove.log" 2>&1 && exit "$status"; }
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
trap remove EXIT
rm -f "$out"/*-dbgsym_*
dpkg --install "$out"/*.deb >"$out/install.log" 2>&1 || { cat "$out/install.log" && exit 1; } >&2
for test in $(sed -n 's/^Tests: //p' debian/tests/control); do
    (cd "$tree" && PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin "debian/tests/$test")
    echo "packages: debian/tests/$test passed"
done
