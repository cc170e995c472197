"""What a filter chooses of the files that are listed, deleted by one call."""

from __future__ import annotations

from ctypes import byref

from . import _arguments, _bulk, _call, _ffi, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from datetime import timedelta
    from typing import Any, SupportsFloat, SupportsIndex, TypedDict

    from ._bulk import Timeout
    from ._callbacks import Progress
    from .client import Connection
    from .results import File, Outcome, Plan, PruneResult

    class Settings(TypedDict, total=False):
        """What `Files.prune()` takes beside `dry_run`."""

        purpose: str | None
        older_than: timedelta | float | None
        min_bytes: SupportsIndex | None
        name_glob: str | None
        keep_glob: str | None
        keep_ids: Iterable[SupportsIndex | File]
        at_most: SupportsIndex | None
        at_most_percent: SupportsIndex | None
        all: bool
        verify: bool
        concurrency: SupportsIndex | None
        max_attempts: SupportsIndex | None
        call_timeout: Timeout
        timeout: SupportsFloat | None
        progress: Progress | None
        on_outcome: Callable[[Outcome], object] | None


CALL = "prune_files"


def filter_of(
    purpose: str | None,
    older_than: timedelta | float | None,
    min_bytes: SupportsIndex | None,
    name_glob: str | None,
    keep_glob: str | None,
    keep_ids: Iterable[SupportsIndex | File],
    at_most: SupportsIndex | None,
    at_most_percent: SupportsIndex | None,
    all: bool,
) -> Any:
    chosen = _ffi.MMX_FILTER_INIT()
    for name, value in (("purpose", purpose), ("name_glob", name_glob), ("keep_glob", keep_glob)):
        if value is not None:
            setattr(chosen, name, _arguments.text(CALL, name, value))
    chosen.older_than_s = 0 if older_than is None else seconds(older_than)
    chosen.min_bytes = _bulk.positive(CALL, "min_bytes", min_bytes, _arguments.INT64_MAX)
    ids = _bulk.ids(CALL, "keep_ids", keep_ids)
    chosen.keep_ids, chosen.keep_count = ids, len(ids)
    chosen.max_files = _bulk.positive(CALL, "at_most", at_most, _arguments.INT64_MAX)
    chosen.max_percent = _bulk.positive(CALL, "at_most_percent", at_most_percent, _arguments.INT32_MAX)
    chosen.flags = _ffi.MMX_FILTER_ALL if _arguments.truth(CALL, "all", all) else 0
    return chosen


def seconds(age: timedelta | float) -> int:
    """Whole seconds: rather longer than younger files being taken for old."""
    from math import ceil

    exact: Any = age.total_seconds() if hasattr(age, "total_seconds") else age
    if isinstance(exact, bool | str) or not hasattr(type(exact), "__float__"):
        raise _arguments.wrong_type(CALL, "older_than", "a timedelta, a number of seconds or None", age)
    try:
        whole: int = ceil(exact)
    except (OverflowError, ValueError):  # An infinity, or not a number.
        whole = 0
    if not 0 < whole <= _arguments.INT64_MAX:
        why = "must be 1 or more seconds that are not too many; None is no condition"
        raise errors.invalid_argument(CALL, "older_than", why)
    return whole


def prune(
    connection: Connection,
    filter: Any,
    options: _bulk.Options,
    progress: Progress | None,
    on_outcome: Callable[[Outcome], object] | None,
) -> tuple[Plan, PruneResult]:
    receipts = _bulk.Receipts(connection.library, 0)

    def told(outcome: Outcome) -> None:
        if on_outcome is not None:
            on_outcome(outcome)

    handle = connection.handle(CALL)
    library = connection.library
    request = _bulk.Request(library, CALL, handle, (byref(filter),), options, told, receipts, progress)
    del handle
    answer, error = _call.call_for_both(request)
    failure = None if error is None else errors.from_json(error)
    if answer is None:
        raise failure or errors.InternalError(f"{CALL}: neither an answer nor an error came")
    from json import loads

    from . import results

    fields = loads(answer)
    plan, summary = results.plan(fields["plan"]), results.summary(fields)
    if isinstance(failure, errors.GuardError):
        failure.plan = plan
    else:
        failure = _bulk.failure_of(CALL, summary, receipts.failures, failure, plan)
    if failure is not None:
        try:
            raise failure
        finally:
            del failure
    return plan, results.PruneResult(summary=summary, plan=plan)
