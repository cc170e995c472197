"""Callbacks from C into Python. No exception crosses C: the guard keeps it until the call has returned."""

from __future__ import annotations

import io
from collections.abc import Callable
from ctypes import byref, memmove, string_at
from typing import Any

from . import _ffi, _thunks
from ._types import Buffer, Progress


class Guard:
    """Keeps what a call's callbacks raise. After that, and once closed, it calls none of them."""

    __slots__ = ("open", "raised", "running", "thunks")

    def __init__(self) -> None:
        self.open = True
        self.raised: BaseException | None = None
        self.running = False
        # Those that the call uses.
        self.thunks: list[_thunks.Thunk] = []

    def around(self, prototype: Any, function: Callable[..., int], failed: int) -> Any:
        """Returns a function for C."""

        def guarded(*arguments: Any) -> int:
            if not self.open:
                return failed
            self.running = True
            try:
                return function(*arguments)
            finally:
                self.running = False

        thunk = _thunks.take(prototype, guarded, failed, self)
        self.thunks.append(thunk)
        return thunk.pointer

    def interrupted(self, ask: Callable[[], int], raised: int) -> Any:
        """Returns a function for C that asks whether to go on, and returns `raised` after an exception."""
        thunk = _thunks.take(_ffi.mmx_call_options_interrupted_fn, ask, raised, self)
        self.thunks.append(thunk)
        return thunk.pointer

    def release(self) -> None:
        """Gives the functions for C back: the call has returned."""
        while self.thunks:
            _thunks.give_back(self.thunks.pop())

    def progress(self, progress: Progress) -> Any:
        def report(done: int, total: int) -> int:
            # The result is ignored: `lambda *_: print()` mustn't cancel the call.
            progress(done, None if total < 0 else total)
            return 0

        return self.around(_ffi.mmx_progress_fn, report, 1)

    def source(self, file: Any) -> Any:
        """Returns a pointer to an mmx_source that reads a file object from its position."""
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
        source.read = self.around(_ffi.mmx_source_read_fn, read, -1)
        if start is not None:
            source.rewind = self.around(_ffi.mmx_source_rewind_fn, rewind, 1)
        return byref(source)

    def sink(self, file: Any) -> Any:
        """Returns a pointer to an mmx_sink that writes to a file object at its position."""
        start, size = measure(file)

        def write(buffer: Any, length: int) -> int:
            data = string_at(buffer, length)
            while data:
                count = file.write(data)
                if count is None:
                    if isinstance(file, io.RawIOBase):
                        raise BlockingIOError("the file object takes nothing more, and must not be non-blocking")
                    return 0  # No count: it has written everything.
                if not 0 < count <= len(data):
                    raise OSError(f"the file object's write() took {count} of {len(data)} bytes")
                data = data[count:]
            return 0

        def restart() -> int:
            file.seek(start)
            file.truncate()
            return 0

        sink = _ffi.MMX_SINK_INIT()
        sink.write = self.around(_ffi.mmx_sink_write_fn, write, 1)
        # Not if data follows the position: truncate() would remove it.
        if start is not None and size == 0 and hasattr(file, "truncate"):
            sink.restart = self.around(_ffi.mmx_sink_restart_fn, restart, 1)
        return byref(sink)


def measure(file: Any) -> tuple[int | None, int]:
    """Returns the position of a file object and how many bytes follow it; None and -1 if they aren't known."""
    if isinstance(file, Stream):
        return None, file.size
    try:
        # Not by fstat(): the file behind a GzipFile has another size.
        start = int(file.tell())
        file.seek(0, io.SEEK_END)
    except (AttributeError, NotImplementedError, OSError, TypeError, ValueError):
        if getattr(file, "closed", False) is True:
            raise
        return None, -1
    end = int(file.tell())
    file.seek(start)
    return start, max(end - start, 0)


class Stream:
    """A file object that can only be read, once. Its size is known nevertheless, or -1."""

    def __init__(self, size: int) -> None:
        self.size = size


class View:
    """A file object that reads the bytes of another object."""

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
