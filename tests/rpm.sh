#!/bin/sh
# The RPM spec file: rpmlint finds nothing in it, rpmbuild makes its packages, rpmlint finds nothing in these, and a
# program gets answers through what they hold. All on Debian, whose rpm knows no installed package: so --nodeps, and
# what is built is unpacked, not installed.
set -eu
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:=$PWD/target}"
sh tests/install-needs.sh rpm rpm2cpio cpio rpmlint gcc make pkg-config
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json

top=$CARGO_TARGET_DIR/rpm
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
grep -qE "^Version: +$version$" packaging/libconfdclient.spec || { echo "rpm: the spec file has another version" >&2 && exit 1; }
rm -rf "$top"
mkdir -p "$top/SOURCES"
sh packaging/source.sh "$top/source" >/dev/null
mv "$top"/source/*.xz "$top/SOURCES"

lint() {
    rpmlint --strict --config packaging/rpmlint.toml "$@" >"$sim_dir/lint" 2>&1 || { cat "$sim_dir/lint" && exit 1; } >&2
    tail -n 1 "$sim_dir/lint"
}
lint packaging/libconfdclient.spec
rpmbuild -ba --nodeps --define "_topdir $top" packaging/libconfdclient.spec >"$top/build.log" 2>&1 ||
    { tail -n 40 "$top/build.log" && exit 1; } >&2
lint "$top"/RPMS/*/*.rpm "$top"/SRPMS/*.rpm

for package in "$top"/RPMS/*/*.rpm; do
    echo "rpm: $(basename "$package")"
    (mkdir -p "$sim_dir/root" && cd "$sim_dir/root" && rpm2cpio "$package" | cpio --quiet -idmu)
done
library=$(find "$sim_dir/root" -name libconfdclient.so.0)
export PKG_CONFIG_LIBDIR="${library%/*}/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$sim_dir/root"
# shellcheck disable=SC2046 # words on purpose
cc -std=c99 examples-c/ping.c -o "$sim_dir/ping" $(pkg-config --cflags --libs confdclient)
export LD_LIBRARY_PATH="${library%/*}"
# shellcheck disable=SC2046
"$sim_dir/ping" "$sim_dir/hmac.key" $(echo "$sim_peers" | tr , ' ') | tail -n 1
"$sim_dir/root/usr/bin/confd-query" -p "$sim_peers" -k "$sim_dir/hmac.key" master | grep -qx node1.example.com
echo "rpm: a program made with the packages works, and so does confd-query"
