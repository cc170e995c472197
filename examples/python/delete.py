"""Deletes one file: delete.py FILE_ID PURPOSE, with the key in MINIMAX_API_KEY."""

import sys

import mmx


def main() -> int:
    try:
        file_id, purpose = int(sys.argv[1]), sys.argv[2]
    except (IndexError, ValueError):
        print(f"usage: {sys.argv[0]} FILE_ID PURPOSE", file=sys.stderr)
        return 2
    try:
        with mmx.Client() as client:
            result = client.files.delete(file_id, purpose)
    except mmx.Error as error:
        print(f"mmx.{type(error).__name__}: {error}", file=sys.stderr)
        if error.ambiguous:
            print("the file may have been deleted", file=sys.stderr)
        return 1
    print(f"deleted: {result.file_id}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
