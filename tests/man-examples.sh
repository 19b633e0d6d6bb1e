#!/bin/sh
# The examples of the manual compile without a warning and print what the pages show: against a library that is
# installed into a scratch folder, and a simulated cluster whose addresses, port and files are those of the pages,
# in network and mount namespaces of its own. STRICT has the compiler's flags.
set -eu
cd "$(dirname "$0")/.."

if [ "${1:-}" != inside ]; then
    sh tests/install-needs.sh gcc libc6-dev pkg-config iproute2 mandoc python3 >/dev/null
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    ${MAKE:-make} --no-print-directory install PREFIX="$scratch/installed" DESTDIR= BINDIR="$scratch/installed/bin" \
        LIBDIR="$scratch/installed/lib" INCLUDEDIR="$scratch/installed/include" >"$scratch/log" 2>&1 ||
        { cat "$scratch/log" && exit 1; }
    # The pages say "cc"; here it is strict.
    mkdir "$scratch/bin"
    printf '#!/bin/sh\nexec gcc %s "$@"\n' \
        "${STRICT:--std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror}" >"$scratch/bin/cc"
    chmod +x "$scratch/bin/cc"
    export PATH="$scratch/bin:$scratch/installed/bin:$PATH"
    export PKG_CONFIG_PATH="$scratch/installed/lib/pkgconfig" LD_LIBRARY_PATH="$scratch/installed/lib"
    if [ "$(id -u)" -eq 0 ]; then apart="unshare --mount --net"; else apart="unshare --map-root-user --mount --net"; fi
    $apart sh "$0" inside "${1:-man}"
    exit
fi

# shellcheck source=tests/cluster.sh
. tests/cluster.sh
case $2 in
*.[13]) pages=$2 ;;
*) pages=$(grep -L '^\.so ' man/*.[13]) ;;
esac
# shellcheck disable=SC2086 # words on purpose
python3 tests/manual/examples.py $pages
