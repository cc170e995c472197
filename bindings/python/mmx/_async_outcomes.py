"""The asynchronous iterator over the outcomes of many deletes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Any, NoReturn, TypeVar

from ._outcomes import Outcomes
from ._pool import Pool
from .results import Outcome, Summary

AnyOutcomes = TypeVar("AnyOutcomes", bound="AsyncOutcomes")


class AsyncOutcomes:
    """An asynchronous iterator over an `mmx.Outcome` for each file of `AsyncFiles.delete_many()`, as `mmx.Outcomes`.

    If its task is cancelled while it waits for an outcome, the run is cancelled. None is lost: the remaining outcomes
    can still be asked for. Only one task at a time may use it.
    """

    __slots__ = ("_is_cancelled", "_outcomes", "_pool", "_ready")

    def __init__(self, outcomes: Outcomes, pool: Pool) -> None:
        self._outcomes = outcomes
        self._pool = pool
        # Those that have settled, and that the loop hasn't returned yet.
        self._ready: deque[Outcome] = deque()
        self._is_cancelled = False

    def __aiter__(self: AnyOutcomes) -> AnyOutcomes:
        return self

    async def __anext__(self) -> Outcome:
        if not self._ready:
            await self._run(self._fetch)
        if self._ready:
            return self._ready.popleft()
        if self._outcomes._check and not self._outcomes._is_raised:
            self._outcomes._raise()
        raise StopAsyncIteration

    def _fetch(self) -> None:
        run = None if self._outcomes._over else self._outcomes._prepare()
        # A task that is cancelled before there is a run leaves the flag; one that is cancelled later finds the run.
        if run is not None and self._is_cancelled:
            run.token.trigger()
        self._ready.extend(self._outcomes._take_some())

    def _end(self) -> None:
        self._is_cancelled = True
        run = self._outcomes._run
        if run is not None:
            run.token.trigger()

    async def _run(self, function: Callable[[], Any]) -> Any:
        return await self._pool.run("delete_files", function, changes=True, on_cancel=self._end)

    @property
    def total(self) -> int:
        """The number of files."""
        return self._outcomes.total

    @property
    def summary(self) -> Summary:
        """How many files have which outcome so far. True if and only if every file has settled and none is left."""
        return self._outcomes.summary

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes so far of files that failed, are unknown, or were not attempted."""
        return self._outcomes.failures

    async def wait(self) -> Summary:
        """Deletes the remaining files. Raises nothing for files that can't be deleted."""
        self._ready.clear()
        await self._run(self._fetch)
        while self._ready:
            self._ready.clear()
            await self._run(self._fetch)
        return self.summary

    async def raise_for_failures(self) -> Summary:
        """Deletes the remaining files, and raises an `mmx.PartialFailure` if any file is not deleted."""
        await self.wait()
        self._outcomes._raise()
        return self.summary

    def cancel(self) -> None:
        """Cancels the run. The iterator still returns an outcome for each file, unless nothing was begun."""
        if self._outcomes._run is None and not self._is_cancelled:
            self._outcomes.cancel()
        self._end()

    async def close(self) -> None:
        """Cancels the run, waits some milliseconds until it has ended, and drops the remaining outcomes."""
        self._ready.clear()
        await self._run(self._outcomes.close)

    async def __aenter__(self: AnyOutcomes) -> AnyOutcomes:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._ready.clear()
        await self._run(partial(self._outcomes.__exit__, kind, value, traceback))

    def __repr__(self) -> str:
        return repr(self._outcomes).replace("mmx.Outcomes", "mmx.AsyncOutcomes", 1)

    def __reduce__(self) -> NoReturn:
        raise TypeError("mmx.AsyncOutcomes can't be pickled, nor copied: their run belongs to this process")


AsyncOutcomes.__module__ = "mmx"
