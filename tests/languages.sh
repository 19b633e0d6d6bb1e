#!/bin/sh
# The programs in README.md for other languages: each is built as it stands there against an installed library, and
# names the master, as does the command beside them: that of a simulated cluster, and that of real daemons.
set -eu
cd "$(dirname "$0")/.."

if [ $# -eq 0 ]; then
    sh tests/install-needs.sh g++ pkg-config iproute2 python3 golang-go ghc cabal-install ganeti-haskell-3.0 >/dev/null
    root=$PWD
    : "${CARGO_TARGET_DIR:=$root/target}"
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    # Where tests/go.sh has it, too: what Go keeps of its work knows the place.
    prefix=$CARGO_TARGET_DIR/go-prefix
    ${MAKE:-make} --no-print-directory install PREFIX="$prefix" DESTDIR= BINDIR="$prefix/bin" \
        LIBDIR="$prefix/lib" INCLUDEDIR="$prefix/include" >"$scratch/log" 2>&1 || { cat "$scratch/log" && exit 1; }
    export PATH="$prefix/bin:$PATH" PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"

    block() {
        sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" README.md | sed '/^```/d' >"$2"
        [ -s "$2" ] || { echo "languages: no $1 in README.md" >&2 && exit 1; }
    }
    block cpp "$scratch/master.cpp"
    # shellcheck disable=SC2046 # words on purpose
    g++ -std=c++17 -Wall -Wextra -Wpedantic -Werror "$scratch/master.cpp" -o "$scratch/master-cpp" \
        $(pkg-config --cflags --libs confdclient)

    mkdir "$scratch/go"
    block go "$scratch/go/main.go"
    (
        cd "$scratch/go"
        export GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOENV=off GOWORK=off
        export GOCACHE="$CARGO_TARGET_DIR/go-cache" GOPATH="$CARGO_TARGET_DIR/go-path"
        go mod init master 2>/dev/null
        go mod edit -require=confdclient@v0.0.0 -replace=confdclient="$root/bindings/go"
        go build -o "$scratch/master-go"
    )

    mkdir "$scratch/haskell" "$scratch/cabal"
    block haskell "$scratch/haskell/Main.hs"
    : >"$scratch/cabal/config"
    printf 'packages: . %s\n' "$root/bindings/haskell" >"$scratch/haskell/cabal.project"
    printf '%s\n' 'cabal-version: 2.4' 'name: master' 'version: 0' 'executable master' '  main-is: Main.hs' \
        '  default-language: Haskell2010' '  build-depends: base, text, confdclient' '  ghc-options: -Wall -Werror' \
        >"$scratch/haskell/master.cabal"
    (
        cd "$scratch/haskell"
        export CABAL_DIR="$scratch/cabal"
        cabal() { command cabal --config-file="$scratch/cabal/config" "$@"; }
        cabal build --offline --builddir="$scratch/build" -O0 exe:master >"$scratch/log" 2>&1 ||
            { cat "$scratch/log" && exit 1; }
        cp "$(cabal list-bin --offline --builddir="$scratch/build" -O0 exe:master)" "$scratch/master-haskell"
    )
    if [ "$(id -u)" -eq 0 ]; then apart="unshare --mount --net"; else apart="unshare --map-root-user --mount --net"; fi
    $apart sh "$0" inside "$scratch"
    exit
fi

ask() { # WHOM MASTER FOLDER
    for program in "$3/master-cpp" "$3/master-go" "$3/master-haskell" "confd-query master"; do
        said=$($program)
        echo "languages: ${program##*/} says $said, by $1"
        [ "$said" = "$2" ]
    done
}

if [ "$1" = real ]; then
    echo "$CONFD_TEST_EQUAL" | tr , "\n" >/var/lib/ganeti/ssconf_master_candidates_ips
    cp "$CONFD_TEST_KEY_FILE" /var/lib/ganeti/hmac.key
    # Their port is any that is free, and found as that of the service.
    { echo "ganeti-confd $CONFD_TEST_PORT/udp" && cat /etc/services; } >"$2/services"
    mount --bind "$2/services" /etc/services
    ask "real daemons" "$CONFD_TEST_MASTER" "$2"
    exit
fi

# shellcheck source=tests/cluster.sh
. tests/cluster.sh
ask "the simulator" node1.example.com "$2"
python3 -B tests/real/cluster.py run -- sh "$0" real "$2"
