"""Uploads of paths, buffers and file objects: what is sent, and what is refused."""

from __future__ import annotations

import array
import errno
import gzip
import hashlib
import io
import os
import random
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

import mmx
from stand_in import PURPOSE, Account

CONTENT = random.Random(7).randbytes(1_500_000)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a b.mp3"
    path.write_bytes(CONTENT)
    return path


@pytest.mark.parametrize("kind", [str, Path])
def test_a_path(account: Account, path: Path, kind: Callable[[Path], Any]) -> None:
    file = account.client().files.upload(kind(path), purpose=PURPOSE)
    assert isinstance(file, mmx.File)
    assert (file.bytes, file.filename, file.purpose) == (len(CONTENT), "a b.mp3", PURPOSE)
    assert account.sha256(file.file_id) == sha256(CONTENT)
    sent = account.upload()
    assert (sent["filename"], sent["content_type"], sent["chunked"]) == ("a b.mp3", "audio/mpeg", False)
    assert sent["file_id"] == file.file_id


NAMES = {
    "a.mp3": ("a.mp3", "audio/mpeg"),
    "a.m4a": ("a.m4a", "audio/"),
    "a.WAV": ("a.WAV", "audio/wav"),
    "a.txt": ("a.txt", "text/plain"),
    "a.zip": ("a.zip", "application/zip"),
    "a.mp4": ("a.mp4", "video/mp4"),
    "a.webp": ("a.webp", "image/webp"),
    "a.heic": ("a.heic", "image/heic"),
    "a.jpeg": ("a.jpeg", "image/jpeg"),
    "a": ("a", "application/octet-stream"),
    "a.no-such": ("a.no-such", "application/octet-stream"),
    'a"b.mp3': ("a%22b.mp3", "audio/mpeg"),
    "a\r\nX: y\r\n\r\n.mp3": ("a%0D%0AX: y%0D%0A%0D%0A.mp3", "audio/mpeg"),
    "a\\b.mp3": ("a\\b.mp3", "audio/mpeg"),
    "a%22.mp3": ("a%22.mp3", "audio/mpeg"),
    "声音 é.wav": ("声音 é.wav", "audio/wav"),
    '"; name="purpose.mp3': ("%22; name=%22purpose.mp3", "audio/mpeg"),
}


def test_every_name_is_safely_sent_with_a_type_that_fits(account: Account, tmp_path: Path) -> None:
    account.settings(any_file=True)
    files = account.client().files
    for name, (encoded, media_type) in NAMES.items():
        path = tmp_path / name
        path.write_bytes(b"x")
        for source, given in ((path, None), (path, name), (b"x", name)):
            files.upload(source, purpose=PURPOSE, filename=given)
            sent = account.upload()
            assert (sent["filename"], sent["purpose"]) == (encoded, PURPOSE)
            assert sent["content_type"].startswith(media_type)


def test_a_length_where_it_is_known_and_chunks_where_not(account: Account, path: Path) -> None:
    class Reader:
        read = io.BytesIO(CONTENT).read

    sources: list[Any] = [path, CONTENT, io.BytesIO(CONTENT), Reader()]
    for source in sources:
        account.client().files.upload(source, purpose=PURPOSE, filename="a.mp3")
        sent, headers = account.upload(), dict(account.journal()[-1]["headers"])
        known = not isinstance(source, Reader)
        assert sent["chunked"] is not known
        assert headers.get("content-length") == (str(sent["body_bytes"]) if known else None)
        assert headers.get("transfer-encoding") == (None if known else "chunked")


def test_a_path_under_another_name(account: Account, path: Path) -> None:
    file = account.client().files.upload(path, purpose=PURPOSE, filename="ü.wav")
    assert file.filename == "ü.wav"
    assert account.sha256(file.file_id) == sha256(CONTENT)
    assert not account.upload()["chunked"]
    with pytest.raises(mmx.FileError, match=r"^upload_stream: .*none.mp3"):
        account.client().files.upload(path.with_name("none.mp3"), purpose=PURPOSE, filename="a.mp3")
    with pytest.raises(mmx.FileError, match=r"^upload_stream: "):
        account.client().files.upload(path.parent, purpose=PURPOSE, filename="a.mp3")


@pytest.mark.parametrize(
    "kind",
    [bytes, bytearray, memoryview, lambda data: memoryview(data[::-1])[::-1], lambda data: array.array("i", data)],
)
def test_bytes_and_the_like(account: Account, kind: Callable[[bytes], Any]) -> None:
    data = kind(CONTENT)
    file = account.client().files.upload(data, purpose=PURPOSE, filename="a.mp3")
    assert account.sha256(file.file_id) == sha256(CONTENT)
    sent = account.upload()
    assert (sent["bytes"], sent["chunked"]) == (len(CONTENT), False)
    if isinstance(data, bytearray):
        data.append(1)  # The buffer is released.


def test_no_bytes_at_all(account: Account) -> None:
    file = account.client().files.upload(b"", purpose=PURPOSE, filename="a.mp3")
    assert account.sha256(file.file_id) == sha256(b"")


@pytest.mark.parametrize("buffering", [0, -1])
def test_a_file_object_is_read_from_where_it_stands_and_left_open(account: Account, path: Path, buffering: int) -> None:
    with open(path, "rb", buffering=buffering) as source:
        source.seek(1000)
        file = account.client().files.upload(source, purpose=PURPOSE)
        assert not source.closed
        assert source.tell() == len(CONTENT)
    assert file.filename == "a b.mp3"
    assert account.sha256(file.file_id) == sha256(CONTENT[1000:])
    assert not account.upload()["chunked"]


def test_file_objects_of_every_kind(account: Account, path: Path, tmp_path: Path) -> None:
    client = account.client()

    def uploads(source: Any, chunked: bool, content: bytes = CONTENT) -> None:
        file = client.files.upload(source, purpose=PURPOSE, filename="a.mp3")
        assert account.sha256(file.file_id) == sha256(content)
        assert account.upload()["chunked"] is chunked

    uploads(io.BytesIO(CONTENT), False)
    past = io.BytesIO(CONTENT)
    past.seek(len(CONTENT) + 10)
    uploads(past, False, b"")
    # The file behind the descriptor has another content.
    with gzip.open(tmp_path / "a.gz", "wb", compresslevel=1) as packed:
        packed.write(CONTENT)
    with gzip.open(tmp_path / "a.gz", "rb") as packed:
        uploads(packed, False)
    with tempfile.SpooledTemporaryFile() as spooled, tempfile.NamedTemporaryFile() as named:
        for temporary in (spooled, named):
            temporary.write(CONTENT)
            temporary.seek(0)
            uploads(temporary, False)

    class Reader:
        def __init__(self) -> None:
            self.inner = io.BytesIO(CONTENT)

        def read(self, size: int) -> bytearray:
            return bytearray(self.inner.read(min(size, 1000)))

    uploads(Reader(), True)
    receiver, sender = os.pipe()
    with open(receiver, "rb") as source, open(sender, "wb") as sink:

        def write() -> None:
            with sink:
                sink.write(CONTENT)

        thread = threading.Thread(target=write)
        thread.start()
        uploads(source, True)
        thread.join()


def test_a_file_object_that_gives_other_than_it_said(account: Account) -> None:
    class Liar(io.BytesIO):
        def tell(self) -> int:
            return super().tell() // 2

    class Longer(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(size) or b"more"

    client = account.client()
    for source in (Longer(CONTENT), Liar(CONTENT)):
        with pytest.raises(mmx.FileError, match=r"^upload_stream: .*bytes announced") as caught:
            client.files.upload(source, purpose=PURPOSE, filename="a.mp3")
        assert not caught.value.ambiguous
    assert [entry for entry in account.journal() if entry["performed"]] == []


@pytest.mark.parametrize(
    ("result", "error", "said"),
    [
        (None, BlockingIOError, "non-blocking"),
        ("text", TypeError, "must be binary"),
        (b"x" * 5_000_000, ValueError, "returned 5000000 bytes"),
        (7.5, TypeError, "float"),
    ],
)
def test_what_a_read_must_not_return(account: Account, result: Any, error: type[Exception], said: str) -> None:
    class Reader:
        def read(self, size: int) -> Any:
            return result

    with pytest.raises(error, match=said):
        account.client().files.upload(Reader(), purpose=PURPOSE, filename="a.mp3")
    assert account.count(performed=1) == 0


def test_text_is_refused(account: Account, path: Path) -> None:
    client = account.client()
    with (
        open(path, encoding="latin-1") as text,
        tempfile.NamedTemporaryFile("w+") as named,
        tempfile.TemporaryFile("w+") as temporary,
    ):
        sources: list[Any] = [text, named, temporary, io.StringIO("text")]
        for source in sources:
            with pytest.raises(TypeError, match=r'^upload_stream: source must be .*opened with "rb"'):
                client.files.upload(source, purpose=PURPOSE, filename="a.mp3")
    assert account.count() == 0


@pytest.mark.parametrize("source", [None, 7, 1.5, ["a"], object()])
def test_what_is_no_source(account: Account, source: Any) -> None:
    with pytest.raises(TypeError, match="source must be a path, bytes or a binary file object, not "):
        account.client().files.upload(source, purpose=PURPOSE, filename="a.mp3")


def test_what_has_no_name_needs_one(account: Account) -> None:
    nameless: list[Any] = [b"x", io.BytesIO(b"x")]
    with tempfile.TemporaryFile() as numbered:  # Its name is a number.
        for source in [*nameless, numbered]:
            with pytest.raises(TypeError, match="filename is needed"):
                account.client().files.upload(source, purpose=PURPOSE)
    assert account.count() == 0


def test_what_can_be_no_argument(account: Account, path: Path) -> None:
    files = account.client().files
    wrong: dict[str, list[Any]] = {
        "purpose": [None, b"x", 7],
        "filename": [b"x", 7],
        "progress": ["x", 7],
        "timeout": ["5", True],
    }
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(TypeError, match=f"{name} must be "):
                files.upload(path, **{"purpose": PURPOSE, name: value})
    for arguments in ({"purpose": "a\0"}, {"purpose": "a b"}, {"filename": "a\0"}, {"filename": ""}, {"timeout": 0}):
        changed: dict[str, Any] = {"purpose": PURPOSE, **arguments}
        with pytest.raises(mmx.InvalidArgumentError) as caught:
            files.upload(path, **changed)
        assert caught.value.parameter is not None
        assert caught.value.parameter.split(".")[-1].split("_")[0] in arguments
    closed = io.BytesIO(b"x")
    closed.close()
    with pytest.raises(ValueError, match="closed file"):
        files.upload(closed, purpose=PURPOSE, filename="a.mp3")
    assert account.count() == 0
    with pytest.raises(mmx.FileError) as missing:
        files.upload(path.with_name("none"), purpose=PURPOSE)
    assert isinstance(missing.value, OSError)
    with pytest.raises(FileNotFoundError) as missing_too:
        files.upload(path.with_name("none"), purpose=PURPOSE, filename="a.mp3")
    assert isinstance(missing_too.value, mmx.FileError)
    assert (missing_too.value.errno, missing_too.value.filename) == (errno.ENOENT, str(path.with_name("none")))
    assert str(missing_too.value).startswith("upload_stream: ")
    with pytest.raises(IsADirectoryError):
        files.upload(str(path.parent), purpose=PURPOSE, filename="a.mp3")
    client = account.client()
    client.close()
    with pytest.raises(mmx.InvalidArgumentError, match="client is closed"):
        client.files.upload(path, purpose=PURPOSE)


def test_progress(account: Account, path: Path) -> None:
    told: list[tuple[int, int | None]] = []

    def progress(done: int, total: int | None) -> bool:
        told.append((done, total))
        return True  # Ignored.

    account.client().files.upload(path, purpose=PURPOSE, progress=progress)
    assert told[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert {total for _, total in told} == {len(CONTENT)}
    told.clear()

    class Reader:
        inner: BinaryIO = io.BytesIO(CONTENT)

        def read(self, size: int) -> bytes:
            return self.inner.read(size)

    account.client().files.upload(Reader(), purpose=PURPOSE, filename="a.mp3", progress=progress)
    assert told[0] == (0, None)
    assert told[-1][0] == len(CONTENT)


def test_a_refusal_comes_as_the_service_says_it(account: Account, path: Path) -> None:
    account.fault(refuse_after=0, code=1008)
    with pytest.raises(mmx.QuotaError) as caught:
        account.client().files.upload(path, purpose=PURPOSE)
    assert caught.value.call == "upload_file"
    account.fault(refuse_after=300_000, code=1004)
    with pytest.raises(mmx.AuthenticationError), open(path, "rb") as source:
        account.client().files.upload(source, purpose=PURPOSE)


def test_a_transfer_has_no_limit_unless_one_is_set(account: Account) -> None:
    account.fault(delay_ms=400, times=-1, call="upload")

    def upload(client: mmx.Client, **settings: Any) -> mmx.File:
        return client.files.upload(b"x", purpose=PURPOSE, filename="a.mp3", **settings)

    assert upload(account.client())
    assert upload(account.client(timeout=0.2), timeout=None)
    for client, settings in ((account.client(timeout=0.2), {}), (account.client(), {"timeout": 0.2})):
        with pytest.raises(mmx.TimeoutError, match=r"\b200 ms\b") as caught:
            upload(client, **settings)
        assert caught.value.ambiguous


def test_reconcile_finds_what_was_stored(account: Account, path: Path) -> None:
    files = account.client().files
    account.fault(call="upload", close_before_answer="rst")
    with pytest.raises(mmx.NetworkError) as caught:
        files.upload(path, purpose=PURPOSE)
    assert caught.value.ambiguous
    for source, name in ((path, "a.mp3"), (path, None), (path.read_bytes(), "b.mp3")):
        account.fault(call="upload", close_before_answer="rst")
        sent = account.count(call="upload")
        purpose = PURPOSE if name else mmx.PURPOSE_PROMPT_AUDIO
        file = files.upload(source, purpose=purpose, filename=name, reconcile=True)
        assert file.filename == (name or path.name)
        assert account.count(call="upload") == sent + 1
        assert file.file_id == account.upload()["file_id"]
    # One that was not stored is retried; of two that match none is returned.
    account.fault(call="upload", close_before_answer="rst", perform=False)
    assert files.upload(b"new", purpose=PURPOSE, filename="c.mp3", reconcile=True).bytes == 3
    account.fault(call="upload", close_before_answer="rst")
    with pytest.raises(mmx.NetworkError, match="several files of that name") as caught:
        files.upload(b"new", purpose=PURPOSE, filename="c.mp3", reconcile=True)
    assert caught.value.ambiguous
    with pytest.raises(TypeError, match="reconcile must be True or False"):
        files.upload(path, purpose=PURPOSE, reconcile=1)  # type: ignore[arg-type]
