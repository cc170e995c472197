"""Deletes files: reads lines of "FILE_ID PURPOSE" and prints what became of each, until their end or SIGTERM."""

import signal
import sys
from types import FrameType

import mmx


def on_term(number: int, frame: FrameType | None) -> None:
    sys.exit(0)


def delete(client: mmx.Client, file_id: int, purpose: str) -> None:
    try:
        client.files.delete(file_id, purpose)
    except mmx.Error as error:
        print(file_id, f"{'unknown' if error.ambiguous else 'failed'}: {error}", flush=True)
    except SystemExit:
        print(file_id, "unknown: SIGTERM ended the call", flush=True)
        raise
    else:
        print(file_id, "deleted", flush=True)


def main() -> None:
    # The first process of a container gets no signal without a handler. What the handler raises cancels the call.
    signal.signal(signal.SIGTERM, on_term)
    with mmx.Client() as client:  # Key and base URL from the environment.
        for line in sys.stdin:
            file_id, purpose = line.split()
            delete(client, int(file_id), purpose)


main()
