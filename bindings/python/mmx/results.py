"""The results of calls.

Without `from __future__ import annotations`: the types of the fields are objects, which `typing.get_type_hints()` and
pydantic need, for the classes say that they are of `mmx`.
"""

import builtins
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from json import dumps, loads
from typing import TYPE_CHECKING, Any

from ._error import Error

INT64_MAX = 2**63 - 1


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
class Outcome:
    """The result of deleting one of many files. False if the file was to be deleted and is, or may be, still there."""

    index: int
    """Its position in the input, or in the plan."""
    file_id: int
    purpose: str
    outcome: str
    """"deleted", "already_absent", "failed", "unknown", "not_attempted" or "kept"."""
    evidence: str
    """The response that proves it: "answer" (of the delete), "retrieve", "list", or ""."""
    attempts: int
    """How many deletes were sent for it."""
    trace_id: str
    settled_at: datetime
    """When the outcome was known, in UTC."""
    error: Error | None
    """The reason, if it failed or is unknown."""

    def __bool__(self) -> bool:
        return self.outcome in SUCCESSES


SUCCESSES = ("deleted", "already_absent", "kept")
KINDS = (*SUCCESSES, "failed", "unknown", "not_attempted")


@dataclass(frozen=True, slots=True, repr=False)
class Summary:
    """How many files have which outcome. True if and only if every file has settled and none is left undeleted."""

    total: int
    deleted: int = 0
    already_absent: int = 0
    failed: int = 0
    unknown: int = 0
    not_attempted: int = 0
    kept: int = 0
    still_listed: tuple[int, ...] | None = None
    """Ids that are still listed at the end; None unless `verify` was set."""

    @property
    def pending(self) -> int:
        """Files that have not settled yet."""
        return self.total - self._succeeded() - self.failed - self.unknown - self.not_attempted

    def __bool__(self) -> bool:
        return self.total == self._succeeded() and not self.still_listed

    def __repr__(self) -> str:
        counts = "".join(f", {kind}={getattr(self, kind)}" for kind in KINDS)
        return f"Summary(total={self.total}, pending={self.pending}{counts}, still_listed={self.still_listed})"

    def _succeeded(self) -> int:
        return self.deleted + self.already_absent + self.kept


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that a prune has listed and selected."""

    host: str
    key_fingerprint: str
    """The first digits of the API key's SHA-256."""
    made_at: datetime
    clock: str | None
    """The service's time, as an HTTP date."""
    filter: dict[str, Any]
    listed: int
    matched: int
    kept: int
    """How many files match the filter but are kept."""
    bytes_at_least: int
    """The total size of the selected files whose size is known."""
    sizes_unknown: int
    """How many selected files have no known size, such as generated ones."""
    files: list[File] = field(repr=False)
    """The selected files."""
    kept_files: list[File] = field(repr=False)
    """The kept files; "kept" in their `extra` says why."""
    raw: str = field(repr=False)
    """The plan as JSON, as `mmx-files prune --plan` writes it and `--apply` reads it."""

    def __len__(self) -> int:
        """How many files would be deleted."""
        return len(self.files)


@dataclass(frozen=True, slots=True)
class PruneResult:
    """A successful prune: every selected file is gone."""

    summary: Summary
    plan: Plan


def call_info(info: Any) -> CallInfo:
    """Copies an mmx_call_info, if there is one."""
    if info is None:
        return CallInfo()
    return CallInfo(
        trace_id=info.trace_id.decode(),
        attempts=info.attempts,
        http_status=info.http_status,
        elapsed=info.elapsed_ms / 1000,
        evidence=info.evidence.decode(),
    )


def files(response: str, info: Any = None) -> FileList:
    """The files of a listing, without entries that are none; an empty list where "files" is missing or null."""
    entries = _loads(response).get("files") or ()
    about = call_info(info)
    files = (_file(fields, about) for fields in entries if isinstance(fields, dict) and _is_id(fields.get("file_id")))
    return FileList(files, about)


def file(response: str, info: Any = None) -> File:
    """The file in the response of a retrieve or an upload."""
    return _file(_loads(response)["file"], call_info(info))


def _loads(response: str) -> dict[str, Any]:
    """Reads a response of the service, which may have unescaped control characters in its strings."""
    fields: dict[str, Any] = loads(response, strict=False)
    return fields


def download(response: str, info: Any, content: bytes | None) -> Download:
    fields = loads(response)
    return Download(
        file_id=fields["file_id"],
        bytes=fields["bytes"],
        content_type=fields["content_type"],
        resumed=fields["resumed"],
        via=fields["via"],
        trace_id=fields["trace_id"],
        length=fields["length"],
        _content=content,
        info=call_info(info),
    )


def moment(milliseconds: int) -> datetime:
    """Converts Unix milliseconds to a datetime in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def summary(fields: dict[str, Any]) -> Summary:
    listed = fields.get("still_listed")
    counts = {kind: fields[kind] for kind in KINDS}
    return Summary(total=fields["total"], **counts, still_listed=None if listed is None else tuple(listed))


def plan(fields: dict[str, Any]) -> Plan:
    files = fields["files"]
    return Plan(
        host=fields["host"],
        key_fingerprint=fields["key_fingerprint"],
        made_at=moment(fields["made_at_ms"]),
        clock=fields["clock"],
        filter=fields["filter"],
        listed=fields["listed"],
        matched=fields["matched"],
        kept=fields["kept"],
        bytes_at_least=fields["bytes_at_least"],
        sizes_unknown=fields["sizes_unknown"],
        files=[_file(file) for file in files if "kept" not in file],
        kept_files=[_file(file) for file in files if "kept" in file],
        raw=dumps(fields, separators=(",", ":")),
    )


def _file(fields: dict[str, Any], info: CallInfo = CallInfo()) -> File:
    return File(
        file_id=_whole(fields.get("file_id")),
        bytes=_whole(fields.get("bytes")),
        created_at=_whole(fields.get("created_at")),
        filename=_text(fields.get("filename")),
        purpose=_text(fields.get("purpose")),
        download_url=_text(fields.get("download_url")),
        raw=dumps(fields, separators=(",", ":")),
        info=info,
    )


def _whole(value: object) -> int:
    """An integer, or one in decimal digits, exactly; anything else is 0, as in mmx_files_parse()."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 40:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -INT64_MAX - 1 <= value <= INT64_MAX:
        return value
    return 0


def _is_id(value: object) -> bool:
    return _whole(value) != 0 or value in (0, "0")


def _text(value: object) -> str:
    """A text, with U+FFFD for half of a surrogate pair."""
    if not isinstance(value, str):
        return ""
    return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


for _class in (CallInfo, DeleteResult, File, FileList, Download, Outcome, Summary, Plan, PruneResult):
    _class.__module__ = "mmx"
