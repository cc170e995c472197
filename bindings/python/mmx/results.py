"""What calls return."""

from __future__ import annotations

from dataclasses import dataclass
from json import loads
from typing import Any


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


DeleteResult.__module__ = "mmx"
