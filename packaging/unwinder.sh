#!/bin/sh
# Compiles dl_find_object.c: `unwinder.sh CC OBJECT`.
set -eu
source=$(dirname "$0")/dl_find_object.c
[ "$2" -nt "$source" ] || $1 -c -O2 -fPIC -fvisibility=hidden -Wall -Wextra -Werror -o "$2" "$source"
