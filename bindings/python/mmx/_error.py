"""The base class of every error."""

from . import _ffi


class Error(Exception):
    """A call failed. Its text says what went wrong and what to do; it never contains the API key.

    Pickles with all its attributes. An error of a status that this version doesn't know is an `Error` itself.
    """

    status: int = _ffi.MMX_ERROR_INTERNAL
    """One of MMX_ERROR_... in mmx.h."""
    status_name: str = "MMX_ERROR_INTERNAL"
    """The name of the status in mmx.h."""
    call: str = ""
    """The name of the call, for example "delete_file"."""
    parameter: str | None = None
    """The invalid argument, named as in the C interface; None when no argument was."""
    api_code: int = 0
    """The service's own error code, for example 1004; 0 when the response had none."""
    api_message: str = ""
    """The service's message, as it came; "" when the response had none."""
    http_status: int = 0
    """The HTTP status of the response; 0 when there was no response."""
    trace_id: str = ""
    """The id under which the service knows the request; "" when the response had none."""
    attempts: int = 0
    """How many requests were sent, or tried; 0 when the call failed before the first."""
    retry_after: float | None = None
    """How many seconds the service asks to wait; None when it didn't say."""
    ambiguous: bool = False
    """Whether the service may have carried out the call although it failed."""


Error.__module__ = "mmx"
