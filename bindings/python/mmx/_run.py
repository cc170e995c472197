"""The run of many deletes, for the iterator over their outcomes.

The library makes them in one call with a callback for each file. A thread makes that call and passes outcomes to the
iterator through a queue of bounded length: if the reader is slower, the call waits. Several calls for a batch each
would need no thread, but each would start with a low concurrency, have time limits and duplicates of its own, and
report outcomes only at its end.
"""

from __future__ import annotations

import os
from collections import deque
from ctypes import CDLL
from typing import Any, TypeAlias

from . import _background, _bulk, _call, _log, _tokens, errors
from ._connection import Connection
from ._threads import Lock, SimpleQueue, start_new_thread, wait_for
from .results import Outcome

CALL = "delete_files"
# How many outcomes the run may be ahead of its reader.
MAX_AHEAD = 1000
# How long an interrupted reader waits for the end of the cancelled run, in seconds: far longer than that takes.
PATIENCE = 5.0


class End:
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


Item: TypeAlias = _log.Line | Outcome | End


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


class Run:
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
        self.put(End(result, raised))
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

    def peek(self) -> Outcome | End:
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

    def settle(self) -> End | None:
        """Cancels the run and waits for its end, which takes some milliseconds. Returns it if there are no outcomes."""
        self.token.trigger()
        self.is_bounded = False
        self.token.room.put(None)
        if self.pid == os.getpid() and self.over.acquire(timeout=PATIENCE):
            self.over.release()
        item = self.items[0] if self.items else None
        return item if isinstance(item, End) else None


def _serve(run: Run) -> None:
    _background.block_signals()
    pid = os.getpid()
    try:
        run.perform()
    finally:
        _background.exit_if_child_of(pid)


# Those that a thread waits for.
waited_for: list[Run] = []


def _after_fork_in_child() -> None:
    """Ends the wait of a thread whose signal handler has forked: the run is the parent's."""
    for run in waited_for:
        run.put(End((None, None), forked()))
    waited_for.clear()


def forked() -> errors.Error:
    error = errors.CancelledError(f"{CALL}: the process was forked during the run, which goes on in the parent")
    error.call, error.ambiguous = CALL, True
    return error


os.register_at_fork(after_in_child=_after_fork_in_child)
