#!/bin/sh
# Stands before the compiler where libFuzzer is to be guided: the library alone counts where it has been, since guidance
# is to lead into it and not into the harness, and counting takes time.
case " $* " in
    *" --crate-name confdclient "*)
        exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=3 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table ;;
    *) exec "$@" ;;
esac
