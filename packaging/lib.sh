#!/bin/sh
# Builds libmmx.a and libmmx.so into a folder: `lib.sh CARGO CC TARGET FOLDER`.
#
# rustc compiles the static library; the C compiler links the shared one from it. rustc's own shared library can't have
# versioned symbols (its version script allows no second one) and always needs libgcc_s.so.1.
set -eu
cargo=$1 cc=$2 target=$3 folder=$4
here=$(cd "$(dirname "$0")" && pwd -P)

# The profile is a folder of its own, so that nothing in it was compiled without the wrapper.
archive=$("$here/cargo.sh" "$cargo" "$target" rustc --profile lib --lib --crate-type staticlib | grep '/libmmx\.a$')

mkdir -p "$folder"
so=$folder/libmmx.so
# Linked again only if something changed, so that programs that were linked with it stay newer.
current=yes
for source in "$archive" "$here/lib.sh" "$here/link.sh" "$here/mmx.map" "$here/dl_find_object.c"; do
    [ "$so" -nt "$source" ] || current=no
done
[ $current = no ] || exit 0

# Debug sections name the builder's folders, and cargo strips no static library.
strip=$($cc -print-prog-name=strip)
"$strip" --strip-debug --enable-deterministic-archives -o "$folder/libmmx.a.new" "$archive"
mv -f "$folder/libmmx.a.new" "$folder/libmmx.a"

"$here/link.sh" "$cc" "$folder/libmmx.a" "$so"
ln -sf libmmx.so "$folder/libmmx.so.1"
