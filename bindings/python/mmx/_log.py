"""What the library tells of its calls goes to `logging`, under the name "mmx".

The library asks for its level when a client is made, `logging` may change its mind at any time: so each call takes the
C client of the level that is wanted then, and one that isn't wanted costs nothing. Who never imports `logging` listens
to nothing, so it isn't imported here.
"""

from __future__ import annotations

import sys
import threading
from ctypes import py_object, pythonapi
from time import time

from . import _ffi, _tokens

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeAlias

    # MMX_LOG_..., an object as JSON, and when it came, in Unix seconds.
    Line: TypeAlias = tuple[int, bytes, float]

NAME = "mmx"
OFF = 0

_logger: Any = None
_quiet: Any = None


class _Local(threading.local):
    """Of a thread: whether it is in a handler, who gets the lines instead, and what a handler has raised."""

    telling = False
    sink: Callable[[Line], object] | None = None
    raised: BaseException | None = None


_local = _Local()


def level() -> int:
    """The least important level that somebody listens to by now: MMX_LOG_..., or OFF."""
    logging = sys.modules.get("logging")
    # A handler that makes calls would be told of those, too, without an end.
    if logging is None or _local.telling or sys.is_finalizing():
        return OFF
    if _tokens.is_ending() and not _tokens.is_main_thread():
        return OFF
    global _logger, _quiet
    logger = _logger
    if logger is None:
        if not hasattr(logging, "getLogger") or not hasattr(logging, "NullHandler"):
            return OFF  # Another thread is in the middle of its import.
        logger = logging.getLogger(NAME)
        # What nobody has asked for isn't printed, as `logging` would for want of a handler.
        _quiet = logging.NullHandler()
        logger.addHandler(_quiet)
        _logger = logger
    for number, value in _WANTED:
        if logger.isEnabledFor(number):
            return value
    return OFF


# The numbers are those of `logging`, which may not be imported yet.
_WANTED = ((10, _ffi.MMX_LOG_DEBUG), (20, _ffi.MMX_LOG_INFO), (30, _ffi.MMX_LOG_WARN), (40, _ffi.MMX_LOG_ERROR))
_NUMBERS = {value: number for number, value in _WANTED}


def send_to(sink: Callable[[Line], object] | None) -> None:
    """Who gets the lines of this thread's calls, to tell() them on the thread that waits for them; None is nobody."""
    _local.sink = sink


def _told(_user_data: int | None, level: int, line: bytes) -> None:
    sink = _local.sink
    try:
        (sink or tell)((level, line, time()))
    except BaseException as error:
        _local.raised = _local.raised or error


def tell(line: Line) -> None:
    """Hands a line to the handlers. What one raises is no failure of the call, unless it is no Exception."""
    if _local.telling:
        return  # Of a call that a handler makes.
    _local.telling = True
    try:
        record = _record(line)
        if record is not None:
            _handle(record)
    finally:
        _local.telling = False


def _handle(record: Any) -> None:
    try:
        _logger.handle(record)
    except Exception:
        # As `logging` tells of a handler's own failures: on standard error, if at all.
        _quiet.handleError(record)


nothing = _ffi.mmx_log_fn()
function = _ffi.mmx_log_fn(_told)
# Never collected: a thread may be in a call when everything else is.
pythonapi.Py_IncRef(py_object(function))


def take_raised() -> BaseException | None:
    """What a handler has raised during the call that this thread has just made: KeyboardInterrupt, SystemExit."""
    raised = _local.raised
    if raised is not None:
        _local.raised = None
    return raised


def _record(line: Line) -> Any:
    from json import loads

    level, text, came = line
    number = _NUMBERS.get(level, 10)
    logger = _logger
    if not logger.isEnabledFor(number):
        return None
    fields = loads(text)
    # The names of records' own attributes, "message" or "filename", can't be used.
    extra = {f"mmx_{name}": value for name, value in fields.items()}
    record = logger.makeRecord(NAME, number, f"lib{NAME}", 0, _text(fields), (), None, fields["call"], extra)
    record.created, record.msecs = came, came % 1 * 1000
    return record


def _text(fields: dict[str, Any]) -> str:
    """For a person, on one line, whatever the service calls its files."""
    call, event = fields["call"], fields["event"]
    more = [f"{name}={_value(value)}" for name, value in fields.items() if name not in ("call", "event", "message")]
    text = " ".join([f"{call}: {event}", *more])
    message = fields.get("message", "").removeprefix(f"{call}: ")
    return f"{text}: {message}" if message else text


def _value(value: object) -> str:
    if isinstance(value, str) and value and value.isprintable() and " " not in value:
        return value
    return ascii(value)
