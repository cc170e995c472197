"""The errors of calls: one class a status, so that `except` can tell them apart.

Without `from __future__ import annotations`: the types of attributes are objects, which `typing.get_type_hints()`
needs, for the classes say that they are of `mmx`.
"""

import builtins
import os
from json import loads
from typing import Any, ClassVar

from . import _ffi
from ._error import Error as Error
from ._one import File
from .results import Outcome, Plan, Summary, SweepResult


class InvalidArgumentError(Error, ValueError):
    """An argument is invalid, or the client is closed; nothing was sent."""


class FileError(Error, OSError):
    """A local file or a file object can't be read or written: missing, disk full, its length has changed.

    With an `errno` it is also the `OSError` of that number, such as `FileNotFoundError`. `filename` is the path that
    the call was given.
    """

    # The OSError that it is, too.
    _kind: ClassVar[type[OSError]] = OSError

    def __str__(self) -> str:
        # That of OSError is made of errno and filename.
        return str(self.args[0]) if len(self.args) == 1 else OSError.__str__(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _file_error, (self._kind, self.args, self.errno, self.filename), self.__dict__

    def _fields(self) -> dict[str, Any]:
        return super()._fields() | {"errno": self.errno, "filename": self.filename}


class _ConnectionError(Error, ConnectionError):
    """The base class of the errors of connections."""

    errno: int | None = None
    """What this machine refused the call, such as `errno.EMFILE` for a descriptor; otherwise None."""

    def _fields(self) -> dict[str, Any]:
        return super()._fields() | {"errno": self.errno or 0}


class ConnectError(_ConnectionError):
    """No connection: DNS, TCP, TLS or the proxy failed; nothing was sent."""


class NetworkError(_ConnectionError):
    """The connection broke after the request was begun."""


class TimeoutError(Error, builtins.TimeoutError):
    """A time limit of the client or the call passed."""


class CancelledError(Error):
    """The call was cancelled."""


class ProtocolError(Error):
    """The response isn't one of this API."""


class HTTPError(Error):
    """An HTTP error without an error code of the API."""


class PartialFailure(Error):
    """Not every file was deleted, or settled. `__cause__` is the error that ended the call early, if any did."""

    summary: Summary
    """How many files have which outcome."""
    failures: list[Outcome]
    """The outcomes of files that may still be there, in the order in which they settled."""
    plan: Plan | None = None
    """For `prune()`: the files that were listed and selected."""
    sweep: SweepResult | None = None
    """For `sweep()`: all that it did, also which uploads it could not settle."""


class NotDeletedError(Error):
    """A temporary file could not be deleted, and may still be there. `__cause__` is the error of the delete.

    `status` and the other attributes are those of the delete's error.
    """

    file: File
    """The file."""


class GuardError(Error):
    """A prune would delete more files than its limits allow; no delete was sent."""

    plan: Plan
    """The files that were listed and selected."""


class APIError(Error):
    """The service refused the request. Subclasses stand for particular reasons."""


class AuthenticationError(APIError):
    """The API key is wrong, or is one of another region."""


class RateLimitError(APIError):
    """Rate limit: too many requests, tokens or connections for now."""


class QuotaError(APIError):
    """The account's balance, plan or quota doesn't allow the request."""


class InvalidRequestError(APIError):
    """The service considers the request invalid."""


class ContentRejectedError(APIError):
    """The service rejected the content."""


class NotFoundError(APIError):
    """Delete: the service doesn't know the file; or HTTP 404 with an error of the API."""


class PermissionError(APIError, builtins.PermissionError):
    """The API key doesn't permit the request."""


class ServerError(APIError):
    """An error within the service."""


class ServerTimeoutError(APIError):
    """A timeout within the service, or in a gateway before it."""


class InternalError(Error):
    """A bug in the library, or the process is out of file descriptors."""


CLASSES: dict[int, type[Error]] = {
    _ffi.MMX_ERROR_INVALID_ARGUMENT: InvalidArgumentError,
    _ffi.MMX_ERROR_FILE: FileError,
    _ffi.MMX_ERROR_CONNECT: ConnectError,
    _ffi.MMX_ERROR_NETWORK: NetworkError,
    _ffi.MMX_ERROR_TIMEOUT: TimeoutError,
    _ffi.MMX_ERROR_CANCELLED: CancelledError,
    _ffi.MMX_ERROR_PROTOCOL: ProtocolError,
    _ffi.MMX_ERROR_HTTP: HTTPError,
    _ffi.MMX_ERROR_PARTIAL: PartialFailure,
    _ffi.MMX_ERROR_GUARD: GuardError,
    _ffi.MMX_ERROR_AUTHENTICATION: AuthenticationError,
    _ffi.MMX_ERROR_RATE_LIMITED: RateLimitError,
    _ffi.MMX_ERROR_QUOTA: QuotaError,
    _ffi.MMX_ERROR_INVALID_REQUEST: InvalidRequestError,
    _ffi.MMX_ERROR_CONTENT_REJECTED: ContentRejectedError,
    _ffi.MMX_ERROR_NOT_FOUND: NotFoundError,
    _ffi.MMX_ERROR_PERMISSION: PermissionError,
    _ffi.MMX_ERROR_SERVER: ServerError,
    _ffi.MMX_ERROR_SERVER_TIMEOUT: ServerTimeoutError,
    _ffi.MMX_ERROR_API: APIError,
    _ffi.MMX_ERROR_INTERNAL: InternalError,
}

_NAMES = {value: name for name, value in vars(_ffi).items() if name.startswith("MMX_ERROR_")}
NotDeletedError.__module__ = "mmx"
for _status, _class in CLASSES.items():
    _class.status = _status
    _class.status_name = _NAMES[_status]
    # The name in tracebacks and pickles is the one that users write.
    _class.__module__ = "mmx"


# FileError and the OSError of a number in one. In tracebacks each is mmx.FileError, which is what users write.
_FILE_ERRORS: dict[type[OSError], type[FileError]] = {}
for _kind in (
    builtins.FileNotFoundError,
    builtins.PermissionError,
    builtins.FileExistsError,
    builtins.IsADirectoryError,
    builtins.NotADirectoryError,
    builtins.InterruptedError,
    builtins.BlockingIOError,
    builtins.BrokenPipeError,
    builtins.ConnectionResetError,
    builtins.TimeoutError,
):
    _FILE_ERRORS[_kind] = type(
        "FileError", (FileError, _kind), {"__module__": "mmx", "__doc__": FileError.__doc__, "_kind": _kind}
    )


def _file_error(kind: type[OSError], args: tuple[Any, ...], number: int | None, filename: str | None) -> FileError:
    error = _FILE_ERRORS.get(kind, FileError)(*args)
    # Two arguments are OSError's own, which it has kept.
    if number is not None and len(args) == 1:
        error.errno, error.strerror = number, os.strerror(number)
    if filename is not None:
        error.filename = filename
    return error


def file_error(message: str, number: int | None, filename: str | None) -> FileError:
    """Makes the error of a local file: its text is the message."""
    return _file_error(OSError if number is None else type(OSError(number, "")), (message,), number, filename)


def from_json(text: str, filename: str | None = None) -> Error:
    """Makes the error that mmx_error_json() describes; `filename` is the local file of the call."""
    return _from_fields(loads(text), filename)


def _from_fields(fields: dict[str, Any], filename: str | None = None) -> Error:
    number = fields.get("errno")
    # The file may also be the ledger.
    filename = fields["message"].partition(": the ledger ")[2].partition(" can't be ")[0] or filename
    if fields["status"] == _ffi.MMX_ERROR_FILE and type(number) is int and number > 0:
        error: Error = file_error(fields["message"], number, filename or fields.get("filename"))
    else:
        # The message alone: OSError gives a second argument a meaning of its own.
        error = CLASSES.get(fields["status"], Error)(fields["message"])
        if isinstance(error, _ConnectionError) and type(number) is int and number > 0:
            error.errno = number
    error.status = fields["status"]
    for name in (
        "status_name",
        "call",
        "parameter",
        "api_code",
        "api_message",
        "http_status",
        "trace_id",
        "attempts",
        "ambiguous",
    ):
        if name in fields:
            setattr(error, name, fields[name])
    delay = fields.get("retry_after_ms", -1)
    error.retry_after = delay / 1000 if delay >= 0 else None
    return error


Error._from_fields = staticmethod(_from_fields)


def not_deleted(file: File, cause: Error, more: str) -> NotDeletedError:
    """Makes the error of a temporary file whose delete failed."""
    error = NotDeletedError(f"the temporary file {file.file_id} was not deleted and may still be there{more}: {cause}")
    error.__dict__.update(cause.__dict__)
    error.file = file
    error.__cause__ = cause
    return error


def copy(error: Error) -> Error:
    """Copies an error, without its traceback."""
    if isinstance(error, FileError):
        same: Error = _file_error(error._kind, error.args, error.errno, error.filename)
    else:
        same = type(error)(*error.args)
    same.__dict__.update(error.__dict__)
    return same


def invalid_argument(call: str, parameter: str, why: str) -> InvalidArgumentError:
    """Makes the error of an argument that this package refuses, worded as the library does."""
    error = InvalidArgumentError(f"{call}: {parameter} {why}")
    error.call = call
    error.parameter = parameter
    return error


def not_picklable() -> TypeError:
    return TypeError("an mmx.Client can't be pickled, nor copied: make one in each process that needs it")
