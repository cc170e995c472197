"""The types of arguments and callbacks."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import EllipsisType
from typing import TYPE_CHECKING, Protocol, SupportsFloat, SupportsIndex, TypeAlias

from .results import File, Outcome

if TYPE_CHECKING:
    from typing_extensions import Buffer as Buffer
elif sys.version_info >= (3, 12):
    from collections.abc import Buffer as Buffer
else:
    # At run time, for want of the protocol. Others, such as array.array, work as well.
    Buffer = bytes | bytearray | memoryview

Path: TypeAlias = str | os.PathLike[str]
# Seconds; None is no limit, and ... the default.
Timeout: TypeAlias = SupportsFloat | EllipsisType | None
# A file's id; a pair of an id and its purpose, None if it isn't known; or an object that has both.
FileRef: TypeAlias = SupportsIndex | tuple[SupportsIndex, str | None] | File | Outcome
# Gets how much is done, and the total, None where it isn't known.
Progress: TypeAlias = Callable[[int, int | None], object]


class Readable(Protocol):
    """A binary file object to read from. It may also have tell() and seek()."""

    def read(self, size: int, /) -> Buffer | None: ...


class Writable(Protocol):
    """A binary file object to write to. It may also have tell(), seek() and truncate()."""

    def write(self, data: bytes, /) -> SupportsIndex | None: ...
