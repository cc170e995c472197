"""The C clients behind a Client, one for each kind of log in use."""

from __future__ import annotations

import os
from collections.abc import Callable
from ctypes import CDLL, byref, c_void_p
from time import monotonic
from typing import Any, TypeVar

from . import _arguments, _call, _ffi, _library, _log, errors
from ._callbacks import Guard
from ._threads import sleep
from ._types import Progress, Timeout

# How long a thread waits for another one that makes a C client, in seconds: far longer than that takes.
PATIENCE = 1.0

Made = TypeVar("Made")


class Connection:
    """The library and the C clients, which are shared by a client and its groups of calls until it is closed."""

    __slots__ = ("_configs", "_handles", "closed", "described", "has_ledger", "library")

    def __init__(self, settings: dict[str, object], headers: list[tuple[bytes, bytes]], described: str) -> None:
        self.library = _library.load()
        # The base URL, for repr().
        self.described = described
        self.closed = False
        ledger = settings["ledger"]
        # As the library decides it.
        self.has_ledger = bool(os.environ.get("MMX_LEDGER") if ledger is None else ledger)
        config = _Config(self.library, settings, headers)
        kind = _log.kind()
        # By kind of log. With the same settings they share their connections.
        self._handles = {kind: config.client(kind)}
        # One thread at a time takes it out.
        self._configs: list[_Config] = [config]

    def call(
        self,
        name: str,
        arguments: tuple[object, ...],
        make: Callable[[str, Any], Made],
        timeout: Timeout,
        flags: int = 0,
        guard: Guard | None = None,
        progress: Progress | None = None,
        path: str | None = None,
        expires_after_s: int = 0,
        requests: list[_call.Request] | None = None,
    ) -> Made:
        """Makes a call and returns what `make` makes of its response and its mmx_call_info.

        `path` is the local file that it reads or writes. The request is added to `requests`: there is its response,
        whatever is raised instead.
        """
        timeout_ms = 0 if timeout is ... else _arguments.milliseconds(name, "options.timeout_ms", timeout)
        handle = self.handle(name)
        function = getattr(self.library, f"mmx_{name}")
        request = _call.Request(
            self.library, function, handle, arguments, timeout_ms, flags, guard, progress, expires_after_s
        )
        if requests is not None:
            requests.append(request)
        # The request drops its references when the call returns: those of this frame may be kept by a traceback.
        del handle, arguments
        return _call.call(request, make, path)

    def handle(self, call: str, elsewhere: bool = False) -> _call.Handle:
        """Returns the C client with the log level that is enabled now, for a call of this thread or `elsewhere`."""
        kind = _log.kind(elsewhere)
        handle = self._handles.get(kind)
        if handle is None or self.closed:
            handle = self._make(kind)
        if handle is None:
            raise errors.invalid_argument(call, "client", "is closed")
        return handle

    def _make(self, kind: _log.Kind) -> _call.Handle | None:
        limit = monotonic() + PATIENCE
        while True:
            try:
                config = self._configs.pop()
                break
            except IndexError:
                if self.closed:
                    return None
                if monotonic() > limit:
                    # Taken by a thread of the parent, before a fork.
                    return next(iter(self._handles.values()), None)
                sleep(0)
        try:
            handle = self._handles.get(kind)
            if handle is None:
                handle = self._handles[kind] = config.client(kind)
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
    """A C configuration with a client's settings and the environment at the time when it was made."""

    __slots__ = ("_config", "_library")

    def __init__(self, library: CDLL, settings: dict[str, object], headers: list[tuple[bytes, bytes]]) -> None:
        self._library = library
        self._config = library.mmx_config_new()
        try:
            for name, value in settings.items():
                if value is not None:
                    self._set(name, value)
            for header in headers:
                self._apply(library.mmx_config_add_header, *header)
        except BaseException:
            # Freed now, and not when a traceback lets go of it.
            self.__del__()
            raise

    def _set(self, name: str, *values: object) -> None:
        path = os.fsdecode(values[0]) if name in ("ca_file", "api_key_file") else None  # type: ignore[arg-type]
        self._apply(getattr(self._library, f"mmx_config_set_{name}"), *values, path=path)

    def _apply(self, function: Any, *values: object, path: str | None = None) -> None:
        error = c_void_p()
        function(self._config, *values, byref(error))
        _library.check(self._library, error, path)

    def client(self, kind: _log.Kind) -> _call.Handle:
        level, _ = kind
        # Also for OFF: the configuration may have the logger of an earlier client.
        self._set("logger", _log.function_of(kind), None, level or _ffi.MMX_LOG_ERROR)
        client, error = c_void_p(), c_void_p()
        self._library.mmx_client_new(self._config, byref(client), byref(error))
        _library.check(self._library, error)
        if not client.value:
            raise errors.InternalError("client_new: the library returned no client")
        return _call.Handle(self._library, client.value, level)

    def __del__(self) -> None:
        config, self._config = self._config, None
        if config is not None:
            self._library.mmx_config_free(config)
