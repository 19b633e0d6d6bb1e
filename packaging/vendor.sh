#!/bin/sh
# packaging/vendor.sh FOLDER: the sources of all crates in Cargo.lock, as cargo finds them there with no network. Does
# nothing when FOLDER is of this Cargo.lock already.
set -eu
cd "$(dirname "$0")/.."
to=$1
if cmp -s Cargo.lock "$to.lock" && [ -d "$to" ]; then exit 0; fi
rm -rf "$to" "$to.lock"
mkdir -p "$(dirname "$to")"
"${CARGO:-cargo}" vendor --quiet --locked "$to" >/dev/null
cp Cargo.lock "$to.lock"
