"""Downloads to a path, to a file object and into memory; cut, redirected, refused."""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import stat
import tempfile
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any

import pytest

import mmx
from stand_in import Account

SIZE = 1_500_000
FILE = 900


@pytest.fixture
def account(account: Account) -> Account:
    account.add(file_id=FILE, size=SIZE, filename="../../a.mp3")
    return account


def whole(account: Account, data: bytes | bytearray) -> bool:
    return hashlib.sha256(data).hexdigest() == account.sha256(FILE)


def test_into_memory(account: Account) -> None:
    done = account.client().files.download(FILE)
    assert isinstance(done, mmx.Download)
    assert whole(account, done.content)
    assert (done.file_id, done.bytes, done.content_type) == (FILE, SIZE, "audio/mpeg")
    assert (done.resumed, done.via) == (0, "retrieve_content")
    assert len(done.trace_id) == 32
    assert len(repr(done)) < 300
    assert pickle.loads(pickle.dumps(done)) == done
    with pytest.raises(FrozenInstanceError):
        done.bytes = 2  # type: ignore[misc]


@pytest.mark.parametrize("kind", [str, Path])
def test_to_a_path(account: Account, tmp_path: Path, kind: Any) -> None:
    target = tmp_path / "ü.mp3"
    target.write_bytes(b"old")
    target.chmod(0o640)
    done = account.client().files.download(FILE, kind(target))
    assert whole(account, target.read_bytes())
    assert done.bytes == SIZE
    assert stat.S_IMODE(target.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["ü.mp3"]
    with pytest.raises(ValueError, match="went to the target"):
        _ = done.content


@pytest.mark.parametrize("buffering", [0, -1])
def test_to_a_file_object_from_where_it_stands(account: Account, tmp_path: Path, buffering: int) -> None:
    with open(tmp_path / "a.bin", "w+b", buffering=buffering) as target:
        target.write(b"before")
        account.client().files.download(FILE, target)
        assert not target.closed
        assert target.tell() == SIZE + 6
        target.seek(0)
        assert target.read(6) == b"before"
        assert whole(account, target.read())


def test_writers_of_every_kind(account: Account) -> None:
    class Writer:
        """Takes everything and says nothing."""

        def __init__(self) -> None:
            self.got = bytearray()

        def write(self, data: bytes) -> None:
            self.got += data

    class Short(Writer):
        def write(self, data: bytes) -> int:  # type: ignore[override]
            part = data[:1000]
            self.got += part
            return len(part)

    client = account.client()
    for writer in (Writer(), Short()):
        client.files.download(FILE, writer)
        assert whole(account, writer.got)
    with tempfile.SpooledTemporaryFile() as spooled:
        client.files.download(FILE, spooled)
        spooled.seek(0)
        assert whole(account, spooled.read())


@pytest.mark.parametrize("count", [0, -1, 10**9])
def test_a_writer_that_counts_wrongly(account: Account, count: int) -> None:
    class Writer:
        def write(self, data: bytes) -> int:
            return count

    with pytest.raises(OSError, match=f"took {count} of "):
        account.client().files.download(FILE, Writer())


def test_a_cut_is_mended(account: Account, tmp_path: Path) -> None:
    account.fault(cut_after=400_000, call="retrieve_content")
    done = account.client().files.download(FILE)
    assert whole(account, done.content)
    assert done.resumed == 1


def test_a_file_that_begins_anew(account: Account, tmp_path: Path) -> None:
    def cut() -> None:
        account.fault(cut_after=400_000, call="retrieve_content", changed=True)

    client = account.client()
    cut()
    assert whole(account, client.files.download(FILE).content)
    cut()
    with open(tmp_path / "a", "w+b") as target:
        target.write(b"before")
        client.files.download(FILE, target)
        target.seek(0)
        assert target.read(6) == b"before"
        assert whole(account, target.read())
    # Behind where it stands there is something to lose; and a plain writer can't take anything back.
    behind = io.BytesIO(b"x" * 2 * SIZE)

    class Writer:
        write = io.BytesIO().write

    targets: list[Any] = [behind, Writer()]
    for kept in targets:
        cut()
        with pytest.raises((mmx.NetworkError, mmx.FileError)):
            client.files.download(FILE, kept)
    assert len(behind.getvalue()) == 2 * SIZE


def test_through_the_link(account: Account, tmp_path: Path) -> None:
    done = account.client().files.download(FILE, tmp_path / "a", via_download_url=True)
    assert done.via == "download_url"
    assert whole(account, (tmp_path / "a").read_bytes())
    entries = account.journal()
    assert [entry["host"] for entry in entries] == ["api", "store"]
    assert not entries[1].get("leaked_key")
    assert not [name for name, _ in entries[1]["headers"] if name == "authorization"]
    # The link of a file that isn't there.
    with pytest.raises(mmx.InvalidRequestError, match=r"^download_stream: "):
        account.client().files.download(404, via_download_url=True)


def test_a_failure_leaves_the_target_as_it_was(account: Account, tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    client = account.client(max_attempts=1)
    no_file: dict[str, Any] = {"headers": dict.fromkeys(("ETag", "Last-Modified", "Accept-Ranges"))}
    refusal = {"body": '{"base_resp": {"status_code": 1004}}', **no_file}
    faults: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"code": 1002}, mmx.RateLimitError),
        ({"cut_after": 400_000}, mmx.NetworkError),
        (refusal, mmx.AuthenticationError),
    ]
    for fault, error in faults:
        account.fault(call="retrieve_content", **fault)
        with pytest.raises(error):
            client.files.download(FILE, target)
        assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a"]
    for place in (tmp_path, tmp_path / "none" / "a"):
        with pytest.raises(mmx.FileError, match=r"^download_file: "):
            client.files.download(FILE, place)


def test_what_can_be_no_argument(account: Account, tmp_path: Path) -> None:
    files = account.client().files
    wrong: list[Any] = [7, b"path", ["a"], io.StringIO(), object()]
    for target in wrong:
        with pytest.raises(TypeError, match="target must be a path, a binary file object or None"):
            files.download(FILE, target)
    with open(tmp_path / "text", "w") as text, pytest.raises(TypeError, match='opened with "wb"'):
        files.download(FILE, text)  # type: ignore[arg-type]
    for target in ("a\0b", "\udcff", ""):
        with pytest.raises(mmx.InvalidArgumentError) as caught:
            files.download(FILE, target)
        assert caught.value.parameter == "path"
    for name, value in {"progress": 7, "via_download_url": 1, "timeout": "5", "file_id": "7"}.items():
        arguments: dict[str, Any] = {"file_id": FILE, name: value}
        with pytest.raises(TypeError, match=f"{name} must be "):
            files.download(**arguments)
    with pytest.raises(mmx.InvalidArgumentError, match="file_id must be "):
        files.download(0)
    assert account.count() == 0
    with open(tmp_path / "text", "rb") as reader, pytest.raises(io.UnsupportedOperation):
        files.download(FILE, reader)


def test_progress(account: Account, tmp_path: Path) -> None:
    told: list[tuple[int, int | None]] = []
    for target in (None, tmp_path / "a", io.BytesIO()):
        told.clear()
        account.client().files.download(FILE, target, progress=lambda *at: told.append(at))
        assert told[-1] == (SIZE, SIZE)
        assert [done for done, _ in told] == sorted(done for done, _ in told)
    account.fault(no_length=True, call="retrieve_content")
    told.clear()
    account.client().files.download(FILE, progress=lambda *at: told.append(at))
    assert told[0][1] is None
    assert told[-1][0] == SIZE


def test_a_limit_once_it_is_set(account: Account) -> None:
    account.fault(hang_after=100_000, times=2, call="retrieve_content")
    with pytest.raises(mmx.TimeoutError, match=r"\b200 ms\b"):
        account.client().files.download(FILE, timeout=0.2)
    with pytest.raises(mmx.TimeoutError, match=r"\b201 ms\b"):
        account.client(timeout=0.201).files.download(FILE)
