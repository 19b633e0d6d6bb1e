#!/bin/sh
# `cargo cinstall` gives the library, headers and pkg-config file that `make install` gives. cargo-c takes minutes to
# build, so it is kept in $CONFDCLIENT_TEST_CACHE; one in the PATH will do as well.
set -eu
cd "$(dirname "$0")/.."
: "${CONFDCLIENT_TEST_CACHE:=/var/cache/confdclient-tests}"
# Which compilers from the oldest that we build with on can build, too. It brings a cargo of its own.
wanted=0.10.13
cargo_c=$CONFDCLIENT_TEST_CACHE/cargo-c
PATH=$PATH:$cargo_c/bin
there=$(cargo-cinstall cinstall --version 2>/dev/null | sed 's/^[^0-9]*\([0-9.]*\).*/\1/') || there=''
if [ "$(printf '%s\n' "$wanted" "$there" | sort -V | tail -n 1)" != "$there" ]; then
    echo "cinstall: building cargo-c $wanted into $cargo_c, which takes some minutes"
    sh tests/install-needs.sh pkg-config libssl-dev
    log=$(mktemp)
    CARGO_TARGET_DIR=$CARGO_TARGET_DIR/cargo-c cargo install --quiet --locked --root "$cargo_c" "cargo-c@$wanted+cargo-0.88.0" \
        2>"$log" || { tail -n 30 "$log" && exit 1; } >&2
    rm -rf "$log" "$CARGO_TARGET_DIR/cargo-c"
    there=$wanted
fi

# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json
ours=$sim_dir/ours theirs=$sim_dir/theirs
quietly() { "$@" >"$sim_dir/log" 2>&1 || { cat "$sim_dir/log" && exit 1; } >&2; }
bad=0
# What is the same of both, by a command that is run in each.
same() { # WHAT COMMAND…
    what=$1 && shift
    (cd "$ours" && "$@") >"$sim_dir/ours.txt" && (cd "$theirs" && "$@") >"$sim_dir/theirs.txt"
    if [ ! -s "$sim_dir/ours.txt" ] || ! diff "$sim_dir/ours.txt" "$sim_dir/theirs.txt"; then
        echo "cinstall: different $what: make install (<), cargo cinstall (>)" >&2
        bad=1
    fi
}

quietly make --no-print-directory install DESTDIR="$ours" PREFIX=/usr LIBDIR=/usr/lib
quietly cargo cinstall --locked -p confdclient --profile dist --destdir "$theirs" --prefix /usr --libdir /usr/lib

library=usr/lib/libconfdclient.so
# Beyond these, `make install` brings the tool, what goes with it, and CMake's files.
same files sh -c 'find usr/include usr/lib ! -type d ! -path "*/cmake/*" | sort'
same headers sh -c 'cd usr/include && cksum *'
same links sh -c 'for link in usr/lib/*.so*; do basename "$(readlink -f "$link")"; done'
same "SONAME or needs" sh -c "readelf -d $library | sed -n 's/.*(\(SONAME\|NEEDED\)).*\[/\1 /p'"
same exports sh -c "nm -D --defined-only $library | awk '{print \$NF}' | sort"
for words in --modversion --cflags --libs; do
    # shellcheck disable=SC2016 # for the shell inside
    same "pkg-config $words" sh -c 'PKG_CONFIG_LIBDIR=$PWD/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$PWD pkg-config '$words' confdclient |
        sed "s|$PWD||g"'
done
same "name or description" grep -E '^(Name|Description):' usr/lib/pkgconfig/confdclient.pc
[ "$bad" -eq 0 ] || exit 1

export PKG_CONFIG_LIBDIR="$theirs/usr/lib/pkgconfig" PKG_CONFIG_SYSROOT_DIR="$theirs"
# shellcheck disable=SC2046 # words on purpose
cc -std=c99 examples-c/ping.c -o "$sim_dir/shared" $(pkg-config --cflags --libs confdclient) -Wl,-rpath,"$theirs/usr/lib"
# shellcheck disable=SC2046
cc -std=c99 examples-c/ping.c -o "$sim_dir/static" \
    $(pkg-config --static --cflags --libs confdclient | sed 's/-lconfdclient/-l:libconfdclient.a/')
for program in shared static; do
    # shellcheck disable=SC2046
    "$sim_dir/$program" "$sim_dir/hmac.key" $(echo "$sim_peers" | tr , ' ') | grep -q 'of 3 answered'
done
echo "cinstall: cargo-c $there installs the same library, headers and pkg-config file, and programs with them work"
