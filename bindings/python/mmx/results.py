"""What calls return."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from datetime import datetime, timezone
from json import dumps, loads
from typing import Any

from .errors import Error

INT64_MAX = 2**63 - 1


@dataclass(frozen=True, slots=True)
class DeleteResult:
    """The service reports the file deleted."""

    file_id: int
    raw: str
    """The service's answer, JSON as it came."""

    @property
    def extra(self) -> dict[str, Any]:
        """What the answer holds beside the file's id and `base_resp`: fields that the API may add."""
        known = ("file_id", "base_resp")
        return {name: value for name, value in loads(self.raw).items() if name not in known}


@dataclass(frozen=True, slots=True)
class File:
    """A file as the service tells of it."""

    file_id: int
    bytes: int
    """0 for generated files: not a length to rely on."""
    created_at: int
    """Unix seconds; 0 when the service doesn't say."""
    filename: str
    """A name of the service's: check it before it becomes a path or goes to a terminal."""
    purpose: str
    download_url: str = field(repr=False)
    """"" when the service doesn't say. Whoever has it can fetch the file: keep it out of logs."""
    raw: str = field(repr=False)
    """The file's part of the answer, as JSON. Holds the download_url too."""

    @property
    def created(self) -> datetime | None:
        """`created_at` in UTC; None when the service doesn't say."""
        if self.created_at == 0:
            return None
        try:
            return datetime.fromtimestamp(self.created_at, timezone.utc)
        except (OverflowError, OSError, ValueError):  # Beyond the year 9999.
            return None

    @property
    def extra(self) -> dict[str, Any]:
        """Fields that the API may add."""
        known = ("file_id", "bytes", "created_at", "filename", "purpose", "download_url")
        return {name: value for name, value in loads(self.raw).items() if name not in known}


@dataclass(frozen=True, slots=True)
class Download:
    """The whole file has arrived."""

    file_id: int
    bytes: int
    """How many were written in the end."""
    content_type: str
    resumed: int
    """How often a cut was mended."""
    via: str
    """"retrieve_content" or "download_url"."""
    trace_id: str
    _content: builtins.bytes | None = field(default=None, repr=False)

    @property
    def content(self) -> builtins.bytes:
        """The file itself, when no target was given; otherwise a ValueError."""
        if self._content is None:
            raise ValueError("the bytes went to the target of the download")
        return self._content


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file: a receipt. True unless the file is, or may be, still there although it was to go."""

    index: int
    """Its place in the input, or in the plan."""
    file_id: int
    purpose: str
    outcome: str
    """"deleted", "already_absent", "failed", "unknown", "not_attempted" or "kept"."""
    evidence: str
    """Who says so: "answer", "retrieve" or "list" of the service's, or ""."""
    attempts: int
    """Deletes that were sent for it."""
    trace_id: str
    settled_at: datetime
    """In UTC."""
    error: Error | None
    """Why, of one that failed or is unknown."""

    def __bool__(self) -> bool:
        return self.outcome in WELL


WELL = ("deleted", "already_absent", "kept")
ENDS = (*WELL, "failed", "unknown", "not_attempted")


@dataclass(frozen=True, slots=True)
class Summary:
    """How many files came to which end. True if and only if all have ended well: no file is left that was to go."""

    total: int
    deleted: int = 0
    already_absent: int = 0
    failed: int = 0
    unknown: int = 0
    not_attempted: int = 0
    kept: int = 0
    still_listed: tuple[int, ...] | None = None
    """Ids that are listed at the end all the same; None unless `verify` asked for that."""

    @property
    def pending(self) -> int:
        """Files that have not settled yet."""
        return self.total - self._well() - self.failed - self.unknown - self.not_attempted

    def __bool__(self) -> bool:
        return self.total == self._well() and not self.still_listed

    def _well(self) -> int:
        return self.deleted + self.already_absent + self.kept


@dataclass(frozen=True, slots=True)
class Plan:
    """What a prune has listed and chosen."""

    host: str
    key_fingerprint: str
    """The first digits of the key's SHA-256."""
    made_at: datetime
    clock: str | None
    """The service's clock, as an HTTP date."""
    filter: dict[str, Any]
    listed: int
    matched: int
    kept: int
    """Files that match and are kept all the same."""
    bytes_at_least: int
    """What deleting the chosen ones frees, at least: of generated files the service doesn't say it."""
    sizes_unknown: int
    files: list[File] = field(repr=False)
    """The chosen ones."""
    kept_files: list[File] = field(repr=False)
    """The kept ones; "kept" in their `extra` says why."""
    raw: str = field(repr=False)
    """The whole as JSON, as the command line tool's --plan and --apply have it."""

    def __len__(self) -> int:
        """How many files would be deleted."""
        return len(self.files)


@dataclass(frozen=True, slots=True)
class PruneResult:
    """A prune that went well: what was chosen is gone."""

    summary: Summary
    plan: Plan


def files(answer: str) -> list[File]:
    """The files of a listing; none where "files" is missing or null."""
    return [_file(fields) for fields in loads(answer).get("files") or ()]


def file(answer: str) -> File:
    """The file of a retrieve or an upload."""
    return _file(loads(answer)["file"])


def download(answer: str, content: bytes | None) -> Download:
    fields = loads(answer)
    return Download(
        file_id=fields["file_id"],
        bytes=fields["bytes"],
        content_type=fields["content_type"],
        resumed=fields["resumed"],
        via=fields["via"],
        trace_id=fields["trace_id"],
        _content=content,
    )


def moment(milliseconds: int) -> datetime:
    """Unix milliseconds in UTC."""
    return datetime.fromtimestamp(milliseconds / 1000, timezone.utc)


def summary(fields: dict[str, Any]) -> Summary:
    listed = fields.get("still_listed")
    counts = {end: fields[end] for end in ENDS}
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


def _file(fields: dict[str, Any]) -> File:
    return File(
        file_id=_whole(fields.get("file_id")),
        bytes=_whole(fields.get("bytes")),
        created_at=_whole(fields.get("created_at")),
        filename=_text(fields.get("filename")),
        purpose=_text(fields.get("purpose")),
        download_url=_text(fields.get("download_url")),
        raw=dumps(fields, separators=(",", ":")),
    )


def _whole(value: object) -> int:
    """A number, or one in decimal digits, as mmx_files_parse() reads it: to the last digit, otherwise 0."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 40:
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and -INT64_MAX - 1 <= value <= INT64_MAX:
        return value
    return 0


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


for _class in (DeleteResult, File, Download, Outcome, Summary, Plan, PruneResult):
    _class.__module__ = "mmx"
