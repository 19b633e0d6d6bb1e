#!/bin/sh
# packaging/source.sh FOLDER: a source package in FOLDER, from the files that are here now: the project without debian/
# (orig), the crates of Cargo.lock (orig-vendor), both with nothing in them that depends on when or by whom they are
# made, and the unpacked tree that dpkg-buildpackage builds. The last line says where that is.
set -eu
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:=$PWD/target}"
mkdir -p "$1"
to=$(cd "$1" && pwd)
version=$(sed -n '1s/.*(\(.*\)-[^-]*).*/\1/p' debian/changelog)
grep -qx "version = \"$version\"" Cargo.toml ||
    { echo "source: debian/changelog has version $version, and Cargo.toml another" >&2 && exit 1; }
tree=$to/libconfdclient-$version

sh packaging/vendor.sh "$CARGO_TARGET_DIR/vendor"
rm -rf "$to"/libconfdclient*
mkdir "$tree"
same="--sort=name --owner=0 --group=0 --numeric-owner --mtime=@$(date -d "$(sed -n 's/^ -- .*>  //p' debian/changelog | head -n 1)" +%s)"
sh packaging/files.sh | tar -c -T - | tar -x -C "$tree"
cp -R "$CARGO_TARGET_DIR/vendor" "$tree/vendor"
# shellcheck disable=SC2086 # words on purpose
tar -C "$to" $same --exclude=debian --exclude=vendor -c "libconfdclient-$version" | xz -T0 >"$to/libconfdclient_$version.orig.tar.xz"
# shellcheck disable=SC2086
tar -C "$tree" $same -c vendor | xz -T0 >"$to/libconfdclient_$version.orig-vendor.tar.xz"
echo "$tree"
