#!/bin/sh
# Tests libconfdclient against real ganeti-confd daemons and beside Ganeti's own
# client: installs both when absent, then runs everything in this folder.
#
#     tests/real/run.sh [PART-OF-A-TEST'S-NAME…]
#
# CONFDCLIENT_LIBRARY names the library; by default target/release/libconfdclient.so.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
: "${CONFDCLIENT_LIBRARY:=$here/../../target/release/libconfdclient.so}"
export CONFDCLIENT_LIBRARY

"$here/install.sh"
# Debian's python3 is the one that has what the stock client needs.
exec /usr/bin/python3 -B "$here/run.py" "$@"
