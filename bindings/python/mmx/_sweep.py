"""The calls for a client's ledger."""

from __future__ import annotations

from collections.abc import Callable
from json import loads
from typing import Any, SupportsFloat, SupportsIndex

from . import _arguments, _background, _bulk, _call, _ffi, errors, results
from ._connection import Connection
from .results import Outcome, SweepResult

CALL = "sweep"
KEEP = "ledger_keep"


class Request(_bulk.Request):
    """A call of mmx_sweep(), whose options are others."""

    __slots__ = ()

    def options(self, token: int | None, hears_signals: bool) -> Any:
        options = _ffi.MMX_SWEEP_OPTIONS_INIT()
        options.timeout_ms, options.flags, options.cancel = self.settings.timeout_ms, self.settings.flags, token
        options.on_outcome = self.on_outcome
        return options


def sweep(
    connection: Connection,
    dry_run: bool,
    timeout: SupportsFloat | None,
    on_outcome: Callable[[Outcome], object] | None,
) -> SweepResult:
    flags = _ffi.MMX_BULK_DRY_RUN if _arguments.boolean(CALL, "dry_run", dry_run) else 0
    options = _bulk.Options(CALL, timeout, ..., None, None, flags)
    _arguments.function(CALL, "on_outcome", on_outcome)
    collector = _bulk.Collector(connection.library, 0)
    outcomes: list[Outcome] = []

    def report(outcome: Outcome) -> None:
        outcomes.append(outcome)
        if on_outcome is not None:
            on_outcome(outcome)

    handle = connection.handle(CALL, elsewhere=True)
    request = Request(connection.library, CALL, handle, (), options, report, collector)
    del handle
    response, error = _call.call_for_both(request, lambda: _background.perform(request))
    failure = None if error is None else errors.from_json(error)
    if response is None:
        raise failure or errors.InternalError(f"{CALL}: the library returned neither a result nor an error")
    result = results.sweep(loads(response), outcomes)
    failure = _bulk.failure_of(CALL, result.summary, collector.failures, failure)
    if isinstance(failure, errors.PartialFailure):
        failure.summary, failure.failures, failure.sweep = result.summary, collector.failures, result
    if failure is not None:
        try:
            raise failure
        finally:
            del failure
    return result


def keep(connection: Connection, file_id: SupportsIndex) -> None:
    number = _arguments.integer(KEEP, "file_id", file_id, _arguments.INT64_MAX)
    library = connection.library

    # It has no options, nor a response.
    def mmx_ledger_keep(client: int, file_id: int, options: Any, response: Any, error: Any) -> None:
        library.mmx_ledger_keep(client, file_id, error)

    request = _call.Request(library, mmx_ledger_keep, connection.handle(KEEP), (number,))
    _call.call(request, lambda response, info: None)
