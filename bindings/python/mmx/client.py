"""The client."""

from __future__ import annotations

from ctypes import byref, c_void_p

from . import _arguments, _call, _library, errors
from .files import Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from ctypes import CDLL
    from types import EllipsisType, TracebackType
    from typing import NoReturn, SupportsFloat, SupportsIndex

    from typing_extensions import Self

    from ._callbacks import Guard, Progress


class Connection:
    """What a client and its groups of calls share: the library and, until it is closed, the C client."""

    __slots__ = ("handle", "library")

    def __init__(self, settings: dict[str, object]) -> None:
        self.library = _library.load()
        self.handle: _call.Handle | None = _new_client(self.library, settings)

    def call(
        self,
        name: str,
        arguments: tuple[object, ...],
        timeout: SupportsFloat | EllipsisType | None,
        flags: int = 0,
        guard: Guard | None = None,
        progress: Progress | None = None,
    ) -> str:
        timeout_ms = 0 if timeout is ... else _arguments.milliseconds(name, "options.timeout_ms", timeout)
        handle = self.handle
        if handle is None:
            raise errors.invalid_argument(name, "client", "is closed")
        function = getattr(self.library, f"mmx_{name}")
        request = _call.Request(self.library, function, handle, arguments, timeout_ms, flags, guard, progress)
        # The request has them, as long as the call needs them: a traceback that somebody keeps must not.
        del handle, arguments
        return _call.call(request)


def _new_client(library: CDLL, settings: dict[str, object]) -> _call.Handle:
    config = library.mmx_config_new()
    try:
        for name, value in settings.items():
            if value is not None:
                error = c_void_p()
                getattr(library, f"mmx_config_set_{name}")(config, value, byref(error))
                _call.check(library, error)
        client, error = c_void_p(), c_void_p()
        library.mmx_client_new(config, byref(client), byref(error))
        _call.check(library, error)
        if not client.value:
            raise errors.InternalError("client_new: no client came")
        return _call.Handle(library, client.value)
    finally:
        library.mmx_config_free(config)


class Client:
    """An account at a place: what calls are made with.

    Cheap to make, and good for any number of threads at once, also in a child after a fork. Making one sends nothing.
    """

    __slots__ = ("__weakref__", "_connection", "files")

    files: Files

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: SupportsFloat | EllipsisType | None = ...,
        connect_timeout: SupportsFloat | EllipsisType | None = ...,
        idle_timeout: SupportsFloat | EllipsisType | None = ...,
        max_attempts: SupportsIndex | None = None,
        proxy: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        user_agent: str | None = None,
        allow_insecure: bool = False,
    ) -> None:
        """Without `api_key` and `base_url`, MINIMAX_API_KEY and MINIMAX_BASE_URL are used.

        `timeout` bounds everything that a call does, in seconds; None is no limit. Without it, uploads and downloads
        have no limit, and other calls have 60 seconds. `connect_timeout` is how long a connection may take to come to
        be (10), and `idle_timeout` how long the other end may be silent (60). `max_attempts` is how many requests a
        call may send. `proxy` is http://host:port, perhaps with user:password@ before the host, and serves everything;
        "none" is no proxy, and without it the environment's HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY count.
        `ca_file` is a PEM file of certificates to trust beside the system's. `user_agent` names your program.
        `allow_insecure` permits http:// to another machine.
        """
        call = "client_new"
        limits = {"timeout_ms": timeout, "connect_timeout_ms": connect_timeout, "idle_timeout_ms": idle_timeout}
        # By their names in the library: mmx_config_set_<name>().
        settings: dict[str, object] = {
            "api_key": api_key if api_key is None else _arguments.text(call, "api_key", api_key),
            "base_url": base_url if base_url is None else _arguments.text(call, "base_url", base_url),
            **{
                name: None if limit is ... else _arguments.milliseconds(call, name, limit)
                for name, limit in limits.items()
            },
            "max_attempts": max_attempts
            if max_attempts is None
            else _arguments.whole(call, "max_attempts", max_attempts, _arguments.INT32_MAX),
            "proxy": proxy if proxy is None else _arguments.text(call, "proxy", proxy),
            "ca_file": ca_file if ca_file is None else _arguments.path(call, "ca_file", ca_file),
            "user_agent": user_agent if user_agent is None else _arguments.text(call, "user_agent", user_agent),
            "allow_insecure": _arguments.truth(call, "allow_insecure", allow_insecure),
        }
        self._connection = Connection(settings)
        self.files = Files(self._connection)

    @property
    def closed(self) -> bool:
        return self._connection.handle is None

    def close(self) -> None:
        """Lets no call begin any more; those under way finish as they would. Closing twice is fine."""
        self._connection.handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise errors.not_picklable()


Client.__module__ = "mmx"
