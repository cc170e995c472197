#!/bin/sh
# `library.sh thread|address CC FOLDER`: builds FOLDER/libmmx.so, and the standard library in it, with a sanitizer, and
# writes FOLDER/cc, which compiles programs with it.
#
# The standard library comes without one, so that ThreadSanitizer would see no lock and report each access behind one.
# Here it is compiled from its source (-Zbuild-std), with debug assertions, which check what unsafe code promises.
set -eu
sanitizer=$1 cc=$2 folder=$3
here=$(cd "$(dirname "$0")" && pwd -P)
root=$(cd "$here/../.." && pwd -P)

# A compiler that has the source of its standard library: rustup's nightly, or that of Debian.
source=lib/rustlib/src/rust/library/Cargo.lock
rust=$(rustc +nightly --print sysroot 2>/dev/null || true)
if [ -z "$rust" ] || [ ! -e "$rust/$source" ]; then
    rust=/usr
    for file in bin/rustc bin/cargo "$source"; do
        [ ! -e "/usr/$file" ] || continue
        echo "a library with a sanitizer in it needs a Rust compiler with the source of its standard library:" \
            "rustup toolchain install nightly --component rust-src" \
            "(or, on Debian, the packages rustc-web, cargo-web and rust-web-src)" >&2
        exit 1
    done
fi

export RUSTC="$rust/bin/rustc" CARGO_TARGET_DIR="$folder"
host=$("$RUSTC" -vV | sed -n 's/^host: //p')
# Of the crate ring the C is instrumented, too; its assembly isn't.
export "CFLAGS_$(echo "$host" | tr - _)=-fsanitize=$sanitizer"
# Debian's compiler is a stable one; this allows it the unstable options.
export RUSTC_BOOTSTRAP=1
# The C compiler brings the runtime. The last option lets crates be linked that differ in it.
export RUSTFLAGS="-Zsanitizer=$sanitizer -Zexternal-clangrt -Cunsafe-allow-abi-mismatch=sanitizer"
export CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_PROFILE_RELEASE_STRIP=none \
    CARGO_PROFILE_RELEASE_DEBUG_ASSERTIONS=true CARGO_PROFILE_RELEASE_OVERFLOW_CHECKS=true
quiet=--quiet
[ ! -t 2 ] || quiet=
"$rust/bin/cargo" rustc $quiet --locked -Zbuild-std=std,panic_unwind --target "$host" --release \
    --manifest-path "$root/Cargo.toml" --lib --crate-type staticlib

# As packaging/link.sh does it, but with the lines of the source for reports.
$cc -c -O1 -fPIC -fno-builtin -Wall -Wextra -Werror -o "$folder/memory.o" "$here/memory.c"
$cc -shared "-fsanitize=$sanitizer" -o "$folder/libmmx.so" -Wl,-soname,libmmx.so.1 -Wl,-z,nodelete \
    -Wl,--version-script,"$root/packaging/mmx.map" "$folder/memory.o" \
    -Wl,--whole-archive "$folder/$host/release/libmmx.a" -Wl,--no-whole-archive -lm -lpthread -ldl
ln -sf libmmx.so "$folder/libmmx.so.1"

flags=-fsanitize=thread
[ "$sanitizer" = thread ] || flags='-fsanitize=address,undefined -fno-sanitize-recover=all'
printf '%s\n' '#!/bin/sh' "exec $(command -v "$cc") $flags \"\$@\"" >"$folder/cc"
chmod +x "$folder/cc"
