#!/bin/sh
# The files of the project that are there now, committed or not, as lines: what a source package is made of.
set -eu
cd "$(dirname "$0")/.."
files=$(git ls-files -co --exclude-standard 2>/dev/null) || files=''
if [ -z "$files" ]; then
    # No git here, as in an unpacked source package.
    files=$(find . \( -name target -o -name vendor -o -name .git \) -prune -o -type f -print | sed 's|^\./||')
fi
printf '%s\n' "$files" | while IFS= read -r file; do
    [ ! -f "$file" ] || printf '%s\n' "$file"
done
