#!/bin/sh
# Tests the client under faults: of the network, of the system that it runs on, of the clock, and of hostile peers.
#
#     tests/faults/run.sh [PART-OF-A-TEST'S-NAME…]          LONG=1: ten times as many queries, and heavier faults
#
# All of it runs in namespaces of its own (mounts, network, processes), in which this machine's network is not seen, and
# which the kernel clears away with everything in them as soon as the first process ends, however it ends.
# CONFDCLIENT_LIBDIR names the folder of the library, CONFD_SIM the simulator.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
: "${CONFDCLIENT_LIBDIR:=${CARGO_TARGET_DIR:-$root/target}/dist}"
: "${CONFD_SIM:=${CARGO_TARGET_DIR:-$root/target}/release/confd-sim}"
: "${CONFDCLIENT_LIBRARY:=$CONFDCLIENT_LIBDIR/libconfdclient.so}"
: "${CC:=gcc}"
export CONFDCLIENT_LIBDIR CONFD_SIM CONFDCLIENT_LIBRARY CC LONG="${LONG:-}"

sh "$root/tests/install-needs.sh" gcc libc6-dev iproute2 nftables libfaketime util-linux mount python3 \
    ganeti-haskell-3.0 ganeti-3.0
for file in "$CONFDCLIENT_LIBRARY" "$CONFD_SIM"; do
    [ -e "$file" ] || { echo "faults: there is no $file; run: make build" >&2 && exit 1; }
done

# Not as root, a user namespace gives the same rights over the other namespaces, where the system allows it.
as=""
[ "$(id -u)" -eq 0 ] || as="--map-root-user"
apart="unshare $as --mount --net --pid --fork --mount-proc --kill-child"
if ! said=$($apart true 2>&1); then
    {
        echo "faults: these tests make network namespaces, and may not here: $said"
        echo "faults: as root (in a container: with CAP_SYS_ADMIN and CAP_NET_ADMIN), run: make faults"
    } >&2
    exit 1
fi
# shellcheck disable=SC2086 # words on purpose
exec $apart sh -euc '
    mount -t tmpfs faults /run
    mkdir /run/netns /run/tmp /run/ganeti
    ip link set lo up
    export TMPDIR=/run/tmp
    exec /usr/bin/python3 -B "$@"' faults "$here/run.py" "$@"
