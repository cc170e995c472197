#!/bin/sh
# Writes a source archive with all crates: `dist.sh CARGO FOLDER NAME`. Only what is committed goes into it.
set -eu
cargo=$1 folder=$2 name=$3
rm -rf "${folder:?}"
mkdir -p "$folder/$name/.cargo"
git archive HEAD | tar -x -C "$folder/$name"
(
    cd "$folder/$name"
    # With --quiet it would not print the configuration.
    "$cargo" vendor --locked vendor >.cargo/config.toml 2>vendor.log || { cat vendor.log >&2; exit 1; }
    rm vendor.log
    grep -q vendored-sources .cargo/config.toml
)
# Sorted, without owners, and with the commit's time, so that a commit has one archive.
time=$(git log -1 --format=%ct)
tar -C "$folder" --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$time" -cf - "$name" | gzip -n >"$folder/$name.tar.gz"
rm -rf "${folder:?}/$name"
echo "$folder/$name.tar.gz"
