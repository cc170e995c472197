"""What a call tells beside its result, waits for files, headers of one's own, keys in files, and purposes left out."""

from __future__ import annotations

import errno
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mmx
from stand_in import FILE, PURPOSE, Account


def test_facts_about_a_delete(account: Account) -> None:
    account.fault(call="delete", http_status=503)
    result = account.client().files.delete(1, PURPOSE)
    assert (result.attempts, result.http_status, result.evidence) == (2, 200, "answer")
    assert result.trace_id
    assert 0 < result.elapsed < 60
    assert result.info == mmx.CallInfo(result.trace_id, 2, 200, result.elapsed, "answer")
    assert pickle.loads(pickle.dumps(result)).info == result.info
    # They are no part of what it says.
    assert result == mmx.DeleteResult(result.file_id, result.raw)


def test_the_evidence_of_a_file_that_is_not_there(account: Account) -> None:
    assert account.client().files.delete(999_999, PURPOSE, missing_ok=True).evidence == "retrieve"


def test_facts_about_other_calls(account: Account, tmp_path: Path) -> None:
    files = account.client().files
    stored = files.upload(b"abc", purpose=PURPOSE, filename="a.mp3")
    downloads = [files.download(stored.file_id), files.download(stored.file_id, tmp_path / "a")]
    listed = files.list(PURPOSE)
    assert listed == files.list(PURPOSE)
    content = [files.retrieve(1).info, files.wait(1).info]
    account.server.control("DELETE", f"{account.name}/files")
    none = files.list()
    assert none == []
    for info in (
        stored.info,
        *content,
        listed.info,
        none.info,
        listed[0].info,
        *(download.info for download in downloads),
    ):
        assert (info.attempts, info.http_status, info.evidence) == (1, 200, "")
        assert info.trace_id
        assert info.elapsed >= 0
    for download in downloads:
        assert (download.attempts, download.http_status, download.trace_id) == (1, 200, download.info.trace_id)
        assert download.elapsed == download.info.elapsed
    assert pickle.loads(pickle.dumps(listed)).info == listed.info


def test_a_wait_for_a_file(account: Account) -> None:
    files = account.client().files
    account.fault(call="retrieve", file_id=1, code=2013, message="invalid params, file not exist")
    assert files.wait(1, timeout=30).file_id == 1
    assert account.count(call="retrieve") == 2
    with pytest.raises(mmx.TimeoutError):
        files.wait(999_999, timeout=0.2)
    with pytest.raises(mmx.AuthenticationError):
        mmx.Client("wrong", account.url).files.wait(1)


@pytest.mark.parametrize("headers", [{"X-Team": "a", "X-Cost": "b c"}, [("X-Team", "a"), ("X-Cost", "b c")]])
def test_headers_of_ones_own(account: Account, headers: Any) -> None:
    account.client(headers=headers).files.delete(1, PURPOSE)
    sent = {name.lower(): value for name, value in account.journal()[-1]["headers"]}
    assert (sent["x-team"], sent["x-cost"]) == ("a", "b c")


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({"Authorization": "x"}, mmx.InvalidArgumentError),
        ({"Content-Type": "x"}, mmx.InvalidArgumentError),
        ({"X-A": "b\r\nX-C: d"}, mmx.InvalidArgumentError),
        ({"X-A": ""}, mmx.InvalidArgumentError),
        ({"X-A": "\0"}, mmx.InvalidArgumentError),
        ({"X-A": 7}, TypeError),
        ({7: "x"}, TypeError),
        ("X-A: b", TypeError),
        ([("X-A",)], TypeError),
        (7, TypeError),
    ],
)
def test_headers_that_can_not_be_sent(account: Account, headers: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        account.client(headers=headers)
    assert "X-C: d" not in str(caught.value)


def test_a_key_in_a_file(account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "key"
    path.write_text("wrong\n")
    client = mmx.Client(base_url=account.url, api_key_file=path)
    with pytest.raises(mmx.AuthenticationError):
        client.files.delete(1, PURPOSE)
    # It rotates.
    new = tmp_path / "new"
    new.write_text(account.server.key + "\n")
    new.rename(path)
    assert client.files.delete(1, PURPOSE).file_id == 1
    monkeypatch.setenv("MINIMAX_API_KEY_FILE", str(path))
    assert mmx.Client(base_url=account.url).files.delete(2, PURPOSE).file_id == 2
    path.unlink()
    with pytest.raises(FileNotFoundError):
        client.files.delete(3, PURPOSE)
    with pytest.raises(mmx.InvalidArgumentError, match="beside api_key"):
        mmx.Client("key", api_key_file=path)
    with pytest.raises(TypeError):
        mmx.Client(api_key_file=7)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError) as caught:
        mmx.Client(base_url=account.url, api_key_file=path)
    assert isinstance(caught.value, mmx.FileError)
    assert (caught.value.errno, caught.value.filename) == (errno.ENOENT, str(path))


def test_purposes_left_out(account: Account) -> None:
    account.add(file_id=900, purpose="t2a_async")
    files = account.client().files
    assert files.delete(900).file_id == 900
    assert [entry["path"].rsplit("/", 1)[1] for entry in account.journal()] == ["retrieve", "delete"]
    with pytest.raises(mmx.NotFoundError):
        files.delete(999_999)
    mixed: list[Any] = [1, (2, PURPOSE), (3, None), files.retrieve(4), 999_999]
    outcomes = list(files.delete_many(mixed))
    assert [outcome.outcome for outcome in sorted(outcomes, key=lambda one: one.index)] == [
        *["deleted"] * 4,
        "already_absent",
    ]
    lists = account.count(call="list")
    assert files.delete_many(range(100, 150)).raise_for_failures().deleted == 50
    assert account.count(call="list") == lists + 1


NOT_FOUND = FileNotFoundError


@pytest.mark.parametrize(
    ("call", "kind", "number"),
    [
        (lambda files, here: files.upload(here / "none.mp3", purpose=PURPOSE), NOT_FOUND, errno.ENOENT),
        (lambda files, here: files.upload(here / "none", purpose=PURPOSE, filename="a"), NOT_FOUND, errno.ENOENT),
        (lambda files, here: files.download(FILE, here / "none" / "a"), NOT_FOUND, errno.ENOENT),
        (lambda files, here: files.upload(here / "file" / "a", purpose=PURPOSE), NotADirectoryError, errno.ENOTDIR),
        (lambda files, here: files.upload(here, purpose=PURPOSE, filename="a"), IsADirectoryError, errno.EISDIR),
    ],
)
def test_errors_of_the_language(
    account: Account, tmp_path: Path, call: Callable[[mmx.Files, Path], object], kind: type[OSError], number: int
) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(kind) as caught:
        call(account.client().files, tmp_path)
    error = caught.value
    assert isinstance(error, mmx.FileError)
    assert error.errno == number
    assert error.strerror == os.strerror(number)
    assert error.filename
