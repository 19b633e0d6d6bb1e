#!/bin/sh
# Programs of others find the installed library: examples-c, copied out of the tree, is built by CMake and by Meson,
# shared and static; and the archive goes into one program with another one that Rust has made.
set -eu
cd "$(dirname "$0")/.."
sh tests/install-needs.sh cmake meson ninja-build pkg-config
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json
prefix=$sim_dir/prefix
quietly() { "$@" >"$sim_dir/log" 2>&1 || { cat "$sim_dir/log" && exit 1; } >&2; }
quietly make --no-print-directory install PREFIX="$prefix"
mkdir "$sim_dir/project"
cp examples-c/ping.c examples-c/event_loop.c examples-c/CMakeLists.txt examples-c/meson.build "$sim_dir/project"
cd "$sim_dir/project"

check() { # BY FOLDER
    for program in ping ping-static event_loop; do
        # shellcheck disable=SC2046 # words on purpose
        "$2/$program" ../hmac.key $(echo "$sim_peers" | tr , ' ') >../out || { cat ../out && exit 1; }
        grep -q 'of 3 answered' ../out || { cat ../out && exit 1; }
    done
    readelf -d "$2/ping" | grep -q 'NEEDED.*libconfdclient\.so\.0'
    ! readelf -d "$2/ping-static" | grep -q 'NEEDED.*libconfdclient' ||
        { echo "consumers: $1 linked the shared library into ping-static" >&2 && exit 1; }
    echo "consumers: what $1 built works, with the shared and with the static library"
}

quietly cmake -G Ninja -B by-cmake -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_RPATH="$prefix/lib"
quietly cmake --build by-cmake
check CMake by-cmake
# A later version is not there, and a tree that was moved still works.
sed 's/confdclient 0\.1/confdclient 9.0/' CMakeLists.txt >../later.txt
mkdir ../later && cp ping.c event_loop.c ../later && mv ../later.txt ../later/CMakeLists.txt
if cmake -S ../later -B ../later/build -DCMAKE_PREFIX_PATH="$prefix" >../log 2>&1; then
    echo "consumers: CMake took this version for 9.0" >&2
    exit 1
fi
grep -q 'confdclient-config.cmake, version:' ../log || { cat ../log && exit 1; } >&2
mv "$prefix" "$sim_dir/moved"
quietly cmake -G Ninja -B by-cmake-moved -DCMAKE_PREFIX_PATH="$sim_dir/moved" -DCMAKE_BUILD_RPATH="$sim_dir/moved/lib"
quietly cmake --build by-cmake-moved
check "CMake, from a tree that was moved," by-cmake-moved
mv "$sim_dir/moved" "$prefix"

quietly meson setup --pkg-config-path="$prefix/lib/pkgconfig" by-meson
quietly ninja -C by-meson
export LD_LIBRARY_PATH="$prefix/lib"
check Meson by-meson
unset LD_LIBRARY_PATH

# Another Rust library, as its own authors would make it: standard library and all.
cat >other.rs <<'EOF'
#[unsafe(no_mangle)]
pub extern "C" fn other_rust_library(of: i32) -> i32 {
    std::panic::catch_unwind(|| (1..=of).map(|n| n.to_string().len() as i32).sum()).unwrap_or(-1)
}
EOF
rustc --edition 2024 --crate-type staticlib -O other.rs -o libother.a 2>../log || { cat ../log && exit 1; } >&2
cat >both.c <<'EOF'
#include <confdclient.h>
#include <stdio.h>
int other_rust_library(int of);
int main(void)
{
    confd_request *request = NULL;
    if (other_rust_library(12) != 15 || confd_request_new(CONFD_REQ_PING, NULL, &request) != CONFD_OK)
        return 1;
    printf("%s and %d\n", confd_request_salt(request), other_rust_library(12));
    confd_request_free(request);
    return 0;
}
EOF
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig"
others=$(pkg-config --static --libs-only-l confdclient | sed 's/-lconfdclient//')
for order in "$prefix/lib/libconfdclient.a libother.a" "libother.a $prefix/lib/libconfdclient.a"; do
    # shellcheck disable=SC2086 # words on purpose
    quietly cc -std=c99 -I"$prefix/include" both.c $order $others -o both
    ./both | grep -q ' and 15$'
done
echo "consumers: the archive and that of another Rust library go into one program, in either order"
