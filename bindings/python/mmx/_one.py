"""The results of calls for one file.

Without `from __future__ import annotations`, as in `results`.
"""

import builtins
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from json import loads
from typing import TYPE_CHECKING, Any


def _unknown(raw: str, *known: str) -> dict[str, Any]:
    """The fields of an object beside those that are known."""
    return {name: value for name, value in loads(raw).items() if name not in known}


@dataclass(frozen=True, slots=True)
class CallInfo:
    """Facts about a call that succeeded, for support and statistics."""

    trace_id: str = ""
    """The id under which the service knows the last request; "" when the response had none."""
    attempts: int = 0
    """How many requests were sent, or tried."""
    http_status: int = 0
    """That of the last response; 0 when none came."""
    elapsed: float = 0.0
    """How long the call took, in seconds."""
    evidence: str = ""
    """The response that proves a delete: "answer" (of the delete), "retrieve" or "list"; "" for other calls."""


class _Result:
    """The result of a call, with the facts about it."""

    __slots__ = ()

    if TYPE_CHECKING:
        info: CallInfo

    @property
    def attempts(self) -> int:
        """How many requests were sent, or tried."""
        return self.info.attempts

    @property
    def http_status(self) -> int:
        """That of the last response; 0 when none came."""
        return self.info.http_status

    @property
    def elapsed(self) -> float:
        """How long the call took, in seconds."""
        return self.info.elapsed


@dataclass(frozen=True, slots=True)
class DeleteResult(_Result):
    """The service reports the file deleted."""

    file_id: int
    raw: str
    """The service's response, JSON as it came."""
    info: CallInfo = field(default=CallInfo(), repr=False, compare=False)
    """Facts about the call."""

    @property
    def trace_id(self) -> str:
        """The id under which the service knows the request; "" when the response had none."""
        return self.info.trace_id

    @property
    def evidence(self) -> str:
        """The response that proves it: "answer" (of the delete), or "retrieve" where no answer did."""
        return self.info.evidence

    @property
    def extra(self) -> dict[str, Any]:
        """Fields of the response beside the file's id and `base_resp`: the API may add some."""
        return _unknown(self.raw, "file_id", "base_resp")


@dataclass(frozen=True, slots=True)
class File:
    """A file, as the service describes it."""

    file_id: int
    bytes: int
    """The size; 0 for generated files, so don't rely on it."""
    created_at: int
    """Unix seconds; 0 when unknown."""
    filename: str
    """The name at the service: check it before it becomes a path or goes to a terminal."""
    purpose: str
    download_url: str = field(repr=False)
    """A link to the content, or "". Anybody who has it can fetch the file: keep it out of logs."""
    raw: str = field(repr=False)
    """The file's part of the response, as JSON. Contains the download_url, too."""
    info: CallInfo = field(default=CallInfo(), repr=False, compare=False)
    """Facts about the call that returned it."""

    @property
    def created(self) -> datetime | None:
        """`created_at` in UTC; None when unknown."""
        if self.created_at == 0:
            return None
        try:
            return datetime.fromtimestamp(self.created_at, timezone.utc)
        except (OverflowError, OSError, ValueError):  # Beyond the year 9999.
            return None

    @property
    def extra(self) -> dict[str, Any]:
        """Fields that this version doesn't know."""
        return _unknown(self.raw, "file_id", "bytes", "created_at", "filename", "purpose", "download_url")


class FileList(list[File]):
    """The files of a listing: a list, with facts about the call in `info`."""

    __slots__ = ("info",)

    info: CallInfo

    def __init__(self, files: Iterable[File] = (), info: CallInfo = CallInfo()) -> None:
        super().__init__(files)
        self.info = info


@dataclass(frozen=True, slots=True)
class Download(_Result):
    """A completed download."""

    file_id: int
    bytes: int
    """The size of the file."""
    content_type: str
    resumed: int
    """How often the download was interrupted and resumed."""
    via: str
    """The way it was fetched: "retrieve_content" or "download_url"."""
    trace_id: str
    length: int | None = None
    """The size that the response announced; None if it announced none, so that nothing shows whether `bytes` is all."""
    _content: builtins.bytes | None = field(default=None, repr=False)
    info: CallInfo = field(default=CallInfo(), repr=False, compare=False)
    """Facts about the call."""

    @property
    def content(self) -> builtins.bytes:
        """The content, when no target was given; otherwise a ValueError."""
        if self._content is None:
            raise ValueError("the bytes went to the target of the download")
        return self._content


@dataclass(frozen=True, slots=True)
class TakeResult(_Result):
    """A file that was downloaded to this disk, where it is whole, and what became of it at the service."""

    file_id: int
    bytes: int
    """The size of the file."""
    content_type: str
    resumed: int
    """How often the download was interrupted and resumed."""
    via: str
    """The way it was fetched: "retrieve_content" or "download_url"."""
    trace_id: str
    """Of the download; that of the delete is in `info`."""
    length: int | None
    """The size that the response announced; None if it announced none."""
    path: str
    """The file on this disk."""
    deleted: bool | None
    """Whether it is deleted at the service; None if that is not known."""
    delete: DeleteResult | None
    """The result of the delete; None if there is none."""
    info: CallInfo = field(default=CallInfo(), repr=False, compare=False)
    """Facts about the call."""


for _class in (CallInfo, DeleteResult, File, FileList, Download, TakeResult):
    _class.__module__ = "mmx"
