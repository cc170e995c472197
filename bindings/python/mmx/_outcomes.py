"""The iterator over the outcomes of many deletes."""

from __future__ import annotations

import os
import sys
from ctypes import Array
from json import loads
from time import time
from types import TracebackType
from typing import Any, NoReturn, TypeVar
from warnings import warn

from . import _bulk, _call, errors, results
from ._connection import Connection
from ._run import CALL, End, Run, forked, waited_for
from .results import Outcome, Summary

# How many outcomes _take_some() returns at most.
MAX_TAKEN = 1000

Self = TypeVar("Self", bound="Outcomes")


class Outcomes:
    """An iterator over an `mmx.Outcome` for each file of `delete_many()`, in the order in which they settle.

    Nothing is sent before the first outcome is asked for. A loop over it, or a `with` block around it, that ends
    without an exception has deleted every file. Otherwise it raises an `mmx.PartialFailure` after the last outcome;
    with `check=False` it doesn't, and `summary` or `raise_for_failures()` says so. When it is dropped, or its `with`
    block is left, nothing more is sent. Only one thread at a time may use it.
    """

    def __init__(self, connection: Connection, refs: Array[Any], options: _bulk.Options, check: bool) -> None:
        self._connection = connection
        self._refs = refs
        self._options = options
        self._check = check
        self._run: Run | None = None
        # The outcome that was returned last.
        self._returned: Outcome | None = None
        self._over = self._is_raised = False
        self._problem: errors.Error | None = None
        self._collector = _bulk.Collector(connection.library, len(refs))
        self._summary: Summary | None = None

    def __iter__(self: Self) -> Self:
        return self

    def __next__(self) -> Outcome:
        outcome = self._take()
        if outcome is not None:
            # No call may follow, in which a signal handler could raise: until here the outcome isn't dropped.
            self._returned = outcome
            return outcome
        if self._check and not self._is_raised:
            self._raise()
        raise StopIteration

    @property
    def total(self) -> int:
        """The number of files."""
        return self._collector.total

    @property
    def summary(self) -> Summary:
        """How many files have which outcome so far. True if and only if every file has settled and none is left."""
        return self._collector.summary() if self._summary is None else self._summary

    @property
    def failures(self) -> list[Outcome]:
        """The outcomes so far of files that failed, are unknown, or were not attempted."""
        return list(self._collector.failures)

    def wait(self) -> Summary:
        """Deletes the remaining files. Raises nothing for files that can't be deleted."""
        while (outcome := self._take()) is not None:
            self._returned = outcome
        return self.summary

    def raise_for_failures(self) -> Summary:
        """Deletes the remaining files, and raises an `mmx.PartialFailure` if any file is not deleted."""
        self.wait()
        self._raise()
        return self.summary

    def cancel(self) -> None:
        """Cancels the run. The iterator still returns an outcome for each file, unless nothing was begun.

        May be called from any thread and from signal handlers. The outcome of a delete in progress is unknown.
        """
        if self._run is None:
            if not self._over:
                self._settle_rest()
        elif self._run.pid == os.getpid():
            self._run.token.trigger()

    def close(self) -> None:
        """Cancels the run, waits some milliseconds until it has ended, and drops the remaining outcomes."""
        if self._over:
            return
        if self._run is None:
            self._settle_rest()
        elif self._run.pid == os.getpid():
            self._run.stop()
            self.wait()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_over = self._over
        self.close()
        if value is None:
            if self._check and not self._is_raised:
                self._raise()
        elif not is_over and self._problem is not None:
            _call.add_note(value, str(self._problem))

    def __del__(self) -> None:
        run = getattr(self, "_run", None)
        if run is not None:
            if not self._over:
                run.stop()
        elif getattr(self, "_over", True) is False and self.total and not sys.is_finalizing():
            text = f"mmx: none of {self.total} files was deleted: the outcomes of delete_many() were never asked for"
            warn(text, RuntimeWarning, source=self, stacklevel=2)

    def __repr__(self) -> str:
        summary = self.summary
        counts = [f"{getattr(summary, kind)} {kind.replace('_', ' ')}" for kind in (*results.KINDS, "pending")]
        some = ", ".join(count for count in counts if not count.startswith("0 "))
        return f"<mmx.Outcomes of {self.total} files{': ' if some else ''}{some}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("mmx.Outcomes can't be pickled, nor copied: their run belongs to this process")

    def _prepare(self) -> Run:
        """Returns the run, which begins with the first outcome that is asked for."""
        if self._run is None:
            self._run = Run(self._connection, (self._refs, len(self._refs)), self._options, self._collector)
        return self._run

    def _take(self) -> Outcome | None:
        """Returns the next outcome; None at the end."""
        if self._over:
            return None
        run = self._prepare()
        if run.pid != os.getpid():
            raise forked()
        try:
            if self._returned is not None:
                run.drop(self._returned)
                self._returned = None
            waited_for.append(run)
            if not run.is_begun:
                run.begin()
            item = run.peek()
        except BaseException:
            # Such as Ctrl-C. The remaining outcomes can still be asked for, and the summary counts them all.
            if run.withdraw():
                self._settle_rest()
            elif (end := run.settle()) is not None and end.error_before_any() is not None:
                self._settle_rest(end.error_before_any())
            raise
        finally:
            if run in waited_for:
                waited_for.remove(run)
        if isinstance(item, End):
            self._finish(item)
            return None
        return item

    def _take_some(self) -> list[Outcome]:
        """Returns the next outcome, and those that are there without waiting for them. None at the end."""
        taken: list[Outcome] = []
        while (outcome := self._take()) is not None:
            self._returned = outcome
            taken.append(outcome)
            items = self._prepare().items
            if len(items) < 2 or not isinstance(items[1], Outcome) or len(taken) == MAX_TAKEN:
                break
        return taken

    def _finish(self, end: End) -> None:
        response, error = end.result
        if (why := end.error_before_any()) is not None:
            return self._settle_rest(why)
        failure = None if error is None else errors.from_json(error)
        self._over = True
        if response is not None:
            self._summary = results.summary(loads(response))
            failure = _bulk.failure_of(CALL, self._summary, self._collector.failures, failure)
        self._problem = failure
        if end.raised is not None:
            raise end.raised
        if failure is not None and response is None:
            # Nothing was sent, so no outcome has the error.
            self._raise()
        return None

    def _settle_rest(self, why: errors.Error | None = None) -> None:
        """Gives every file the outcome "not_attempted"."""
        now = results.moment(round(time() * 1000))
        for index, ref in enumerate(self._refs):
            purpose = (ref.purpose or b"").decode()
            self._collector.note(
                results.Outcome(index, ref.file_id, purpose, "not_attempted", "", 0, "", now, None),
            )
        self._over = True
        why = why or errors.CancelledError(f"{CALL}: ended before anything was sent")
        why.call = CALL
        self._problem = _bulk.failure_of(CALL, self.summary, self._collector.failures, why)

    def _raise(self) -> None:
        if self._problem is not None:
            self._is_raised = True
            # A copy each time, because raising adds a traceback.
            raise errors.copy(self._problem) from self._problem.__cause__


Outcomes.__module__ = "mmx"
