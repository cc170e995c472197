"""Files that are uploaded for a `with` block, and deleted at its end."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import NoReturn, TypeAlias

from . import _call, _ffi, errors, results
from ._connection import Connection
from .errors import NotDeletedError
from .results import File

# Receives the request of an upload, before that is sent.
Requests: TypeAlias = list[_call.Request]

CALL = "delete_file"
# The time limit of the delete, in seconds. At exit it is that of all deletes together.
DELETE_TIMEOUT = 30.0


class TemporaryFile:
    """A context manager, of `Files.temporary()`: uploads a file, which is the `File` of its `as`, and deletes it."""

    __slots__ = (
        "_connection",
        "_deletes",
        "_file",
        "_handle",
        "_is_entered",
        "_pid",
        "_purpose",
        "_upload",
        "_uploads",
    )

    def __init__(self, connection: Connection, upload: Callable[[Requests], File], purpose: bytes) -> None:
        self._connection = connection
        self._upload = upload
        self._purpose = purpose
        self._is_entered = False
        self._pid = 0
        self._file: File | None = None
        # For the delete of a client that was closed.
        self._handle: _call.Handle | None = None
        # The requests that were made. What they have come to is in them, also if a signal handler has raised since.
        self._uploads: Requests = []
        self._deletes: Requests = []

    def __enter__(self) -> File:
        try:
            return self._begin()
        except BaseException as raised:
            self._end(raised)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end(value)

    def __repr__(self) -> str:
        file = self._stored()
        return f"<mmx.TemporaryFile{'' if file is None else f' {file.file_id}'}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("an mmx.TemporaryFile can't be pickled, nor copied: it belongs to this process")

    def _begin(self) -> File:
        if self._is_entered:
            raise RuntimeError("this temporary file was uploaded before: make another one")
        self._is_entered = True
        self._handle = self._connection.handle(CALL)
        self._pid = os.getpid()
        # Before it is there, so that nothing is in between.
        _open[id(self)] = self
        return self._upload(self._uploads)

    def _stored(self) -> File | None:
        """The file, if there is one."""
        if self._file is None and self._uploads:
            upload = self._uploads[0]
            if upload.response is not None:
                self._file = results.file(upload.response, upload.info)
        return self._file

    def _end(self, value: BaseException | None) -> None:
        """Deletes the file. Raises why it wasn't, unless `value` is being raised: then that tells of it."""
        try:
            self._delete_surely()
        except BaseException as raised:
            self._tell(raised)
            raise
        self._tell(value)

    def _delete_surely(self) -> None:
        try:
            self._delete()
        finally:
            # A second time, for a signal handler may have raised before the delete was sent.
            self._delete()

    def _delete(self, timeout: float = DELETE_TIMEOUT) -> None:
        """Deletes the file, once, in the process that has uploaded it."""
        if id(self) not in _open or self._pid != os.getpid():
            return
        file = self._stored()
        if file is None:
            del _open[id(self)]
            return
        request = self._request(file, timeout)
        self._deletes.append(request)
        try:
            request.perform()
        finally:
            # With neither it wasn't sent.
            if request.response is not None or request.error is not None:
                _open.pop(id(self), None)
                self._handle = None
        _call.reraise(request)

    def _request(self, file: File, timeout: float) -> _call.Request:
        library = self._connection.library
        try:
            handle = self._connection.handle(CALL)
        except errors.InvalidArgumentError:  # It was closed.
            assert self._handle is not None
            handle = self._handle
        milliseconds = max(round(timeout * 1000), 1)
        return _call.Request(
            library,
            library.mmx_delete_file,
            handle,
            (file.file_id, self._purpose),
            milliseconds,
            _ffi.MMX_CALL_MISSING_OK,
            is_patient=True,
        )

    @property
    def error(self) -> NotDeletedError | None:
        """Why the file was not deleted; None if it was, or is not to be yet."""
        failure = self._deletes[-1].error if self._deletes else None
        if failure is None or self._file is None:
            return None
        more = "; a sweep deletes it once this process has ended" if self._connection.has_ledger else ""
        return errors.not_deleted(self._file, errors.from_json(failure), more)

    def _tell(self, value: BaseException | None) -> None:
        error = self.error
        if error is None or value is error:
            return
        if value is None:
            raise error
        _call.add_note(value, str(error))
        # The first thing that was raised gets it as its context.
        first, seen = value, {id(value)}
        while first.__context__ is not None and id(first.__context__) not in seen:
            first = first.__context__
            seen.add(id(first))
        if first.__context__ is None:
            first.__context__ = error


# Those whose file is to be deleted, by id().
_open: dict[int, TemporaryFile] = {}


def _at_exit() -> None:
    """Deletes what is left of `with` blocks that have not come to their end."""
    limit = monotonic() + DELETE_TIMEOUT
    for temporary in list(_open.values()):
        try:
            temporary._delete(limit - monotonic())
        except BaseException as raised:
            sys.stderr.write(f"mmx: {type(raised).__name__}: {raised}\n")
        if temporary.error is not None:
            sys.stderr.write(f"mmx: {temporary.error}\n")


# They are the parent's.
os.register_at_fork(after_in_child=_open.clear)
# Before the end of the calls of other threads, whose function is registered when `_tokens` is imported.
atexit.register(_at_exit)

TemporaryFile.__module__ = "mmx"
