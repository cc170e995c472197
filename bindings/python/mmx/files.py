"""The calls of the file API."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, NoReturn, SupportsFloat, SupportsIndex, overload

from . import _arguments, _bulk, _callbacks, _ffi, _outcomes, _prune, _run, _upload, errors, results
from ._connection import Connection
from ._outcomes import Outcomes
from ._temporary import Requests, TemporaryFile
from ._types import Buffer, FileRef, Path, Progress, Readable, Timeout, Writable
from .results import DeleteResult, Download, File, FileList, Outcome, Plan, PruneResult, TakeResult

if TYPE_CHECKING:
    from typing_extensions import Unpack


class Files:
    """The calls of the file API. An attribute of a client: `Client.files`.

    Each raises an `mmx.Error` when it fails. `timeout` is the time limit of one call, in seconds; None is no limit.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __repr__(self) -> str:
        return f"<mmx.Files of {self._connection.described}>"

    def __reduce__(self) -> NoReturn:
        raise errors.not_picklable()

    def delete(
        self, file_id: SupportsIndex, purpose: str | None = None, *, missing_ok: bool = False, timeout: Timeout = ...
    ) -> DeleteResult:
        """Deletes one file: POST /v1/files/delete, "File Delete" in the API's documents.

        `file_id` is an integer from 1 to 2^63 - 1. `purpose` is the file's purpose: a `mmx.PURPOSE_...`, or a newer
        one. Without it, a retrieve finds it out first. If the service doesn't know the file, that is a `NotFoundError`;
        with `missing_ok` it is a success, whose `evidence` is "retrieve". If an error's `ambiguous` is true, the file
        may have been deleted.
        """
        call = "delete_file"
        number = _arguments.integer(call, "file_id", file_id, _arguments.INT64_MAX)
        flags = _ffi.MMX_CALL_MISSING_OK if _arguments.boolean(call, "missing_ok", missing_ok) else 0
        what = None if purpose is None else _arguments.text(call, "purpose", purpose)

        def result(raw: str, info: Any) -> DeleteResult:
            return results.DeleteResult(file_id=number, raw=raw, info=results.call_info(info))

        return self._connection.call(call, (number, what), result, timeout, flags)

    def list(self, purpose: str | None = None, *, timeout: Timeout = ...) -> FileList:
        """Lists the files of a purpose, or of all purposes: GET /v1/files/list, "File List" in the API's documents."""
        call = "list_files"
        wanted = None if purpose is None else _arguments.text(call, "purpose", purpose)
        return self._connection.call(call, (wanted,), results.files, timeout)

    def retrieve(self, file_id: SupportsIndex, *, timeout: Timeout = ...) -> File:
        """Returns the metadata of one file, with a link to its content: GET /v1/files/retrieve, "File Retrieve"."""
        call = "retrieve_file"
        number = _arguments.integer(call, "file_id", file_id, _arguments.INT64_MAX)
        return self._connection.call(call, (number,), results.file, timeout)

    def wait(self, file_id: SupportsIndex, *, timeout: Timeout = ...) -> File:
        """Waits until a file is there, and returns its metadata, as `retrieve()` does.

        For ids that are handed out before their file exists, as by asynchronous speech. Retrieves after 1, 2, 4, 8 and
        then every 15 seconds, within the rate limit. `timeout` limits the whole wait: a `TimeoutError`. Only "not
        there" is waited for; any other failure, such as a refused key, is raised.
        """
        call = "wait_file"
        number = _arguments.integer(call, "file_id", file_id, _arguments.INT64_MAX)
        return self._connection.call(call, (number,), results.file, timeout)

    def upload(
        self,
        source: Path | Buffer | Readable,
        *,
        purpose: str,
        filename: str | None = None,
        progress: Progress | None = None,
        reconcile: bool = False,
        reuse: bool = False,
        temporary: bool = False,
        expires_after: timedelta | float | None = None,
        timeout: Timeout = ...,
    ) -> File:
        """Uploads a file: POST /v1/files/upload, "File Upload" in the API's documents.

        `source` is a path, bytes or another buffer, or a binary file object, which is read from its position and not
        closed. `filename` is the name at the service; it is required for bytes and for file objects whose `name` isn't
        a path. `progress(done, total)` gets the number of bytes; `total` is None if unknown. An exception of `progress`
        or of the file object ends the call and is raised from it. If an error's `ambiguous` is true, the file may have
        been stored. With `reconcile` the call then looks for it among the files created since the call began: a single
        one of the same name, size and purpose is returned (its `extra` says so); several are named in the error.

        With a client's ledger: `reuse` returns the file of an earlier upload of the same bytes and purpose, while the
        service still has it; processes that begin at once make one file. `temporary` makes the file due for
        `Client.sweep()` when this process is gone, and `expires_after`, a timedelta or seconds, when that time is over.
        """
        return _upload.upload(
            self._connection, source, purpose, filename, progress, reconcile, timeout, reuse, temporary, expires_after
        )

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

        `target` is a path, which is replaced when the download is complete and not touched otherwise; or a binary file
        object, which is written at its position and not closed. Without a target the bytes are in the `content` of the
        result. `via_download_url` fetches the link of `retrieve()`. `progress` and exceptions are as in `upload()`.
        """
        path = os.fspath(target) if isinstance(target, str | os.PathLike) else None
        call = "download_stream" if path is None else "download_file"
        number = _arguments.integer(call, "file_id", file_id, _arguments.INT64_MAX)
        _arguments.function(call, "progress", progress)
        flags = _ffi.MMX_CALL_VIA_DOWNLOAD_URL if _arguments.boolean(call, "via_download_url", via_download_url) else 0
        guard = _callbacks.Guard()
        memory = io.BytesIO() if target is None else None
        if call == "download_file":
            place: object = _arguments.path(call, "path", target)  # type: ignore[arg-type]
        else:
            place = guard.sink(memory if memory is not None else _upload.writable(call, target))

        def result(raw: str, info: Any) -> Download:
            return results.download(raw, info, None if memory is None else memory.getvalue())

        return self._connection.call(call, (number, place), result, timeout, flags, guard, progress, path)

    def temporary(
        self,
        source: Path | Buffer | Readable,
        *,
        purpose: str,
        filename: str | None = None,
        progress: Progress | None = None,
        reconcile: bool = False,
        timeout: Timeout = ...,
    ) -> TemporaryFile:
        """Uploads a file for a `with` block, and deletes it at its end. The arguments are those of `upload()`.

            with client.files.temporary("voice.mp3", purpose=mmx.PURPOSE_VOICE_CLONE) as file:
                print(file.file_id)

        The delete has 30 seconds, whatever `timeout` is, also after an exception and Ctrl-C, and when the process ends
        within the block. A file that can't be deleted is an `mmx.NotDeletedError` with the `file`. If the block itself
        raises, that goes on, with a note (Python 3.11) and the NotDeletedError at the end of its `__context__`. In a
        child after a fork the block's end deletes nothing. After a kill the file is left; if the client has a ledger,
        the next `Client.sweep()` deletes it.
        """
        what = _arguments.text("upload_stream", "purpose", purpose)
        connection = self._connection

        def upload(requests: Requests) -> File:
            is_known = connection.has_ledger
            return _upload.upload(
                connection, source, purpose, filename, progress, reconcile, timeout, temporary=is_known,
                requests=requests,
            )  # fmt: skip

        return TemporaryFile(connection, upload, what)

    def take(
        self,
        file_id: SupportsIndex,
        path: Path,
        purpose: str | None = None,
        *,
        progress: Progress | None = None,
        via_download_url: bool = False,
        timeout: Timeout = ...,
    ) -> TakeResult:
        """Downloads a file to a path, and deletes it at the service once it is whole on this disk.

        Sends GET /v1/files/retrieve_content, "File Retrieve Content", and POST /v1/files/delete, "File Delete". `path`
        is a regular file. Its length is checked, file and folder are flushed, and only then the file is deleted: if a
        step fails, it is not, and the error says what is where. An error that comes after the file was whole on the
        disk has the result in `taken`. `timeout` limits both parts. Other arguments are as in `download()`.
        """
        call = "take_file"
        number = _arguments.integer(call, "file_id", file_id, _arguments.INT64_MAX)
        what = None if purpose is None else _arguments.text(call, "purpose", purpose)
        place = _arguments.path(call, "path", path)
        _arguments.function(call, "progress", progress)
        flags = _ffi.MMX_CALL_VIA_DOWNLOAD_URL if _arguments.boolean(call, "via_download_url", via_download_url) else 0
        guard = _callbacks.Guard()
        arguments = (number, what, place)
        return self._connection.call(call, arguments, results.taken, timeout, flags, guard, progress, os.fspath(path))

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
        """Deletes many files, several at a time, and returns an iterator over an outcome for each.

        `files` are ids, all of one `purpose`; or pairs of an id and its purpose; or objects that have both, such as
        `File` and `Outcome`. Purposes that are left out are found out by retrieve, or by one list if they are more than
        20. Duplicates are deleted once. Nothing is sent yet: the result is an iterator over an
        `mmx.Outcome` for each file, as they settle. A loop over it that ends without an `mmx.PartialFailure` has
        deleted all files, and so has `raise_for_failures()`. With `check=False` the loop raises nothing for files.

        `concurrency` is how many deletes are in progress at once at most (16), `max_attempts` how many are sent for one
        file at most. `call_timeout` is the time limit of each file, without waits for the rate limiter, and `timeout`
        that of the whole, in seconds. `verify` lists at the end which files are still there. A loop that is a thousand
        outcomes behind delays the deletes, so that `call_timeout` may pass for those in progress.
        """
        call = _run.CALL
        flags = _ffi.MMX_BULK_VERIFY if _arguments.boolean(call, "verify", verify) else 0
        options = _bulk.Options(call, timeout, call_timeout, concurrency, max_attempts, flags)
        whether = _arguments.boolean(call, "check", check)
        refs = _bulk.file_refs(call, files, purpose)
        self._connection.handle(call)
        return _outcomes.Outcomes(self._connection, refs, options, whether)

    if TYPE_CHECKING:

        @overload
        def prune(self, *, dry_run: Literal[False] = ..., **settings: Unpack[_prune.Settings]) -> PruneResult: ...

        @overload
        def prune(self, *, dry_run: Literal[True], **settings: Unpack[_prune.Settings]) -> Plan: ...

        @overload
        def prune(self, *, dry_run: bool, **settings: Unpack[_prune.Settings]) -> Plan | PruneResult: ...

    def prune(
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
        """Deletes the listed files that match a filter; with `dry_run=True` it returns the plan and deletes nothing.

        All conditions must hold: `purpose`; `older_than`, a timedelta or seconds, by the service's clock and this
        machine's; `min_bytes`; and `name_glob`, a pattern of * ? [a-z]. One of the last three is required, or
        `all=True`. Files that match `keep_glob` or are in `keep_ids` are kept. If more than `max_files` files, or more
        than `max_percent` per cent of those listed, would be deleted, none is: `mmx.GuardError`.

        An `mmx.PartialFailure` is raised if a selected file is not deleted. `progress(done, total)` gets the number of
        files, `on_outcome` an `mmx.Outcome` for each as it settles, on the same thread as in `upload()`; their
        exceptions end the run and are raised from it. `verify` lists again: a file that is still there is a failure.
        `concurrency`, `max_attempts`, `call_timeout` and `timeout` are as in `delete_many()`.
        """
        call = _prune.CALL
        selection = _prune.filter_of(
            purpose, older_than, min_bytes, name_glob, keep_glob, keep_ids, max_files, max_percent, all
        )
        is_dry = _arguments.boolean(call, "dry_run", dry_run)
        flags = _ffi.MMX_BULK_DRY_RUN if is_dry else 0
        flags |= _ffi.MMX_BULK_VERIFY if _arguments.boolean(call, "verify", verify) else 0
        options = _bulk.Options(call, timeout, call_timeout, concurrency, max_attempts, flags)
        _arguments.function(call, "progress", progress)
        _arguments.function(call, "on_outcome", on_outcome)
        plan, result = _prune.prune(self._connection, selection, options, progress, on_outcome)
        return plan if is_dry else result


Files.__module__ = "mmx"
