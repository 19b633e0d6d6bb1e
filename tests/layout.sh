#!/bin/sh
# What holds for the sources as files: their size, where unsafe code is, and that nothing is of one machine.
set -eu
cd "$(dirname "$0")/.."
bad=0
complain() { bad=1 && printf 'layout: %s\n%s\n' "$1" "$2" | sed '2,$s/^/    /' >&2; }

# All that is or may become part of the project.
files() {
    git ls-files -co --exclude-standard -- "$@" 2>/dev/null | while IFS= read -r file; do
        [ -f "$file" ] && printf '%s\n' "$file"
    done
}
if [ -z "$(files Cargo.toml)" ]; then
    echo "layout: no git here that lists the files; nothing checked"
    exit 0
fi

# One idea a file. The header is generated: one file for users, from many; and kept as it first was.
long=$(files '*.rs' '*.c' '*.h' '*.hpp' '*.py' '*.sh' '*.go' '*.hs' Makefile | grep -vxE 'include/confdclient.h|tests/abi/confdclient-0.h' |
    while IFS= read -r file; do
        lines=$(wc -l <"$file")
        [ "$lines" -le 500 ] || echo "$file: $lines"
    done)
[ -z "$long" ] || complain "files of more than 500 lines" "$long"

# clippy sees to the comment beside each block (undocumented_unsafe_blocks).
unsafe=$(files 'src/*.rs' 'sim/*.rs' 'tools/*.rs' | grep -vE '^src/(net|ffi)/' |
    xargs grep -nwE 'unsafe' | grep -vE '^[^:]*:[0-9]+: *//' || true)
[ -z "$unsafe" ] || complain "unsafe code outside src/net and src/ffi" "$unsafe"

# Neither the hosts that packages are fetched from, nor anybody's folders. Cargo.lock names its registry as cargo
# itself writes it, and no other.
private='crates[.]io|pypi[.]|npmjs[.]|deb[.]debian|artifactor[y]|(^|[^a-zA-Z0-9_.])/(work|root|home|Users)/'
named=$(files | grep -vE '(^|/)Cargo\.lock$' | tr '\n' '\0' | xargs -0 grep -nIE "$private" || true)
[ -z "$named" ] || complain "hosts of package registries, or folders of one machine" "$named"
sources=$(sed -n 's/^source = //p' Cargo.lock tools/header/Cargo.lock fuzz/Cargo.lock | sort -u)
[ "$(printf '%s\n' "$sources" | wc -l)" -eq 1 ] || complain "more than one source of crates in Cargo.lock" "$sources"

[ "$bad" -eq 0 ] && echo "layout: $(files | wc -l) files, as they should be"
