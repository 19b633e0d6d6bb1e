#!/bin/sh
# The C++ header: the tests beside this file and the programs of examples-cpp, built with g++ and clang++ in each C++
# from 17 on that the compiler knows, as strictly as it can judge, from an installed copy by pkg-config's word; and
# run with the sanitizers for addresses and undefined behaviour.
#
#     tests/cpp/run.sh
#
# CXX and CLANGXX name the compilers, CONFD_SIM the simulator. Ends with "N passed, 0 failed".
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.." || exit 1
# shellcheck source=tools/sim.sh
. tools/sim.sh
sim_start sim/examples/three.json
: "${CONFD_SIM:=$CARGO_TARGET_DIR/release/confd-sim}"
export CONFD_SIM
work=$sim_dir
cxx=${CXX:-g++} clangxx=${CLANGXX:-clang++}

sh tests/install-needs.sh g++ clang pkg-config || exit 1
# clang's sanitizers are a package of their own, by the version of the compiler.
if ! echo 'int main() {}' | $clangxx -x c++ -fsanitize=address,undefined - -o "$work/sanitized" 2>"$work/said"; then
    sh tests/install-needs.sh "libclang-rt-$($clangxx -dumpversion | cut -d . -f 1)-dev" ||
        { cat "$work/said" && exit 1; }
fi

prefix=$work/prefix
"${MAKE:-make}" --no-print-directory install PREFIX="$prefix" >"$work/said" 2>&1 || { cat "$work/said" && exit 1; }
export PKG_CONFIG_LIBDIR="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
flags="$(pkg-config --cflags confdclient)" || exit 1
libs="$(pkg-config --libs confdclient)" || exit 1

common="-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wold-style-cast -Werror"
# All that clang has, but for
#   c++98-compat, pre-c++17-compat and their like: the header is for C++17 and later
#   padded: what a compiler puts between members
#   weak-vtables: an exception and an error category of a header have no source file to be at home in
#   exit-time-destructors: the error category has a destructor, since std::error_category has
#   unsafe-buffer-usage: clang's wish for containers in the place of pointers, which a C API has
#   switch-default: contradicts covered-switch-default
everything="-Weverything -Wno-unknown-warning-option -Wno-c++98-compat -Wno-c++98-compat-pedantic
    -Wno-pre-c++17-compat-pedantic -Wno-pre-c++20-compat-pedantic -Wno-padded -Wno-weak-vtables
    -Wno-exit-time-destructors -Wno-unsafe-buffer-usage -Wno-switch-default"
# Leaks included. What a child of a test leaves is its own affair: it ends by _exit().
sanitize="-g1 -fsanitize=address,undefined -fno-sanitize-recover=all"

for helper in world sign sim; do
    ${CC:-gcc} -g -Iinclude -c "tests/c/$helper.c" -o "$work/$helper.o" || exit 1
done
# One unit: most of the time goes into the headers of the standard library.
for file in "$here"/*.cpp; do
    printf '#line 1 "%s"\n' "tests/cpp/$(basename "$file")" && cat "$file"
done >"$work/tests.cpp"

# check WORDS COMMAND…
check() {
    words=$1 && shift
    if "$@" >"$dir/said" 2>&1; then
        echo "ok      $words"
    else
        echo "FAILED  $words (status $?)" && sed 's/^/        /' "$dir/said"
        return 1
    fi
}

# ends_with LINE PROGRAM…: what a program says ends with this line.
ends_with() {
    line=$1 && shift
    timeout -k 5 120 "$@" </dev/null >"$dir/out" 2>&1 && [ "$(tail -n 1 "$dir/out")" = "$line" ] ||
        { cat "$dir/out" && return 1; }
}

# all_of COMPILER, with $dir for its files
all_of() {
    compiler=$1 dir=$2
    case $($compiler --version) in
    *clang*) strict="$common $everything" ;;
    *) strict="$common -Wuseless-cast" ;;
    esac
    # shellcheck disable=SC2086 # words on purpose
    for standard in 17 20 23; do
        name="$compiler, C++$standard"
        std=-std=c++$standard
        echo | $compiler $std -fsyntax-only -x c++ - 2>/dev/null || std=-std=c++2b
        echo | $compiler $std -fsyntax-only -x c++ - 2>/dev/null || { echo "        $name: not known to it" && continue; }
        build="$compiler $std $strict $sanitize $flags"
        check "$name: the tests compile" $build -I"$here" -isystem tests/c -c "$work/tests.cpp" -o "$dir/tests.o" &&
            check "$name: the tests link" $compiler $sanitize "$dir/tests.o" "$work/world.o" "$work/sign.o" \
                "$work/sim.o" -o "$dir/tests" -pthread $libs &&
            check "$name: the tests pass" ends_with "every test has passed" "$dir/tests"
        for example in "master node1.example.com" "cluster servers that are there: 3"; do
            program=${example%% *}
            if [ $standard != 17 ]; then
                check "$name: $program.cpp is clean" $build -fsyntax-only "examples-cpp/$program.cpp"
                continue
            fi
            check "$name: $program.cpp compiles" $build "examples-cpp/$program.cpp" -o "$dir/$program" \
                -pthread $libs &&
                check "$name: $program gets its answers" ends_with "${example#* }" "$dir/$program" \
                    "$work/hmac.key" $(echo "$sim_peers" | tr , ' ')
        done
    done
}

# Both at once, each with its own files.
mkdir "$work/1" "$work/2"
all_of "$clangxx" "$work/2" >"$work/2/report" &
second=$!
all_of "$cxx" "$work/1" | tee "$work/1/report"
wait $second
cat "$work/2/report"
for report in "$work/1/report" "$work/2/report"; do
    grep -q '^ok .*C++17: the tests pass' "$report" || echo "FAILED  the tests of C++17" >>"$report"
done
passed=$(cat "$work/1/report" "$work/2/report" | grep -c '^ok')
failed=$(cat "$work/1/report" "$work/2/report" | grep -c '^FAILED')
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
