#!/bin/sh
# The Go binding, against the library as `make install` puts it: format, vet, tests, tests under the race detector and
# under cgo's own checks, a short run of the benchmarks, the example and the program in its README. STRICT has the
# compiler's flags for its C. Go as of 1.19, from anywhere in PATH; without one Debian's is installed.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
command -v go >/dev/null || sh tests/install-needs.sh golang-go
command -v pkg-config >/dev/null || sh tests/install-needs.sh pkg-config
command -v cc >/dev/null || sh tests/install-needs.sh gcc libc6-dev
# shellcheck source=tools/sim.sh
. tools/sim.sh
CARGO_TARGET_DIR=$(cd "$CARGO_TARGET_DIR" && pwd)
sim_start sim/examples/three.json
say() { echo "go: $*"; }

# In the same place each time, so that what Go has built before is of use.
prefix=$CARGO_TARGET_DIR/go-prefix
make --no-print-directory install PREFIX="$prefix" DESTDIR= LIBDIR="$prefix/lib" INCLUDEDIR="$prefix/include" \
    BINDIR="$prefix/bin" >"$sim_dir/log" 2>&1 || { cat "$sim_dir/log" && exit 1; }
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
# Nothing from the network, and nothing of the user's. Go does not see that a header outside of a module has changed,
# but it sees that a flag has.
export GOFLAGS=-mod=mod GOPROXY=off GOTOOLCHAIN=local GOENV=off GOWORK=off CGO_ENABLED=1
export GOCACHE="$CARGO_TARGET_DIR/go-cache" GOPATH="$CARGO_TARGET_DIR/go-path"
CGO_CFLAGS="-O2 -g -DCONFDGO_HEADER=$(cksum <"$prefix/include/confdclient.h" | cut -d " " -f 1)"
export CGO_CFLAGS CONFD_SIM="${CONFD_SIM:-$CARGO_TARGET_DIR/release/confd-sim}"

cd bindings/go
unformatted=$(gofmt -l .)
[ -z "$unformatted" ] || { say "not as gofmt writes it: $unformatted" >&2 && exit 1; }
# shellcheck disable=SC2086 # words on purpose
cc ${STRICT:--std=c99 -Wall -Wextra -Wpedantic -Wconversion -Werror} -I"$prefix/include" -c shim.c -o "$sim_dir/shim.o"
go vet ./...
say "$(go env GOVERSION): format, vet and the C are clean"

go test -count=1 ./...
say "with the race detector"
go test -count=1 -race .
minor=$(go env GOVERSION | sed -n 's/^go1\.\([0-9]*\).*/\1/p')
if [ "${minor:-99}" -le 20 ]; then
    say "with cgocheck=2"
    GODEBUG=cgocheck=2 go test -count=1 .
else
    say "with cgocheck2"
    GOEXPERIMENT=cgocheck2 go test -count=1 .
fi
say "the benchmarks, in short"
go test -run '^$' -bench . -benchtime 100x . | grep -v '^\(goos\|goarch\|pkg\):'

# The example, on a folder as that of a node.
echo "$sim_peers" | tr , '\n' | sed 's/:[0-9]*$//' >"$sim_dir/ssconf_master_candidates_ips"
go build -o "$sim_dir/master" ./examples/master
[ "$("$sim_dir/master" -data-dir "$sim_dir" -port "${sim_peers##*:}")" = node1.example.com ]
say "the example names the master"

# The program in the README, in a module of its own, made as the README says.
mkdir "$sim_dir/program"
sed -n '/^```go$/,/^```$/p' README.md | sed '/^```/d' >"$sim_dir/program/main.go"
cd "$sim_dir/program"
go mod init program 2>/dev/null
go mod edit -require=confdclient@v0.0.0 -replace=confdclient="$root/bindings/go"
go build
# shellcheck disable=SC2046 # words on purpose
./program $(echo "$sim_peers" | tr , ' ') <"$sim_dir/hmac.key" >"$sim_dir/out"
cat "$sim_dir/out"
grep -qx '127.0.0.[13] says node1.example.com, serial 3189' "$sim_dir/out"
say "the program in the README works"
