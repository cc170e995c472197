#!/bin/sh
# Installs from a source archive where there is no network and no crate but its own: `offline.sh ARCHIVE FOLDER`.
set -eu
archive=$1 folder=$2
rm -rf "${folder:?}"
mkdir -p "$folder/sources" "$folder/cargo"
tar -xzf "$archive" -C "$folder/sources" --strip-components 1
# A user who isn't root needs a user namespace for the other one.
isolated="unshare --net"
[ "$(id -u)" = 0 ] || isolated="$isolated --map-root-user"
# Below a checkout cargo would read that one's configuration, too, and make this one's variables.
(
    cd "$folder/sources"
    unset MAKEFLAGS MFLAGS MAKEOVERRIDES CARGO_TARGET_DIR
    CARGO_HOME=$folder/cargo $isolated make --silent install DESTDIR="$folder/installed" PREFIX=/usr
)
"$folder/installed/usr/bin/mmx-files" --version
for file in lib/libmmx.so.1 lib/libmmx.a include/mmx.h lib/pkgconfig/mmx.pc share/man/man3/mmx.3 share/doc/mmx/mmx.cdx.json; do
    [ -s "$folder/installed/usr/$file" ] || { echo "$file is missing" >&2; exit 1; }
done
echo "$archive installs without a network"
rm -rf "${folder:?}"
