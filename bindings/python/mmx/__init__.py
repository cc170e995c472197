"""The native client for the MiniMax file API.

>>> import mmx
>>> with mmx.Client() as client:  # The key is in MINIMAX_API_KEY.
...     client.files.delete(176844028768320, mmx.PURPOSE_VOICE_CLONE)
"""

from . import _ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ._async_files import AsyncFiles
    from ._async_outcomes import AsyncOutcomes
    from ._async_temporary import AsyncTemporaryFile
    from ._outcomes import Outcomes
    from ._temporary import TemporaryFile
    from .async_client import AsyncClient
    from .client import Client
    from .errors import (
        APIError,
        AuthenticationError,
        CancelledError,
        ConnectError,
        ContentRejectedError,
        Error,
        FileError,
        GuardError,
        HTTPError,
        InternalError,
        InvalidArgumentError,
        InvalidRequestError,
        NetworkError,
        NotDeletedError,
        NotFoundError,
        PartialFailure,
        PermissionError,
        ProtocolError,
        QuotaError,
        RateLimitError,
        ServerError,
        ServerTimeoutError,
        TimeoutError,
    )
    from .files import Files
    from .results import (
        CallInfo,
        DeleteResult,
        Download,
        File,
        FileList,
        Outcome,
        Plan,
        PruneResult,
        Summary,
        SweepResult,
        TakeResult,
        UnsettledUpload,
    )

PURPOSE_PROMPT_AUDIO = _ffi.MMX_PURPOSE_PROMPT_AUDIO
PURPOSE_T2A_ASYNC = _ffi.MMX_PURPOSE_T2A_ASYNC
PURPOSE_T2A_ASYNC_INPUT = _ffi.MMX_PURPOSE_T2A_ASYNC_INPUT
PURPOSE_VIDEO_GENERATION = _ffi.MMX_PURPOSE_VIDEO_GENERATION
PURPOSE_VIDEO_GENERATION_INPUT = _ffi.MMX_PURPOSE_VIDEO_GENERATION_INPUT
PURPOSE_VIDEO_UNDERSTANDING = _ffi.MMX_PURPOSE_VIDEO_UNDERSTANDING
PURPOSE_VOICE_CLONE = _ffi.MMX_PURPOSE_VOICE_CLONE
__version__ = _ffi.MMX_VERSION

__all__ = [
    "PURPOSE_PROMPT_AUDIO",
    "PURPOSE_T2A_ASYNC",
    "PURPOSE_T2A_ASYNC_INPUT",
    "PURPOSE_VIDEO_GENERATION",
    "PURPOSE_VIDEO_GENERATION_INPUT",
    "PURPOSE_VIDEO_UNDERSTANDING",
    "PURPOSE_VOICE_CLONE",
    "APIError",
    "AsyncClient",
    "AsyncFiles",
    "AsyncOutcomes",
    "AsyncTemporaryFile",
    "AuthenticationError",
    "CallInfo",
    "CancelledError",
    "Client",
    "ConnectError",
    "ContentRejectedError",
    "DeleteResult",
    "Download",
    "Error",
    "File",
    "FileError",
    "FileList",
    "Files",
    "GuardError",
    "HTTPError",
    "InternalError",
    "InvalidArgumentError",
    "InvalidRequestError",
    "NetworkError",
    "NotDeletedError",
    "NotFoundError",
    "Outcome",
    "Outcomes",
    "PartialFailure",
    "PermissionError",
    "Plan",
    "ProtocolError",
    "PruneResult",
    "QuotaError",
    "RateLimitError",
    "ServerError",
    "ServerTimeoutError",
    "Summary",
    "SweepResult",
    "TakeResult",
    "TemporaryFile",
    "TimeoutError",
    "UnsettledUpload",
    "__version__",
]


_MODULES = ("async_client", "client", "errors", "files", "results")
# Loaded for themselves: asyncio takes longer to import than all the rest.
_ASYNC = ("AsyncClient", "AsyncFiles", "AsyncOutcomes", "AsyncTemporaryFile")

if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name in _MODULES:
            from importlib import import_module

            return import_module(f"{__name__}.{name}")
        if name in _ASYNC:
            from . import async_client

            globals().update({public: getattr(async_client, public) for public in _ASYNC})
            return globals()[name]
        # Loaded when the first name is asked for: `typing` and `dataclasses` take longer to import than all the rest.
        if name in __all__:
            from . import _outcomes, _temporary, client, errors, files, results

            for module in (_outcomes, _temporary, client, errors, files, results):
                globals().update({public: value for public, value in vars(module).items() if public in __all__})
        try:
            return globals()[name]
        except KeyError:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None

    def __dir__() -> list[str]:
        return sorted({*globals(), *__all__, *_MODULES})
