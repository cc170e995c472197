"""Makes calls for asyncio: on threads of a client's own, and cancelled with the task that waits for them."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextvars import copy_context
from ctypes import CDLL
from typing import Any, TypeVar

from . import _call, _callbacks, _tokens, errors

Made = TypeVar("Made")

# How many chunks of a download may be ahead of their reader.
MAX_AHEAD = 8


class _Job:
    """A call on a thread of the pool, which the loop's thread may cancel."""

    __slots__ = ("is_cancelled", "library", "on_cancel", "token")

    def __init__(self, library: CDLL, on_cancel: Callable[[], object] | None) -> None:
        self.library = library
        self.on_cancel = on_cancel
        self.is_cancelled = False
        self.token: _tokens.Token | None = None

    def run(self, function: Callable[[], Made]) -> Made:
        token = self.token = _tokens.take(self.library)
        if self.is_cancelled:
            token.trigger()
        _tokens.set_for_this_thread(token)
        try:
            return function()
        except StopIteration as error:
            # No future can have it, as no generator can raise it.
            raise RuntimeError("a callback raised StopIteration") from error
        finally:
            _tokens.set_for_this_thread(None)
            # In this order: a token that cancel() may still trigger isn't used again.
            self.token = None
            if not self.is_cancelled:
                _tokens.give_back(token)

    def cancel(self) -> None:
        self.is_cancelled = True
        token = self.token
        if token is not None:
            token.trigger()
        if self.on_cancel is not None:
            self.on_cancel()


class Pool:
    """The threads on which a client's calls are made."""

    __slots__ = ("_executor", "_is_closed", "_library", "_max_workers", "_pid")

    def __init__(self, library: CDLL, max_workers: int) -> None:
        self._library = library
        self._max_workers = max_workers
        self._pid = 0
        self._executor: ThreadPoolExecutor | None = None
        self._is_closed = False

    def _submit(self, function: Callable[[], Made]) -> Future[Made]:
        # A child after a fork has none of its parent's threads.
        if self._executor is None or self._pid != os.getpid():
            self._pid = os.getpid()
            self._executor = ThreadPoolExecutor(self._max_workers, thread_name_prefix="mmx")
        executor = self._executor
        future = executor.submit(copy_context().run, function)
        if self._is_closed:
            self.close()
        return future

    def close(self) -> None:
        """Ends the threads when their calls have ended."""
        self._is_closed = True
        executor, self._executor = self._executor, None
        if executor is not None and self._pid == os.getpid():
            executor.shutdown(wait=False)

    async def run(
        self,
        call: str,
        function: Callable[[], Made],
        changes: bool = False,
        on_cancel: Callable[[], object] | None = None,
    ) -> Made:
        """Makes a call. `changes` says whether it changes something at the service.

        If the task is cancelled, so is the call. The cause of the CancelledError is the call's own error, whose
        `ambiguous` says whether the service may have carried it out.
        """
        job = _Job(self._library, on_cancel)
        future = self._submit(lambda: job.run(function))
        ended = asyncio.wrap_future(future)
        try:
            return await asyncio.shield(ended)
        except asyncio.CancelledError as cancelled:
            if future.cancel():
                cause: BaseException = errors.CancelledError(f"{call}: cancelled before anything was sent")
            else:
                job.cancel()
                await _wait(ended)
                cause = ended.exception() or _done(call, ended.result(), changes)
            if cause is cancelled:
                raise  # A callback's own.
            if isinstance(cause, errors.Error):
                cause.call = cause.call or call
                _call.add_note(cancelled, str(cause) if cause.ambiguous else None)
            raise cancelled from cause


async def _wait(ended: asyncio.Future[Any]) -> None:
    """Waits for the end of a cancelled call, which takes some milliseconds."""
    while not ended.done():
        try:
            await asyncio.wait([ended])
        except asyncio.CancelledError:
            continue  # Cancelled once more.


def _done(call: str, result: object, changes: bool) -> errors.Error:
    """The error of a call that was done although it was cancelled."""
    said = f", but it was done all the same: {result!r}" if changes else ""
    error = errors.CancelledError(f"{call}: cancelled{said}")
    error.ambiguous = changes
    return error


class Source(_callbacks.Stream):
    """A file object, for a thread of the pool, that reads from an asynchronous one or an asynchronous iterator."""

    def __init__(self, loop: asyncio.AbstractEventLoop, read: Callable[[int], Any], size: int) -> None:
        super().__init__(size)
        self._loop = loop
        self._read = read
        self._waiting: Future[Any] | None = None
        self._is_cancelled = False

    def read(self, size: int) -> Any:
        async def read() -> Any:
            return await self._read(size)

        waiting = self._waiting = asyncio.run_coroutine_threadsafe(read(), self._loop)
        if self._is_cancelled:
            waiting.cancel()
        try:
            return waiting.result()
        except CancelledError:
            # The service has only a part of the request.
            raise errors.CancelledError("upload_stream: cancelled while it waited for more of the source") from None

    def cancel(self) -> None:
        self._is_cancelled = True
        if self._waiting is not None:
            self._waiting.cancel()


class Pieces:
    """The bytes of an asynchronous iterator, as an asynchronous reader."""

    def __init__(self, iterator: Any) -> None:
        self._iterator = iterator
        self._rest = memoryview(b"")

    async def read(self, size: int) -> memoryview:
        while not self._rest:
            try:
                piece = await self._iterator.__anext__()
            except StopAsyncIteration:
                return memoryview(b"")
            self._rest = memoryview(piece).cast("B")
        part, self._rest = self._rest[:size], self._rest[size:]
        return part


class _Target:
    """A file object, for a thread of the pool, whose bytes are read in the loop."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.room = threading.Semaphore(MAX_AHEAD)
        self._is_over = False

    def write(self, data: bytes) -> None:
        self.room.acquire()
        if self._is_over:
            raise errors.CancelledError("download_stream: cancelled")
        self.loop.call_soon_threadsafe(self.chunks.put_nowait, data)

    def end(self) -> None:
        self._is_over = True
        self.room.release()


async def chunks(pool: Pool, call: str, download: Callable[[Any], object]) -> AsyncGenerator[bytes, None]:
    """Yields what `download` writes to its argument. Raises what it raises, after the last chunk."""
    target = _Target()
    running = asyncio.ensure_future(pool.run(call, lambda: download(target), on_cancel=target.end))
    running.add_done_callback(lambda _: target.chunks.put_nowait(None))
    try:
        while (chunk := await target.chunks.get()) is not None:
            target.room.release()
            yield chunk
        await running
    finally:
        if not running.done():
            running.cancel()
            await _wait(running)
        if not running.cancelled():
            running.exception()
