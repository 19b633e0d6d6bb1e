# For scripts in network and mount namespaces of their own, which read it with ".": a simulated cluster as a node sees
# one, with the addresses of the manual, the usual port, and its files in /var/lib/ganeti. Nothing of it is seen outside.

ip link set lo up
for address in 192.0.2.11 192.0.2.12 192.0.2.13; do
    ip address add "$address/32" dev lo
done
mount -t tmpfs none /var/lib
mkdir /var/lib/ganeti
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start man/examples/cluster.json
cp "$sim_dir/hmac.key" /var/lib/ganeti/hmac.key
printf '192.0.2.11\n192.0.2.12\n192.0.2.13\n' >/var/lib/ganeti/ssconf_master_candidates_ips
