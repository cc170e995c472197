"""Makes calls: on the calling thread, or for the main thread in a helper thread, for which the main thread waits.

Python runs signal handlers on the main thread alone, and not while that thread runs C code. It does interrupt a wait
for a queue: the call is then cancelled, and the exception of the handler goes on.

Nothing here keeps a lock between calls, which a fork could leave locked. The main thread alone takes and returns
helpers.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from ctypes import CDLL, byref, c_void_p
from time import monotonic
from typing import Any, TypeAlias

from . import _callbacks, _ffi, _log, _tokens, errors
from ._callbacks import Guard
from ._library import take_error, take_string
from ._log import Line
from ._threads import (
    Empty,
    Lock,
    SimpleQueue,
    can_start_threads,
    get_native_id,
    is_main_thread,
    sleep,
    start_new_thread,
    wait_for,
)
from ._tokens import Token
from ._types import Progress

# How long an interrupted main thread waits for a callback to return, in seconds.
CALLBACK_GRACE = 0.2

# A function of the library: client, arguments of the call, options, out_json, out_error.
Function: TypeAlias = Callable[..., Any]
# The response and the error, both as JSON. Most calls have one of them.
Result: TypeAlias = tuple[str | None, str | None]


class Handle:
    """A C client. Each call holds a reference, so it is freed when its owner and the last call have let go."""

    __slots__ = ("_free", "level", "pointer")

    def __init__(self, library: CDLL, pointer: int, level: int) -> None:
        # Kept here: when the process ends the module's own names may be gone first.
        self._free = library.mmx_client_free
        self.pointer = pointer
        # Its log level, MMX_LOG_..., or 0.
        self.level = level

    def __del__(self) -> None:
        self._free(self.pointer)


class Request:
    """A call to make, and everything that it needs until it has returned."""

    __slots__ = ("arguments", "flags", "function", "guard", "handle", "library", "progress", "timeout_ms")

    def __init__(
        self,
        library: CDLL,
        function: Function,
        handle: Handle,
        arguments: tuple[object, ...],
        timeout_ms: int = 0,
        flags: int = 0,
        guard: Guard | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.library = library
        self.function = function
        self.handle: Handle | None = handle
        self.arguments = arguments
        # As in mmx_call_options.
        self.timeout_ms = timeout_ms
        self.flags = flags
        # None if the call has no callbacks.
        self.guard = guard
        self.progress = None if progress is None or guard is None else guard.progress(progress)

    def perform(self, token: Token | None = None) -> Result:
        """Makes the call, once."""
        assert self.handle is not None
        if (self.guard is None and not self.handle.level) or is_main_thread():
            return self._perform(token)
        with _tokens.CancelledAtExit(self.library, token) as own:
            return self._perform(own)

    def _perform(self, token: Token | None) -> Result:
        assert self.handle is not None
        response, error = c_void_p(), c_void_p()
        options = self.options(None if token is None else token.pointer)
        pointer = None if options is None else byref(options)
        try:
            self.function(self.handle.pointer, *self.arguments, pointer, byref(response), byref(error))
        finally:
            if self.handle.level and (raised := _log.take_raised()) is not None:
                self.guard = self.guard or _callbacks.Guard()
                self.guard.raised = self.guard.raised or raised
            self.release()
        text = take_string(self.library, response)
        return text or None, take_error(self.library, error) if error else None

    def options(self, token: int | None) -> Any:
        """The options of the call; None if it has none."""
        if token is None and not self.timeout_ms and not self.flags and self.progress is None:
            return None
        options = _ffi.MMX_CALL_OPTIONS_INIT()
        options.timeout_ms, options.flags, options.cancel = self.timeout_ms, self.flags, token
        if self.progress is not None:
            options.progress = self.progress
        return options

    def note(self, result: Result) -> str | None:
        """The note to add to an exception that is raised in place of the result."""
        response, error = result
        if error is not None:
            failure = errors.from_json(error)
            return str(failure) if failure.ambiguous else None
        return None if self.guard is None else f"the call was done all the same: {response}"

    def release(self) -> None:
        """Drops all references: a traceback may keep this object, but nothing else with it."""
        self.handle = None
        self.arguments = ()
        self.progress = None


class _Job:
    """A call of the main thread, made by a helper."""

    __slots__ = ("claim", "messages", "request", "result", "token")

    def __init__(self, request: Request, token: Token) -> None:
        self.request = request
        # The library reads it during the call, even if the main thread has left.
        self.token = token
        # Acquired by the helper to make the call, or by an interrupted main thread to prevent it.
        self.claim = Lock()
        # Log lines, and None as soon as there is a result.
        self.messages: SimpleQueue[Line | None] = SimpleQueue()
        self.result: Result | BaseException | None = None

    def run(self) -> None:
        if not self.claim.acquire(blocking=False):
            return
        _log.set_sink(self.messages.put)
        try:
            self.result = self.request.perform(self.token)
        except BaseException as error:
            self.result = error
        _log.set_sink(None)
        self.messages.put(None)

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
            add_note(interruption, "the call was cancelled; it ends when the callback that is running returns")
        if isinstance(self.result, tuple):
            add_note(interruption, self.request.note(self.result))

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


def add_note(raised: BaseException, note: str | None) -> None:
    if note is not None and hasattr(raised, "add_note"):  # From Python 3.11 on.
        raised.add_note(note)


class _Helper:
    """A thread that makes calls one after the other, until the last reference to this object is gone."""

    def __init__(self, library: CDLL) -> None:
        self.pid = os.getpid()
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.token = _tokens.Token(library)
        thread_ids: list[int] = []
        ready = Lock()
        ready.acquire()
        # Not a threading.Thread, whose start() breaks when a signal handler raises in it, and for which the end of the
        # process may wait. The thread mustn't refer to this helper, or it would never end.
        start_new_thread(_serve, (self.jobs, ready, thread_ids))
        ready.acquire()
        if not thread_ids:
            raise RuntimeError("the helper thread ended at once")
        self.thread_id = thread_ids[0]

    def __del__(self) -> None:
        if hasattr(self, "jobs"):
            self.jobs.put(None)


def _serve(jobs: SimpleQueue[_Job | None], ready: threading.Lock, thread_ids: list[int]) -> None:
    try:
        block_signals()
        thread_ids.append(get_native_id())
    finally:
        ready.release()
    pid = os.getpid()
    while (job := jobs.get()) is not None:
        try:
            job.run()
        finally:
            exit_if_child_of(pid)
        del job


def block_signals() -> None:
    """Blocks signals in this thread: one that arrived here wouldn't wake the main thread, or its sigwait()."""
    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults - {signal.SIGABRT, signal.SIGPROF})


def exit_if_child_of(pid: int) -> None:
    """Ends the process if it is a fork made in a callback, where there is no thread to return the call to."""
    if os.getpid() != pid:
        os.write(2, b"mmx: a callback has forked, and came back in the child, which ends here\n")
        os._exit(1)


_idle: list[_Helper] = []
# Several, when a signal handler makes calls.
_waiting: list[_Job] = []


def _take_helper(library: CDLL) -> _Helper | None:
    """Returns None if no thread can start: too many threads, or from Python 3.12 on the process ends."""
    pid = os.getpid()
    while True:
        try:
            helper = _idle.pop()
        except IndexError:
            break
        if helper.pid == pid:
            return helper
    try:
        return _Helper(library)
    except RuntimeError as error:
        if "thread" in str(error):
            return None
        raise


def call(request: Request, path: str | None = None) -> str:
    """Makes a call and returns its response. Raises its error, or the exception of one of its callbacks."""
    response, error = call_for_both(request)
    if error is not None:
        raise errors.from_json(error, path)
    return response or ""


def call_for_both(request: Request) -> Result:
    """Makes a call that may have a response and an error, and returns both."""
    result = _make(request)
    reraise(request, result)
    return result


def reraise(request: Request, result: Result) -> None:
    """Raises the exception of a callback, if there is one."""
    guard = request.guard
    if guard is None or guard.raised is None:
        return
    raised, guard.raised = guard.raised, None
    try:
        add_note(raised, request.note(result))
        raise raised
    finally:
        del raised


def _make(request: Request) -> Result:
    # Other threads don't run any more once the interpreter ends. Signal handlers run in the main interpreter.
    if can_start_threads and is_main_thread() and not _tokens.is_ending() and not sys.is_finalizing():
        helper = _take_helper(request.library)
        if helper is not None:
            return _wait(helper, _Job(request, helper.token))
    return request.perform()


def _wait(helper: _Helper, job: _Job) -> Result:
    # Those whose removal a signal handler has interrupted.
    while _waiting and _waiting[-1].result is not None:
        _waiting.pop()
    try:
        _waiting.append(job)
        helper.jobs.put(job)
        job.wait()
    except BaseException as interruption:
        # The helper isn't returned: it ends after this call, and its token with it.
        job.cancel(interruption)
        raise
    finally:
        if job in _waiting:
            _waiting.remove(job)
    _idle.append(helper)
    if isinstance(job.result, BaseException):
        raise job.result
    assert job.result is not None
    return job.result


def _before_fork() -> None:
    """Ends idle helpers: a child can't use them, and Python 3.12 and newer warn of a fork beside other threads."""
    while True:
        try:
            helper = _idle.pop()
        except IndexError:
            return
        if helper.pid != os.getpid():
            continue
        helper.jobs.put(None)
        # The warning counts the kernel's threads, so this waits until the kernel's thread is gone.
        task = f"/proc/self/task/{helper.thread_id}"
        limit = monotonic() + 1
        while os.path.exists(task) and monotonic() < limit:
            sleep(0)


def _after_fork_in_child() -> None:
    """Ends the waits of a thread whose signal handler has forked: the helper, and so the call, is the parent's."""
    _idle.clear()
    for job in _waiting:
        if job.result is None:
            error = errors.CancelledError("the process was forked during the call, which goes on in the parent")
            error.ambiguous = True
            job.result = error
        job.messages.put(None)
    _waiting.clear()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
