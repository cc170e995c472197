"""The errors of calls: one class a status, so that `except` can tell them apart.

Without `from __future__ import annotations`: the types of attributes are objects, which `typing.get_type_hints()`
needs, for the classes say that they are of `mmx`.
"""

import builtins
from json import loads

from . import _ffi
from ._error import Error as Error
from .results import Outcome, Plan, Summary


class InvalidArgumentError(Error, ValueError):
    """An argument is invalid, or the client is closed; nothing was sent."""


class FileError(Error, OSError):
    """A local file or a file object can't be read or written: missing, disk full, its length has changed."""


class ConnectError(Error, ConnectionError):
    """No connection: DNS, TCP, TLS or the proxy failed; nothing was sent."""


class NetworkError(Error, ConnectionError):
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
    """Not every file was deleted. `__cause__` is the error that ended the call early, if any did."""

    summary: Summary
    """How many files have which outcome."""
    failures: list[Outcome]
    """The outcomes of files that may still be there, in the order in which they settled."""
    plan: Plan | None = None
    """For `prune()`: the files that were listed and selected."""


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
for _status, _class in CLASSES.items():
    _class.status = _status
    _class.status_name = _NAMES[_status]
    # The name in tracebacks and pickles is the one that users write.
    _class.__module__ = "mmx"


def from_json(text: str) -> Error:
    """Makes the error that mmx_error_json() describes."""
    fields = loads(text)
    # The message alone: OSError gives a second argument a meaning of its own.
    error = CLASSES.get(fields["status"], Error)(fields["message"])
    error.status = fields["status"]
    error.status_name = fields["status_name"]
    error.call = fields["call"]
    error.parameter = fields["parameter"]
    error.api_code = fields["api_code"]
    error.api_message = fields["api_message"]
    error.http_status = fields["http_status"]
    error.trace_id = fields["trace_id"]
    error.attempts = fields["attempts"]
    error.retry_after = fields["retry_after_ms"] / 1000 if fields["retry_after_ms"] >= 0 else None
    error.ambiguous = fields["ambiguous"]
    return error


def copy(error: Error) -> Error:
    """Copies an error, without its traceback."""
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
