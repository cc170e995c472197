#!/bin/sh
# run.sh CARGO TARGET_FOLDER SECONDS [TARGET…]: each target by libFuzzer, with AddressSanitizer and a limit of memory, for so
# many seconds. What it finds new is kept in TARGET_FOLDER/fuzz/corpus; an input that fails is printed and ends the run.
set -eu
cargo=$1 folder=$2/fuzz seconds=$3
shift 3
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)

host=$(rustc +nightly -vV 2>/dev/null | sed -n 's/^host: //p')
if [ -z "$host" ]; then
    echo "make fuzz needs a nightly compiler: rustup toolchain install nightly" >&2
    exit 1
fi
export RUSTFLAGS="--cfg fuzzing -Zsanitizer=address -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0 -Ccodegen-units=1"
export CARGO_TARGET_DIR="$folder"
$cargo +nightly build --quiet --release --locked --target "$host" --manifest-path "$here/libfuzzer/Cargo.toml"
program=$folder/$host/release/mmx-libfuzzer

[ $# -gt 0 ] || set -- $(ls "$here/corpus")
total=0
for target in "$@"; do
    corpus=$folder/corpus/$target
    mkdir -p "$corpus" "$folder/failures"
    if ! MMX_FUZZ_TARGET=$target "$program" "$corpus" "$here/corpus/$target" -max_total_time="$seconds" -max_len=16384 \
        -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$folder/failures/$target-" \
        >"$folder/$target.log" 2>&1; then
        tail -n 60 "$folder/$target.log" >&2
        echo "$target failed; the input is in $folder/failures" >&2
        exit 1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$folder/$target.log")
    covered=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$folder/$target.log" | tail -n 1)
    echo "$target: $runs executions, $covered edges"
    total=$((total + runs))
done
echo "$total executions, no failure"
