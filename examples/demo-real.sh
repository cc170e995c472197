#!/bin/sh
# Deletes one file of a real account, after saying which account and asking. Called by `make demo-real`.
set -eu
file_id=$1 purpose=$2 library=$3
if [ -z "$file_id" ] || [ -z "$purpose" ] || [ -z "${MINIMAX_API_KEY:-}" ]; then
    echo "usage: MINIMAX_API_KEY=… make demo-real FILE_ID=… PURPOSE=…" >&2
    echo "MINIMAX_BASE_URL is https://api.minimaxi.com unless set; keys of the global region want https://api.minimax.io" >&2
    exit 2
fi
host=${MINIMAX_BASE_URL:-https://api.minimaxi.com}
last=$(printf %s "$MINIMAX_API_KEY" | tail -c 4)
echo "account   the one of the key that ends in …$last, at $host"
echo "delete    file $file_id, purpose $purpose; there is no way back"
printf "Delete it? [y/N] "
read -r answer || answer=
case $answer in
    y | Y | yes) ;;
    *) echo "nothing was deleted"; exit 1 ;;
esac
program=$(mktemp)
trap 'rm -f "$program"' EXIT
cc -Iinclude examples/c/delete.c -L"$library" -lmmx -o "$program"
LD_LIBRARY_PATH=$library "$program" "$file_id" "$purpose"
