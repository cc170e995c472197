#!/bin/sh
# Builds the command mmx-files: `command.sh CARGO TARGET FILE`.
set -eu
cargo=$1 target=$2 file=$3
here=$(cd "$(dirname "$0")" && pwd -P)
built=$("$here/cargo.sh" "$cargo" "$target" build --profile cli -p mmx-files | grep '/mmx-files$')
# Elsewhere if cargo builds for a named target.
[ "$built" -ef "$file" ] || { mkdir -p "$(dirname "$file")" && cp -f "$built" "$file"; }
