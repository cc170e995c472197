"""Makes a call of the main thread in a thread of its own, for which the main thread waits.

For calls that don't ask whether to go on, which are those for many files: Python interrupts the wait for a queue to run
signal handlers.
"""

from __future__ import annotations

import os
import signal
import sys
from contextvars import copy_context
from time import monotonic

from . import _call, _log, _tokens, errors
from ._log import Line
from ._threads import Empty, Lock, SimpleQueue, is_main_interpreter, is_main_thread, start_new_thread, wait_for

# How long an interrupted main thread waits for a callback to return, in seconds.
CALLBACK_GRACE = 0.2


class _Job:
    """A call of the main thread, made by another one."""

    __slots__ = ("claim", "messages", "request", "result", "token")

    def __init__(self, request: _call.Request) -> None:
        self.request = request
        # The library reads it during the call, even if the main thread has left.
        self.token = _tokens.Token(request.library)
        # Acquired to make the call, or by an interrupted main thread to prevent it.
        self.claim = Lock()
        # Log lines, and None as soon as there is a result.
        self.messages: SimpleQueue[Line | None] = SimpleQueue()
        self.result: _call.Result | BaseException | None = None

    def run(self) -> None:
        block_signals()
        pid = os.getpid()
        try:
            if not self.claim.acquire(blocking=False):
                return
            _log.set_sink(self.messages.put)
            try:
                self.result = self.request.perform(self.token)
            except BaseException as error:
                self.result = error
            _log.set_sink(None)
            self.messages.put(None)
        finally:
            exit_if_child_of(pid)

    def wait(self) -> None:
        """Waits for the result. Log handlers run here: one may need a lock that this thread holds."""
        while (line := wait_for(self.messages)) is not None:
            _log.emit(line)

    def cancel(self, interruption: BaseException) -> None:
        """Cancels the call, and waits until it has returned."""
        if self.claim.acquire(blocking=False):
            self.request.release()
            self.result = (None, None)
            return
        self.token.trigger()
        # A second interruption ends this wait too: everything that the call uses stays alive with it.
        if self.result is None and not self._wait_for_end():
            note = "the call was cancelled; it ends when the callback that is running returns"
            _call.add_note(interruption, note)

    def _wait_for_end(self) -> bool:
        """Waits for the end of a cancelled call, but not for a callback that doesn't return."""
        guard = self.request.guard
        if guard is not None:
            guard.open = False
        limit = monotonic() + CALLBACK_GRACE
        while True:
            try:
                line = self.messages.get(timeout=0.02)
            except Empty:
                if guard is not None and guard.running and monotonic() > limit:
                    return False
                continue
            if line is None:
                return True
            _log.emit(line)


def block_signals() -> None:
    """Blocks signals in this thread: one that arrived here wouldn't wake the main thread, or its sigwait()."""
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults - {signal.SIGABRT, signal.SIGPROF})


def exit_if_child_of(pid: int) -> None:
    """Ends the process if it is a fork made in a callback, where there is no thread to return the call to."""
    if os.getpid() != pid:
        os.write(2, b"mmx: a callback has forked, and came back in the child, which ends here\n")
        os._exit(1)


# Several, when a signal handler makes calls.
_waiting: list[_Job] = []


def perform(request: _call.Request) -> _call.Result:
    """Makes the call, once: in another thread if it is the main thread's."""
    # Other threads don't run any more once the interpreter ends. Signal handlers run in the main interpreter.
    if is_main_interpreter and is_main_thread() and not _tokens.is_ending() and not sys.is_finalizing():
        job = _Job(request)
        try:
            return _wait(job)
        except _NoThread:
            pass
    return request.perform()


class _NoThread(Exception):
    """No thread can start: too many threads, or from Python 3.12 on the process ends."""


def _wait(job: _Job) -> _call.Result:
    try:
        _waiting.append(job)
        try:
            # Callbacks see the caller's context variables.
            start_new_thread(copy_context().run, (job.run,))
        except RuntimeError as error:
            raise _NoThread from error
        job.wait()
    except _NoThread:
        raise
    except BaseException as interruption:
        job.cancel(interruption)
        raise
    finally:
        if job in _waiting:
            _waiting.remove(job)
    if isinstance(job.result, BaseException):
        raise job.result
    assert job.result is not None
    return job.result


def _after_fork_in_child() -> None:
    """Ends the waits of a thread whose signal handler has forked: the call is the parent's."""
    for job in _waiting:
        if job.result is None:
            error = errors.CancelledError("the process was forked during the call, which goes on in the parent")
            error.ambiguous = True
            job.result = error
        job.messages.put(None)
    _waiting.clear()


os.register_at_fork(after_in_child=_after_fork_in_child)
