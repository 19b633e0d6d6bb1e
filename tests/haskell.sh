#!/bin/sh
# The Haskell package, built by cabal without a network on the library as it is installed: its tests with both
# run-time systems, its example, its documentation, and the program in its README.md. What is built stays in the
# target folder.
#
#     tests/haskell.sh [PART-OF-A-TEST'S-NAME…]
set -eu
cd "$(dirname "$0")/.."
sh tests/install-needs.sh ghc cabal-install pkg-config gcc libc6-dev clang
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json
package=$PWD/bindings/haskell
out=$CARGO_TARGET_DIR/haskell
prefix=$out/prefix

# cabal and hsc2hs do not see when the header changes outside of the package.
if ! cmp -s include/confdclient.h "$prefix/include/confdclient.h"; then
    rm -rf "$out/build"
fi
rm -rf "$prefix"
"${MAKE:-make}" --no-print-directory install DESTDIR= PREFIX="$prefix" LIBDIR="$prefix/lib" INCLUDEDIR="$prefix/include" \
    BINDIR="$prefix/bin" >"$sim_dir/log" 2>&1 || { cat "$sim_dir/log" && exit 1; }
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
export CONFD_SIM="${CONFD_SIM:-$CARGO_TARGET_DIR/release/confd-sim}"

for compiler in gcc clang; do
    for file in "$package"/cbits/*.c; do
        # shellcheck disable=SC2086 # words on purpose
        $compiler ${STRICT:--std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror} -I"$prefix/include" -fsyntax-only "$file"
    done
    echo "haskell: cbits are clean with $compiler"
done

# A folder and a configuration of cabal's own, with no package server: all that is needed comes with ghc.
mkdir -p "$out/cabal"
: >"$out/cabal/config"
export CABAL_DIR="$out/cabal"
cabal() {
    (cd "$package" && command cabal --config-file="$out/cabal/config" "$@")
}
quiet() {
    "$@" >"$sim_dir/log" 2>&1 || { cat "$sim_dir/log" && exit 1; }
}
options="--offline --builddir=$out/build --enable-tests -f werror -f example"
# shellcheck disable=SC2086
quiet cabal build $options -j2 all
program() {
    # shellcheck disable=SC2086
    cabal list-bin $options "$1"
}
echo "haskell: built with ghc $(ghc --numeric-version), without a warning"

for suite in threaded unthreaded; do
    "$(program "test:$suite")" "$@" >"$sim_dir/$suite" 2>&1 || { grep -v '^ok ' "$sim_dir/$suite" || cat "$sim_dir/$suite"; exit 1; }
    echo "haskell: $(tail -n 1 "$sim_dir/$suite")"
done

# shellcheck disable=SC2046
"$(program exe:confd-master)" $(echo "$sim_peers" | tr , ' ') <"$sim_dir/hmac.key" >"$sim_dir/master"
[ "$(cat "$sim_dir/master")" = node1.example.com ] || { cat "$sim_dir/master" && exit 1; } >&2
sed -n '/^```haskell$/,/^```$/p' "$package/README.md" | sed '/^```/d' | diff - "$package/examples/Master.hs"
echo "haskell: the example, which is that of README.md, says the master's name"

# shellcheck disable=SC2086
quiet cabal haddock $options lib:confdclient
grep -E '^ *[0-9]+% \(' "$sim_dir/log" >"$sim_dir/documented" ||
    { cat "$sim_dir/log" && echo "haskell: haddock does not say what is documented" && exit 1; } >&2
if grep -vE '^ *100% \(' "$sim_dir/documented" || grep -E 'out of scope|[Aa]mbiguous' "$sim_dir/log"; then
    cat "$sim_dir/log"
    echo "haskell: not all that is exported is documented" >&2
    exit 1
fi
echo "haskell: all exports of $(wc -l <"$sim_dir/documented") modules are documented"
