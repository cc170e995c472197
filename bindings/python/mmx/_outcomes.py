"""The outcomes of many deletes, one by one as they settle.

The library makes them by one call, which tells of each file by a callback; an iterator wants to be asked. So a thread
makes the call, and hands outcomes over through a queue of bounded length: where the reader is slower, the call waits.
Batches of calls would need no thread, but each would start anew with two requests at once and end with a few slow ones,
have time limits and duplicates of its own, and an outcome would come when its batch is done.
"""

from __future__ import annotations

import os
import sys
from _thread import start_new_thread
from queue import SimpleQueue

from . import _bulk, _call, _log, _tokens, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import CDLL, Array
    from types import TracebackType
    from typing import Any, NoReturn, TypeAlias

    from typing_extensions import Self

    from .client import Connection
    from .results import Outcome, Summary

    # A line of the log, an outcome, or the end.
    Item: TypeAlias = "_log.Line | Outcome | _End"

CALL = "delete_files"
# So many outcomes may wait for their reader.
AHEAD = 1000


class _End:
    """The end of a run: what the library has handed over, or what was raised instead."""

    __slots__ = ("outcome", "raised")

    def __init__(self, outcome: _call.Outcome, raised: BaseException | None) -> None:
        self.outcome = outcome
        self.raised = raised


class _Token(_tokens.Token):
    """Ends a run also where its callback waits for a reader."""

    __slots__ = ("free", "is_ended")

    def __init__(self, library: CDLL) -> None:
        super().__init__(library)
        self.is_ended = False
        # One for each outcome that may wait.
        self.free: SimpleQueue[None] = SimpleQueue()
        for _ in range(AHEAD):
            self.free.put(None)

    def end(self) -> None:
        self.is_ended = True
        self.trigger()
        self.free.put(None)


class _Run:
    """What the thread of a run and its reader share."""

    __slots__ = ("end", "full", "is_begun", "is_bounded", "pid", "requests", "token")

    def __init__(self, connection: Connection, arguments: tuple[object, ...], options: Any, receipts: Any) -> None:
        self.pid = os.getpid()
        self.token = _Token(connection.library)
        # A queue, for nothing that a signal interrupts or a fork copies is half done with one.
        self.full: SimpleQueue[Item] = SimpleQueue()
        self.end: _End | None = None
        self.is_begun = False
        self.is_bounded = True
        handle = connection.handle(CALL)
        request = _bulk.Request(connection.library, CALL, handle, arguments, options, self.told, receipts)
        # Whoever gets it makes the call.
        self.requests = [request]

    def begin(self) -> None:
        try:
            start_new_thread(_serve, (self,))
        except RuntimeError:
            # At the limit of threads, and from Python 3.12 on when the process ends. Then all of it is done at once.
            self.is_bounded = False
            self.perform()
        self.is_begun = True

    def perform(self) -> None:
        try:
            request = self.requests.pop()
        except IndexError:
            return  # Begun twice, for a signal came in between.
        raised: BaseException | None = None
        outcome: _call.Outcome = (None, None)
        _log.send_to(self.full.put)
        try:
            outcome = request.perform(self.token)
            _call.reraise(request, outcome)
        except BaseException as error:
            raised = error
        _log.send_to(None)
        self.end = _End(outcome, raised)
        self.full.put(self.end)
        del raised

    def take(self) -> Outcome | _End:
        """The next one. Here on the reader's thread the log's handlers run: one may have a lock that it holds."""
        while True:
            end = self.end
            # The end can be taken out and lost, by a signal.
            item = end if end is not None and self.full.empty() else self.full.get()
            if not isinstance(item, tuple):
                return item
            _log.tell(item)

    def told(self, outcome: Outcome) -> object:
        token = self.token
        if self.is_bounded and not token.is_ended:
            token.free.get()
        if token.is_ended:
            return _bulk.STOP
        self.full.put(outcome)
        return None

    def stop(self) -> None:
        """Ends the run early, without waiting for that."""
        if self.pid == os.getpid():
            self.token.end()


def _serve(run: _Run) -> None:
    _call.begin_thread()
    pid = os.getpid()
    try:
        run.perform()
    finally:
        _call.end_in_child_of(pid)


# Those that a thread waits for.
_read: list[_Run] = []


def _after_fork_in_child() -> None:
    """The runs are the parent's. Where a signal's handler has forked, its thread waits for one of them."""
    for run in _read:
        run.full.put(_End((None, None), _forked()))
    _read.clear()


def _forked() -> errors.Error:
    error = errors.CancelledError(f"{CALL}: the process was forked during the run, which goes on in the parent")
    error.call, error.ambiguous = CALL, True
    return error


os.register_at_fork(after_in_child=_after_fork_in_child)


class Outcomes:
    """What becomes of many files: an iterator over an `mmx.Outcome` for each, as they settle. From `delete_many()`.

    Nothing is sent before the first is asked for. A loop over it, or a `with` block around it, that ends without an
    exception has deleted every file: otherwise it raises an `mmx.PartialFailure`, when every outcome was given; unless
    `check=False`, then `summary` or `raise_for_failures()` has to be looked at. When it is dropped, or its `with` block
    is left, what has not been sent is not sent any more. It is for one thread at a time.
    """

    def __init__(self, connection: Connection, refs: Array[Any], options: _bulk.Options, check: bool) -> None:
        self._connection = connection
        self._refs = refs
        self._options = options
        self._check = check
        self._run: _Run | None = None
        self._over = self._told = False
        self._problem: errors.Error | None = None
        self._receipts = _bulk.Receipts(connection.library, len(refs))
        self._summary: Summary | None = None

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Outcome:
        outcome = self._take()
        if outcome is not None:
            return outcome
        if self._check and not self._told:
            self._raise()
        raise StopIteration

    @property
    def total(self) -> int:
        """How many files there are."""
        return self._receipts.total

    @property
    def summary(self) -> Summary:
        """How many files have come to which end so far: true if and only if all of them have, and have ended well."""
        return self._receipts.summary() if self._summary is None else self._summary

    @property
    def failures(self) -> list[Outcome]:
        """Those so far that aren't well: failed, unknown and not attempted ones."""
        return list(self._receipts.failures)

    def wait(self) -> Summary:
        """Deletes what is left to do, and raises nothing for files that could not be deleted."""
        while self._take() is not None:
            pass
        return self.summary

    def raise_for_failures(self) -> Summary:
        """Deletes what is left to do, and raises an `mmx.PartialFailure` if any file is left then."""
        self.wait()
        self._raise()
        return self.summary

    def cancel(self) -> None:
        """Ends the run early: the iterator goes on to an outcome for each file, unless nothing was begun.

        From any thread and from signal handlers. A file whose delete was under way may be gone: its outcome is unknown.
        """
        if self._run is None:
            if not self._over:
                self._settle_rest()
        elif self._run.pid == os.getpid():
            self._run.token.trigger()

    def close(self) -> None:
        """Ends the run early, and waits until it has ended, some milliseconds; the outcomes so far are let go of."""
        if self._over:
            return
        if self._run is None:
            self._settle_rest()
        elif self._run.pid == os.getpid():
            self._run.stop()
            self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        is_over = self._over
        self.close()
        if value is None:
            if self._check and not self._told:
                self._raise()
        elif not is_over and self._problem is not None:
            _call.add_note(value, str(self._problem))

    def __del__(self) -> None:
        run = getattr(self, "_run", None)
        if run is not None:
            if not self._over:
                run.stop()
        elif getattr(self, "_over", True) is False and self.total and not sys.is_finalizing():
            from warnings import warn

            text = (
                f"mmx: none of {self.total} files was deleted, for the outcomes of delete_many() were never asked for"
            )
            warn(text, RuntimeWarning, source=self, stacklevel=2)

    def __reduce__(self) -> NoReturn:
        raise TypeError("mmx.Outcomes can't be pickled, nor copied: they are of a run of this process")

    def _take(self) -> Outcome | None:
        """The next outcome; None at the end."""
        if self._over:
            return None
        run = self._run
        if run is None:
            run = self._run = _Run(self._connection, (self._refs, len(self._refs)), self._options, self._receipts)
        if run.pid != os.getpid():
            raise _forked()
        if not run.is_begun:
            run.begin()
        try:
            _read.append(run)
            item = run.take()
        except BaseException:
            # Ctrl-C, say. What is settled can still be asked for.
            run.token.trigger()
            raise
        finally:
            if run in _read:
                _read.remove(run)
        if isinstance(item, _End):
            self._finish(item)
            return None
        run.token.free.put(None)
        return item

    def _finish(self, end: _End) -> None:
        answer, error = end.outcome
        failure = None if error is None else errors.from_json(error)
        if answer is None and isinstance(failure, errors.CancelledError) and end.raised is None:
            return self._settle_rest(failure)
        self._over = True
        if answer is not None:
            from json import loads

            from . import results

            self._summary = results.summary(loads(answer))
            failure = _bulk.failure_of(CALL, self._summary, self._receipts.failures, failure)
        self._problem = failure
        if end.raised is not None:
            raise end.raised
        if failure is not None and answer is None:
            # Nothing was sent, and so no outcome says it.
            self._raise()
        return None

    def _settle_rest(self, why: errors.Error | None = None) -> None:
        """None was begun, and none will be."""
        from time import time

        from . import results

        now = results.moment(round(time() * 1000))
        for index, ref in enumerate(self._refs):
            purpose = ref.purpose.decode()
            self._receipts.note(
                results.Outcome(index, ref.file_id, purpose, "not_attempted", "", 0, "", now, None),
            )
        self._over = True
        why = why or errors.CancelledError(f"{CALL}: ended before anything was sent")
        why.call = CALL
        self._problem = _bulk.failure_of(CALL, self.summary, self._receipts.failures, why)

    def _raise(self) -> None:
        if self._problem is not None:
            self._told = True
            # A copy each time: its traceback leads here.
            raise errors.copy(self._problem) from self._problem.__cause__


Outcomes.__module__ = "mmx"
