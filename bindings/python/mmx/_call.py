"""Makes calls, on the calling thread.

Python runs signal handlers on the main thread, and not while that runs C code. So the library asks during a call of the
main thread whether to go on: at once when a signal has come, and every 100 ms. Python then runs the handlers. When one
raises, the call is cancelled, and the exception goes on. Handlers may also raise at nearly any instruction here: what
the library has returned is noted on the exception then.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import CDLL, byref, c_void_p, pointer, string_at
from typing import Any, TypeAlias, TypeVar

from . import _ffi, _log, _tokens, errors
from ._callbacks import Guard
from ._threads import is_main_interpreter, is_main_thread
from ._thunks import run_signal_handlers
from ._tokens import Token
from ._types import Progress

# A function of the library: client, arguments of the call, options, out_json, out_error.
Function: TypeAlias = Callable[..., Any]
# The response and the error, both as JSON. Most calls have one of them.
Result: TypeAlias = tuple[str | None, str | None]
Made = TypeVar("Made")


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
    """A call to make, everything that it needs until it has returned, and what it has returned."""

    __slots__ = (
        "arguments", "error", "expires_after_s", "flags", "function", "guard", "handle", "info", "is_patient",
        "library", "progress", "response", "timeout_ms",
    )  # fmt: skip

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
        expires_after_s: int = 0,
        is_patient: bool = False,
    ) -> None:
        self.library = library
        self.function = function
        self.handle: Handle | None = handle
        self.arguments = arguments
        # As in mmx_call_options.
        self.timeout_ms = timeout_ms
        self.flags = flags
        self.expires_after_s = expires_after_s
        # Whether it goes on to its end although a signal handler has raised.
        self.is_patient = is_patient
        # None if the call has no callbacks.
        self.guard = guard
        self.progress = None if progress is None or guard is None else guard.progress(progress)
        # What the library has returned.
        self.info: Any = None
        self.response: str | None = None
        self.error: str | None = None

    def perform(self, token: Token | None = None) -> Result:
        """Makes the call, once."""
        assert self.handle is not None
        if is_main_thread():
            if self.guard is None:
                self.guard = Guard()
            return self._perform(token, is_main_interpreter)
        if token is None:
            token = _tokens.of_this_thread()
        if self.guard is None and not self.handle.level:
            return self._perform(token)
        with _tokens.CancelledAtExit(self.library, token) as own:
            return self._perform(own)

    def _perform(self, token: Token | None, hears_signals: bool = False) -> Result:
        assert self.handle is not None
        response, error = c_void_p(), c_void_p()
        options = self.options(None if token is None else token.pointer, hears_signals)
        try:
            try:
                try:
                    self.function(self.handle.pointer, *self.arguments, byref(options), byref(response), byref(error))
                finally:
                    self._take(response, error)
            finally:
                # A second time, for signal handlers may raise anywhere above.
                self._take(response, error)
        finally:
            self._take(response, error)
            self.release()
        return self.response, self.error

    def options(self, token: int | None, hears_signals: bool) -> Any:
        """The options of the call."""
        options = _ffi.MMX_CALL_OPTIONS_INIT()
        options.timeout_ms, options.flags, options.cancel = self.timeout_ms, self.flags, token
        options.expires_after_s = self.expires_after_s
        self.info = _ffi.MMX_CALL_INFO_INIT()
        options.info = pointer(self.info)
        if hears_signals and self.guard is not None:
            options.interrupted = self.guard.interrupted(*((run_signal_handlers, 0) if self.is_patient else (_ask, 1)))
        if self.progress is not None:
            options.progress = self.progress
        return options

    def _take(self, response: c_void_p, error: c_void_p) -> None:
        """Copies and frees what the library has returned. If a signal handler raises, the next time does the rest."""
        library = self.library
        if text := response.value:
            self.response = string_at(text).decode()
            # Before it is freed: the function's return is where a handler may raise.
            response.value = None
            library.mmx_string_free(text)
        if failure := error.value:
            text = library.mmx_error_json(failure)
            self.error = string_at(text).decode()
            error.value = None
            library.mmx_error_free(failure)
            library.mmx_string_free(text)
        handle = self.handle
        if handle is not None and handle.level and (raised := _log.take_raised()) is not None:
            guard = self.guard = self.guard or Guard()
            guard.raised = guard.raised or raised

    def note(self) -> str | None:
        """The note to add to an exception that is raised in place of the result."""
        if self.error is not None:
            failure = errors.from_json(self.error)
            return str(failure) if failure.ambiguous or self.response is not None else None
        # Others change nothing, and their responses have links.
        changes = self.function.__name__.startswith(("mmx_delete", "mmx_upload", "mmx_download", "mmx_take"))
        return f"the call was done all the same: {self.response}" if self.response and changes else None

    def release(self) -> None:
        """Drops all references: a traceback may keep this object, but nothing else with it."""
        if self.guard is not None:
            self.guard.release()
        self.handle = None
        self.arguments = ()
        self.progress = None


def _ask() -> int:
    """Whether the main thread's call is to end."""
    run_signal_handlers()
    return 1 if _log.has_raised() else 0


def add_note(raised: BaseException, note: str | None) -> None:
    if note is not None and hasattr(raised, "add_note"):  # From Python 3.11 on.
        raised.add_note(note)


def call(request: Request, make: Callable[[str, Any], Made], path: str | None = None) -> Made:
    """Makes a call and returns what `make` makes of its response and its mmx_call_info.

    Raises its error, which may be about the file of that path, or the exception of a callback or signal handler.
    """
    failure: errors.Error | None = None
    try:
        response, error = request.perform()
        reraise(request)
        if error is not None:
            failure = errors.from_json(error, path)
            if response is not None:
                # Only take() has both.
                failure.taken = make(response, request.info)  # type: ignore[assignment]
            raise failure
        return make(response or "", request.info)
    except BaseException as raised:
        if raised is not failure:
            add_note(raised, request.note())
        raise
    finally:
        del failure


def call_for_both(request: Request, perform: Callable[[], Result]) -> Result:
    """Makes a call that may have a response and an error, and returns both."""
    try:
        result = perform()
        reraise(request)
        return result
    except BaseException as raised:
        add_note(raised, request.note())
        raise


def reraise(request: Request) -> None:
    """Raises the exception of a callback or a signal handler, if there is one."""
    guard = request.guard
    if guard is None or guard.raised is None:
        return
    raised, guard.raised = guard.raised, None
    try:
        raise raised
    finally:
        del raised
