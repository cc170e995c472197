"""What C calls during a transfer: functions of ctypes' around Python's, which no exception leaves but by the guard."""

from __future__ import annotations

import io
from ctypes import byref, memmove, string_at

from . import _ffi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, Protocol, SupportsIndex, TypeAlias

    from typing_extensions import Buffer

    Progress: TypeAlias = Callable[[int, int | None], object]

    class Readable(Protocol):
        """A binary file object to read from. It may also have tell() and seek()."""

        def read(self, size: int, /) -> Buffer | None: ...

    class Writable(Protocol):
        """A binary file object to write to. It may also have tell(), seek() and truncate()."""

        def write(self, data: bytes, /) -> SupportsIndex | None: ...


class Guard:
    """Keeps the first exception of a call's callbacks. After one, and once closed, none of them is called any more."""

    __slots__ = ("open", "raised", "running")

    def __init__(self) -> None:
        self.open = True
        self.raised: BaseException | None = None
        self.running = False

    def around(self, function: Callable[..., int], failed: int) -> Callable[..., int]:
        def guarded(_user_data: int | None, *arguments: Any) -> int:
            if not self.open or self.raised is not None:
                return failed
            self.running = True
            try:
                return function(*arguments)
            except BaseException as error:
                self.raised = error
                return failed
            finally:
                self.running = False

        return guarded

    def progress(self, progress: Progress) -> Any:
        def told(done: int, total: int) -> int:
            # What it returns means nothing: a print() that is returned mustn't cancel.
            progress(done, None if total < 0 else total)
            return 0

        return _ffi.mmx_progress_fn(self.around(told, 1))

    def source(self, file: Any) -> Any:
        """The address of an mmx_source that reads a file object from where it stands."""
        start, size = measure(file)

        def read(buffer: Any, capacity: int) -> int:
            data = file.read(capacity)
            if data is None:
                raise BlockingIOError("the file object has nothing to read yet, and must not be non-blocking")
            if isinstance(data, str):
                raise TypeError("the file object must be binary, not text: its read() returned a str")
            data = bytes(data)
            if len(data) > capacity:
                raise ValueError(f"the file object's read({capacity}) returned {len(data)} bytes")
            memmove(buffer, data, len(data))
            return len(data)

        def rewind() -> int:
            file.seek(start)
            return 0

        source = _ffi.MMX_SOURCE_INIT()
        source.size = size
        source.read = _ffi.mmx_source_read_fn(self.around(read, -1))
        if start is not None:
            source.rewind = _ffi.mmx_source_rewind_fn(self.around(rewind, 1))
        return byref(source)

    def sink(self, file: Any) -> Any:
        """The address of an mmx_sink that writes to a file object from where it stands."""
        start, size = measure(file)

        def write(buffer: Any, length: int) -> int:
            data = string_at(buffer, length)
            while data:
                count = file.write(data)
                if count is None:
                    if isinstance(file, io.RawIOBase):
                        raise BlockingIOError("the file object takes nothing more, and must not be non-blocking")
                    return 0  # A writer that doesn't count takes everything.
                if not 0 < count <= len(data):
                    raise OSError(f"the file object's write() took {count} of {len(data)} bytes")
                data = data[count:]
            return 0

        def restart() -> int:
            file.seek(start)
            file.truncate()
            return 0

        sink = _ffi.MMX_SINK_INIT()
        sink.write = _ffi.mmx_sink_write_fn(self.around(write, 1))
        # Not where something stands behind it, which truncate() would take away.
        if start is not None and size == 0 and hasattr(file, "truncate"):
            sink.restart = _ffi.mmx_sink_restart_fn(self.around(restart, 1))
        return byref(sink)


def measure(file: Any) -> tuple[int | None, int]:
    """Where a file object stands, and how many bytes it has from there on; None and -1 where it can't tell."""
    try:
        # Not by fstat(): what is behind the descriptor of a GzipFile has another size.
        start = int(file.tell())
        file.seek(0, io.SEEK_END)
    except (AttributeError, NotImplementedError, OSError):
        return None, -1
    end = int(file.tell())
    file.seek(start)
    return start, max(end - start, 0)


class View:
    """The bytes of an object, to be read as a file is."""

    def __init__(self, data: Buffer) -> None:
        view = memoryview(data)
        self._view = view.cast("B") if view.c_contiguous else memoryview(view.tobytes())
        self._at = 0

    def read(self, size: int) -> memoryview:
        part = self._view[self._at : self._at + size]
        self._at += len(part)
        return part

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> None:
        self._at = offset + (len(self._view) if whence == io.SEEK_END else 0)
