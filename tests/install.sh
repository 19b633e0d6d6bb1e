#!/bin/sh
# `make install` into a folder as a package's build does: the files of a library, a program made by pkg-config's
# word with the shared and with the static library, and nothing left after `make uninstall`.
set -eu
cd "$(dirname "$0")/.."
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json
to=$sim_dir/root
lib=/usr/lib/somewhere
make() {
    command make --no-print-directory "$@" DESTDIR="$to" PREFIX=/usr LIBDIR=$lib >"$sim_dir/log" 2>&1 ||
        { cat "$sim_dir/log" && exit 1; }
}
installed() { (cd "$to" && find . ! -type d | sort); }

make install
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
{
    cat <<END_OF_LIST
./usr/bin/confd-query
.$lib/cmake/confdclient/confdclient-config-version.cmake
.$lib/cmake/confdclient/confdclient-config.cmake
.$lib/libconfdclient.a
.$lib/libconfdclient.so
.$lib/libconfdclient.so.0
.$lib/libconfdclient.so.$version
.$lib/pkgconfig/confdclient.pc
END_OF_LIST
    # What other parts of the project bring along, each to its place.
    (
        cd include && find . -name '*.h' -o -name '*.hpp' | sed 's|^\.|./usr/include|'
        cd ..
        [ ! -d man ] || (cd man && find . -name '*.[13]' | sed 's|^\./\(.*\)\.\([13]\)$|./usr/share/man/man\2/\1.\2|')
        [ ! -f completions/confd-query.bash ] || echo ./usr/share/bash-completion/completions/confd-query
        [ ! -f completions/_confd-query ] || echo ./usr/share/zsh/site-functions/_confd-query
    )
} | sort >"$sim_dir/wanted"
installed | diff "$sim_dir/wanted" -
[ "$(cd "$to$lib" && readlink -f libconfdclient.so)" = "$to$lib/libconfdclient.so.$version" ]
if grep -rn '@[A-Z_]*@' "$to$lib/cmake" "$to$lib/pkgconfig"; then
    echo "install: a name of the template is left" >&2
    exit 1
fi

export PKG_CONFIG_SYSROOT_DIR="$to" PKG_CONFIG_LIBDIR="$to$lib/pkgconfig"
[ "$(pkg-config --modversion confdclient)" = "$version" ]
cc -std=c99 examples-c/ping.c -o "$sim_dir/shared" $(pkg-config --cflags --libs confdclient)
cc -std=c99 -static examples-c/ping.c -o "$sim_dir/static" $(pkg-config --static --cflags --libs confdclient)
export LD_LIBRARY_PATH="$to$lib"
for program in shared static; do
    "$sim_dir/$program" "$sim_dir/hmac.key" $(echo "$sim_peers" | tr , ' ') | grep -q 'of 3 answered'
    echo "install: the $program program works"
done
[ "$("$to/usr/bin/confd-query" --version)" = "confd-query (libconfdclient) $version" ]
if readelf -d "$to/usr/bin/confd-query" "$to$lib/libconfdclient.so.$version" | grep -E 'R(UN)?PATH'; then
    echo "install: a search path of the build is installed" >&2
    exit 1
fi

make install-strip
echo "install: stripped, $(wc -c <"$to$lib/libconfdclient.so.$version") bytes"
nm -D --defined-only "$to$lib/libconfdclient.so" | grep -q confd_client_new
make uninstall
[ -z "$(installed)" ] || { echo "install: left after uninstall:" && installed && exit 1; } >&2
echo "install: all files there, and gone after uninstall"
