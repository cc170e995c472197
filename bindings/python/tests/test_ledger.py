"""Uploads with a ledger: reuse, expiry, and the sweep of what a killed process has left."""

from __future__ import annotations

import errno
import json
import multiprocessing
import os
import pickle
import signal
import time
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

import mmx
from stand_in import PURPOSE, Account, finish, until

DATA = bytes(3000)

LEAVES = """
import os, signal
import mmx

client = mmx.Client()
client.files.upload(bytes(100), purpose="voice_clone", filename="left.mp3", temporary=True)
client.files.upload(bytes(200), purpose="voice_clone", filename="lasting.mp3")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


def facts(ledger: Path, kind: str) -> list[dict[str, Any]]:
    return [fact for line in ledger.read_text().splitlines() if (fact := json.loads(line)).get("fact") == kind]


def leave(account: Account, ledger: Path) -> None:
    finish(account.start(LEAVES, MMX_LEDGER=str(ledger)), -signal.SIGKILL)


def stored(account: Account) -> list[str]:
    """The names of the files that were uploaded."""
    return sorted(file.filename for file in account.client().files.list() if file.filename.endswith(".mp3"))


def test_a_sweep_deletes_what_a_killed_process_left(account: Account, ledger: Path) -> None:
    others = stored(account)
    leave(account, ledger)
    assert stored(account) == sorted([*others, "lasting.mp3", "left.mp3"])
    with account.client(ledger=ledger) as client:
        planned = client.sweep(dry_run=True)
        assert [outcome.outcome for outcome in planned.outcomes] == ["kept"]
        assert planned.summary.kept == 1
        assert account.count(call="delete") == 0
        seen: list[mmx.Outcome] = []
        swept = client.sweep(on_outcome=seen.append)
        assert swept
        assert swept.outcomes == seen
        assert [(outcome.outcome, outcome.evidence) for outcome in seen] == [("deleted", "answer")]
        assert (swept.summary.total, swept.summary.deleted) == (1, 1)
        assert (swept.not_stored, swept.waiting, swept.unsettled) == (0, 0, [])
        assert stored(account) == sorted([*others, "lasting.mp3"])
        assert client.sweep().summary.total == 0
    assert pickle.loads(pickle.dumps(swept)) == swept


def test_a_delete_that_is_refused_is_a_partial_failure(account: Account, ledger: Path) -> None:
    leave(account, ledger)
    account.fault(call="delete", code=1026)
    with account.client(ledger=ledger) as client:
        with pytest.raises(mmx.PartialFailure) as caught:
            client.sweep()
        error = caught.value
        assert error.call == "sweep"
        assert error.summary.failed == 1
        assert error.sweep is not None
        assert [outcome.file_id for outcome in error.failures] == [outcome.file_id for outcome in error.sweep.outcomes]
        assert isinstance(error.failures[0].error, mmx.ContentRejectedError)
        assert not error.sweep
        assert client.sweep().summary.deleted == 1


def test_an_upload_that_can_not_be_told_from_another_is_unsettled(account: Account, ledger: Path) -> None:
    account.fault(call="upload", perform=True, close_before_answer="fin")
    begun = time.time()
    program = """
import mmx
try:
    mmx.Client().files.upload(bytes(100), purpose="voice_clone", filename="two.mp3", temporary=True)
except mmx.NetworkError as error:
    print(error.ambiguous)
"""
    assert account.run(program, MMX_LEDGER=str(ledger)) == "True\n"
    plain = account.client()
    other = plain.files.upload(bytes(100), purpose=PURPOSE, filename="two.mp3")
    with account.client(ledger=ledger) as client:
        with pytest.raises(mmx.PartialFailure) as caught:
            client.sweep()
        result = caught.value.sweep
        assert result is not None
        assert not result
        assert caught.value.failures == []
        assert caught.value.summary == result.summary
        (upload,) = result.unsettled
        assert (upload.filename, upload.purpose, upload.bytes, upload.path) == ("two.mp3", PURPOSE, 100, None)
        assert other.file_id in upload.file_ids
        assert len(upload.file_ids) == 2
        assert upload.why == "several files fit this upload"
        assert upload.at.tzinfo is timezone.utc
        assert abs(upload.at.timestamp() - begun) < 60
        plain.files.delete(other.file_id, PURPOSE)
        assert client.sweep().summary.deleted == 1


def test_an_upload_of_which_nothing_is_listed_waits(account: Account, ledger: Path) -> None:
    account.fault(call="upload", perform=False, close_before_answer="fin")
    program = """
import mmx
try:
    mmx.Client().files.upload(bytes(100), purpose="voice_clone", filename="none.mp3", temporary=True)
except mmx.NetworkError:
    pass
"""
    account.run(program, MMX_LEDGER=str(ledger))
    result = account.client(ledger=ledger).sweep()
    assert (result.waiting, result.not_stored, result.summary.total) == (1, 0, 0)


@pytest.mark.parametrize("age", [timedelta(hours=1), 3599.5])
def test_a_file_expires_unless_it_is_kept(account: Account, ledger: Path, age: timedelta | float) -> None:
    with account.client(ledger=ledger) as client:
        file = client.files.upload(DATA, purpose=PURPOSE, filename="a.mp3", expires_after=age)
        kept = client.files.upload(DATA, purpose=PURPOSE, filename="kept.mp3", expires_after=age)
        assert [fact["expires_after_s"] for fact in facts(ledger, "intent")] == [3600, 3600]
        client.keep(kept.file_id)
        assert client.sweep().summary.total == 0
        with pytest.raises(mmx.NotFoundError, match="has no entry of the file 4711"):
            client.keep(4711)
    # Two hours ago, by both clocks.
    before = int(time.time()) - 7200
    lines = [json.loads(line) for line in ledger.read_text().splitlines()]
    for line in lines:
        line |= {name: now for name, now in (("at_ms", before * 1000), ("created_at", before)) if name in line}
    # Another file in its place, as by an editor: of this one the library has read all that it holds.
    new = ledger.with_suffix(".new")
    new.write_text("".join(json.dumps(line, separators=(",", ":")) + "\n" for line in lines))
    new.chmod(0o600)
    new.replace(ledger)
    for one in (file, kept):
        account.client(ledger="").files.delete(one.file_id, PURPOSE)
        account.add(file_id=one.file_id, filename=one.filename, size=len(DATA), created_at=before)
    swept = account.client(ledger=ledger).sweep()
    assert [(outcome.file_id, outcome.outcome) for outcome in swept.outcomes] == [(file.file_id, "deleted")]
    assert account.client().files.retrieve(kept.file_id)


def test_the_same_bytes_give_the_same_file(account: Account, ledger: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(DATA)
    with account.client(ledger=ledger) as client:
        first = client.files.upload(DATA, purpose=PURPOSE, filename="b.mp3", reuse=True)
        assert client.files.upload(tmp_path / "a.mp3", purpose=PURPOSE, reuse=True).file_id == first.file_id
        assert account.count(call="upload") == 1
        assert client.files.upload(DATA, purpose=PURPOSE, filename="b.mp3").file_id != first.file_id
        client.files.delete(first.file_id, PURPOSE)
        again = client.files.upload(DATA, purpose="prompt_audio", filename="b.mp3", reuse=True)
        assert again.file_id != first.file_id


def upload_one(key: str, url: str, ledger: str, ids: Any) -> None:
    with mmx.Client(key, url, ledger=ledger) as client:
        ids.put(client.files.upload(bytes(100_000), purpose="voice_clone", filename="a.mp3", reuse=True).file_id)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_sixteen_processes_make_one_file(account: Account, ledger: Path, method: str) -> None:
    account.fault(call="upload", delay_ms=100)
    context = multiprocessing.get_context(method)
    ids: Any = context.Queue()
    arguments = (account.server.key, account.url, str(ledger), ids)
    processes = [context.Process(target=upload_one, args=arguments) for _ in range(16)]  # type: ignore[attr-defined]
    for process in processes:
        process.start()
    found = {ids.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    assert len(found) == 1
    assert account.count(call="upload") == 1
    assert {process.exitcode for process in processes} == {0}


def test_a_ledger_that_can_not_be_used(account: Account, ledger: Path, tmp_path: Path) -> None:
    sample = tmp_path / "a.mp3"
    sample.write_bytes(DATA)
    ledger.write_text('{"ledger":2}\n')
    client = account.client(ledger=ledger)
    attempts = (
        lambda: client.files.upload(sample, purpose=PURPOSE),
        lambda: client.files.temporary(sample, purpose=PURPOSE).__enter__(),
        client.sweep,
        lambda: client.keep(1),
    )
    for attempt in attempts:
        with pytest.raises(mmx.FileError, match="is of version 2, which this version of libmmx can't read") as caught:
            attempt()
        assert str(ledger) in str(caught.value)
        assert not caught.value.ambiguous
    ledger.unlink()
    ledger.mkdir()
    # The file that is at fault is the ledger, not the sample.
    for attempt in attempts:
        with pytest.raises(IsADirectoryError) as failed:
            attempt()
        assert isinstance(failed.value, mmx.FileError)
        assert (failed.value.errno, failed.value.filename) == (errno.EISDIR, str(ledger))
    assert account.count() == 0


def test_what_needs_a_ledger_says_so(account: Account, ledger: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = account.client()
    settings: list[dict[str, Any]] = [{"reuse": True}, {"temporary": True}, {"expires_after": 60}]
    for setting in settings:
        with pytest.raises(mmx.InvalidArgumentError, match="client has no ledger") as caught:
            client.files.upload(DATA, purpose=PURPOSE, filename="a.mp3", **setting)
        assert caught.value.parameter == "client"
    for call in (client.sweep, lambda: client.keep(1)):
        with pytest.raises(mmx.InvalidArgumentError, match="client has no ledger"):
            call()
    with pytest.raises(mmx.InvalidArgumentError, match="file_id"):
        client.keep(0)
    monkeypatch.setenv("MMX_LEDGER", str(ledger))
    with pytest.raises(mmx.InvalidArgumentError, match="client has no ledger"):
        account.client(ledger="").sweep()
    assert account.client().sweep().summary.total == 0
    assert account.count() == 0


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"reuse": 1}, TypeError),
        ({"temporary": "yes"}, TypeError),
        ({"expires_after": "60"}, TypeError),
        ({"expires_after": True}, TypeError),
        ({"expires_after": 0}, mmx.InvalidArgumentError),
        ({"expires_after": -1.5}, mmx.InvalidArgumentError),
        ({"expires_after": float("inf")}, mmx.InvalidArgumentError),
        ({"expires_after": timedelta(0)}, mmx.InvalidArgumentError),
        ({"reuse": True, "temporary": True}, mmx.InvalidArgumentError),
    ],
)
def test_wrong_arguments(account: Account, ledger: Path, settings: dict[str, Any], error: type[Exception]) -> None:
    with account.client(ledger=ledger) as client, pytest.raises(error):
        client.files.upload(DATA, purpose=PURPOSE, filename="a.mp3", **settings)
    with account.client(ledger=ledger) as client:
        for wrong in ({"dry_run": 1}, {"on_outcome": 5}):
            with pytest.raises(TypeError):
                client.sweep(**wrong)  # type: ignore[arg-type]
    for path in (5, b"ledger"):
        with pytest.raises(TypeError):
            account.client(ledger=path)
    assert account.count() == 0


def test_an_exception_of_on_outcome_ends_the_sweep(account: Account, ledger: Path) -> None:
    leave(account, ledger)

    def refuse(outcome: mmx.Outcome) -> None:
        raise ZeroDivisionError

    with account.client(ledger=ledger) as client:
        with pytest.raises(ZeroDivisionError):
            client.sweep(on_outcome=refuse)
        client.sweep()
    assert account.count(call="delete", performed=1) == 1


def test_ctrl_c_ends_a_sweep(account: Account, ledger: Path) -> None:
    leave(account, ledger)
    account.fault(call="delete", perform=False, hang=True)
    process = account.start(
        "import mmx\ntry:\n    mmx.Client().sweep()\nexcept KeyboardInterrupt:\n    print('interrupted')",
        MMX_LEDGER=str(ledger),
    )
    account.wait(count=1, call="delete")
    process.send_signal(signal.SIGINT)
    assert finish(process) == "interrupted\n"
    assert account.client(ledger=ledger).sweep().summary.deleted == 1


def test_a_path_is_that_of_where_the_client_was_made(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    client = account.client(ledger=Path("here.jsonl"))
    monkeypatch.chdir("/")
    client.files.upload(DATA, purpose=PURPOSE, filename="a.mp3")
    until(lambda: os.path.exists(tmp_path / "here.jsonl"))
    assert len(facts(tmp_path / "here.jsonl", "id")) == 1
