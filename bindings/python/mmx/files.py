"""The calls of the file API."""

from __future__ import annotations

import io
import os

from . import _arguments, _callbacks, _ffi, errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    import builtins
    from collections.abc import Callable, Iterable
    from datetime import timedelta
    from types import EllipsisType
    from typing import Any, Literal, NoReturn, SupportsFloat, SupportsIndex, TypeAlias, overload

    from typing_extensions import Buffer, Unpack

    from ._bulk import FileRef
    from ._callbacks import Progress, Readable, Writable
    from ._outcomes import Outcomes
    from ._prune import Settings
    from .client import Connection
    from .results import DeleteResult, Download, File, Outcome, Plan, PruneResult

    Timeout: TypeAlias = SupportsFloat | EllipsisType | None
    Path: TypeAlias = str | os.PathLike[str]


class Files:
    """The calls about files. Comes from `Client.files`.

    Each raises an `mmx.Error` when it fails. `timeout` bounds one call alone, in seconds; None is no limit.
    """

    __slots__ = ("_bulk", "_connection", "_outcomes", "_prune", "_results")

    def __init__(self, connection: Connection) -> None:
        # Not at the top, where it would slow the import; nor in the call, which may be too late to import anything.
        from . import _bulk, _outcomes, _prune, results

        self._connection = connection
        self._results = results
        self._bulk, self._outcomes, self._prune = _bulk, _outcomes, _prune

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
        reconcile: bool = False,
        timeout: Timeout = ...,
    ) -> File:
        """Uploads a file: POST /v1/files/upload, "File Upload" in the API's documents.

        `source` is a path, bytes or the like, or a binary file object, which is read from where it stands and left
        open. `filename` is the name that the service gets; bytes need one, and so does a file object without a path
        as its `name`. `progress(done, total)` is told bytes, `total` being None where it isn't known; what it raises
        ends the call and comes out of it, and so does what the file object raises. On the main thread both are called
        in a helper thread. If the `ambiguous` of an error is true, the file may be stored all the same. `reconcile`
        looks for it then, among the files that were made since the call began: one of the same name, size and purpose
        is returned (its `extra` says so) rather than sent again; several are named in the error.
        """
        by_path = isinstance(source, str | os.PathLike)
        call = "upload_file" if by_path and filename is None else "upload_stream"
        what = _arguments.text(call, "purpose", purpose)
        check_function(call, "progress", progress)
        flags = _ffi.MMX_CALL_RECONCILE if _arguments.truth(call, "reconcile", reconcile) else 0
        guard = _callbacks.Guard()
        if call == "upload_file":
            arguments: tuple[object, ...] = (_arguments.path(call, "path", source), what)  # type: ignore[arg-type]
            return self._uploaded(call, arguments, timeout, flags, guard, progress)
        if not by_path:
            file = readable(call, source)
            name = _arguments.text(call, "filename", name_of(call, source) if filename is None else filename)
            return self._uploaded(call, (guard.source(file), name, what), timeout, flags, guard, progress)
        name = _arguments.text(call, "filename", filename)  # type: ignore[arg-type]
        try:
            opened = open(source, "rb", buffering=0)  # type: ignore[arg-type] # noqa: SIM115
        except (OSError, ValueError) as error:
            raise errors.FileError(f"{call}: {source!r} can't be read: {error}") from error
        with opened:
            return self._uploaded(call, (guard.source(opened), name, what), timeout, flags, guard, progress)

    def _uploaded(
        self,
        call: str,
        arguments: tuple[object, ...],
        timeout: Timeout,
        flags: int,
        guard: _callbacks.Guard,
        progress: Progress | None,
    ) -> File:
        return self._results.file(self._connection.call(call, arguments, timeout, flags, guard, progress))

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
        check_function(call, "progress", progress)
        flags = _ffi.MMX_CALL_VIA_DOWNLOAD_URL if _arguments.truth(call, "via_download_url", via_download_url) else 0
        guard = _callbacks.Guard()
        memory = io.BytesIO() if target is None else None
        if call == "download_file":
            place: object = _arguments.path(call, "path", target)  # type: ignore[arg-type]
        else:
            place = guard.sink(memory if memory is not None else writable(call, target))
        raw = self._connection.call(call, (number, place), timeout, flags, guard, progress)
        return self._results.download(raw, None if memory is None else memory.getvalue())

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
    ) -> Outcomes:
        """Deletes many files, several at once, and says of each what became of it.

        `files` are ids, all of one `purpose`; or pairs of an id and its purpose; or what has both, such as `File` and
        `Outcome`. A file that is named twice is deleted once. Nothing is sent yet: the result is an iterator over an
        `mmx.Outcome` for each, as they settle, and a loop over it that ends without an `mmx.PartialFailure` has deleted
        them all; `raise_for_failures()` of it is such a loop. With `check=False` the loop raises nothing for files.

        `concurrency` is how many are under way at once at most (16), `max_attempts` how many deletes are sent for a
        file at most. `call_timeout` bounds each file, without waits for the rate limiter, and `timeout` the whole, in
        seconds. `verify` lists at the end what is still there. A loop that is a thousand outcomes behind
        holds the run up, so that `call_timeout` may pass for files that are under way.
        """
        call = self._outcomes.CALL
        flags = _ffi.MMX_BULK_VERIFY if _arguments.truth(call, "verify", verify) else 0
        options = self._bulk.Options(call, timeout, call_timeout, concurrency, max_attempts, flags)
        whether = _arguments.truth(call, "check", check)
        refs = self._bulk.file_refs(call, files, purpose)
        self._connection.handle(call)
        return self._outcomes.Outcomes(self._connection, refs, options, whether)

    if TYPE_CHECKING:

        @overload
        def prune(self, *, dry_run: Literal[False] = ..., **settings: Unpack[Settings]) -> PruneResult: ...

        @overload
        def prune(self, *, dry_run: Literal[True], **settings: Unpack[Settings]) -> Plan: ...

        @overload
        def prune(self, *, dry_run: bool, **settings: Unpack[Settings]) -> Plan | PruneResult: ...

    def prune(
        self,
        *,
        purpose: str | None = None,
        older_than: timedelta | float | None = None,
        min_bytes: SupportsIndex | None = None,
        name_glob: str | None = None,
        keep_glob: str | None = None,
        keep_ids: Iterable[SupportsIndex | File] = (),
        at_most: SupportsIndex | None = None,
        at_most_percent: SupportsIndex | None = None,
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
        """Deletes what a filter chooses of the files that are listed; with `dry_run=True`, says what it would.

        All conditions must hold: `purpose`; `older_than`, a timedelta or seconds, by the service's clock and this
        machine's; `min_bytes`; and `name_glob`, a pattern of * ? [a-z]. One of the last three must be there, or
        `all=True`. `keep_glob` and `keep_ids` are kept all the same. If more than `at_most` files, or more than
        `at_most_percent` per cent of those listed, would be deleted, none is: `mmx.GuardError`.

        If a file is left that was to go, an `mmx.PartialFailure` is raised. `progress(done, total)` is told files,
        `on_outcome` an `mmx.Outcome` for each as it settles, on the thread that `upload()` has for such functions; what
        they raise ends the run and comes out of it. `verify` lists again: what is there still is a failure, too.
        `concurrency`, `max_attempts`, `call_timeout` and `timeout` are as with `delete_many()`.
        """
        call = self._prune.CALL
        chosen = self._prune.filter_of(
            purpose, older_than, min_bytes, name_glob, keep_glob, keep_ids, at_most, at_most_percent, all
        )
        is_dry = _arguments.truth(call, "dry_run", dry_run)
        flags = _ffi.MMX_BULK_DRY_RUN if is_dry else 0
        flags |= _ffi.MMX_BULK_VERIFY if _arguments.truth(call, "verify", verify) else 0
        options = self._bulk.Options(call, timeout, call_timeout, concurrency, max_attempts, flags)
        check_function(call, "progress", progress)
        check_function(call, "on_outcome", on_outcome)
        plan, result = self._prune.prune(self._connection, chosen, options, progress, on_outcome)
        return plan if is_dry else result


def check_function(call: str, parameter: str, function: object) -> None:
    if function is not None and not callable(function):
        raise _arguments.wrong_type(call, parameter, "a function or None", function)


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
