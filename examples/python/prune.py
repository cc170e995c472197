"""Deletes old files: prune.py PURPOSE DAYS --yes, with the key in MINIMAX_API_KEY. Without --yes it only lists them."""

import sys
from datetime import timedelta

import mmx


def main() -> int:
    try:
        purpose, days = sys.argv[1], timedelta(days=float(sys.argv[2]))
    except (IndexError, ValueError):
        print(f"usage: {sys.argv[0]} PURPOSE DAYS [--yes]", file=sys.stderr)
        return 2
    try:
        with mmx.Client() as client:
            plan = client.files.prune(purpose=purpose, older_than=days, dry_run=True)
            for file in plan.files:
                print(f"{file.file_id:20} {file.bytes:12} {file.created} {file.filename!r}")
            print(f"{len(plan)} of {plan.listed} files, at least {plan.bytes_at_least} bytes")
            if "--yes" in sys.argv:
                # Not more than were listed.
                result = client.files.prune(purpose=purpose, older_than=days, max_files=max(len(plan), 1), verify=True)
                print("deleted:", result.summary.deleted)
    except mmx.PartialFailure as error:
        print(f"mmx.{type(error).__name__}: {error}", file=sys.stderr)
        for outcome in error.failures:
            print(f"{outcome.file_id} is {outcome.outcome}: {outcome.error}", file=sys.stderr)
        return 1
    except mmx.Error as error:
        print(f"mmx.{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
