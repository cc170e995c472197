"""The calls of the file API for asyncio."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NoReturn, Protocol, SupportsFloat, SupportsIndex, TypeAlias, overload

from . import _arguments, _prune, errors
from ._async_outcomes import AsyncOutcomes
from ._async_temporary import AsyncTemporaryFile
from ._pool import Pieces, Pool, Source, chunks
from ._types import Buffer, FileRef, Path, Progress, Readable, Timeout, Writable
from ._upload import is_text, name_of
from .files import Files
from .results import DeleteResult, Download, File, FileList, Outcome, Plan, PruneResult, TakeResult

if TYPE_CHECKING:
    from typing_extensions import Unpack


class AsyncReadable(Protocol):
    """An asynchronous reader of bytes, such as `asyncio.StreamReader`."""

    def read(self, size: int, /) -> Awaitable[Buffer]: ...


AnySource: TypeAlias = Path | Buffer | Readable | AsyncReadable | AsyncIterable[Buffer]


class AsyncFiles:
    """The calls of the file API, as coroutines. An attribute of a client: `AsyncClient.files`.

    Arguments, results and errors are those of `mmx.Files`.
    """

    __slots__ = ("_files", "_pool")

    def __init__(self, files: Files, pool: Pool) -> None:
        self._files = files
        self._pool = pool

    def __repr__(self) -> str:
        return repr(self._files).replace("mmx.Files", "mmx.AsyncFiles", 1)

    def __reduce__(self) -> NoReturn:
        raise errors.not_picklable()

    async def delete(
        self, file_id: SupportsIndex, purpose: str | None = None, *, missing_ok: bool = False, timeout: Timeout = ...
    ) -> DeleteResult:
        """Deletes one file, as `Files.delete()`."""
        call = partial(self._files.delete, file_id, purpose, missing_ok=missing_ok, timeout=timeout)
        return await self._pool.run("delete_file", call, changes=True)

    async def list(self, purpose: str | None = None, *, timeout: Timeout = ...) -> FileList:
        """Lists the files of a purpose, or of all purposes, as `Files.list()`."""
        return await self._pool.run("list_files", partial(self._files.list, purpose, timeout=timeout))

    async def retrieve(self, file_id: SupportsIndex, *, timeout: Timeout = ...) -> File:
        """Returns the metadata of one file, as `Files.retrieve()`."""
        return await self._pool.run("retrieve_file", partial(self._files.retrieve, file_id, timeout=timeout))

    async def wait(self, file_id: SupportsIndex, *, timeout: Timeout = ...) -> File:
        """Waits until a file is there, as `Files.wait()`."""
        return await self._pool.run("wait_file", partial(self._files.wait, file_id, timeout=timeout))

    async def upload(
        self,
        source: AnySource,
        *,
        purpose: str,
        filename: str | None = None,
        size: SupportsIndex | None = None,
        progress: Progress | None = None,
        reconcile: bool = False,
        reuse: bool = False,
        temporary: bool = False,
        expires_after: timedelta | float | None = None,
        timeout: Timeout = ...,
    ) -> File:
        """Uploads a file, as `Files.upload()`.

        `source` may also be an asynchronous reader, with a coroutine `read(size)`, or an asynchronous iterator of
        bytes. These are read in the loop, once, so the call isn't repeated after a failure. `size` is the number of
        their bytes, if it is known; without it they are sent in chunks. Another file object is read on the thread of
        the call.
        """
        given, filename, on_cancel = _source(source, filename, size)
        upload = partial(
            self._files.upload,
            given,
            purpose=purpose,
            filename=filename,
            progress=progress,
            reconcile=reconcile,
            reuse=reuse,
            temporary=temporary,
            expires_after=expires_after,
            timeout=timeout,
        )
        return await self._pool.run("upload_stream", upload, changes=True, on_cancel=on_cancel)

    def temporary(
        self,
        source: AnySource,
        *,
        purpose: str,
        filename: str | None = None,
        size: SupportsIndex | None = None,
        progress: Progress | None = None,
        reconcile: bool = False,
        timeout: Timeout = ...,
    ) -> AsyncTemporaryFile:
        """Uploads a file for an `async with` block, and deletes it at its end, as `Files.temporary()`.

        The delete also goes on to its end if the task is cancelled, and is made on a thread of its own.
        """
        given, filename, on_cancel = _source(source, filename, size)
        temporary = self._files.temporary(
            given, purpose=purpose, filename=filename, progress=progress, reconcile=reconcile, timeout=timeout
        )
        return AsyncTemporaryFile(temporary, self._pool, on_cancel)

    async def take(
        self,
        file_id: SupportsIndex,
        path: Path,
        purpose: str | None = None,
        *,
        progress: Progress | None = None,
        via_download_url: bool = False,
        timeout: Timeout = ...,
    ) -> TakeResult:
        """Downloads a file, and deletes it once it is whole on this disk, as `Files.take()`."""
        call = partial(
            self._files.take,
            file_id,
            path,
            purpose,
            progress=progress,
            via_download_url=via_download_url,
            timeout=timeout,
        )
        return await self._pool.run("take_file", call, changes=True)

    async def download(
        self,
        file_id: SupportsIndex,
        target: Path | Writable | None = None,
        *,
        progress: Progress | None = None,
        via_download_url: bool = False,
        timeout: Timeout = ...,
    ) -> Download:
        """Downloads a file, as `Files.download()`. A file object is written on the thread of the call."""
        call = partial(
            self._files.download,
            file_id,
            target,
            progress=progress,
            via_download_url=via_download_url,
            timeout=timeout,
        )
        return await self._pool.run("download_file", call)

    def iter_content(
        self, file_id: SupportsIndex, *, via_download_url: bool = False, timeout: Timeout = ...
    ) -> AsyncGenerator[bytes, None]:
        """Downloads a file, and returns an asynchronous iterator over its bytes in chunks.

        A failure is raised in the middle of them: a loop that ends without an exception has had the whole file. The
        download waits for a reader that is slower. One that is left before its end is cancelled by `aclose()`, or when
        it is dropped. It takes one of the client's threads as long as it lasts.
        """

        def download(target: Any) -> Download:
            return self._files.download(file_id, target, via_download_url=via_download_url, timeout=timeout)

        return chunks(self._pool, "download_stream", download)

    def delete_many(
        self,
        files: Iterable[FileRef],
        purpose: str | None = None,
        *,
        concurrency: SupportsIndex | None = None,
        max_attempts: SupportsIndex | None = None,
        call_timeout: Timeout = ...,
        timeout: SupportsFloat | None = None,
        verify: bool = False,
        check: bool = True,
    ) -> AsyncOutcomes:
        """Deletes many files, as `Files.delete_many()`: an asynchronous iterator over an outcome for each."""
        outcomes = self._files.delete_many(
            files,
            purpose,
            concurrency=concurrency,
            max_attempts=max_attempts,
            call_timeout=call_timeout,
            timeout=timeout,
            verify=verify,
            check=check,
        )
        return AsyncOutcomes(outcomes, self._pool)

    if TYPE_CHECKING:

        @overload
        async def prune(self, *, dry_run: Literal[False] = ..., **settings: Unpack[_prune.Settings]) -> PruneResult: ...

        @overload
        async def prune(self, *, dry_run: Literal[True], **settings: Unpack[_prune.Settings]) -> Plan: ...

        @overload
        async def prune(self, *, dry_run: bool, **settings: Unpack[_prune.Settings]) -> Plan | PruneResult: ...

    async def prune(
        self,
        *,
        purpose: str | None = None,
        older_than: timedelta | float | None = None,
        min_bytes: SupportsIndex | None = None,
        name_glob: str | None = None,
        keep_glob: str | None = None,
        keep_ids: Iterable[SupportsIndex | File] = (),
        max_files: SupportsIndex | None = None,
        max_percent: SupportsIndex | None = None,
        all: bool = False,
        dry_run: bool = False,
        verify: bool = False,
        concurrency: SupportsIndex | None = None,
        max_attempts: SupportsIndex | None = None,
        call_timeout: Timeout = ...,
        timeout: SupportsFloat | None = None,
        progress: Progress | None = None,
        on_outcome: Callable[[Outcome], object] | None = None,
    ) -> Plan | PruneResult:
        """Deletes the listed files that a filter selects, as `Files.prune()`."""
        settings: _prune.Settings = {
            "purpose": purpose,
            "older_than": older_than,
            "min_bytes": min_bytes,
            "name_glob": name_glob,
            "keep_glob": keep_glob,
            "keep_ids": keep_ids,
            "max_files": max_files,
            "max_percent": max_percent,
            "all": all,
            "verify": verify,
            "concurrency": concurrency,
            "max_attempts": max_attempts,
            "call_timeout": call_timeout,
            "timeout": timeout,
            "progress": progress,
            "on_outcome": on_outcome,
        }
        call = partial(self._files.prune, dry_run=dry_run, **settings)
        return await self._pool.run(_prune.CALL, call, changes=not dry_run)


def _source(
    source: Any, filename: str | None, size: SupportsIndex | None
) -> tuple[Any, str | None, Callable[[], object] | None]:
    """Returns the source of an upload for a thread of the pool, its name, and what ends the wait for more of it."""
    call = "upload_stream"
    read = _reader(source)
    if read is None:
        if size is not None:
            raise TypeError(f"{call}: size is for asynchronous sources; others have a size of their own")
        return source, filename, None
    if is_text(source):
        raise _arguments.wrong_type(call, "source", "binary, not text", source)
    length = -1 if size is None else _arguments.integer(call, "size", size, _arguments.INT64_MAX)
    if size is not None and length < 0:
        raise errors.invalid_argument(call, "size", f"must be 0 or more, not {length}")
    filename = name_of(call, source) if filename is None else filename
    given = Source(asyncio.get_running_loop(), read, length)
    return given, filename, given.cancel


def _reader(source: Any) -> Callable[[int], Any] | None:
    """Returns the coroutine function that reads an asynchronous source; None for others."""
    read = getattr(source, "read", None)
    if inspect.iscoroutinefunction(read):
        return read
    return Pieces(source.__aiter__()).read if hasattr(source, "__aiter__") else None


AsyncFiles.__module__ = "mmx"
