#!/bin/sh
# cargo with packaging/rustc.sh as its wrapper: `cargo.sh CARGO TARGET COMMAND ARGUMENT…`. Prints the files that were built, one a line.
set -eu
cargo=$1 MMX_TARGET=$2 subcommand=$3
shift 3
case $MMX_TARGET in /*) ;; *) MMX_TARGET=$PWD/$MMX_TARGET ;; esac
MMX_ROOT=$(cd "$(dirname "$0")/.." && pwd -P)
MMX_RUSTC_WRAPPER=${RUSTC_WRAPPER:-}
RUSTC_WRAPPER=$MMX_ROOT/packaging/rustc.sh
CARGO_TARGET_DIR=$MMX_TARGET
export MMX_ROOT MMX_TARGET MMX_RUSTC_WRAPPER RUSTC_WRAPPER CARGO_TARGET_DIR
# Into a file and not a pipe: a pipe would hide cargo's exit status.
mkdir -p "$MMX_TARGET"
messages=$(mktemp "$MMX_TARGET/built.XXXXXX")
trap 'rm -f "$messages"' EXIT
# A build takes minutes: on a terminal cargo shows where it is.
quiet=--quiet
[ ! -t 2 ] || quiet=
"$cargo" "$subcommand" $quiet --message-format json-render-diagnostics "$@" >"$messages"
sed -n 's/.*"filenames":\["\([^"]*\)".*/\1/p' "$messages"
