"""How a call runs: on the thread that makes it; the main thread's in a helper thread that the main one waits for.

Python runs signal handlers on the main thread alone, and not while that is inside C: Ctrl-C would be heard once the
call is over. A wait for a lock it does interrupt; then the call is cancelled, and what the handler raised goes on.

Nothing here keeps a lock between calls, so a fork finds none held. Only the main thread takes and returns helpers.
"""

from __future__ import annotations

import os
import sys
import threading
from _thread import start_new_thread
from ctypes import byref, c_void_p, string_at
from queue import SimpleQueue
from time import monotonic, sleep

from . import _ffi, errors

# How long an interrupted main thread waits for a callback to return, in seconds.
PATIENCE = 0.2

# As in `typing`, which is too slow to import for this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ctypes import CDLL
    from typing import Any, TypeAlias

    from ._callbacks import Guard, Progress

    # Of a call: client, its own arguments, options, out_json, out_error.
    Function: TypeAlias = Callable[..., Any]
    # The answer and None, or None and the error as JSON.
    Outcome: TypeAlias = tuple[str | None, str | None]


class Handle:
    """A C client. Each call holds it, so it is freed once its owner and the last call have let go."""

    __slots__ = ("_free", "pointer")

    def __init__(self, library: CDLL, pointer: int) -> None:
        # Kept here: at the end of the process the module's own names may be gone before this is.
        self._free = library.mmx_client_free
        self.pointer = pointer

    def __del__(self) -> None:
        self._free(self.pointer)


def take_string(library: CDLL, pointer: c_void_p | int | None) -> str:
    """Copies and frees a string that the library handed over."""
    try:
        return string_at(pointer).decode() if pointer else ""
    finally:
        library.mmx_string_free(pointer)


def take_error(library: CDLL, error: c_void_p) -> str:
    """An error as JSON; frees it."""
    try:
        return take_string(library, library.mmx_error_json(error))
    finally:
        library.mmx_error_free(error)


def check(library: CDLL, error: c_void_p) -> None:
    """Raises what a function without an answer has put into out_error."""
    if error:
        raise errors.from_json(take_error(library, error))


class Request:
    """A call that is asked for, and what it needs until it has ended."""

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
        # None where C calls nothing of the caller's.
        self.guard = guard
        self.progress = None if progress is None or guard is None else guard.progress(progress)

    def perform(self, token: int | None = None) -> Outcome:
        """Makes the call, once."""
        assert self.handle is not None
        answer, error = c_void_p(), c_void_p()
        options = None
        if token is not None or self.timeout_ms or self.flags or self.progress is not None:
            options = _ffi.MMX_CALL_OPTIONS_INIT()
            options.timeout_ms, options.flags, options.cancel = self.timeout_ms, self.flags, token
            if self.progress is not None:
                options.progress = self.progress
        pointer = None if options is None else byref(options)
        try:
            self.function(self.handle.pointer, *self.arguments, pointer, byref(answer), byref(error))
        finally:
            self.release()
        if error:
            return None, take_error(self.library, error)
        return take_string(self.library, answer), None

    def release(self) -> None:
        """Lets go of everything: a traceback that somebody keeps holds this object, and must hold no more with it."""
        self.handle = None
        self.arguments = ()
        self.progress = None


class _Token:
    """A cancel token, freed when neither the waiting thread nor the call has a use for it any more."""

    def __init__(self, library: CDLL) -> None:
        token, error = c_void_p(), c_void_p()
        library.mmx_cancel_new(byref(token), byref(error))
        check(library, error)
        self.pointer = token.value
        self._library = library

    def trigger(self) -> None:
        self._library.mmx_cancel_trigger(self.pointer)

    def __del__(self) -> None:
        if hasattr(self, "pointer"):
            self._library.mmx_cancel_free(self.pointer)


class _Job:
    """One call, on its way from the main thread to a helper and back."""

    __slots__ = ("claim", "done", "outcome", "request", "token")

    def __init__(self, request: Request, token: _Token) -> None:
        self.request = request
        # The library reads it during the call, even if the main thread has left.
        self.token = token
        # Whoever gets it decides: a helper that the call is made, an interrupted main thread that it isn't.
        self.claim = threading.Lock()
        # Held until there is an outcome.
        self.done = threading.Lock()
        self.done.acquire()
        self.outcome: Outcome | BaseException | None = None

    def run(self) -> None:
        if not self.claim.acquire(blocking=False):
            return
        try:
            self.outcome = self.request.perform(self.token.pointer)
        except BaseException as error:
            self.outcome = error
        self.done.release()

    def give_up(self, interruption: BaseException) -> None:
        """Ends the call early, and waits until it has ended."""
        if self.claim.acquire(blocking=False):
            self.request.release()
            return
        self.token.trigger()
        # A second interruption ends this wait too: everything that the call uses stays alive with it.
        if self.outcome is None and not self._ended():
            _note(interruption, "the call was cancelled; it ends when the callback that it is in returns")
        if isinstance(self.outcome, tuple):
            _note_outcome(interruption, self.outcome, self.request)

    def _ended(self) -> bool:
        """Waits for the end of a call that was cancelled, but not for a callback that doesn't come back."""
        guard = self.request.guard
        if guard is None:
            return self.done.acquire()
        guard.open = False
        limit = monotonic() + PATIENCE
        while not self.done.acquire(timeout=0.02):
            if guard.running and monotonic() > limit:
                return False
        return True


def _note(raised: BaseException, note: str) -> None:
    if hasattr(raised, "add_note"):  # From Python 3.11 on.
        raised.add_note(note)


def _note_outcome(raised: BaseException, outcome: Outcome, request: Request) -> None:
    """Says what became of a call whose outcome an exception takes the place of."""
    answer, error = outcome
    if error is not None:
        failure = errors.from_json(error)
        if failure.ambiguous:
            _note(raised, str(failure))
    elif request.guard is not None:
        _note(raised, f"the call was done all the same: {answer}")


class _Helper:
    """A thread that makes one call after the other, until the last reference to this is gone."""

    def __init__(self, library: CDLL) -> None:
        self.pid = os.getpid()
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.token = _Token(library)
        told: list[int] = []
        ready = threading.Lock()
        ready.acquire()
        # Not a threading.Thread, whose start() breaks when a signal's handler raises in it, and which the end of the
        # process may have to wait for. The thread mustn't hold this helper, or it would never end.
        start_new_thread(_serve, (self.jobs, ready, told))
        ready.acquire()
        if not told:
            raise RuntimeError("the helper thread ended at once")
        self.thread_id = told[0]

    def __del__(self) -> None:
        if hasattr(self, "jobs"):
            self.jobs.put(None)


def _serve(jobs: SimpleQueue[_Job | None], ready: threading.Lock, told: list[int]) -> None:
    try:
        _block_signals()
        told.append(threading.get_native_id())
    finally:
        ready.release()
    pid = os.getpid()
    while (job := jobs.get()) is not None:
        try:
            job.run()
        finally:
            if os.getpid() != pid:
                # A callback has forked and come back. Here, there is no main thread that the call could return to.
                os.write(2, b"mmx: a callback has forked, and came back in the child, which ends here\n")
                os._exit(1)
        del job


def _block_signals() -> None:
    """Signals are for the main thread to hear, which one that came here wouldn't wake; or for a sigwait()."""
    import signal

    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults - {signal.SIGABRT, signal.SIGPROF})


_idle: list[_Helper] = []
# Several, when a signal handler makes calls.
_waiting: list[_Job] = []


def _take_helper(library: CDLL) -> _Helper | None:
    """None where no thread can be started: at the limit of threads, and from Python 3.12 on when the process ends."""
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


def call(request: Request) -> str:
    """Makes a call and returns its answer. An exception of one of its callbacks comes out as it was raised."""
    answer, error = outcome = _outcome(request)
    guard = request.guard
    if guard is not None and guard.raised is not None:
        raised, guard.raised = guard.raised, None
        try:
            _note_outcome(raised, outcome, request)
            raise raised
        finally:
            del raised
    if error is not None:
        raise errors.from_json(error)
    return answer or ""


def _outcome(request: Request) -> Outcome:
    # Once the process is at its end, other threads don't run any more.
    if threading.get_ident() == threading.main_thread().ident and not sys.is_finalizing():
        helper = _take_helper(request.library)
        if helper is not None:
            return _wait(helper, _Job(request, helper.token))
    return request.perform()


def _wait(helper: _Helper, job: _Job) -> Outcome:
    try:
        _waiting.append(job)
        helper.jobs.put(job)
        job.done.acquire()
    except BaseException as interruption:
        # The helper isn't returned: it ends after this call, and its token with it.
        job.give_up(interruption)
        raise
    finally:
        if job in _waiting:
            _waiting.remove(job)
    _idle.append(helper)
    if isinstance(job.outcome, BaseException):
        raise job.outcome
    assert job.outcome is not None
    return job.outcome


def _before_fork() -> None:
    """Ends idle helpers: a child has no use for them, and Python 3.12 and newer warn of a fork beside other threads."""
    while True:
        try:
            helper = _idle.pop()
        except IndexError:
            return
        if helper.pid != os.getpid():
            continue
        helper.jobs.put(None)
        # The warning counts the kernel's threads, so it is the kernel that has to say that this one is gone.
        task = f"/proc/self/task/{helper.thread_id}"
        limit = monotonic() + 1
        while os.path.exists(task) and monotonic() < limit:
            sleep(0)


def _after_fork_in_child() -> None:
    """A signal handler has forked while its thread waits: the helper, and so the end of the call, is the parent's."""
    _idle.clear()
    for job in _waiting:
        if job.outcome is None:
            error = errors.CancelledError("the process was forked during the call, which goes on in the parent")
            error.ambiguous = True
            job.outcome = error
        if job.done.locked():
            job.done.release()
    _waiting.clear()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
