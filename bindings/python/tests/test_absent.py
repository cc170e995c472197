"""Files that aren't there or have another purpose, purposes as they are, and lists with odd fields."""

from __future__ import annotations

import json
import logging
import time
from typing import Any

import pytest

import mmx
from stand_in import PURPOSE, Account

SETTLED = {"file_id": 999, "evidence": "retrieve"}


@pytest.mark.parametrize(
    "faults",
    [
        [],
        [{"call": "delete", "code": 2013, "http_status": 404}],
        [{"call": "retrieve", "code": 2013, "http_status": 404}],
        [{"call": "retrieve", "code": 1013, "headers": {"Retry-After": "0"}}],
    ],
)
def test_a_file_that_is_not_there(account: Account, faults: list[dict[str, Any]]) -> None:
    files = account.client().files
    for fault in faults:
        account.fault(**fault)
    with pytest.raises(mmx.NotFoundError, match="the service doesn't know the file 999, as retrieve shows") as caught:
        files.delete(999, PURPOSE)
    assert (caught.value.api_code, caught.value.ambiguous, caught.value.attempts) == (2013, False, 1)
    for fault in faults:
        account.fault(**fault)
    result = files.delete(999, PURPOSE, missing_ok=True)
    assert (result.file_id, json.loads(result.raw)) == (999, SETTLED)
    files.delete(1, PURPOSE)
    with pytest.raises(mmx.NotFoundError):
        files.delete(1, PURPOSE, missing_ok=False)
    assert files.delete(1, PURPOSE, missing_ok=True).file_id == 1


@pytest.mark.parametrize("missing_ok", [False, True])
@pytest.mark.parametrize(
    ("faults", "kind", "said"),
    [
        ([{"call": "retrieve", "code": 1004}], mmx.InvalidRequestError, "retrieve could not settle it"),
        ([{"call": "retrieve", "shape": "text_404"}], mmx.InvalidRequestError, "retrieve could not settle it"),
        ([{"call": "delete", "code": 1004}], mmx.AuthenticationError, "1004"),
        ([{"call": "delete", "code": 1008}], mmx.QuotaError, "1008"),
        ([{"call": "delete", "shape": "text_404"}], mmx.HTTPError, "404"),
    ],
)
def test_an_error_is_no_missing_file(
    account: Account, faults: list[dict[str, Any]], kind: type[mmx.Error], said: str, missing_ok: bool
) -> None:
    for fault in faults:
        account.fault(**fault)
    with pytest.raises(kind, match=said):
        account.client().files.delete(999, PURPOSE, missing_ok=missing_ok)


@pytest.mark.parametrize("wrong", [1, "yes", None])
def test_missing_ok_is_a_bool(account: Account, wrong: Any) -> None:
    with pytest.raises(TypeError, match="missing_ok must be "):
        account.client().files.delete(1, PURPOSE, missing_ok=wrong)
    assert account.count() == 0


def test_a_file_of_another_purpose(account: Account) -> None:
    account.add(file_id=900, purpose=mmx.PURPOSE_PROMPT_AUDIO)
    files = account.client().files
    said = "the file is there, but its purpose is prompt_audio, not voice_clone"
    for missing_ok in (False, True):
        with pytest.raises(mmx.InvalidRequestError, match=said):
            files.delete(900, PURPOSE, missing_ok=missing_ok)
    with pytest.raises(mmx.PartialFailure) as caught:
        list(files.delete_many([1, 900, 999], PURPOSE))
    (failed,) = caught.value.failures
    assert failed.file_id == 900
    assert said in str(failed.error)
    assert caught.value.summary == mmx.Summary(total=3, deleted=1, already_absent=1, failed=1)


@pytest.mark.parametrize("purpose", ["fine-tune", "fine-tune-result", "role-recognition", "Voice.Clone-2", "a" * 64])
def test_purposes_are_sent_as_they_are(account: Account, purpose: str) -> None:
    for file_id in range(900, 905):
        account.add(file_id=file_id, purpose=purpose)
    files = account.client().files
    stored = files.upload(b"{}", purpose=purpose, filename="a.jsonl")
    assert (stored.purpose, account.upload()["purpose"]) == (purpose, purpose)
    assert len(files.list(purpose)) == 6
    assert account.journal()[-1]["query"] == f"purpose={purpose}"
    files.delete(900, purpose)
    assert account.journal()[-1]["body"] == f'{{"file_id":900,"purpose":"{purpose}"}}'
    assert files.delete_many([901], purpose, verify=True).raise_for_failures().deleted == 1
    assert files.prune(purpose=purpose, all=True, verify=True).summary.deleted == 4


@pytest.mark.parametrize("purpose", ["", "voice clone", "a/b", "a&b", "ä", "a\n", "a" * 65, "fine\u2013tune"])
def test_what_no_purpose_can_be_is_refused_everywhere(account: Account, purpose: str) -> None:
    files = account.client().files
    calls: list[Any] = [
        lambda: files.list(purpose),
        lambda: files.upload(b"x", purpose=purpose, filename="a.mp3"),
        lambda: files.delete(1, purpose),
        lambda: files.delete_many([1], purpose).wait(),
        lambda: files.prune(purpose=purpose, all=True),
    ]
    for call in calls:
        with pytest.raises(mmx.InvalidArgumentError, match="purpose must be 1 to 64 letters"):
            call()
    assert account.count() == 0


def test_where_the_service_does_not_list_by_a_purpose(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    account.server.control("DELETE", f"{account.name}/files")
    now = int(time.time())
    for file_id, purpose, days in ((1, "t2a_async", 9), (2, "t2a_async", 1), (3, PURPOSE, 9)):
        account.add(file_id=file_id, purpose=purpose, created_at=now - days * 86400)
    account.fault(call="list", purpose="t2a_async", code=2013, times=-1)
    files = account.client().files
    with pytest.raises(mmx.InvalidRequestError):
        files.list("t2a_async")
    caplog.clear()
    with caplog.at_level(logging.INFO, logger="mmx"):
        pruned = files.prune(purpose="t2a_async", older_than=7 * 86400, verify=True)
    assert (pruned.summary.deleted, pruned.summary.failed) == (1, 0)
    assert sorted(file.file_id for file in files.list()) == [2, 3]
    assert any(getattr(record, "mmx_event", "") == "listing_all" for record in caplog.records)
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
    account.fault(call="list", purpose="t2a_asinc", code=2013)
    with pytest.raises(mmx.InvalidRequestError, match="did you mean t2a_async"):
        files.prune(purpose="t2a_asinc", all=True)


def test_patterns_that_can_not_be_meant(account: Account) -> None:
    files = account.client().files
    with pytest.raises(mmx.InvalidArgumentError, match="keep_glob"):
        files.prune(purpose=PURPOSE, all=True, keep_glob="")
    with pytest.raises(mmx.InvalidArgumentError, match="name_glob"):
        files.prune(purpose=PURPOSE, name_glob="")
    assert account.count() == 0


def listing(*entries: str) -> str:
    return f'{{"files":[{",".join(entries)}],"base_resp":{{"status_code":0}}}}'


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("a\\ud83d.mp3", "a\ufffd.mp3"),
        ("\\udc00\\ud83d\\ude00", "\ufffd\U0001f600"),
        ("a\tb\x01.mp3", "a\tb\x01.mp3"),
        ("a\\u0000b", "a\0b"),
    ],
)
def test_an_odd_name_spoils_no_list(account: Account, name: str, read: str) -> None:
    files = account.client().files
    odd = f'{{"file_id":1,"bytes":1,"filename":"{name}","purpose":"voice_clone"}}'
    account.fault(call="list", body=listing(odd, '{"file_id":2,"filename":"b.mp3"}', "null"))
    assert [(file.file_id, file.filename) for file in files.list()] == [(1, read), (2, "b.mp3")]
    account.fault(call="retrieve", body=f'{{"file":{odd},"base_resp":{{"status_code":0}}}}')
    assert files.retrieve(1).filename == read
    account.fault(call="upload", body=f'{{"file":{odd},"base_resp":{{"status_code":0}}}}', perform=True)
    assert files.upload(b"x", purpose=PURPOSE, filename="a.mp3").file_id == 1


def test_an_empty_object_is_an_empty_list(account: Account) -> None:
    files = account.client().files
    account.fault(body='{"files":{},"base_resp":{"status_code":0}}')
    assert files.list() == []
    account.fault(body='{"files":{"a":1},"base_resp":{"status_code":0}}')
    with pytest.raises(mmx.ProtocolError):
        files.list()
    account.fault(body='{"base_resp":{"status_code":1004,"status_code":0}}')
    with pytest.raises(mmx.ProtocolError, match="duplicate field"):
        files.list()


def test_an_entry_that_can_not_be_read_is_never_pruned(account: Account) -> None:
    old = '{"file_id":2,"filename":"b","purpose":"voice_clone","created_at":1700000000}'
    account.fault(call="list", body=listing("null", old, '{"file_id":1.5}', "7"))
    pruned = account.client().files.prune(purpose=PURPOSE, all=True)
    assert (pruned.summary.deleted, json.loads(pruned.plan.raw)["unreadable"]) == (1, 3)
    assert account.count(call="delete") == 1


def test_own_cancels_are_no_errors(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    """One that the outcome's reader asks for, too."""
    files = account.client().files
    with caplog.at_level(logging.DEBUG, logger="mmx"):
        outcomes = files.delete_many(range(1, 300), PURPOSE, concurrency=2)
        for _ in outcomes:
            outcomes.cancel()
            break
        outcomes.close()
    assert not [record for record in caplog.records if record.levelno > logging.INFO]
