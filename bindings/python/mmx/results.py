"""What calls return."""

from __future__ import annotations

import builtins
from dataclasses import dataclass, field
from datetime import datetime, timezone
from json import dumps, loads
from typing import Any

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


DeleteResult.__module__ = File.__module__ = Download.__module__ = "mmx"
