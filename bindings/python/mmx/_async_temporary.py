"""Files that are uploaded for an `async with` block, and deleted at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread
from types import TracebackType
from typing import NoReturn

from ._pool import Pool
from ._temporary import TemporaryFile
from .errors import NotDeletedError
from .results import File


class AsyncTemporaryFile:
    """A context manager for asyncio, of `AsyncFiles.temporary()`, as `mmx.TemporaryFile`."""

    __slots__ = ("_on_cancel", "_pool", "_temporary")

    def __init__(self, temporary: TemporaryFile, pool: Pool, on_cancel: Callable[[], object] | None) -> None:
        self._temporary = temporary
        self._pool = pool
        self._on_cancel = on_cancel

    async def __aenter__(self) -> File:
        try:
            begin = self._temporary._begin
            return await self._pool.run("upload_stream", begin, changes=True, on_cancel=self._on_cancel)
        except BaseException as raised:
            await self._end(raised)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._end(value)

    @property
    def error(self) -> NotDeletedError | None:
        """Why the file was not deleted; None if it was, or is not to be yet."""
        return self._temporary.error

    def __repr__(self) -> str:
        return repr(self._temporary).replace("mmx.TemporaryFile", "mmx.AsyncTemporaryFile", 1)

    def __reduce__(self) -> NoReturn:
        raise TypeError("an mmx.AsyncTemporaryFile can't be pickled, nor copied: it belongs to this process")

    async def _end(self, value: BaseException | None) -> None:
        try:
            await _to_the_end(self._temporary._delete_surely)
        except BaseException as raised:
            self._temporary._tell(raised)
            raise
        self._temporary._tell(value)


async def _to_the_end(function: Callable[[], None]) -> None:
    """Calls a function on a thread of its own. If the task is cancelled meanwhile, it is when the function returns."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            function()
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    try:
        # Not one of the pool's, which may all be in calls that last.
        Thread(target=copy_context().run, args=(run,), name="mmx").start()
    except RuntimeError:  # Too many threads, or the process ends.
        run()
    ended = asyncio.wrap_future(future)
    cancelled: asyncio.CancelledError | None = None
    while not ended.done():
        try:
            await asyncio.wait([ended])
        except asyncio.CancelledError as error:
            cancelled = error
    ended.result()
    if cancelled is not None:
        raise cancelled


AsyncTemporaryFile.__module__ = "mmx"
