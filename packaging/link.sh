#!/bin/sh
# Links the shared library from the static one: `link.sh CC ARCHIVE LIBRARY`.
set -eu
cc=$1 archive=$2 so=$3
here=$(cd "$(dirname "$0")" && pwd -P)
# libgcc_eh.a, which unwinds after a panic, is linked in, so that the library needs glibc alone.
"$here/unwinder.sh" "$cc" "$so.unwinder.o"
# nodelete: the standard library registers per-thread destructors, which would point into nothing after dlclose().
$cc -shared -o "$so.new" -Wl,-soname,libmmx.so.1 -Wl,-z,nodelete -Wl,-z,relro,-z,now,-z,noexecstack,-z,defs \
    -Wl,--version-script,"$here/mmx.map" -Wl,--gc-sections -Wl,--strip-debug -Wl,--build-id=sha1 \
    "$so.unwinder.o" -Wl,--whole-archive "$archive" -Wl,--no-whole-archive -static-libgcc -Wl,--as-needed -lm -lpthread -ldl
rm -f "$so.unwinder.o"
mv -f "$so.new" "$so"
