#!/bin/sh
# Installs what the tests against the real ganeti-confd need, from Debian's own
# archive: the daemon, the stock Python client, and python3. Does nothing when
# all of it is there; fails with the command to run when it may not install.
set -eu

packages="ganeti-haskell-3.0 ganeti-3.0 python3 util-linux mount"

missing=""
for package in $packages; do
    dpkg -s "$package" 2>/dev/null | grep -q '^Status: install ok installed' ||
        missing="$missing $package"
done

if [ -z "$missing" ]; then
    echo "install.sh: nothing to do, all here: $packages"
    exit 0
fi

command="apt-get update && apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
    echo "install.sh: missing:$missing. As root, run:" >&2
    echo "    $command" >&2
    exit 1
fi

echo "install.sh: $command"
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; }; then
    echo "install.sh: could not install. Run by hand:" >&2
    echo "    $command" >&2
    exit 1
fi
