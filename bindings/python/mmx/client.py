"""The client."""

from __future__ import annotations

from ctypes import byref, c_void_p
from time import monotonic, sleep

from . import _arguments, _call, _ffi, _library, _log, errors
from .files import Files

# How long a thread waits for another one that makes a C client, in seconds: far longer than that takes.
PATIENCE = 1.0

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from ctypes import CDLL
    from types import EllipsisType, TracebackType
    from typing import NoReturn, SupportsFloat, SupportsIndex

    from typing_extensions import Self

    from ._callbacks import Guard, Progress


class Connection:
    """What a client and its groups of calls share: the library and, until it is closed, the C clients."""

    __slots__ = ("_configs", "_handles", "closed", "library")

    def __init__(self, settings: dict[str, object]) -> None:
        self.library = _library.load()
        self.closed = False
        config = _Config(self.library, settings)
        level = _log.level()
        # By what they log. With the same settings they share their connections.
        self._handles = {level: config.client(level)}
        # One thread at a time has it.
        self._configs: list[_Config] = [config]

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
        handle = self.handle(name)
        function = getattr(self.library, f"mmx_{name}")
        request = _call.Request(self.library, function, handle, arguments, timeout_ms, flags, guard, progress)
        # The request has them, as long as the call needs them: a traceback that somebody keeps must not.
        del handle, arguments
        return _call.call(request)

    def handle(self, call: str) -> _call.Handle:
        """The C client for a call: the one that logs what `logging` wants by now."""
        level = _log.level()
        handle = self._handles.get(level)
        if handle is None or self.closed:
            handle = self._make(level)
        if handle is None:
            raise errors.invalid_argument(call, "client", "is closed")
        return handle

    def _make(self, level: int) -> _call.Handle | None:
        limit = monotonic() + PATIENCE
        while True:
            try:
                config = self._configs.pop()
                break
            except IndexError:
                if self.closed:
                    return None
                if monotonic() > limit:
                    # A fork came when another thread was at it, whom this process doesn't have.
                    return next(iter(self._handles.values()), None)
                sleep(0)
        try:
            handle = self._handles.get(level)
            if handle is None:
                handle = self._handles[level] = config.client(level)
        finally:
            self._configs.append(config)
            if self.closed:
                self.close()
        return handle

    def close(self) -> None:
        self.closed = True
        self._handles.clear()
        self._configs.clear()


class _Config:
    """A C configuration with a client's settings, and with the environment of when it was made."""

    __slots__ = ("_config", "_library")

    def __init__(self, library: CDLL, settings: dict[str, object]) -> None:
        self._library = library
        self._config = library.mmx_config_new()
        try:
            for name, value in settings.items():
                if value is not None:
                    self._set(name, value)
        except BaseException:
            # Not when somebody has let go of the traceback.
            self.__del__()
            raise

    def _set(self, name: str, *values: object) -> None:
        error = c_void_p()
        getattr(self._library, f"mmx_config_set_{name}")(self._config, *values, byref(error))
        _library.check(self._library, error)

    def client(self, level: int) -> _call.Handle:
        # Also where it is off: an earlier client may have had one.
        function = _log.nothing if level == _log.OFF else _log.function
        self._set("logger", function, None, level or _ffi.MMX_LOG_ERROR)
        client, error = c_void_p(), c_void_p()
        self._library.mmx_client_new(self._config, byref(client), byref(error))
        _library.check(self._library, error)
        if not client.value:
            raise errors.InternalError("client_new: no client came")
        return _call.Handle(self._library, client.value, level)

    def __del__(self) -> None:
        config, self._config = self._config, None
        if config is not None:
            self._library.mmx_config_free(config)


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
        requests_per_minute: SupportsIndex | None = None,
        proxy: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        user_agent: str | None = None,
        allow_insecure: bool = False,
    ) -> None:
        """Without `api_key` and `base_url`, MINIMAX_API_KEY and MINIMAX_BASE_URL are used.

        `timeout` bounds everything that a call does, in seconds; None is no limit. Without it, uploads and downloads
        have no limit, and other calls have 60 seconds. `connect_timeout` is how long a connection may take to come to
        be (10), and `idle_timeout` how long the other end may be silent (60). `max_attempts` is how many requests a
        call may send, and `requests_per_minute` how many all clients of this key and process may, repeated ones and
        look-ups included: divide it by the number of your processes. `proxy` is http://host:port, perhaps with
        user:password@ before the host, and serves everything; "none" is no proxy, and without it the environment's
        HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY count. `ca_file` is a PEM file of certificates to trust beside
        the system's. `user_agent` names your program. `allow_insecure` permits http:// to another machine.
        """
        call = "client_new"
        limits = {"timeout_ms": timeout, "connect_timeout_ms": connect_timeout, "idle_timeout_ms": idle_timeout}
        numbers = {"max_attempts": max_attempts, "requests_per_minute": requests_per_minute}
        # By their names in the library: mmx_config_set_<name>().
        settings: dict[str, object] = {
            "api_key": api_key if api_key is None else _arguments.text(call, "api_key", api_key),
            "base_url": base_url if base_url is None else _arguments.text(call, "base_url", base_url),
            **{
                name: None if limit is ... else _arguments.milliseconds(call, name, limit)
                for name, limit in limits.items()
            },
            **{
                name: number if number is None else _arguments.whole(call, name, number, _arguments.INT32_MAX)
                for name, number in numbers.items()
            },
            "proxy": proxy if proxy is None else _arguments.text(call, "proxy", proxy),
            "ca_file": ca_file if ca_file is None else _arguments.path(call, "ca_file", ca_file),
            "user_agent": user_agent if user_agent is None else _arguments.text(call, "user_agent", user_agent),
            "allow_insecure": _arguments.truth(call, "allow_insecure", allow_insecure),
        }
        self._connection = Connection(settings)
        self.files = Files(self._connection)

    @property
    def closed(self) -> bool:
        return self._connection.closed

    def close(self) -> None:
        """Lets no call begin any more; those under way finish as they would. Closing twice is fine."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __reduce__(self) -> NoReturn:
        raise errors.not_picklable()


Client.__module__ = "mmx"
