#!/bin/sh
# The manual is what the sources make, and mandoc has nothing to say about it, at any of its levels, nor has groff;
# each page is found by each of its names; no line is too wide for a terminal.
set -eu
cd "$(dirname "$0")/.."
sh tests/install-needs.sh mandoc man-db groff-base python3 >/dev/null
python3 tools/manual/make.py --check

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
# As it is installed.
mkdir "$scratch/man1" "$scratch/man3"
cp man/*.1 "$scratch/man1/"
cp man/*.3 "$scratch/man3/"

# Pages of one line, ".so man3/OTHER.3", lead to another. mandoc would have them be links of the file system, which
# neither a repository nor every packager keeps; they are checked below by being read.
pages=$(grep -L '^\.so ' man/*.[13])
# All levels, but for one message: mandoc looks for the pages that are referred to in the system's folders only. So
# references are checked here: to pages of ours that are there, or to these of the system.
system="poll.2 fork.2 execve.2 longjmp.3 abort.3 services.5 epoll.7"
# shellcheck disable=SC2086 # words on purpose
mandoc -Tlint -Wall $pages >"$scratch/said" 2>"$scratch/err" || true
grep -v 'STYLE: referenced manual not found: ' "$scratch/said" >"$scratch/lint" || true
grep -v ': outdated mandoc.db lacks ' "$scratch/err" >>"$scratch/lint" || true
# shellcheck disable=SC2086
sed -n 's/^\.\(It \|Po \|Pq \)\{0,1\}Xr \([^ ]*\) \([1-9]\).*/\2.\3/p' $pages | sort -u >"$scratch/referred"
[ -s "$scratch/referred" ]
while IFS= read -r page; do
    [ -e "man/$page" ] || case " $system " in *" $page "*) ;; *) echo "there is no page $page" ;; esac
done <"$scratch/referred" >>"$scratch/lint"
[ ! -s "$scratch/lint" ] || { cat "$scratch/lint" && exit 1; } >&2
for page in $pages; do
    groff -mdoc -Tutf8 -ww -b -z "$page" >"$scratch/groff" 2>&1
    [ ! -s "$scratch/groff" ] || { echo "$page, by groff:" && cat "$scratch/groff" && exit 1; } >&2
    mandoc -Tascii -Owidth=78 "$page" | col -bx | awk -v page="$page" 'length > 80 {
        print page ": wider than a terminal: " $0; bad = 1 } END { exit bad }' >&2
done

# What `man NAME` shows for every name, by man-db, is a page whose NAME has that name.
count=0
for file in "$scratch"/man3/*.3 "$scratch"/man1/*.1; do
    name=$(basename "$file") && name=${name%.*}
    count=$((count + 1))
    MANWIDTH=80 man -M "$scratch" -P cat "$name" 2>"$scratch/err" | col -bx | sed -n '/^NAME/,/^LIBRARY\|^SYNOPSIS/p' |
        grep -qw -e "$name" || { echo "man $name shows no page of that name" && cat "$scratch/err" && exit 1; } >&2
done
echo "man: $count names lead to $(echo "$pages" | wc -w) pages, with nothing for mandoc and groff to say"
