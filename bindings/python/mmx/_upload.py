"""Uploads a file, and checks file objects."""

from __future__ import annotations

import io
import os
from datetime import timedelta
from typing import Any

from . import _arguments, _call, _callbacks, _ffi, errors, results
from ._connection import Connection
from ._types import Buffer, Path, Progress, Readable, Timeout
from .results import File


def upload(
    connection: Connection,
    source: Path | Buffer | Readable,
    purpose: str,
    filename: str | None,
    progress: Progress | None,
    reconcile: bool,
    timeout: Timeout,
    reuse: bool = False,
    temporary: bool = False,
    expires_after: timedelta | float | None = None,
    requests: list[_call.Request] | None = None,
) -> File:
    path = os.fspath(source) if isinstance(source, str | os.PathLike) else None
    call = "upload_file" if path is not None and filename is None else "upload_stream"
    what = _arguments.text(call, "purpose", purpose)
    _arguments.function(call, "progress", progress)
    flags = _ffi.MMX_CALL_RECONCILE if _arguments.boolean(call, "reconcile", reconcile) else 0
    flags |= _ffi.MMX_CALL_REUSE if _arguments.boolean(call, "reuse", reuse) else 0
    flags |= _ffi.MMX_CALL_TEMPORARY if _arguments.boolean(call, "temporary", temporary) else 0
    expires = 0 if expires_after is None else _arguments.seconds(call, "expires_after", expires_after, "never")
    guard = _callbacks.Guard()

    def make(arguments: tuple[object, ...], path: str | None = None) -> File:
        return connection.call(call, arguments, results.file, timeout, flags, guard, progress, path, expires, requests)

    if call == "upload_file":
        return make((_arguments.path(call, "path", source), what), path)  # type: ignore[arg-type]
    if path is None:
        file = readable(call, source)
        name = _arguments.text(call, "filename", name_of(call, source) if filename is None else filename)
        return make((guard.source(file), name, what))
    name = _arguments.text(call, "filename", filename)  # type: ignore[arg-type]
    try:
        opened = open(path, "rb", buffering=0)  # noqa: SIM115
    except (OSError, ValueError) as error:
        number = getattr(error, "errno", None)
        failure = errors.file_error(f"{call}: {source!r} can't be read: {error}", number, path)
        failure.call = call
        raise failure from error
    with opened:
        return make((guard.source(opened), name, what))


def readable(call: str, source: Any) -> Any:
    """Returns a file object for the source of an upload."""
    wanted = "a path, bytes or a binary file object"
    if not isinstance(source, bytes | bytearray | memoryview):
        if is_text(source):
            raise _arguments.wrong_type(call, "source", f'{wanted} (opened with "rb")', source)
        if hasattr(source, "read"):
            return source
    try:
        return _callbacks.View(source)
    except TypeError:
        raise _arguments.wrong_type(call, "source", wanted, source) from None


def writable(call: str, target: Any) -> Any:
    wanted = "a path, a binary file object or None"
    if is_text(target):
        raise _arguments.wrong_type(call, "target", f'{wanted} (opened with "wb")', target)
    if not hasattr(target, "write"):
        raise _arguments.wrong_type(call, "target", wanted, target)
    return target


def is_text(file: object) -> bool:
    # Wrappers such as those of tempfile have the attributes of the file.
    return isinstance(file, io.TextIOBase) or hasattr(file, "encoding")


def name_of(call: str, source: object) -> str:
    name = getattr(source, "name", None)
    name = os.path.basename(name) if isinstance(name, str) else ""
    if not name:
        raise TypeError(f"{call}: filename is needed, for the source has no name")
    return name
