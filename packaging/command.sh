#!/bin/sh
# Builds the command mmx-files: `command.sh CARGO CC TARGET FILE`.
set -eu
cargo=$1 cc=$2 target=$3 file=$4
here=$(cd "$(dirname "$0")" && pwd -P)

# rustc links libgcc_s.so.1. A linker script of that name puts the static libgcc_eh.a in its place.
case $target in /*) ;; *) target=$PWD/$target ;; esac
link=$target/link
mkdir -p "$link"
"$here/unwinder.sh" "$cc" "$link/dl_find_object.o"
printf 'GROUP ( "%s" "%s" "%s" )\n' "$link/dl_find_object.o" "$($cc -print-file-name=libgcc_eh.a)" \
    "$($cc -print-libgcc-file-name)" >"$link/libgcc_s.so.new"
cmp -s "$link/libgcc_s.so.new" "$link/libgcc_s.so" || mv -f "$link/libgcc_s.so.new" "$link/libgcc_s.so"
rm -f "$link/libgcc_s.so.new"

built=$("$here/cargo.sh" "$cargo" "$target" rustc --profile command -p mmx-files --bin mmx-files -- -L "native=$link" |
    grep '/mmx-files$')
mkdir -p "$(dirname "$file")"
cmp -s "$built" "$file" || cp -f "$built" "$file"
