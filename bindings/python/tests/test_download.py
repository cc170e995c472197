"""Downloads to a path, to a file object and into memory; interrupted, redirected, refused."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import itertools
import json
import lzma
import os
import pickle
import stat
import tempfile
import time
import zipfile
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
        """A writer that returns no count."""

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


class CannotSeek(io.BytesIO):
    """A writer such as those of fsspec, whose methods exist and fail."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def seek(self, offset: int, whence: int = 0) -> int:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ValueError("Seek only available in read mode"),
        TypeError("seek() takes 2 positional arguments but 3 were given"),
        OSError("no"),
        NotImplementedError(),
        io.UnsupportedOperation("seek"),
    ],
)
def test_a_writer_that_can_not_seek(account: Account, error: Exception) -> None:
    target = CannotSeek(error)
    account.client().files.download(FILE, target)
    assert whole(account, target.getvalue())


def test_compressed_file_objects(account: Account, tmp_path: Path) -> None:
    files = account.client().files
    path = tmp_path / "a"
    openers: list[Any] = [gzip.open, bz2.open, lzma.open]
    for opener in openers:
        with opener(path, "wb") as target:
            assert files.download(FILE, target).bytes == SIZE
        with opener(path) as source:
            assert whole(account, source.read())
    with zipfile.ZipFile(path, "w") as archive, archive.open("member", "w") as member:
        assert files.download(FILE, member).bytes == SIZE
    with zipfile.ZipFile(path) as archive:
        assert whole(account, archive.read("member"))


@pytest.mark.parametrize("count", [0, -1, 10**9])
def test_a_writer_that_counts_wrongly(account: Account, count: int) -> None:
    class Writer:
        def write(self, data: bytes) -> int:
            return count

    with pytest.raises(OSError, match=f"took {count} of "):
        account.client().files.download(FILE, Writer())


CUT = {"cut_after": 400_000}
CHANGED = {"cut_after": 400_000, "changed": True}
NO_MARKS = {"cut_after": 400_000, "headers": {"ETag": None, "Last-Modified": None}}


@pytest.mark.parametrize(
    ("way", "faults", "resumed", "asked"),
    [
        ("memory", [CUT], 1, True),
        ("path", [CUT], 1, True),
        ("link", [CUT], 1, True),
        ("memory", [{"cut_after": 400_000, "no_etag": True}], 1, True),
        ("path", [{"no_length": True, "cut_after": 400_000}], 1, True),
        # The rest isn't available: the download is restarted.
        ("memory", [CUT, {"no_range": True}], 0, True),
        ("path", [CUT, {"no_range": True}], 0, True),
        ("memory", [CUT, {"range_shift": 5}], 0, True),
        ("path", [CHANGED], 0, True),
        ("link", [CHANGED], 0, True),
        ("memory", [NO_MARKS], 0, False),
    ],
)
def test_a_cut_is_mended(
    account: Account, tmp_path: Path, way: str, faults: list[dict[str, Any]], resumed: int, asked: bool
) -> None:
    for fault in faults:
        account.fault(call="store" if way == "link" else "retrieve_content", **fault)
    target = tmp_path / "a"
    done = account.client().files.download(
        FILE, target if way == "path" else None, via_download_url=way == "link", timeout=30
    )
    assert whole(account, target.read_bytes() if way == "path" else done.content)
    assert (done.resumed, done.bytes) == (resumed, SIZE)
    sent = [dict(entry["headers"]) for entry in account.journal() if entry["path"] != "/v1/files/retrieve"]
    assert "range" not in sent[0]
    assert ("range" in sent[1], "if-range" in sent[1]) == (asked, asked)
    assert not asked or int(sent[1]["range"].removeprefix("bytes=").removesuffix("-")) > 300_000


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
    # Data follows the position and would be lost; and a plain writer can't remove what was written.
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
    # The link of a file that doesn't exist.
    with pytest.raises(mmx.InvalidRequestError, match=r"^download_stream: "):
        account.client().files.download(404, via_download_url=True)


def test_a_link_that_has_expired(account: Account) -> None:
    files = account.client().files

    def sent() -> tuple[int, int]:
        return account.count(call="retrieve"), account.count(call="store")

    # A new link is requested, once.
    account.fault(call="retrieve", expired_url=True)
    assert whole(account, files.download(FILE, via_download_url=True).content)
    assert sent() == (2, 2)
    # Between two attempts, too.
    account.fault(call="store", cut_after=400_000)
    account.fault(call="store", http_status=403, body="<Error/>")
    done = files.download(FILE, via_download_url=True)
    assert whole(account, done.content)
    assert done.resumed == 1
    assert sent() == (4, 5)
    account.fault(call="retrieve", expired_url=True, times=-1)
    with pytest.raises(mmx.HTTPError, match="the file store answered HTTP 403"):
        files.download(FILE, via_download_url=True)
    assert sent() == (6, 7)
    assert not [entry for entry in account.journal() if entry.get("leaked_key")]


SIGNED = "//store.invalid/?Signature=secret&Expires=1"


@pytest.mark.parametrize(
    ("link", "fault", "error"),
    [
        (f"ftp:{SIGNED}", {}, mmx.ProtocolError),
        (f"https://:{SIGNED}", {}, mmx.ProtocolError),
        (SIGNED, {}, mmx.ProtocolError),
        (None, {"close_before_answer": "rst"}, mmx.NetworkError),
        (None, {"cut_after": 400_000}, mmx.NetworkError),
        (None, {"http_status": 503, "body": "?Signature=secret"}, mmx.ServerError),
        (None, {"redirect_to": f"ftp:{SIGNED}"}, mmx.ProtocolError),
        (None, {"shape": "garbage", "cut_after": 40}, mmx.ProtocolError),
    ],
)
def test_a_signed_link_is_in_no_message(
    account: Account, caplog: pytest.LogCaptureFixture, link: str | None, fault: dict[str, Any], error: type[Exception]
) -> None:
    if link is None:
        account.fault(call="store", **fault)
    else:
        answer = {"file": {"file_id": FILE, "download_url": link}, "base_resp": {"status_code": 0}}
        account.fault(call="retrieve", body=json.dumps(answer))
    with caplog.at_level(1, "mmx"), pytest.raises(error) as caught:
        account.client(max_attempts=1).files.download(FILE, via_download_url=True)
    said = str(caught.value) + repr(vars(caught.value)) + caplog.text
    assert "Signature" not in said
    assert "Expires" not in said


def test_a_link_beyond_this_machine_is_followed_over_https_alone(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = json.loads(account.server.control("POST", f"proxies/{account.name}", {"refuse": 403}))["url"]
    monkeypatch.setenv("HTTP_PROXY", proxy)
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    answer = {"file": {"file_id": FILE, "download_url": "http://store.example/a?b"}, "base_resp": {"status_code": 0}}
    account.fault(call="retrieve", body=json.dumps(answer))
    with pytest.raises(mmx.ConnectError, match=r"store\.example"):
        account.client(max_attempts=1).files.download(FILE, via_download_url=True)
    (asked,) = json.loads(account.server.control("GET", f"proxies/{account.name}"))
    assert (asked["method"], asked["target"]) == ("CONNECT", "store.example:443")


def test_a_failure_leaves_the_target_as_it_was(account: Account, tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")
    client = account.client(max_attempts=1)
    no_file: dict[str, Any] = {"headers": dict.fromkeys(("ETag", "Last-Modified", "Accept-Ranges"))}
    refusal = {"body": '{"base_resp": {"status_code": 1004}}', **no_file}
    faults: list[tuple[dict[str, Any], type[Exception]]] = [
        ({"code": 1008}, mmx.QuotaError),
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


@pytest.mark.parametrize("way", ["memory", "path"])
def test_progress(account: Account, tmp_path: Path, way: str) -> None:
    told: list[tuple[int, int | None]] = []
    target = tmp_path / "a" if way == "path" else None
    files = account.client().files

    def download() -> None:
        told.clear()
        began = time.monotonic()
        files.download(FILE, target, progress=lambda *at: told.append(at))
        # One at each start, one at the end, and at most one every 50 ms between.
        assert 1 <= len(told) <= (time.monotonic() - began) / 0.05 + 3

    account.fault(trickle_ms=10, trickle_bytes=SIZE // 16, call="retrieve_content")
    download()
    assert len(told) > 2
    assert told[-1] == (SIZE, SIZE)
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    account.fault(no_length=True, call="retrieve_content")
    download()
    assert told[0][1] is None
    assert told[-1][0] == SIZE
    # A restart reports progress from 0.
    account.fault(trickle_ms=60, trickle_bytes=SIZE // 8, cut_after=SIZE // 2, call="retrieve_content")
    account.fault(no_range=True, call="retrieve_content")
    download()
    assert [now for (before, _), (now, _) in itertools.pairwise(told) if now < before] == [0]
    assert told[-1] == (SIZE, SIZE)


def test_a_limit_once_it_is_set(account: Account) -> None:
    account.fault(hang_after=100_000, times=2, call="retrieve_content")
    with pytest.raises(mmx.TimeoutError, match=r"\b200 ms\b"):
        account.client().files.download(FILE, timeout=0.2)
    with pytest.raises(mmx.TimeoutError, match=r"\b201 ms\b"):
        account.client(timeout=0.201).files.download(FILE)
