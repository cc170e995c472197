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
from ctypes import byref, c_void_p
from queue import Empty, SimpleQueue
from time import monotonic, sleep

from . import _callbacks, _ffi, _log, _tokens, errors
from ._library import take_error, take_string

# How long an interrupted main thread waits for a callback to return, in seconds.
PATIENCE = 0.2

# As in `typing`, which is too slow to import for this.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ctypes import CDLL
    from typing import Any, TypeAlias

    from ._callbacks import Guard, Progress
    from ._log import Line
    from ._tokens import Token

    # Of a call: client, its own arguments, options, out_json, out_error.
    Function: TypeAlias = Callable[..., Any]
    # The answer and None, or None and the error as JSON.
    Outcome: TypeAlias = tuple[str | None, str | None]


class Handle:
    """A C client. Each call holds it, so it is freed once its owner and the last call have let go."""

    __slots__ = ("_free", "level", "pointer")

    def __init__(self, library: CDLL, pointer: int, level: int) -> None:
        # Kept here: at the end of the process the module's own names may be gone before this is.
        self._free = library.mmx_client_free
        self.pointer = pointer
        # What it logs, MMX_LOG_..., or 0.
        self.level = level

    def __del__(self) -> None:
        self._free(self.pointer)


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

    def perform(self, token: Token | None = None) -> Outcome:
        """Makes the call, once."""
        assert self.handle is not None
        if (self.guard is None and not self.handle.level) or _tokens.is_main_thread():
            return self._perform(token)
        with _tokens.Inside(self.library, token) as own:
            return self._perform(own)

    def _perform(self, token: Token | None) -> Outcome:
        assert self.handle is not None
        answer, error = c_void_p(), c_void_p()
        options = self.options(None if token is None else token.pointer)
        pointer = None if options is None else byref(options)
        try:
            self.function(self.handle.pointer, *self.arguments, pointer, byref(answer), byref(error))
        finally:
            if self.handle.level and (raised := _log.take_raised()) is not None:
                self.guard = self.guard or _callbacks.Guard()
                self.guard.raised = self.guard.raised or raised
            self.release()
        text = take_string(self.library, answer)
        return text or None, take_error(self.library, error) if error else None

    def options(self, token: int | None) -> Any:
        """What the call has different from its client; None where that is nothing."""
        if token is None and not self.timeout_ms and not self.flags and self.progress is None:
            return None
        options = _ffi.MMX_CALL_OPTIONS_INIT()
        options.timeout_ms, options.flags, options.cancel = self.timeout_ms, self.flags, token
        if self.progress is not None:
            options.progress = self.progress
        return options

    def note(self, outcome: Outcome) -> str | None:
        """What is to be known of the outcome beside an exception that takes its place."""
        answer, error = outcome
        if error is not None:
            failure = errors.from_json(error)
            return str(failure) if failure.ambiguous else None
        return None if self.guard is None else f"the call was done all the same: {answer}"

    def release(self) -> None:
        """Lets go of everything: a traceback that somebody keeps holds this object, and must hold no more with it."""
        self.handle = None
        self.arguments = ()
        self.progress = None


class _Job:
    """One call, on its way from the main thread to a helper and back."""

    __slots__ = ("claim", "news", "outcome", "request", "token")

    def __init__(self, request: Request, token: Token) -> None:
        self.request = request
        # The library reads it during the call, even if the main thread has left.
        self.token = token
        # Whoever gets it decides: a helper that the call is made, an interrupted main thread that it isn't.
        self.claim = threading.Lock()
        # What the log tells, and None once there is an outcome.
        self.news: SimpleQueue[Line | None] = SimpleQueue()
        self.outcome: Outcome | BaseException | None = None

    def run(self) -> None:
        if not self.claim.acquire(blocking=False):
            return
        _log.send_to(self.news.put)
        try:
            self.outcome = self.request.perform(self.token)
        except BaseException as error:
            self.outcome = error
        _log.send_to(None)
        self.news.put(None)

    def wait(self) -> None:
        """Waits for the outcome. The log's handlers run here: one may have a lock that this thread holds already."""
        while (line := self.news.get()) is not None:
            _log.tell(line)

    def give_up(self, interruption: BaseException) -> None:
        """Ends the call early, and waits until it has ended."""
        if self.claim.acquire(blocking=False):
            self.request.release()
            return
        self.token.trigger()
        # A second interruption ends this wait too: everything that the call uses stays alive with it.
        if self.outcome is None and not self._ended():
            add_note(interruption, "the call was cancelled; it ends when the callback that it is in returns")
        if isinstance(self.outcome, tuple):
            add_note(interruption, self.request.note(self.outcome))

    def _ended(self) -> bool:
        """Waits for the end of a call that was cancelled, but not for a callback that doesn't come back."""
        guard = self.request.guard
        if guard is not None:
            guard.open = False
        limit = monotonic() + PATIENCE
        while True:
            try:
                line = self.news.get(timeout=0.02)
            except Empty:
                if guard is not None and guard.running and monotonic() > limit:
                    return False
                continue
            if line is None:
                return True
            _log.tell(line)


def add_note(raised: BaseException, note: str | None) -> None:
    if note is not None and hasattr(raised, "add_note"):  # From Python 3.11 on.
        raised.add_note(note)


class _Helper:
    """A thread that makes one call after the other, until the last reference to this is gone."""

    def __init__(self, library: CDLL) -> None:
        self.pid = os.getpid()
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.token = _tokens.Token(library)
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
        begin_thread()
        told.append(threading.get_native_id())
    finally:
        ready.release()
    pid = os.getpid()
    while (job := jobs.get()) is not None:
        try:
            job.run()
        finally:
            end_in_child_of(pid)
        del job


def begin_thread() -> None:
    """Signals are for the main thread to hear, which one that came here wouldn't wake; or for a sigwait()."""
    import signal

    faults = {signal.SIGSEGV, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGTRAP, signal.SIGSYS}
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals() - faults - {signal.SIGABRT, signal.SIGPROF})


def end_in_child_of(pid: int) -> None:
    """A callback has forked and come back. In the child there is no thread that the call could return to."""
    if os.getpid() != pid:
        os.write(2, b"mmx: a callback has forked, and came back in the child, which ends here\n")
        os._exit(1)


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
    answer, error = call_for_both(request)
    if error is not None:
        raise errors.from_json(error)
    return answer or ""


def call_for_both(request: Request) -> Outcome:
    """As `call`, of one that may hand over an answer and an error."""
    outcome = _outcome(request)
    reraise(request, outcome)
    return outcome


def reraise(request: Request, outcome: Outcome) -> None:
    """Raises what a callback has raised, if anything."""
    guard = request.guard
    if guard is None or guard.raised is None:
        return
    raised, guard.raised = guard.raised, None
    try:
        add_note(raised, request.note(outcome))
        raise raised
    finally:
        del raised


def _outcome(request: Request) -> Outcome:
    # Once the process is at its end, other threads don't run any more.
    if _tokens.is_main_thread() and not _tokens.is_ending() and not sys.is_finalizing():
        helper = _take_helper(request.library)
        if helper is not None:
            return _wait(helper, _Job(request, helper.token))
    return request.perform()


def _wait(helper: _Helper, job: _Job) -> Outcome:
    try:
        _waiting.append(job)
        helper.jobs.put(job)
        job.wait()
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
        job.news.put(None)
    _waiting.clear()


os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
