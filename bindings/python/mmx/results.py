"""The results of calls.

Without `from __future__ import annotations`: the types of the fields are objects, which `typing.get_type_hints()` and
pydantic need, for the classes say that they are of `mmx`.
"""

from dataclasses import dataclass, field
from datetime import datetime, timezone
from json import dumps, loads
from typing import Any

from ._error import Error
from ._one import CallInfo as CallInfo
from ._one import DeleteResult as DeleteResult
from ._one import Download as Download
from ._one import File as File
from ._one import FileList as FileList
from ._one import TakeResult as TakeResult

INT64_MAX = 2**63 - 1
_NO_INFO = CallInfo()


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


@dataclass(frozen=True, slots=True)
class UnsettledUpload:
    """An upload that a sweep could not settle: a person has to look at it."""

    filename: str
    """The name that it was uploaded with."""
    purpose: str | None
    """None if it is not known."""
    bytes: int | None
    """The size; None if it was not known before the upload."""
    at: datetime
    """When it was begun, in UTC by the local clock."""
    path: str | None
    """For `take()`: where the file should be on this disk."""
    file_ids: tuple[int, ...]
    """The files that fit."""
    why: str
    """Why none of them is chosen."""


@dataclass(frozen=True, slots=True)
class SweepResult:
    """What a sweep has done. True if and only if all that was left is settled."""

    summary: Summary
    outcomes: list[Outcome]
    """One for each file that the ledger no longer needs, or that was found; "kept" are those that stay."""
    not_stored: int
    """Uploads that stored nothing; they are struck out."""
    waiting: int
    """Uploads of which nothing is listed yet; they are given up ten minutes after they began."""
    unsettled: list[UnsettledUpload]
    """Uploads whose file can't be told, and files that are not as they were."""

    def __bool__(self) -> bool:
        return bool(self.summary) and not self.unsettled


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


def _downloaded(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that a download and a take have in common."""
    names = ("file_id", "bytes", "content_type", "resumed", "via", "trace_id", "length")
    return {name: fields[name] for name in names}


def download(response: str, info: Any, content: bytes | None) -> Download:
    return Download(**_downloaded(loads(response)), _content=content, info=call_info(info))


def taken(response: str, info: Any) -> TakeResult:
    fields, about = loads(response), call_info(info)
    delete = fields["delete"]
    return TakeResult(
        **_downloaded(fields),
        path=fields["path"],
        deleted=fields["deleted"],
        delete=None if delete is None else DeleteResult(fields["file_id"], dumps(delete, separators=(",", ":")), about),
        info=about,
    )


def sweep(fields: dict[str, Any], outcomes: list[Outcome]) -> SweepResult:
    about = fields["sweep"]
    return SweepResult(
        summary=summary(fields),
        outcomes=outcomes,
        not_stored=about["not_stored"],
        waiting=about["waiting"],
        unsettled=[
            UnsettledUpload(
                filename=one["filename"],
                purpose=one["purpose"],
                bytes=one["bytes"],
                at=moment(one["at_ms"]),
                path=one["path"],
                file_ids=tuple(one["file_ids"]),
                why=one["why"],
            )
            for one in about["unsettled"]
        ],
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


def _file(fields: dict[str, Any], info: CallInfo = _NO_INFO) -> File:
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


for _class in (Outcome, Summary, Plan, PruneResult, UnsettledUpload, SweepResult):
    _class.__module__ = "mmx"
