"""List and retrieve: requests, and every shape of a response."""

from __future__ import annotations

import json
import pickle
import time
from dataclasses import FrozenInstanceError
from datetime import datetime, timezone
from typing import Any

import pytest

import mmx
from mmx import results
from stand_in import FILE, PURPOSE, Account

LARGEST = 2**63 - 1


def only(account: Account, **fields: object) -> None:
    account.server.control("DELETE", f"{account.name}/files")
    account.add(**fields)


def test_a_listing(account: Account) -> None:
    only(account, file_id=LARGEST, bytes=5, created_at=1700469398, filename="a.mp3")
    account.add(file_id=2, purpose="t2a_async")
    with account.client() as client:
        listed = {file.file_id: file for file in client.files.list()}
        assert sorted(listed) == [2, LARGEST]
        assert [file.file_id for file in client.files.list("t2a_async")] == [2]
        assert client.files.list(purpose="prompt_audio") == []
    file = listed[LARGEST]
    assert isinstance(file, mmx.File)
    assert (file.bytes, file.created_at, file.filename, file.purpose) == (5, 1700469398, "a.mp3", PURPOSE)
    assert file.created == datetime(2023, 11, 20, 8, 36, 38, tzinfo=timezone.utc)
    assert (file.download_url, file.extra) == ("", {})
    first, second, _ = account.journal()
    assert (first["method"], first["path"], first["query"]) == ("GET", "/v1/files/list", None)
    assert second["query"] == "purpose=t2a_async"


def test_a_file(account: Account) -> None:
    only(account, file_id=FILE, bytes=5, created_at=1700469398, filename="a.mp3", new={"a": [1]})
    file = account.client().files.retrieve(FILE)
    assert (file.file_id, file.bytes, file.filename, file.purpose) == (FILE, 5, "a.mp3", PURPOSE)
    assert file.download_url.startswith("http://127.0.0.2:")
    assert file.extra == {"new": {"a": [1]}}
    assert json.loads(file.raw)["download_url"] == file.download_url
    # Anybody who has the link can fetch the file.
    assert "http" not in repr(file)
    assert "Signature" not in repr(file)
    assert pickle.loads(pickle.dumps(file)) == file
    assert hash(file) == hash(pickle.loads(pickle.dumps(file)))
    with pytest.raises(FrozenInstanceError):
        file.file_id = 2  # type: ignore[misc]
    (entry,) = account.journal()
    assert (entry["path"], entry["query"]) == ("/v1/files/retrieve", f"file_id={FILE}")


@pytest.mark.parametrize("shape", ["files_missing", "files_null"])
def test_no_files_are_an_empty_list(account: Account, shape: str) -> None:
    account.fault(shape=shape)
    assert account.client().files.list() == []


def test_a_failure_is_never_an_empty_list(account: Account) -> None:
    client = account.client(max_attempts=1)
    account.fault(shape="files_not_array")
    with pytest.raises(mmx.ProtocolError):
        client.files.list()
    account.fault(code=1002, times=-1)
    with pytest.raises(mmx.RateLimitError) as caught:
        client.files.list()
    assert caught.value.call == "list_files"


def test_ids_in_text_are_whole_numbers(account: Account) -> None:
    only(account, file_id=LARGEST)
    client = account.client()
    account.fault(shape="id_as_string", times=2)
    assert client.files.retrieve(LARGEST).file_id == LARGEST
    assert [file.file_id for file in client.files.list()] == [LARGEST]
    account.fault(shape="id_as_string", times=2, call="retrieve")
    assert client.files.retrieve(LARGEST).file_id == LARGEST
    assert client.files.download(LARGEST, via_download_url=True).file_id == LARGEST
    account.fault(shape="id_as_string", call="upload")
    stored = client.files.upload(b"x", purpose=PURPOSE, filename="a.mp3")
    assert stored.file_id == account.upload()["file_id"]


def test_unknown_fields_are_kept_wherever_a_file_comes_from(account: Account) -> None:
    only(account, file_id=FILE)
    files = account.client().files
    account.fault(shape="unknown_fields", times=3)
    stored = files.upload(b"x", purpose=PURPOSE, filename="a.mp3")
    for file in (stored, *files.list(), files.retrieve(FILE)):
        assert file.extra
        assert {**json.loads(file.raw), **file.extra} == json.loads(file.raw)


def test_another_file_than_asked_for_is_a_protocol_error(account: Account) -> None:
    account.fault(shape="other_id")
    with pytest.raises(mmx.ProtocolError, match=r"^retrieve_file: "):
        account.client().files.retrieve(1)


def test_what_is_not_there_is_refused_as_the_service_does(account: Account) -> None:
    with pytest.raises(mmx.InvalidRequestError) as caught:
        account.client().files.retrieve(404)
    assert caught.value.api_code == 2013
    assert not caught.value.ambiguous


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ({"file_id": 7}, (7, 0, 0, "", "")),
        ({"file_id": "7", "bytes": "9", "created_at": None, "filename": None, "purpose": 3}, (7, 9, 0, "", "")),
        ({"file_id": LARGEST, "bytes": 1.5, "created_at": 2**63}, (LARGEST, 0, 0, "", "")),
        ({"file_id": 7, "bytes": True, "created_at": -5, "filename": "\ud800"}, (7, 0, -5, "�", "")),
    ],
)
def test_what_is_odd_in_a_file_hides_no_other(answer: dict[str, Any], wanted: tuple[object, ...]) -> None:
    file = results.file(json.dumps({"file": answer}))
    assert (file.file_id, file.bytes, file.created_at, file.filename, file.purpose) == wanted
    assert file.raw.isascii()
    assert json.loads(file.raw) == answer


def test_a_time_that_is_none_is_none() -> None:
    def created(at: int) -> object:
        return results.file(json.dumps({"file": {"file_id": 1, "created_at": at}})).created

    assert created(0) is None
    assert created(LARGEST) is None
    assert created(1) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=timezone.utc)


def test_fifty_thousand_files(account: Account) -> None:
    account.server.control("DELETE", f"{account.name}/files")
    account.server.control("POST", f"{account.name}/files", {"count": 50_000, "first_id": 2**53, "purpose": PURPOSE})
    began = time.monotonic()
    listed = account.client().files.list()
    assert time.monotonic() - began < 5
    assert {file.file_id for file in listed} == set(range(2**53, 2**53 + 50_000))


@pytest.mark.parametrize(
    ("purpose", "error"),
    [("", ValueError), ("a\0", ValueError), ("a b", ValueError), (b"x", TypeError), (7, TypeError)],
)
def test_what_no_purpose_can_be_is_refused(account: Account, purpose: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match="purpose"):
        account.client().files.list(purpose)
    assert account.count() == 0


@pytest.mark.parametrize("file_id", [True, 1.0, "7", None])
def test_what_is_no_whole_number_is_a_type_error(account: Account, file_id: Any) -> None:
    with pytest.raises(TypeError, match="file_id must be a whole number, not "):
        account.client().files.retrieve(file_id)
    for number in (0, -1, 2**63, 2**64 + 1):
        with pytest.raises(mmx.InvalidArgumentError, match=r"^retrieve_file: file_id must be "):
            account.client().files.retrieve(number)
    assert account.count() == 0


def test_a_timeout_of_the_call(account: Account) -> None:
    account.fault(hang=True, times=2)
    with pytest.raises(mmx.TimeoutError, match=r"\b150 ms\b"):
        account.client().files.list(timeout=0.15)
    with pytest.raises(mmx.TimeoutError, match=r"\b151 ms\b") as caught:
        account.client(timeout=0.151).files.retrieve(1)
    assert not caught.value.ambiguous
