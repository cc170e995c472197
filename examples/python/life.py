"""Uploads, lists, downloads and deletes a file: life.py PATH PURPOSE, with the key in MINIMAX_API_KEY."""

import sys

import mmx


def show(done: int, total: int | None) -> None:
    part = f"{100 * done // total:3} %" if total else f"{done} bytes"
    print(f"\r{part}", end="", file=sys.stderr, flush=True)


def main() -> int:
    if len(sys.argv) != 3:
        print(f"usage: {sys.argv[0]} PATH PURPOSE", file=sys.stderr)
        return 2
    path, purpose = sys.argv[1:]
    try:
        with mmx.Client() as client:
            file = client.files.upload(path, purpose=purpose, progress=show)
            print(file=sys.stderr)
            for listed in client.files.list(purpose):
                print(f"{listed.file_id:20} {listed.bytes:12} {listed.created} {listed.filename!r}")
            print("retrieved:", client.files.retrieve(file.file_id))
            content = client.files.download(file.file_id).content
            with open(path, "rb") as original:
                print("the same" if content == original.read() else "NOT the same", len(content), "bytes")
            client.files.delete(file.file_id, purpose)
    except mmx.Error as error:
        print(f"mmx.{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print("deleted:", file.file_id)
    return 0


if __name__ == "__main__":
    sys.exit(main())
