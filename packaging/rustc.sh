#!/bin/sh
# Runs rustc for cargo (as its RUSTC_WRAPPER) and replaces the builder's folders in what it compiles.
#
# A wrapper, because RUSTFLAGS would replace those of the builder's configuration, and take no path with a space.
# MMX_ROOT and MMX_TARGET are the source's and cargo's target folder; MMX_RUSTC_WRAPPER is the builder's own wrapper.
set -eu
rustc=$1
shift
cargo_home=${CARGO_HOME:-$HOME/.cargo}
for sources in "$cargo_home"/registry/src/* "$MMX_ROOT/vendor"; do
    set -- "$@" --remap-path-prefix "$sources=/crates"
done
set -- "$@" --remap-path-prefix "$MMX_TARGET=/mmx/target"
# The last one that fits is used, so those of the more general folders come first.
sysroot=$("$rustc" --print sysroot)
exec ${MMX_RUSTC_WRAPPER:+"$MMX_RUSTC_WRAPPER"} "$rustc" \
    --remap-path-prefix "$HOME=/home" \
    --remap-path-prefix "$cargo_home=/cargo" \
    --remap-path-prefix "$sysroot/lib/rustlib/src/rust=/rust" \
    --remap-path-prefix "$MMX_ROOT=/mmx" \
    "$@"
