#!/bin/sh
# The header is what the sources make; and a program that includes nothing else compiles without a warning, as C99
# and as C++11, with gcc and with clang.
set -eu
cd "$(dirname "$0")/.."

cargo run --quiet --locked --manifest-path tools/header/Cargo.toml -- --check

warnings="-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror"
# Twice, to see that it can be; and a function through a pointer, to see its type.
program='#include <confdclient.h>
#include <confdclient.h>
extern confd_error (*function)(confd_options **);
confd_error (*function)(confd_options **) = confd_options_new;'
for compiler in "gcc -x c -std=c99 -Wstrict-prototypes" "clang -x c -std=c99 -Wstrict-prototypes" \
    "gcc -x c -std=c17" "clang -x c -std=c17" \
    "g++ -x c++ -std=c++11" "clang++ -x c++ -std=c++11" "g++ -x c++ -std=c++20" "clang++ -x c++ -std=c++20"; do
    # shellcheck disable=SC2086 # words on purpose
    printf '%s\n' "$program" | $compiler $warnings -fsyntax-only -Iinclude -
    echo "header: clean with $compiler"
done
