#!/bin/sh
# That tests/exports.sh notices when the shared library loses a name: libraries are linked from the static one that lack
# something, and a name is added to the list of what there once was.
#
#     tests/abi/exports-planted.sh FOLDER
set -eu
folder=$1
cd "$(dirname "$0")/../.."
: "${CONFDCLIENT_LIBRARY:?names no library; run make abi-check}"
archive=${CONFDCLIENT_LIBRARY%.so}.a
lost=$(sed -n '$s/.* //p' tests/abi/exports.txt)
bad=0 planted=0

# library NAME LINKER-FLAGS… < VERSION-SCRIPT
library() {
    name=$1 && shift
    mkdir -p "$folder/$name"
    cat >"$folder/$name/script"
    ln -sf "$archive" "$folder/$name/libconfdclient.a"
    gcc -shared -o "$folder/$name/libconfdclient.so" -Wl,--whole-archive "$archive" -Wl,--no-whole-archive \
        -Wl,--version-script="$folder/$name/script" "$@" -lgcc_s -lc
}

# reports NAME TEXT: exports.sh refuses that library and says this.
reports() {
    planted=$((planted + 1))
    if CONFDCLIENT_LIBRARY=$folder/$1/libconfdclient.so sh tests/exports.sh >"$folder/said" 2>&1; then
        bad=1 && echo "abi: exports.sh does not notice: $1" >&2
    elif ! grep -A 100 "$2" "$folder/said" | grep -q "$3"; then
        bad=1 && echo "abi: exports.sh does not say why it refuses: $1" >&2 && cat "$folder/said" >&2
    fi
}

# A library made so is taken as it is, if nothing is wrong with it; otherwise the rest would show nothing.
echo '{ global: confd_*; local: *; };' | library whole -Wl,-soname,libconfdclient.so.0
CONFDCLIENT_LIBRARY=$folder/whole/libconfdclient.so sh tests/exports.sh >"$folder/said" 2>&1 ||
    { bad=1 && echo "abi: exports.sh refuses a library that lacks nothing" >&2 && cat "$folder/said" >&2; }

gone="exported once"
echo "{ global: $(sed 's/.* //' tests/abi/exports.txt | grep -vx "$lost" | tr '\n' ';') local: *; };" |
    library one-removed -Wl,-soname,libconfdclient.so.0
reports one-removed "$gone" " T $lost\$"

echo 'CONFDCLIENT_1 { global: confd_*; local: *; };' | library other-version -Wl,-soname,libconfdclient.so.0
reports other-version "$gone" " T $lost\$"

echo '{ global: confd_*; local: *; };' | library other-soname -Wl,-soname,libconfdclient.so.1
reports other-soname "the SONAME is not" "libconfdclient.so.1"

{ cat tests/abi/exports.txt && echo "T confd_planted"; } >"$folder/longer"
CONFD_EXPORTS=$folder/longer && export CONFD_EXPORTS
reports whole "$gone" " T confd_planted\$"

echo "abi: planted $planted faults in shared libraries: $([ $bad -eq 0 ] && echo all noticed || echo not all noticed)"
exit $bad
