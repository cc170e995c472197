#!/bin/sh
# Builds the libraries from the committed sources in two folders and compares them: `reproducible.sh CARGO CC FOLDER`.
set -eu
cargo=$1 cc=$2 folder=$3
rm -rf "$folder"
for name in "one" "an other/with a space"; do
    mkdir -p "$folder/$name"
    git archive HEAD | tar -x -C "$folder/$name"
    target=$folder/$name/target
    CARGO_TARGET_DIR='' sh "$folder/$name/packaging/lib.sh" "$cargo" "$cc" "$target" "$target/release"
done
for file in libmmx.so libmmx.a; do
    cmp "$folder/one/target/release/$file" "$folder/an other/with a space/target/release/$file"
    echo "$file is the same: $(sha256sum <"$folder/one/target/release/$file" | cut -d ' ' -f 1)"
done
rm -rf "$folder"
