"""The iterator over the outcomes of many deletes.

The library makes them in one call with a callback for each file. A thread makes that call and passes outcomes to the
iterator through a queue of bounded length: if the reader is slower, the call waits. Several calls for a batch each
would need no thread, but each would start with a low concurrency, have time limits and duplicates of its own, and
report outcomes only at its end.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from ctypes import CDLL, Array
from json import loads
from time import time
from types import TracebackType
from typing import Any, NoReturn, TypeAlias, TypeVar
from warnings import warn

from . import _background, _bulk, _call, _log, _tokens, errors, results
from ._connection import Connection
from ._threads import Lock, SimpleQueue, start_new_thread, wait_for
from .results import Outcome, Summary

CALL = "delete_files"
# How many outcomes the run may be ahead of its reader.
MAX_AHEAD = 1000
# How long an interrupted reader waits for the end of the cancelled run, in seconds: far longer than that takes.
PATIENCE = 5.0


class _End:
    """The end of a run: the result of the call, or the exception that was raised instead."""

    __slots__ = ("raised", "result")

    def __init__(self, result: _call.Result, raised: BaseException | None) -> None:
        self.result = result
        self.raised = raised

    def error_before_any(self) -> errors.Error | None:
        """The error of a run that was cancelled before it had any outcome."""
        response, error = self.result
        if response is None and error is not None and self.raised is None:
            failure = errors.from_json(error)
            return failure if isinstance(failure, errors.CancelledError) else None
        return None


Item: TypeAlias = _log.Line | Outcome | _End


class _Token(_tokens.Token):
    """Cancels a run, also if its callback waits for the reader."""

    __slots__ = ("is_ended", "room")

    def __init__(self, library: CDLL) -> None:
        super().__init__(library)
        self.is_ended = False
        # Wakes the callback.
        self.room: SimpleQueue[None] = SimpleQueue()

    def end(self) -> None:
        self.is_ended = True
        self.trigger()
        self.room.put(None)


class _Run:
    """The state that the thread of a run shares with its reader."""

    __slots__ = ("is_begun", "is_bounded", "is_full", "items", "news", "over", "pid", "requests", "token")

    def __init__(self, connection: Connection, arguments: tuple[object, ...], options: Any, collector: Any) -> None:
        self.pid = os.getpid()
        self.token = _Token(connection.library)
        # An outcome stays the first item until the reader has returned it: so no interruption loses one.
        self.items: deque[Item] = deque()
        # Wakes the reader. A queue stays consistent when a signal interrupts it or a fork copies it.
        self.news: SimpleQueue[None] = SimpleQueue()
        # Locked until the run has ended.
        self.over = Lock()
        self.over.acquire()
        self.is_begun = self.is_full = False
        self.is_bounded = True
        handle = connection.handle(CALL, elsewhere=True)
        request = _bulk.Request(connection.library, CALL, handle, arguments, options, self.report, collector)
        # Taken out by the thread that makes the call.
        self.requests = [request]

    def begin(self) -> None:
        try:
            start_new_thread(_serve, (self,))
        except RuntimeError:
            # Too many threads, a sub-interpreter, or from Python 3.12 on the process ends: it is done here, at once.
            self.is_bounded = False
            self.perform()
        self.is_begun = True

    def perform(self) -> None:
        try:
            request = self.requests.pop()
        except IndexError:
            return  # Begun twice: a signal came in between.
        raised: BaseException | None = None
        result: _call.Result = (None, None)
        _log.set_sink(self.put)
        try:
            result = _call.call_for_both(request, lambda: request.perform(self.token))
        except BaseException as error:
            raised = error
        _log.set_sink(None)
        self.put(_End(result, raised))
        self.over.release()
        del raised

    def put(self, item: Item) -> None:
        self.items.append(item)
        self.news.put(None)

    def report(self, outcome: Outcome) -> object:
        token = self.token
        while self.is_bounded and not token.is_ended and len(self.items) >= MAX_AHEAD:
            self.is_full = True
            if len(self.items) >= MAX_AHEAD:
                token.room.get()
        if token.is_ended:
            return _bulk.STOP
        self.put(outcome)
        return None

    def peek(self) -> Outcome | _End:
        """Waits for the next item and returns it. It stays the next one until drop(), and the end for ever.

        Log handlers run here: one may need a lock that the reader's thread holds.
        """
        while True:
            if not self.items:
                # Also if the callback waits because drop() was interrupted.
                self.token.room.put(None)
                wait_for(self.news)
                continue
            item = self.items[0]
            if not isinstance(item, tuple):
                return item
            self.items.popleft()
            _log.emit(item)

    def drop(self, outcome: Outcome) -> None:
        """Removes an outcome that the reader has returned."""
        if self.items and self.items[0] is outcome:
            self.items.popleft()
        if self.is_full:
            self.is_full = False
            self.token.room.put(None)

    def stop(self) -> None:
        """Cancels the run without waiting for its end."""
        if self.pid == os.getpid():
            self.token.end()

    def withdraw(self) -> bool:
        """Prevents a run that hasn't begun."""
        try:
            self.requests.pop().release()
        except IndexError:
            return False
        return True

    def settle(self) -> _End | None:
        """Cancels the run and waits for its end, which takes some milliseconds. Returns it if there are no outcomes."""
        self.token.trigger()
        self.is_bounded = False
        self.token.room.put(None)
        if self.pid == os.getpid() and self.over.acquire(timeout=PATIENCE):
            self.over.release()
        item = self.items[0] if self.items else None
        return item if isinstance(item, _End) else None


def _serve(run: _Run) -> None:
    _background.block_signals()
    pid = os.getpid()
    try:
        run.perform()
    finally:
        _background.exit_if_child_of(pid)


# Those that a thread waits for.
_waited_for: list[_Run] = []


def _after_fork_in_child() -> None:
    """Ends the wait of a thread whose signal handler has forked: the run is the parent's."""
    for run in _waited_for:
        run.put(_End((None, None), _forked()))
    _waited_for.clear()


def _forked() -> errors.Error:
    error = errors.CancelledError(f"{CALL}: the process was forked during the run, which goes on in the parent")
    error.call, error.ambiguous = CALL, True
    return error


os.register_at_fork(after_in_child=_after_fork_in_child)

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
        self._run: _Run | None = None
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

    def _take(self) -> Outcome | None:
        """Returns the next outcome; None at the end."""
        if self._over:
            return None
        run = self._run
        if run is None:
            run = self._run = _Run(self._connection, (self._refs, len(self._refs)), self._options, self._collector)
        if run.pid != os.getpid():
            raise _forked()
        try:
            if self._returned is not None:
                run.drop(self._returned)
                self._returned = None
            _waited_for.append(run)
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
            if run in _waited_for:
                _waited_for.remove(run)
        if isinstance(item, _End):
            self._finish(item)
            return None
        return item

    def _finish(self, end: _End) -> None:
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
