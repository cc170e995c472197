"""Calls for many files: their options, and the collection of outcomes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ctypes import CDLL, Array, c_int64
from typing import Any, SupportsFloat, SupportsIndex

from . import _arguments, _call, _callbacks, _ffi, errors, results
from ._library import take_string
from ._types import FileRef, Progress, Timeout
from .results import File, Outcome, Plan, Summary


class Options:
    """The fields of mmx_bulk_options, without callbacks and token."""

    __slots__ = ("call_timeout_ms", "concurrency", "flags", "max_attempts", "timeout_ms")

    def __init__(
        self,
        call: str,
        timeout: SupportsFloat | None,
        call_timeout: Timeout,
        concurrency: SupportsIndex | None,
        max_attempts: SupportsIndex | None,
        flags: int,
    ) -> None:
        self.timeout_ms = _arguments.milliseconds(call, "options.timeout_ms", timeout)
        name = "options.call_timeout_ms"
        self.call_timeout_ms = 0 if call_timeout is ... else _arguments.milliseconds(call, name, call_timeout)
        self.concurrency = positive(call, "concurrency", concurrency, _arguments.INT32_MAX)
        self.max_attempts = positive(call, "max_attempts", max_attempts, _arguments.INT32_MAX)
        self.flags = flags


class Request(_call.Request):
    """A call for many files."""

    __slots__ = ("on_outcome", "settings")

    def __init__(
        self,
        library: CDLL,
        call: str,
        handle: _call.Handle,
        arguments: tuple[object, ...],
        settings: Options,
        on_outcome: Callable[[Outcome], object],
        collector: Collector,
        progress: Progress | None = None,
    ) -> None:
        guard = _callbacks.Guard()
        super().__init__(library, getattr(library, f"mmx_{call}"), handle, arguments, guard=guard, progress=progress)
        self.settings = settings

        def report(outcome: Any) -> int:
            return 1 if on_outcome(collector.read(outcome.contents)) is STOP else 0

        self.on_outcome: Any = guard.around(_ffi.mmx_outcome_fn, report, 1)

    def options(self, token: int | None, hears_signals: bool) -> Any:
        options = _ffi.MMX_BULK_OPTIONS_INIT()
        for name in Options.__slots__:
            setattr(options, name, getattr(self.settings, name))
        options.cancel = token
        options.on_outcome = self.on_outcome
        if self.progress is not None:
            options.progress = self.progress
        return options

    def note(self) -> str | None:
        return None if self.error is None else str(errors.from_json(self.error))

    def release(self) -> None:
        super().release()
        self.on_outcome = None


# Returned by an outcome callback to end the run. Any other result, such as None, doesn't.
STOP = object()


class Collector:
    """Counts outcomes as they settle, and keeps those of files that may still be there."""

    def __init__(self, library: CDLL, total: int) -> None:
        self._library = library
        self._purposes: dict[bytes, str] = {}
        self.total = total
        self.counts = dict.fromkeys(results.KINDS, 0)
        self.failures: list[Outcome] = []

    def read(self, settled: Any) -> Outcome:
        """Copies an outcome, which the library lends for the callback."""
        error = settled.error
        outcome = results.Outcome(
            index=settled.index,
            file_id=settled.file_id,
            purpose=self._purposes.setdefault(settled.purpose, settled.purpose.decode()),
            outcome=_NAMES.get(settled.outcome, "unknown"),
            evidence=settled.evidence.decode(),
            attempts=settled.attempts,
            trace_id=settled.trace_id.decode(),
            settled_at=results.moment(settled.settled_at_ms),
            error=errors.from_json(take_string(self._library, self._library.mmx_error_json(error))) if error else None,
        )
        self.note(outcome)
        return outcome

    def note(self, outcome: Outcome) -> None:
        self.counts[outcome.outcome] += 1
        if not outcome:
            self.failures.append(outcome)

    def summary(self) -> Summary:
        counts: dict[str, Any] = self.counts
        return results.Summary(total=self.total, **counts)


_NAMES = {
    value: name.removeprefix("MMX_OUTCOME_").lower()
    for name, value in vars(_ffi).items()
    if name.startswith("MMX_OUTCOME_")
}


def failure_of(
    call: str, summary: Summary, failures: list[Outcome], ended_by: errors.Error | None, plan: Plan | None = None
) -> errors.Error | None:
    """The error to raise at the end of a run, if any; `ended_by` is the library's."""
    if summary.failed or summary.unknown or summary.not_attempted or summary.still_listed:
        failure = ended_by
        if not isinstance(failure, errors.PartialFailure):
            listed = (
                ""
                if not summary.still_listed
                else f"{call}: {len(summary.still_listed)} deleted files are still listed"
            )
            failure = errors.PartialFailure(str(ended_by or listed))
            failure.call = call
            failure.__cause__ = ended_by
        failure.summary, failure.failures, failure.plan = summary, failures, plan
        return failure
    return ended_by


def file_refs(call: str, files: Iterable[FileRef], purpose: str | None) -> Array[Any]:
    """Makes an array of mmx_file_ref."""
    try:
        given = list(files)
    except TypeError:
        wanted = "an iterable of ids, of pairs of an id and its purpose, or of File objects"
        raise _arguments.wrong_type(call, "files", wanted, files) from None
    known: dict[str, bytes] = {}
    if purpose is not None:
        known[purpose] = _arguments.text(call, "purpose", purpose)
    refs = (_ffi.mmx_file_ref * len(given))()
    for index, (ref, file) in enumerate(zip(refs, given, strict=True)):
        where = f"files[{index}]"
        number, own = _parts(call, where, file)
        own = purpose if own is None else own
        if own is not None and own not in known:
            known[own] = _arguments.text(call, f"the purpose of {where}", own)
        ref.file_id = (
            number if type(number) is int and 0 < number <= _arguments.INT64_MAX else _integer(call, where, number)
        )
        ref.purpose = None if own is None else known[own]
    return refs


def _parts(call: str, where: str, file: Any) -> tuple[Any, str | None]:
    if type(file) is int:
        return file, None
    if isinstance(file, tuple):
        if len(file) != 2:
            raise _arguments.wrong_type(call, where, "a pair of an id and its purpose", file)
        return file
    if hasattr(file, "file_id") and hasattr(file, "purpose"):
        # One without a purpose is one of which it isn't known.
        return file.file_id, file.purpose or None
    return file, None


def _integer(call: str, where: str, number: Any) -> int:
    return _arguments.integer(call, where, number, _arguments.INT64_MAX)


def ids(call: str, name: str, files: Iterable[SupportsIndex | File]) -> Array[c_int64]:
    numbers = [_integer(call, f"{name}[{at}]", getattr(file, "file_id", file)) for at, file in enumerate(files)]
    return (c_int64 * len(numbers))(*numbers)


def positive(call: str, name: str, value: SupportsIndex | None, highest: int) -> int:
    """Converts None to 0, which is "not set" in C, and refuses 0: a limit of 0 files mustn't mean no limit."""
    if value is None:
        return 0
    number = _arguments.integer(call, name, value, highest)
    if number < 1:
        raise errors.invalid_argument(call, name, f"must be 1 or more, not {number}; None is the default")
    return number
