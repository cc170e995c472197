"""Deletes the listed files that a filter selects."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ctypes import byref
from datetime import timedelta
from json import loads
from typing import Any, SupportsFloat, SupportsIndex, TypedDict

from . import _arguments, _background, _bulk, _call, _ffi, errors, results
from ._connection import Connection
from ._types import Progress, Timeout
from .results import File, Outcome, Plan, PruneResult


class Settings(TypedDict, total=False):
    """The arguments of `Files.prune()` except `dry_run`."""

    purpose: str | None
    older_than: timedelta | float | None
    min_bytes: SupportsIndex | None
    name_glob: str | None
    keep_glob: str | None
    keep_ids: Iterable[SupportsIndex | File]
    max_files: SupportsIndex | None
    max_percent: SupportsIndex | None
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
    max_files: SupportsIndex | None,
    max_percent: SupportsIndex | None,
    all: bool,
) -> Any:
    selection = _ffi.MMX_FILTER_INIT()
    for name, value in (("purpose", purpose), ("name_glob", name_glob), ("keep_glob", keep_glob)):
        if value is not None:
            setattr(selection, name, _arguments.text(CALL, name, value))
    if older_than is not None:
        selection.older_than_s = _arguments.seconds(CALL, "older_than", older_than, "no condition")
    selection.min_bytes = _bulk.positive(CALL, "min_bytes", min_bytes, _arguments.INT64_MAX)
    ids = _bulk.ids(CALL, "keep_ids", keep_ids)
    selection.keep_ids, selection.keep_count = ids, len(ids)
    selection.max_files = _bulk.positive(CALL, "max_files", max_files, _arguments.INT64_MAX)
    selection.max_percent = _bulk.positive(CALL, "max_percent", max_percent, _arguments.INT32_MAX)
    selection.flags = _ffi.MMX_FILTER_ALL if _arguments.boolean(CALL, "all", all) else 0
    return selection


def prune(
    connection: Connection,
    filter: Any,
    options: _bulk.Options,
    progress: Progress | None,
    on_outcome: Callable[[Outcome], object] | None,
) -> tuple[Plan, PruneResult]:
    collector = _bulk.Collector(connection.library, 0)

    def report(outcome: Outcome) -> None:
        if on_outcome is not None:
            on_outcome(outcome)

    handle = connection.handle(CALL, elsewhere=True)
    library = connection.library
    request = _bulk.Request(library, CALL, handle, (byref(filter),), options, report, collector, progress)
    del handle
    response, error = _call.call_for_both(request, lambda: _background.perform(request))
    failure = None if error is None else errors.from_json(error)
    if response is None:
        raise failure or errors.InternalError(f"{CALL}: the library returned neither a result nor an error")
    fields = loads(response)
    plan, summary = results.plan(fields["plan"]), results.summary(fields)
    if isinstance(failure, errors.GuardError):
        failure.plan = plan
    else:
        failure = _bulk.failure_of(CALL, summary, collector.failures, failure, plan)
    if failure is not None:
        try:
            raise failure
        finally:
            del failure
    return plan, results.PruneResult(summary=summary, plan=plan)
