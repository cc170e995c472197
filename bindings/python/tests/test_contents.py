"""Downloads: what isn't the file never becomes the file, however it comes, and a file that looks like an error does."""

from __future__ import annotations

import errno
import gzip
import io
import json
from pathlib import Path
from typing import Any

import pytest

import mmx
from stand_in import Account

FILE = 900
WAYS = ("content", "link", "redirect")


@pytest.fixture
def account(account: Account) -> Account:
    account.add(file_id=FILE, content="a file", filename="a.mp3")
    return account


def refusal(code: int) -> str:
    return json.dumps({"base_resp": {"status_code": code, "status_msg": "m"}})


def meets(account: Account, way: str, **fault: object) -> dict[str, Any]:
    """Whoever sends the file's bytes meets the fault; returns the options of the call."""
    if way == "redirect":
        account.fault(call="retrieve_content", redirect_to="store")
    account.fault(call="retrieve_content" if way == "content" else "store", **fault)
    return {"via_download_url": True} if way == "link" else {}


AUTHENTICATION = mmx.AuthenticationError
NO_FILES: list[tuple[dict[str, Any], type[mmx.Error], str]] = [
    ({"headers": {"ETag": 'W/"5f"'}, "body": refusal(1004)}, AUTHENTICATION, "1004"),
    ({"headers": {"Last-Modified": "Mon, 20 Nov 2023 08:36:38 GMT"}, "body": refusal(2049)}, AUTHENTICATION, "2049"),
    ({"headers": {"Accept-Ranges": "bytes"}, "body": refusal(2013)}, mmx.InvalidRequestError, "2013"),
    ({"headers": {"Content-Disposition": "attachment"}, "body": refusal(1000)}, mmx.ServerError, "1000"),
    ({"body": "\ufeff" + refusal(1004)}, AUTHENTICATION, "1004"),
    ({"body": " \r\n\t" + refusal(1008), "no_length": True}, mmx.QuotaError, "1008"),
    ({"content_type": "text/html", "body": "<!DOCTYPE html><title>Sign in</title>"}, mmx.ProtocolError, "Sign in"),
    (
        {"content_type": "application/xml", "body": "<Error><Code>AccessDenied</Code></Error>"},
        mmx.ProtocolError,
        "AccessDenied",
    ),
    ({"encoding": "gzip"}, mmx.ProtocolError, "gzip"),
    ({"encoding": "deflate"}, mmx.ProtocolError, "deflate"),
    ({"http_status": 503, "content_type": "text/html", "body": "<html>" + "x" * 100_000}, mmx.ServerError, "HTTP 503"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", range(len(NO_FILES)))
def test_what_is_no_file(account: Account, tmp_path: Path, number: int, way: str) -> None:
    fault, kind, part = NO_FILES[number]
    files = account.client(max_attempts=1).files
    target = tmp_path / "a.mp3"
    target.write_bytes(b"old")
    sink = io.BytesIO()
    for given in (target, sink, None):
        options = meets(account, way, **fault)
        with pytest.raises(kind, match=part) as caught:
            files.download(FILE, *([] if given is None else [given]), **options)
        assert "Signature" not in str(caught.value)
    assert (target.read_bytes(), sink.getvalue()) == (b"old", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp3"]


FILES: list[tuple[dict[str, Any], bytes]] = [
    (
        {
            "content_type": "application/json",
            "headers": {"Content-Disposition": "attachment; filename=subtitles.json"},
            "body": '[{"text":"hello"}]',
        },
        b'[{"text":"hello"}]',
    ),
    ({"body": '{"log":[{"base_resp":{"status_code":1004}}]}'}, b'{"log":[{"base_resp":{"status_code":1004}}]}'),
    ({"body": '{"base_resp":{"status_code":0},"x":1}'}, b'{"base_resp":{"status_code":0},"x":1}'),
    ({"body": "{ not JSON"}, b"{ not JSON"),
    ({"body": "\ufeff{}"}, b"\xef\xbb\xbf{}"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("fault", "content"), FILES)
def test_what_is_a_file(account: Account, tmp_path: Path, fault: dict[str, Any], content: bytes, way: str) -> None:
    files = account.client().files
    target = tmp_path / "a.json"
    files.download(FILE, target, **meets(account, way, **fault))
    assert target.read_bytes() == content
    assert files.download(FILE, **meets(account, way, **fault)).content == content


def test_a_failing_service_is_asked_again(account: Account) -> None:
    account.fault(call="retrieve_content", code=1000, headers={"Content-Disposition": "attachment", "Retry-After": "0"})
    assert account.client().files.download(FILE).content == b"a file"
    assert account.count(call="retrieve_content") == 2


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_no_call_takes_an_encoding_that_nobody_asked_for(account: Account, encoding: str) -> None:
    files = account.client(max_attempts=1).files
    calls: list[Any] = [
        lambda: files.list(),
        lambda: files.retrieve(FILE),
        lambda: files.upload(b"x", purpose="voice_clone", filename="a.mp3"),
        lambda: files.delete(1, "voice_clone"),
        lambda: files.download(FILE),
    ]
    for call in calls:
        account.fault(encoding=encoding)
        with pytest.raises(mmx.ProtocolError, match=f'encoded as "{encoding}"'):
            call()
    for entry in account.journal():
        assert [value for name, value in entry["headers"] if name == "accept-encoding"] == ["identity"]
        assert [value for name, value in entry["headers"] if name == "cache-control"] == ["no-cache"]


def test_a_gzip_file_object_takes_a_download(account: Account, tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.gz", "wb") as packed:
        account.client().files.download(FILE, packed)
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == b"a file"


class NoSeek(io.RawIOBase):
    """As in fsspec: it says that it can seek, and can't."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        raise ValueError("Seek only available in read mode")

    def tell(self) -> int:
        return len(self.content)

    def write(self, data: Any) -> int:
        self.content += bytes(data)
        return len(data)


def test_a_writer_whose_seek_raises(account: Account) -> None:
    sink = NoSeek()
    account.client().files.download(FILE, sink)
    assert sink.content == b"a file"


def test_a_full_device_has_its_errno(account: Account) -> None:
    with pytest.raises(OSError, match="no space left on device") as caught:
        account.client().files.download(FILE, "/dev/full")
    assert isinstance(caught.value, mmx.FileError)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, "/dev/full")


def test_a_location_in_utf8(account: Account) -> None:
    files = account.client().files
    for to in ("utf8", "store_utf8"):
        account.fault(call="retrieve_content", redirect_to=to)
        assert files.download(FILE).content == b"a file"


def test_many_headers(account: Account) -> None:
    files = account.client(max_attempts=1).files
    account.fault(times=5, extra_headers=120, extra_header_bytes=60_000)
    assert files.download(FILE).content == b"a file"
    assert files.list()
    assert files.retrieve(FILE).file_id == FILE
    assert files.upload(b"x", purpose="voice_clone", filename="a.mp3").file_id
    assert files.delete(1, "voice_clone").file_id == 1


def test_a_link_that_has_gone_is_renewed(account: Account) -> None:
    account.fault(call="store", http_status=410, body="")
    assert account.client().files.download(FILE, via_download_url=True).content == b"a file"
    assert account.count(call="retrieve") == 2


def test_what_others_wrote_is_quoted_without_its_links(account: Account) -> None:
    secret = "https://oss.example/f?Signature=SECRETSIG&x=1"
    files = account.client(max_attempts=1).files
    account.fault(code=2013, message=f"see {secret}")
    with pytest.raises(mmx.InvalidRequestError, match=r"see https://oss\.example/f") as caught:
        files.retrieve(FILE)
    assert "SECRETSIG" not in str(caught.value) + caught.value.api_message
    account.fault(
        body=f'\ufeff{{"file":{{"file_id":{FILE},"download_url":"{secret}"}},"base_resp":{{"status_code":0}}}}'
    )
    assert files.retrieve(FILE).download_url == secret
    account.fault(body=f'{{"file":{{"file_id":{FILE},"download_url":"{secret}"')
    with pytest.raises(mmx.ProtocolError) as broken:
        files.retrieve(FILE)
    assert "SECRETSIG" not in str(broken.value)
