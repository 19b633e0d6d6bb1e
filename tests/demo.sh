#!/bin/sh
# The demo passes, shows the answers and who won, and leaves no simulator behind.
set -eu
cd "$(dirname "$0")/.."

shown=$("${MAKE:-make}" --no-print-directory demo) || { printf '%s\n' "$shown" && exit 1; }
for text in 'stale .*3179 .*node2.example.com .*stale' 'slow .*3189 .*node1.example.com .*slow' 'best reply: .*serial 3189'; do
    printf '%s\n' "$shown" | grep -q "$text" || {
        printf '%s\n\ndemo: it does not show "%s"\n' "$shown" "$text" >&2
        exit 1
    }
done

# The simulator says at which address: nobody may be there any more.
address=$(printf '%s\n' "$shown" | sed -n 's/^   current *127.0.0.1:\([0-9]*\) .*/\1/p' | head -n 1)
if ss -Hlun "src 127.0.0.1:$address" | grep -q .; then
    echo "demo: its simulator still serves at port $address" >&2
    exit 1
fi
echo "demo: it shows what it says, and leaves nothing running"
