#!/bin/sh
# Everything that `make check` runs, the cheap parts first, each with its time. A part that fails does not keep the
# others from running, but for the two that they all stand on. The last line counts the parts.
cd "$(dirname "$0")/.." || exit 1

# The two that the others stand on, and then as the Makefile has them.
parts="needs build $(sed -n 's/^\([a-z][a-z-]*\):[^#]*#+ .*/\1/p' Makefile | grep -vx needs)"
passed=0 failed=0 failures="" summary=""

about() { sed -n "s/^$1:[^#]*#[#+] \(.*\)/\1/p" Makefile; }

for part in $parts; do
    printf '\n==== %s: %s\n' "$part" "$(about "$part")"
    began=$(date +%s)
    if "${MAKE:-make}" --no-print-directory "$part"; then
        passed=$((passed + 1)) result="ok  "
    else
        failed=$((failed + 1)) failures="$failures $part" result=FAIL
    fi
    summary="$summary$(printf '%s %4d s  %s' "$result" $(($(date +%s) - began)) "$part")
"
    case "$result $part" in "FAIL needs" | "FAIL build")
        printf '\nThe other parts need this one, and were not run.\n'
        break ;;
    esac
done

printf '\n==== check\n%s\n' "$summary"
[ "$failed" -eq 0 ] || printf 'Failed, and each to be run again by "make" and its name:%s\n\n' "$failures"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
