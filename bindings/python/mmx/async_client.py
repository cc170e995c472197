"""The client for asyncio."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import TracebackType
from typing import NoReturn, SupportsFloat, SupportsIndex, TypeVar

from . import _arguments, errors
from ._async_files import AsyncFiles as AsyncFiles
from ._async_outcomes import AsyncOutcomes as AsyncOutcomes
from ._async_temporary import AsyncTemporaryFile as AsyncTemporaryFile
from ._pool import Pool
from ._threads import is_main_interpreter
from ._types import Timeout
from .client import Client
from .results import Outcome, SweepResult

Self = TypeVar("Self", bound="AsyncClient")


class AsyncClient:
    """A client of the API for asyncio: the calls of `Client`, as coroutines.

        async with mmx.AsyncClient() as client:
            await client.files.delete(176844028768320)

    Calls are made on at most `max_workers` threads of its own; others wait for one. If a task is cancelled, its call is
    cancelled at once. The CancelledError's `__cause__` is then the call's error: if its `ambiguous` is true, the
    service may have carried out the call, and a note on the CancelledError says so, too (Python 3.11). Callbacks and
    log handlers run on the thread of the call, with the task's context variables.
    """

    __slots__ = ("__weakref__", "_client", "_pool", "files")

    files: AsyncFiles

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: Timeout = ...,
        connect_timeout: Timeout = ...,
        idle_timeout: Timeout = ...,
        max_attempts: SupportsIndex | None = None,
        requests_per_minute: SupportsIndex | None = None,
        proxy: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        user_agent: str | None = None,
        allow_insecure: bool = False,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        api_key_file: str | os.PathLike[str] | None = None,
        ledger: str | os.PathLike[str] | None = None,
        max_workers: SupportsIndex = 16,
    ) -> None:
        """The settings are those of `Client`. `max_workers` is how many calls are made at once at most."""
        if not is_main_interpreter:
            raise RuntimeError("mmx.AsyncClient works in the main interpreter only: mmx starts no thread in another")
        workers = _arguments.integer("client_new", "max_workers", max_workers, _arguments.INT32_MAX)
        if workers < 1:
            raise errors.invalid_argument("client_new", "max_workers", f"must be 1 or more, not {workers}")
        self._client = Client(
            api_key,
            base_url,
            timeout=timeout,
            connect_timeout=connect_timeout,
            idle_timeout=idle_timeout,
            max_attempts=max_attempts,
            requests_per_minute=requests_per_minute,
            proxy=proxy,
            ca_file=ca_file,
            user_agent=user_agent,
            allow_insecure=allow_insecure,
            headers=headers,
            api_key_file=api_key_file,
            ledger=ledger,
        )
        self._pool = Pool(self._client._connection.library, workers)
        self.files = AsyncFiles(self._client.files, self._pool)

    async def sweep(
        self,
        *,
        dry_run: bool = False,
        timeout: SupportsFloat | None = None,
        on_outcome: Callable[[Outcome], object] | None = None,
    ) -> SweepResult:
        """Settles what processes that are gone left in the ledger, as `Client.sweep()`."""
        call = partial(self._client.sweep, dry_run=dry_run, timeout=timeout, on_outcome=on_outcome)
        return await self._pool.run("sweep", call, changes=not dry_run)

    async def keep(self, file_id: SupportsIndex) -> None:
        """Strikes a file out of the ledger, as `Client.keep()`."""
        await self._pool.run("ledger_keep", partial(self._client.keep, file_id))

    @property
    def closed(self) -> bool:
        """Whether the client is closed."""
        return self._client.closed

    async def close(self) -> None:
        """Closes the client: new calls fail, calls in progress finish. Closing again does nothing."""
        self._client.close()
        self._pool.close()

    async def __aenter__(self: Self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return repr(self._client).replace("mmx.Client", "mmx.AsyncClient", 1)

    def __reduce__(self) -> NoReturn:
        raise errors.not_picklable()


AsyncClient.__module__ = "mmx"
