"""Uploads of changing files, retries, and uploads over a documented limit."""

from __future__ import annotations

import hashlib
import io
import itertools
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import mmx
from stand_in import PURPOSE, Account

SIZE = 1_500_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a.mp3"
    path.write_bytes(bytes(SIZE))
    return path


def nothing_was_stored(account: Account) -> bool:
    account.wait(open=0)
    # The server may not have received the head of one that broke off at once.
    uploads = [entry for entry in account.journal() if entry.get("upload")]
    return not any(entry["performed"] or entry["upload"]["complete"] for entry in uploads)


class Giver(io.RawIOBase):
    """A file object whose size is not the number of its bytes."""

    def __init__(self, says: int, gives: int) -> None:
        self.says = says
        self.gives = gives
        self.at = 0

    def tell(self) -> int:
        return self.at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self.at = offset + (self.says if whence == io.SEEK_END else 0)
        return self.at

    def read(self, size: int = -1) -> bytes:
        data = bytes(min(size, max(self.gives - self.at, 0)))
        self.at += len(data)
        return data


@pytest.mark.parametrize(
    ("says", "gives", "why"),
    [
        (SIZE, SIZE - 1, f"it ended after {SIZE - 1} of the {SIZE} bytes announced"),
        (SIZE, 0, f"it ended after 0 of the {SIZE} bytes announced"),
        (SIZE, SIZE + 1, f"there is more than the {SIZE} bytes announced"),
        (0, 1, "there is more than the 0 bytes announced"),
        (2**62, 100, f"it ended after 100 of the {2**62} bytes announced"),
    ],
)
def test_too_few_bytes_or_too_many(account: Account, says: int, gives: int, why: str) -> None:
    with pytest.raises(mmx.FileError, match=f"^upload_stream: .*{why}") as caught:
        account.client().files.upload(Giver(says, gives), purpose=PURPOSE, filename="a.mp3")
    assert not caught.value.ambiguous
    assert nothing_was_stored(account)


@pytest.mark.parametrize("name", [None, "b.mp3"])
@pytest.mark.parametrize("size", [0, SIZE // 2, SIZE - 1, SIZE + 1, 2 * SIZE])
def test_a_file_that_changes_while_it_is_read(account: Account, path: Path, size: int, name: str | None) -> None:
    # Reported before the end.
    with pytest.raises(mmx.FileError, match=r"bytes announced") as caught:
        account.client().files.upload(path, purpose=PURPOSE, filename=name, progress=lambda *_: os.truncate(path, size))
    assert not caught.value.ambiguous
    assert nothing_was_stored(account)


# More than the kernel buffers, so the last byte isn't sent when the connection breaks.
LARGE = random.Random(8).randbytes(1 << 20) * 40
BROKEN = {"stop_reading_after": 300_000, "then": "rst", "delay_ms": 50}


@pytest.fixture
def account(account: Account) -> Iterator[Account]:
    account.settings(any_file=True)
    yield account
    account.server.control("POST", f"{account.name}/reset")  # It would keep the uploads.


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "a.mp3"
    path.write_bytes(LARGE)
    return path


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("path", BROKEN),
        ("renamed path", BROKEN),
        ("file", BROKEN),
        ("bytes", BROKEN),
        ("BytesIO", {"code": 1002, "headers": {"Retry-After": "0"}}),
    ],
)
def test_it_goes_again_from_where_the_source_stood(
    account: Account, large: Path, kind: str, fault: dict[str, Any]
) -> None:
    account.fault(**fault)
    client = account.client()
    name = None if kind == "path" else "b.mp3"
    with open(large, "rb") as file:
        memory = io.BytesIO(LARGE)
        file.seek(1000)
        memory.seek(1000)
        sources: dict[str, Any] = {"file": file, "BytesIO": memory, "bytes": LARGE[1000:]}
        stored = client.files.upload(sources.get(kind, large), purpose=PURPOSE, filename=name)
    wanted = LARGE if kind.endswith("path") else LARGE[1000:]
    assert account.sha256(stored.file_id) == hashlib.sha256(wanted).hexdigest()
    assert account.count(call="upload", performed=1) == 1
    assert len([entry for entry in account.journal() if entry.get("upload")]) == 2


def test_what_can_not_go_back_goes_once(account: Account) -> None:
    class Reader:
        read = io.BytesIO(LARGE).read

    account.fault(**BROKEN)
    with pytest.raises(mmx.NetworkError) as caught:
        account.client().files.upload(Reader(), purpose=PURPOSE, filename="a.mp3")
    assert (caught.value.attempts, caught.value.ambiguous) == (1, False)
    assert nothing_was_stored(account)


class Slow(io.BytesIO):
    """Gives its first pieces slowly, so that there is something to report between."""

    reads = 0

    def read(self, size: int | None = -1) -> bytes:
        self.reads += 1
        if self.reads <= 20:
            time.sleep(0.01)
        return super().read(size)


@pytest.mark.parametrize("kind", ["path", "file", "chunked"])
def test_progress_is_rare_and_honest(account: Account, large: Path, kind: str) -> None:
    class Reader:
        read = Slow(LARGE).read

    told: list[int] = []

    def progress(done: int, total: int | None) -> None:
        assert total == len(LARGE) or (kind == "chunked" and total is None)
        told.append(done)

    if kind == "file":
        account.fault(stop_reading_after=300_000, then="rst", delay_ms=400)
    sources: dict[str, Any] = {"path": large, "file": Slow(LARGE), "chunked": Reader()}
    name = None if kind == "path" else "a.mp3"
    began = time.monotonic()
    file = account.client().files.upload(sources[kind], purpose=PURPOSE, filename=name, progress=progress)
    # One at each start, one at the end, and at most one every 50 ms between.
    assert (kind != "path") * 3 <= len(told) <= (time.monotonic() - began) / 0.05 + 3
    assert told[-1] == len(LARGE)
    assert account.sha256(file.file_id) == hashlib.sha256(LARGE).hexdigest()
    # A restarted attempt reports progress from 0.
    assert [now for before, now in itertools.pairwise(told) if now < before] == [0] * (kind == "file")


def test_documented_limits_are_not_enforced_but_named(account: Account, tmp_path: Path) -> None:
    files = account.client().files
    text, large = tmp_path / "a.txt", tmp_path / "a.mp3"
    text.write_bytes(b"no audio")
    with open(large, "wb") as file:
        file.truncate(21 << 20)
    for source in (text, large):
        account.settings(any_file=False)
        with pytest.raises(mmx.InvalidRequestError, match=r"invalid file (ext|size) for voice clone"):
            files.upload(source, purpose=PURPOSE)
        account.settings(any_file=True)
        assert files.upload(source, purpose=PURPOSE).bytes == source.stat().st_size
        for code in (2013, 2037):
            account.fault(code=code)
            with pytest.raises(mmx.InvalidRequestError, match="; the documents say of voice_clone: mp3, m4a or wav"):
                files.upload(source, purpose=PURPOSE)
    account.fault(code=2013)
    with pytest.raises(mmx.InvalidRequestError) as caught:
        files.upload(b"x", purpose=PURPOSE, filename="a.mp3")
    assert "the documents say" not in str(caught.value)
