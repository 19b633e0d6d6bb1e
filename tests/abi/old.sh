#!/bin/sh
# A program that was built against the first header, and linked to what that header declares, runs with today's library; so
# does one that was built against a later header, in which the structs have grown.
#
#     tests/abi/old.sh FOLDER      where first/ and later/ have such headers, and the libraries to link with
set -eu
folder=$1
cd "$(dirname "$0")/../.."
: "${CONFDCLIENT_LIBRARY:?names no library; run make abi-check}"
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json
peers=$(echo "$sim_peers" | tr , ' ')
echo "$peers" | tr ' ' '\n' | sed 's/:.*//' >"$sim_dir/ssconf_master_candidates_ips"
port=${peers##*:}
mkdir "$sim_dir/lib"
ln -s "$CONFDCLIENT_LIBRARY" "$sim_dir/lib/libconfdclient.so.0"

for which in first later; do
    later=$([ $which = first ] || echo -DLATER)
    # All names are looked for when it starts.
    # shellcheck disable=SC2086 # a word or none
    gcc -std=c99 -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -g -O1 \
        $later -I "$folder/$which" tests/abi/old.c -o "$sim_dir/$which" \
        "-L$folder/$which" -lconfdclient -Wl,-z,now
    # shellcheck disable=SC2086 # words on purpose
    LD_LIBRARY_PATH=$sim_dir/lib timeout -k 5 60 "$sim_dir/$which" "$sim_dir" "$port" $peers || {
        echo "abi: a program of the $which header does not run with today's library" >&2
        exit 1
    }
    nm -D --undefined-only "$sim_dir/$which" | sed -n 's/.* U \(confd_[a-z_0-9]*\)$/\1/p' | sort -u >"$sim_dir/called"
    echo "abi: a program of the $which header, which calls $(wc -l <"$sim_dir/called") functions, runs with today's library"
done
