# For the scripts of this project, which read it with ".": the simulator, for as long as the script runs.
#
# sim_start FILE starts confd-sim on a configuration file, waits until it serves, and sets
#   sim_peers    where it listens, separated by commas, as confd-query takes it
#   sim_dir      a folder for the script's own files, removed at its end; the key is there as hmac.key
# Its ports are the kernel's choice. It ends with the script, in whatever way that ends: its standard input is a
# pipe that this shell holds open.

: "${CARGO_TARGET_DIR:=$PWD/target}"
# Where `make build` leaves the library and confd-query.
dist=$CARGO_TARGET_DIR/dist

sim_start() {
    sim_dir=$(mktemp -d)
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    trap sim_stop EXIT
    mkfifo "$sim_dir/hold"
    "$CARGO_TARGET_DIR/release/confd-sim" --until-eof --seconds 600 "$1" <"$sim_dir/hold" >"$sim_dir/ready" &
    sim_pid=$!
    exec 9>"$sim_dir/hold"
    while ! grep -q '^serving' "$sim_dir/ready"; do
        if ! kill -0 "$sim_pid" 2>/dev/null; then
            echo "the simulator did not start" >&2
            exit 1
        fi
        sleep 0.02
    done
    sim_peers=$(sed -n 's/^ready [^ ]* //p' "$sim_dir/ready" | paste -s -d , -)
    printf '%b' "$(sed -n 's/^ *"key": "\(.*\)",$/\1/p' "$1")" >"$sim_dir/hmac.key"
}

# Where a candidate listens, by its name.
sim_address() {
    sed -n "s/^ready $1 //p" "$sim_dir/ready"
}

sim_stop() {
    code=$?
    trap - EXIT
    exec 9>&-
    kill "$sim_pid" 2>/dev/null
    wait "$sim_pid" 2>/dev/null
    rm -rf "$sim_dir"
    exit "$code"
}
