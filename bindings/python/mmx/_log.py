"""Passes the library's log lines to `logging`, as the logger "mmx".

A C client has a fixed log level, while levels of `logging` may change at any time: so each call uses the C client of
the level at that time, and lines below it cost nothing. `logging` isn't imported here: a program that doesn't import it
has no handlers.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from ctypes import py_object, pythonapi
from json import loads
from time import time
from typing import Any, TypeAlias

from . import _ffi, _thunks, _tokens
from ._threads import is_main_interpreter, is_main_thread

# The level, MMX_LOG_...; the JSON object; the time in Unix seconds.
Line: TypeAlias = tuple[int, bytes, float]
# A level, and whether lines go to the function that only the main thread's own calls use.
Kind: TypeAlias = tuple[int, bool]

NAME = "mmx"
OFF = 0

_logger: Any = None
_null_handler: Any = None


class _Local(threading.local):
    """State of a thread: whether it runs a handler, where its lines go instead, and the exception of a handler."""

    is_emitting = False
    sink: Callable[[Line], object] | None = None
    raised: BaseException | None = None


_local = _Local()


def level() -> int:
    """Returns the lowest level that is enabled now: MMX_LOG_..., or OFF."""
    logging = sys.modules.get("logging")
    # The calls of a handler aren't logged, which would never end.
    if logging is None or _local.is_emitting or sys.is_finalizing():
        return OFF
    if _tokens.is_ending() and not is_main_thread():
        return OFF
    global _logger, _null_handler
    logger = _logger
    if logger is None:
        if not hasattr(logging, "getLogger") or not hasattr(logging, "NullHandler"):
            return OFF  # Another thread is in the middle of its import.
        logger = logging.getLogger(NAME)
        # Without any handler `logging` would print warnings.
        _null_handler = logging.NullHandler()
        logger.addHandler(_null_handler)
        _logger = logger
    for number, value in _LEVELS:
        if logger.isEnabledFor(number):
            return value
    return OFF


# The numbers are those of `logging`, which may not have been imported.
_LEVELS = ((10, _ffi.MMX_LOG_DEBUG), (20, _ffi.MMX_LOG_INFO), (30, _ffi.MMX_LOG_WARN), (40, _ffi.MMX_LOG_ERROR))
_NUMBERS = {value: number for number, value in _LEVELS}


def kind(elsewhere: bool = False) -> Kind:
    """Returns the kind of log for a call of this thread, or one that is made `elsewhere`."""
    lowest = level()
    if lowest == OFF or elsewhere or not (is_main_interpreter and is_main_thread()):
        return lowest, False
    # Not where a signal handler that runs in that function makes a call.
    return lowest, not _main_thread().is_running()


def set_sink(sink: Callable[[Line], object] | None) -> None:
    """Redirects the lines of this thread's calls, to be passed to emit() on another thread; None ends that."""
    _local.sink = sink


def _on_line(_user_data: int | None, level: int, line: bytes) -> None:
    sink = _local.sink
    try:
        (sink or emit)((level, line, time()))
    except BaseException as error:
        _local.raised = _local.raised or error


def _on_main_line(level: int, line: bytes) -> int:
    _on_line(None, level, line)
    return 0


class _Main:
    """The function for C of the main thread's calls, where signal handlers may raise."""

    __slots__ = ("raised", "thunk")

    def __init__(self) -> None:
        self.raised: BaseException | None = None
        self.thunk = _thunks.take(_ffi.mmx_log_fn, _on_main_line, 0, self)
        _keep(self.thunk)

    def is_running(self) -> bool:
        return bool(self.thunk.generator.gi_running)


_main: _Main | None = None


def _main_thread() -> _Main:
    global _main
    if _main is None:
        _main = _Main()
    return _main


def emit(line: Line) -> None:
    """Passes a line to the handlers. Their errors don't fail the call; what isn't an Exception is raised."""
    if _local.is_emitting:
        return  # The line of a call that a handler makes.
    _local.is_emitting = True
    try:
        record = _record(line)
        if record is not None:
            _handle(record)
    finally:
        _local.is_emitting = False


def _handle(record: Any) -> None:
    try:
        _logger.handle(record)
    except Exception:
        # Reports it as `logging` does, on standard error.
        _null_handler.handleError(record)


def _keep(function: object) -> None:
    """Never frees it: another thread may still be in a call when the interpreter ends."""
    pythonapi.Py_IncRef(py_object(function))


_nothing = _ffi.mmx_log_fn()
_function = _ffi.mmx_log_fn(_on_line)
_keep(_function)


def function_of(kind: Kind) -> Any:
    """Returns the function for C."""
    level, is_main = kind
    if level == OFF:
        return _nothing
    return _main_thread().thunk.pointer if is_main else _function


def has_raised() -> bool:
    """Whether a handler has raised something in the main thread's call."""
    return _local.raised is not None or (_main is not None and _main.raised is not None)


def take_raised() -> BaseException | None:
    """Returns what a handler has raised in this thread's last call, such as KeyboardInterrupt, and forgets it."""
    raised = _local.raised
    if raised is not None:
        _local.raised = None
    if _main is not None and _main.raised is not None and is_main_thread():
        raised, _main.raised = _main.raised, None
    return raised


def _record(line: Line) -> Any:
    level, text, came = line
    number = _NUMBERS.get(level, 10)
    logger = _logger
    if not logger.isEnabledFor(number):
        return None
    fields = loads(text)
    # Prefixed, because records have attributes of their own, such as "message".
    extra = {f"mmx_{name}": value for name, value in fields.items()}
    record = logger.makeRecord(NAME, number, f"lib{NAME}", 0, _text(fields), (), None, fields["call"], extra)
    record.created, record.msecs = came, came % 1 * 1000
    return record


def _text(fields: dict[str, Any]) -> str:
    """Formats the fields on one line, without control characters."""
    call, event = fields["call"], fields["event"]
    more = [f"{name}={_value(value)}" for name, value in fields.items() if name not in ("call", "event", "message")]
    text = " ".join([f"{call}: {event}", *more])
    message = fields.get("message", "").removeprefix(f"{call}: ")
    return f"{text}: {message}" if message else text


def _value(value: object) -> str:
    if isinstance(value, str) and value and value.isprintable() and " " not in value:
        return value
    return ascii(value)
