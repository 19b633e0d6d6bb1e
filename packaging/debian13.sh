#!/bin/sh
# Runs a command in Debian 13, whose compiler is the oldest that builds this library, on a copy of this tree:
#
#     packaging/debian13.sh [COMMAND…]             by default a shell
#     packaging/debian13.sh sh tests/install.sh    a test, say
#
# The system is made once, by debootstrap, and kept in $CONFDCLIENT_TEST_CACHE (/var/cache/confdclient-tests). What the
# command changes in it or in the tree goes with the command; only the crates, the target folder (/target) and the
# packages that apt fetches are kept. Mounts and processes are in namespaces of their own, and end with the command. Needs root.
set -eu
cd "$(dirname "$0")/.."
: "${CARGO_TARGET_DIR:=$PWD/target}"
: "${CONFDCLIENT_TEST_CACHE:=/var/cache/confdclient-tests}"
cache=$CONFDCLIENT_TEST_CACHE/debian13
# What the packages are built, checked and tested with; Go, GHC and what Ganeti's daemon needs for the tests of others.
include="build-essential apt-utils debhelper dpkg-dev lintian autopkgtest rustc cargo python3 pkgconf clang binutils
    ganeti-haskell-3.1 iproute2 util-linux mount golang-go ghc cabal-install git cmake meson ninja-build pkg-config ca-certificates"
# The name is of the list: a system with other packages is another one.
# shellcheck disable=SC2086 # words
base=$cache/$(printf '%s ' $include | cksum | cut -d ' ' -f 1)

[ "$(id -u)" -eq 0 ] || { echo "debian13: needs root, for chroot and mounts" >&2 && exit 1; }

if [ ! -d "$base" ]; then
    sh tests/install-needs.sh debootstrap util-linux
    echo "debian13: no system in $base yet: making it, which takes some minutes"
    # Of another list, or half made; what apt fetched for it may serve again.
    rm -rf "$cache"/[0-9]*
    mkdir -p "$cache/archives/partial"
    part=$base.part
    debootstrap --variant=minbase trixie "$part" ${CONFDCLIENT_TEST_MIRROR:+"$CONFDCLIENT_TEST_MIRROR"} \
        >"$cache/debootstrap.log" || { tail -n 20 "$cache/debootstrap.log" "$part/debootstrap/debootstrap.log" && exit 1; } >&2
    # Nothing starts a service in there, and nothing waits for the disk, since a half-made system is thrown away.
    printf '#!/bin/sh\nexit 101\n' >"$part/usr/sbin/policy-rc.d"
    chmod 755 "$part/usr/sbin/policy-rc.d"
    echo force-unsafe-io >"$part/etc/dpkg/dpkg.cfg.d/unsafe-io"
    cp /etc/resolv.conf "$part/etc/resolv.conf"
    # shellcheck disable=SC2016,SC2086 # for the shell inside; words
    unshare --mount --pid --fork --kill-child sh -c '
        root=$1 archives=$2 && shift 2
        mount -t proc proc "$root/proc" && mount --bind "$archives" "$root/var/cache/apt/archives"
        chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive \
            sh -c "apt-get -q update && apt-get -q -y --no-install-recommends install $*"
        ' - "$part" "$cache/archives" $include >"$cache/install.log" 2>&1 ||
        { tail -n 40 "$cache/install.log" && exit 1; } >&2
    mv "$part" "$base"
fi

# The crates as a package's build has them, so that nothing is fetched.
sh packaging/vendor.sh "$CARGO_TARGET_DIR/vendor"
work=$(mktemp -d "${TMPDIR:-/tmp}/confdclient-debian13.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$work/root" "$work/upper" "$work/over" "$work/cargo" "$work/src" "$CARGO_TARGET_DIR/debian13/vendor"
cp "$CARGO_TARGET_DIR/vendor.lock" "$CARGO_TARGET_DIR/debian13/vendor.lock"
sh packaging/files.sh | tar -c -T - | tar -x -C "$work/src"
cat >"$work/cargo/config.toml" <<EOF
[source.crates-io]
replace-with = "vendored"
[source.vendored]
directory = "/target/vendor"
[net]
offline = true
EOF
[ $# -gt 0 ] || set -- bash -i

# An overlay where the file system can carry one, which a container's often cannot: a copy then.
# shellcheck disable=SC2016 # for the shell inside
exec_inside='
    set -eu
    base=$1 work=$2 archives=$3 target=$4 && shift 4
    root=$work/root
    mount --make-rprivate /
    mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/over" "$root" 2>/dev/null ||
        cp -a --reflink=auto "$base/." "$root"
    mkdir -p "$root/src" "$root/target" "$root/cargo"
    mount -t proc proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    mount -t tmpfs tmpfs "$root/run"
    mount --bind "$work/src" "$root/src"
    mount --bind "$work/cargo" "$root/cargo"
    mount --bind "$target/debian13" "$root/target"
    mount --bind "$target/vendor" "$root/target/vendor"
    mount --bind "$archives" "$root/var/cache/apt/archives"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    # The daemons want the name of the machine to be one.
    echo "127.0.0.1 localhost $(hostname)" >"$root/etc/hosts"
    echo "::1 localhost" >>"$root/etc/hosts"
    exec chroot "$root" env -i HOME=/root TERM="${TERM:-dumb}" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive CARGO_HOME=/cargo CARGO_TARGET_DIR=/target \
        sh -c "cd /src && exec \"\$@\"" - "$@"'
status=0
unshare --mount --pid --fork --kill-child sh -c "$exec_inside" - "$base" "$work" "$cache/archives" "$CARGO_TARGET_DIR" "$@" ||
    status=$?
exit "$status"
