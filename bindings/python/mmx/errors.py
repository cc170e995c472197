"""Why a call failed: one class a status, so that `except` can tell them apart."""

from __future__ import annotations

import builtins

from . import _ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .results import Outcome, Plan, Summary


class Error(Exception):
    """A call failed. Its text says what went wrong and what to do; it never holds the key.

    Pickles with all its attributes. An error of a status that this version doesn't know is an `Error` itself.
    """

    status: int = _ffi.MMX_ERROR_INTERNAL
    """One of MMX_ERROR_... in mmx.h."""
    status_name: str = "MMX_ERROR_INTERNAL"
    """Its name there."""
    call: str = ""
    """The call, for example "delete_file"."""
    parameter: str | None = None
    """The argument at fault, as the C interface calls it; None when it was none."""
    api_code: int = 0
    """The service's own number, for example 1004; 0 when none came."""
    api_message: str = ""
    """What the service says about it, as it came; "" when nothing did."""
    http_status: int = 0
    """The HTTP status of the answer; 0 when no answer came."""
    trace_id: str = ""
    """The id under which the service knows the request; "" when none came."""
    attempts: int = 0
    """How many requests were sent, or tried; 0 when the call was refused before."""
    retry_after: float | None = None
    """How many seconds the service asks to wait; None when it didn't say."""
    ambiguous: bool = False
    """Whether the service may have carried the call out although it failed."""


class InvalidArgumentError(Error, ValueError):
    """Caught here; nothing was sent."""


class FileError(Error, OSError):
    """A local file or a file object: missing, unreadable, disk full, of another length than it had."""


class ConnectError(Error, ConnectionError):
    """DNS, connect, TLS; nothing was sent."""


class NetworkError(Error, ConnectionError):
    """The connection broke once the request was under way."""


class TimeoutError(Error, builtins.TimeoutError):
    """A time limit of ours passed."""


class CancelledError(Error):
    """The call was cancelled."""


class ProtocolError(Error):
    """An answer that isn't this API's."""


class HTTPError(Error):
    """An HTTP error with no API code in it."""


class PartialFailure(Error):
    """Files are left that were to be deleted. Its `__cause__` is what ended the run early, if anything did."""

    summary: Summary
    """How many files came to which end."""
    failures: list[Outcome]
    """Those that were not deleted, or perhaps not, as they settled: failed, unknown and not attempted ones."""
    plan: Plan | None = None
    """Of a prune: what was listed and chosen."""


class GuardError(Error):
    """A guard stopped a prune: more files would go than it allows. No delete was sent."""

    plan: Plan
    """What was listed and chosen."""


class APIError(Error):
    """The service answered with an error. Its subclasses are those with a meaning of their own."""


class AuthenticationError(APIError):
    """A wrong key, or a key of the other region."""


class RateLimitError(APIError):
    """Too many requests, tokens or connections for now."""


class QuotaError(APIError):
    """The account's balance, plan or quota doesn't allow it."""


class InvalidRequestError(APIError):
    """The service found the request malformed."""


class ContentRejectedError(APIError):
    """The service rejected the content."""


class NotFoundError(APIError):
    """HTTP 404 with an API error in it."""


class PermissionError(APIError, builtins.PermissionError):
    """The key may not do this."""


class ServerError(APIError):
    """The service failed."""


class ServerTimeoutError(APIError):
    """The service, or a gateway before it, ran out of time."""


class InternalError(Error):
    """A bug of the library, or the process is out of descriptors."""


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
    # A traceback shows, and a pickle names, what users write.
    _class.__module__ = "mmx"
Error.__module__ = "mmx"


def from_json(text: str) -> Error:
    """The error that mmx_error_json() describes."""
    from json import loads  # Not before it is needed: it takes as long to import as all the rest.

    fields = loads(text)
    # One argument, the message: OSError would take a second one for its own.
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
    """The same error, not raised yet."""
    same = type(error)(*error.args)
    same.__dict__.update(error.__dict__)
    return same


def invalid_argument(call: str, parameter: str, why: str) -> InvalidArgumentError:
    """A refusal of the wrapper's own, in the words of the library's."""
    error = InvalidArgumentError(f"{call}: {parameter} {why}")
    error.call = call
    error.parameter = parameter
    return error


def not_picklable() -> TypeError:
    return TypeError("an mmx.Client can't be pickled, nor copied: make one in each process that needs it")
