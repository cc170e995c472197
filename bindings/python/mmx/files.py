"""The calls of the file API."""

from __future__ import annotations

import io
import os

from . import _arguments, _callbacks, _ffi, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from types import EllipsisType
    from typing import Any, NoReturn, SupportsFloat, SupportsIndex, TypeAlias

    from typing_extensions import Buffer

    from ._callbacks import Progress, Readable, Writable
    from .client import Connection
    from .results import DeleteResult, Download, File

    Timeout: TypeAlias = SupportsFloat | EllipsisType | None
    Path: TypeAlias = str | os.PathLike[str]


class Files:
    """The calls about files. Comes from `Client.files`.

    Each raises an `mmx.Error` when it fails. `timeout` bounds one call alone, in seconds; None is no limit.
    """

    __slots__ = ("_connection", "_results")

    def __init__(self, connection: Connection) -> None:
        # Not at the top, where it would slow the import; nor in the call, which may be too late to import anything.
        from . import results

        self._connection = connection
        self._results = results

    def __reduce__(self) -> NoReturn:
        raise errors.not_picklable()

    def delete(self, file_id: SupportsIndex, purpose: str, *, timeout: Timeout = ...) -> DeleteResult:
        """Deletes one file: POST /v1/files/delete, "File Delete" in the API's documents.

        `file_id` is a whole number from 1 to 2^63 - 1. `purpose` is what the file is for: a `mmx.PURPOSE_...`, or a
        newer one. If the `ambiguous` of an error is true, the file may be gone all the same.
        """
        call = "delete_file"
        number = _arguments.whole(call, "file_id", file_id, _arguments.INT64_MAX)
        raw = self._connection.call(call, (number, _arguments.text(call, "purpose", purpose)), timeout)
        return self._results.DeleteResult(file_id=number, raw=raw)

    def list(self, purpose: str | None = None, *, timeout: Timeout = ...) -> builtins.list[File]:
        """Lists the files of a purpose, or of every one: GET /v1/files/list, "File List" in the API's documents."""
        call = "list_files"
        wanted = None if purpose is None else _arguments.text(call, "purpose", purpose)
        return self._results.files(self._connection.call(call, (wanted,), timeout))

    def retrieve(self, file_id: SupportsIndex, *, timeout: Timeout = ...) -> File:
        """What the service knows of one file, with a link to its bytes: GET /v1/files/retrieve, "File Retrieve"."""
        call = "retrieve_file"
        number = _arguments.whole(call, "file_id", file_id, _arguments.INT64_MAX)
        return self._results.file(self._connection.call(call, (number,), timeout))

    def upload(
        self,
        source: Path | Buffer | Readable,
        *,
        purpose: str,
        filename: str | None = None,
        progress: Progress | None = None,
        timeout: Timeout = ...,
    ) -> File:
        """Uploads a file: POST /v1/files/upload, "File Upload" in the API's documents.

        `source` is a path, bytes or the like, or a binary file object, which is read from where it stands and left
        open. `filename` is the name that the service gets; bytes need one, and so does a file object without a path
        as its `name`. `progress(done, total)` is told bytes, `total` being None where it isn't known; what it raises
        ends the call and comes out of it, and so does what the file object raises. On the main thread both are called
        in a helper thread. If the `ambiguous` of an error is true, the file may be stored all the same.
        """
        by_path = isinstance(source, str | os.PathLike)
        call = "upload_file" if by_path and filename is None else "upload_stream"
        what = _arguments.text(call, "purpose", purpose)
        check_progress(call, progress)
        guard = _callbacks.Guard()
        if call == "upload_file":
            arguments: tuple[object, ...] = (_arguments.path(call, "path", source), what)  # type: ignore[arg-type]
            return self._uploaded(call, arguments, timeout, guard, progress)
        if not by_path:
            file = readable(call, source)
            name = _arguments.text(call, "filename", name_of(call, source) if filename is None else filename)
            return self._uploaded(call, (guard.source(file), name, what), timeout, guard, progress)
        name = _arguments.text(call, "filename", filename)  # type: ignore[arg-type]
        try:
            opened = open(source, "rb", buffering=0)  # type: ignore[arg-type] # noqa: SIM115
        except (OSError, ValueError) as error:
            raise errors.FileError(f"{call}: {source!r} can't be read: {error}") from error
        with opened:
            return self._uploaded(call, (guard.source(opened), name, what), timeout, guard, progress)

    def _uploaded(
        self,
        call: str,
        arguments: tuple[object, ...],
        timeout: Timeout,
        guard: _callbacks.Guard,
        progress: Progress | None,
    ) -> File:
        return self._results.file(self._connection.call(call, arguments, timeout, guard=guard, progress=progress))

    def download(
        self,
        file_id: SupportsIndex,
        target: Path | Writable | None = None,
        *,
        progress: Progress | None = None,
        via_download_url: bool = False,
        timeout: Timeout = ...,
    ) -> Download:
        """Downloads a file: GET /v1/files/retrieve_content, "File Retrieve Content" in the API's documents.

        `target` is a path, which is replaced once the whole file is there and untouched otherwise; or a binary file
        object, which is written from where it stands and left open; without one, `content` of the result has the
        bytes. `via_download_url` fetches through the link of `retrieve()`. `progress` and exceptions are as with
        `upload()`.
        """
        call = "download_file" if isinstance(target, str | os.PathLike) else "download_stream"
        number = _arguments.whole(call, "file_id", file_id, _arguments.INT64_MAX)
        check_progress(call, progress)
        flags = _ffi.MMX_CALL_VIA_DOWNLOAD_URL if _arguments.truth(call, "via_download_url", via_download_url) else 0
        guard = _callbacks.Guard()
        memory = io.BytesIO() if target is None else None
        if call == "download_file":
            place: object = _arguments.path(call, "path", target)  # type: ignore[arg-type]
        else:
            place = guard.sink(memory if memory is not None else writable(call, target))
        raw = self._connection.call(call, (number, place), timeout, flags, guard, progress)
        return self._results.download(raw, None if memory is None else memory.getvalue())


def check_progress(call: str, progress: object) -> None:
    if progress is not None and not callable(progress):
        raise _arguments.wrong_type(call, "progress", "a function or None", progress)


def readable(call: str, source: Any) -> Any:
    """Something with a read(), of an upload's source."""
    wanted = "a path, bytes or a binary file object"
    if not isinstance(source, bytes | bytearray | memoryview):
        if is_text(source):
            raise _arguments.wrong_type(call, "source", f'{wanted} (opened with "rb")', source)
        if hasattr(source, "read"):
            return source
    try:
        return _callbacks.View(source)
    except TypeError:
        raise _arguments.wrong_type(call, "source", wanted, source) from None


def writable(call: str, target: Any) -> Any:
    wanted = "a path, a binary file object or None"
    if is_text(target):
        raise _arguments.wrong_type(call, "target", f'{wanted} (opened with "wb")', target)
    if not hasattr(target, "write"):
        raise _arguments.wrong_type(call, "target", wanted, target)
    return target


def is_text(file: object) -> bool:
    # A wrapper such as tempfile's has what the file in it has.
    return isinstance(file, io.TextIOBase) or hasattr(file, "encoding")


def name_of(call: str, source: object) -> str:
    name = getattr(source, "name", None)
    name = os.path.basename(name) if isinstance(name, str) else ""
    if not name:
        raise TypeError(f"{call}: filename is needed, for the source has no name of its own")
    return name


Files.__module__ = "mmx"
