"""take(): a file is deleted only once it is whole on this disk."""

from __future__ import annotations

import errno
import pickle
import signal
from pathlib import Path

import pytest

import mmx
from stand_in import FILE, PURPOSE, Account, finish


def test_downloads_then_deletes(account: Account, tmp_path: Path) -> None:
    target = tmp_path / "a.mp3"
    with account.client() as client:
        size = client.files.retrieve(FILE).bytes
        seen: list[int] = []
        taken = client.files.take(FILE, target, PURPOSE, progress=lambda done, total: seen.append(done))
    assert target.stat().st_size == taken.bytes == taken.length == size
    assert seen[-1] == size
    assert (taken.file_id, taken.path, taken.deleted, taken.via) == (FILE, str(target), True, "retrieve_content")
    assert taken.delete is not None
    assert (taken.delete.file_id, taken.delete.evidence) == (FILE, "answer")
    assert account.count(call="delete", file_id=FILE, performed=1) == 1
    assert pickle.loads(pickle.dumps(taken)) == taken


def test_without_a_purpose_and_by_the_link(account: Account, tmp_path: Path) -> None:
    taken = account.client().files.take(FILE, str(tmp_path / "a.mp3"), via_download_url=True)
    assert (taken.deleted, taken.via) == (True, "download_url")


def test_what_is_not_whole_is_not_deleted(account: Account, tmp_path: Path) -> None:
    target = tmp_path / "a.mp3"
    target.write_bytes(b"before")
    account.fault(call="retrieve_content", wrong_length=10)
    with account.client(max_attempts=1) as client, pytest.raises(mmx.NetworkError) as caught:
        client.files.take(FILE, target, PURPOSE)
    assert caught.value.taken is None
    assert target.read_bytes() == b"before"
    for place, number in ((tmp_path, errno.EISDIR), (tmp_path / "no" / "a.mp3", errno.ENOENT)):
        with pytest.raises(mmx.FileError) as failed:
            account.client().files.take(FILE, place, PURPOSE)
        assert (failed.value.errno, failed.value.filename) == (number, str(place))
    assert account.count(call="delete") == 0


def test_a_delete_that_fails_says_where_the_file_is(account: Account, tmp_path: Path) -> None:
    target = tmp_path / "a.mp3"
    account.fault(call="delete", code=1004)
    with account.client() as client, pytest.raises(mmx.AuthenticationError, match="the whole file is in") as caught:
        client.files.take(FILE, target, PURPOSE)
    taken = caught.value.taken
    assert taken is not None
    assert (taken.path, taken.deleted, taken.delete) == (str(target), False, None)
    assert target.stat().st_size == taken.bytes
    again = pickle.loads(pickle.dumps(caught.value))
    assert (again.taken, str(again)) == (taken, str(caught.value))
    account.fault(call="delete", perform=False, http_status=503, times=-1)
    with account.client(max_attempts=1) as client, pytest.raises(mmx.ServerError) as unknown:
        client.files.take(FILE, target, PURPOSE)
    assert unknown.value.ambiguous
    assert unknown.value.taken is not None
    assert unknown.value.taken.deleted is None


INTERRUPTED = """
import sys
import mmx
try:
    mmx.Client().files.take(int(sys.argv[1]), sys.argv[2], "voice_clone")
except KeyboardInterrupt as interrupt:
    print("interrupted", *getattr(interrupt, "__notes__", []))
"""


def test_ctrl_c_during_the_delete_says_where_the_file_is(account: Account, tmp_path: Path) -> None:
    account.fault(call="delete", perform=False, hang=True)
    (tmp_path / "program.py").write_text(INTERRUPTED)
    process = account.start(tmp_path / "program.py", str(FILE), str(tmp_path / "a.mp3"))
    account.wait(count=1, call="delete")
    process.send_signal(signal.SIGINT)
    printed = finish(process)
    assert printed.startswith("interrupted")
    if hasattr(KeyboardInterrupt, "add_note"):
        assert f"the whole file is in {tmp_path / 'a.mp3'}" in printed


def test_a_sweep_carries_on_where_a_process_was_killed(account: Account, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    account.fault(call="delete", perform=False, hang=True)
    (tmp_path / "program.py").write_text(INTERRUPTED)
    process = account.start(tmp_path / "program.py", str(FILE), str(tmp_path / "a.mp3"), MMX_LEDGER=str(ledger))
    account.wait(count=1, call="delete")
    process.kill()
    finish(process, -signal.SIGKILL)
    swept = account.client(ledger=ledger).sweep()
    assert [(outcome.file_id, outcome.outcome) for outcome in swept.outcomes] == [(FILE, "deleted")]


@pytest.mark.parametrize("wrong", [{"path": None}, {"path": b"a"}, {"file_id": "1"}, {"progress": 1}])
def test_wrong_arguments(account: Account, wrong: dict[str, object]) -> None:
    arguments: dict[str, object] = {"file_id": 1, "path": "a", **wrong}
    with account.client() as client, pytest.raises(TypeError):
        client.files.take(**arguments)  # type: ignore[arg-type]
    assert account.count() == 0
