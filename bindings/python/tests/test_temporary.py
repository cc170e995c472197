"""temporary(): a file for a `with` block is deleted at its end, whatever that is."""

from __future__ import annotations

import copy
import io
import json
import pickle
import signal
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx import _temporary
from stand_in import PURPOSE, Account, finish

HAS_NOTES = hasattr(BaseException, "add_note")
DATA = bytes(1000)


def test_uploads_and_deletes(account: Account, tmp_path: Path) -> None:
    path = tmp_path / "voice.mp3"
    path.write_bytes(DATA)
    with account.client() as client:
        for source, filename in ((path, None), (str(path), "b.mp3"), (DATA, "b.mp3"), (io.BytesIO(DATA), "b.mp3")):
            temporary = client.files.temporary(source, purpose=PURPOSE, filename=filename)
            assert repr(temporary) == "<mmx.TemporaryFile>"
            with temporary as file:
                assert isinstance(file, mmx.File)
                assert client.files.retrieve(file.file_id).filename == filename or "voice.mp3"
                assert repr(temporary) == f"<mmx.TemporaryFile {file.file_id}>"
                assert account.count(call="delete", file_id=file.file_id) == 0
            assert account.count(call="delete", file_id=file.file_id, performed=1) == 1
            assert temporary.error is None
        with pytest.raises(RuntimeError, match="make another one"), temporary:
            pass
        # Nothing is sent for one that isn't entered.
        client.files.temporary(path, purpose=PURPOSE)
    assert account.count(call="upload") == 4
    assert account.count(call="delete") == 4


def test_an_upload_that_fails(account: Account) -> None:
    account.fault(call="upload", code=1004)
    with account.client() as client:
        with (
            pytest.raises(mmx.AuthenticationError),
            client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3"),
        ):
            raise AssertionError
        for wrong in ({"purpose": 5}, {"purpose": PURPOSE, "filename": 5}, {"purpose": PURPOSE, "progress": 5}):
            with pytest.raises(TypeError), client.files.temporary(DATA, **wrong):
                raise AssertionError
    assert account.count() == 1


def test_what_was_deleted_in_the_block(account: Account) -> None:
    with account.client() as client, client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3") as file:
        client.files.delete(file.file_id, PURPOSE)
    assert account.count(call="delete", performed=1) == 1


def test_the_exception_of_the_block_goes_on(account: Account) -> None:
    with account.client() as client:
        with (
            pytest.raises(ZeroDivisionError) as caught,
            client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3"),
        ):
            raise ZeroDivisionError
        assert not getattr(caught.value, "__notes__", None)
        assert account.count(call="delete", performed=1) == 1


def test_a_delete_that_fails(account: Account) -> None:
    account.fault(call="delete", code=1004, times=-1)
    with account.client() as client:
        first = client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3")
        with pytest.raises(mmx.NotDeletedError) as caught, first as file:
            pass
        error = caught.value
        assert error.file == file
        assert f"the temporary file {file.file_id} was not deleted and may still be there: delete_file" in str(error)
        assert "sweep" not in str(error)
        assert (error.status_name, error.api_code, error.call) == ("MMX_ERROR_AUTHENTICATION", 1004, "delete_file")
        assert isinstance(error.__cause__, mmx.AuthenticationError)
        again = pickle.loads(pickle.dumps(error))
        assert (again.file, again.api_code, str(again)) == (file, 1004, str(error))
        temporary = client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3")
        with pytest.raises(ZeroDivisionError) as masked, temporary:
            fails_twice()
        assert temporary.error is not None
        assert str(temporary.error).startswith("the temporary file ")
        key_error = masked.value.__context__
        assert isinstance(key_error, KeyError)
        assert isinstance(key_error.__context__, mmx.NotDeletedError)
        if HAS_NOTES:
            assert vars(masked.value)["__notes__"] == [str(temporary.error)]


def fails_twice() -> None:
    try:
        raise KeyError
    except KeyError:
        raise ZeroDivisionError  # noqa: B904


def test_with_a_ledger_a_sweep_is_still_to_come(account: Account, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    account.fault(call="delete", code=1004)
    with account.client(ledger=ledger) as client:
        with (
            pytest.raises(mmx.NotDeletedError, match="a sweep deletes it once this process has ended"),
            client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3"),
        ):
            assert '"temporary":true' in ledger.read_text()
        assert client.sweep().summary.total == 0


def test_a_client_that_was_closed_in_the_block(account: Account) -> None:
    client = account.client()
    with client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3"):
        client.close()
    assert account.count(call="delete", performed=1) == 1


def test_can_not_be_copied(account: Account) -> None:
    temporary = account.client().files.temporary(DATA, purpose=PURPOSE, filename="a.mp3")
    for copied in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="belongs to this process"):
            copied(temporary)


class Stop(Exception):
    pass


def test_an_exception_of_progress_after_the_file_was_stored(account: Account) -> None:
    def stop(done: int, total: int | None) -> None:
        if account.count(call="upload", performed=1):
            raise Stop

    with account.client() as client:
        temporary = client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3", progress=stop)
        with pytest.raises(Stop), temporary:
            raise AssertionError
    assert account.count(call="upload", performed=1) == account.count(call="delete", performed=1)


@pytest.mark.usefixtures("quiet")
def test_interrupted_at_any_point_no_file_is_left(account: Account) -> None:
    heard = 0

    def handler(number: int, frame: object) -> None:
        nonlocal heard
        heard += 1
        raise Stop

    client = account.client()
    client.files.delete(1, PURPOSE)
    before = signal.signal(signal.SIGALRM, handler)
    ended, unknown = 0, set()
    try:
        for step in range(200):
            temporary = client.files.temporary(DATA, purpose=PURPOSE, filename=f"step-{step}.mp3")
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.00004 * (step + 1))
                try:
                    with temporary:
                        pass
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except Stop:
                ended += 1
            # Nobody can know the id of one whose response was not received.
            error = temporary._uploads[0].error if temporary._uploads else None
            if error is not None and json.loads(error)["ambiguous"]:
                unknown.add(f"step-{step}.mp3")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ended > 20, (ended, heard)
    _temporary._at_exit()
    left = {file.filename for file in client.files.list() if file.filename.startswith("step-")}
    assert left <= unknown


PROGRAM = """
import contextlib, os, signal, sys
import mmx

client = mmx.Client()

def temporary():
    return client.files.temporary(bytes(1000), purpose="voice_clone", filename="a.mp3")

"""

LEAVE = {
    "sys.exit": "with temporary():\n    sys.exit(3)",
    "a stack that is never closed": "contextlib.ExitStack().enter_context(temporary())\nsys.exit(3)",
    "and a client that is closed": "stack = contextlib.ExitStack()\nwith client:\n"
    "    stack.enter_context(temporary())\n    stack.enter_context(temporary())\nsys.exit(3)",
    "a generator that is never closed": "def files():\n    with temporary():\n        yield\n"
    "given = files()\nnext(given)\nsys.exit(3)",
    "a thread": "import threading\ndef work():\n    with temporary():\n        pass\n"
    "threading.Thread(target=work).start()\nsys.exit(3)",
    "a child": "with temporary():\n    child = os.fork()\n    if child == 0:\n        sys.exit(0)\n"
    "    assert os.waitpid(child, 0)[1] == 0\n    print(len(client.files.list()))\nsys.exit(3)",
    "a child that leaves the block": "with temporary():\n    child = os.fork()\nif child == 0:\n    sys.exit(0)\n"
    "assert os.waitpid(child, 0)[1] == 0\nsys.exit(3)",
}


@pytest.mark.parametrize("left", LEAVE)
def test_the_end_of_the_process(account: Account, left: str) -> None:
    process = account.start(PROGRAM + LEAVE[left])
    printed, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (3, "")
    uploads = account.count(call="upload", performed=1)
    assert uploads == (2 if left == "and a client that is closed" else 1)
    # Once each: the child deletes nothing.
    assert account.count(call="delete") == account.count(call="delete", performed=1) == uploads
    if printed:
        assert int(printed) > 400


def test_a_delete_that_fails_at_the_end_is_printed(account: Account) -> None:
    account.fault(call="delete", code=1004)
    process = account.start(PROGRAM + "stack = contextlib.ExitStack()\nprint(stack.enter_context(temporary()).file_id)")
    printed, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert errors.startswith(f"mmx: the temporary file {int(printed)} was not deleted and may still be there: ")


WAITS = """
with temporary() as file:
    print(file.file_id, flush=True)
    try:
        sys.stdin.read()
    finally:
        print("left", flush=True)
"""


def test_ctrl_c_in_the_block(account: Account) -> None:
    process = account.start(PROGRAM + WAITS)
    assert process.stdout is not None
    file_id = int(process.stdout.readline())
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGINT
    assert account.count(call="delete", file_id=file_id, performed=1) == 1


def test_ctrl_c_during_the_delete(account: Account) -> None:
    account.fault(call="delete", delay_ms=500)
    process = account.start(
        PROGRAM + "try:\n    with temporary():\n        raise ZeroDivisionError\nexcept KeyboardInterrupt as raised:\n"
        "    print(type(raised.__context__).__name__)"
    )
    account.wait(count=1, call="delete")
    process.send_signal(signal.SIGINT)
    assert finish(process) == "ZeroDivisionError\n"
    assert account.count(call="delete", performed=1) == 1


def test_a_process_that_is_killed_in_the_block(account: Account, tmp_path: Path) -> None:
    ledger = str(tmp_path / "ledger.jsonl")
    process = account.start(PROGRAM + WAITS, MMX_LEDGER=ledger)
    assert process.stdout is not None
    file_id = int(process.stdout.readline())
    client = account.client(ledger=ledger)
    assert client.sweep().summary.total == 0
    process.kill()
    finish(process, -signal.SIGKILL)
    swept = client.sweep()
    assert [(outcome.file_id, outcome.outcome) for outcome in swept.outcomes] == [(file_id, "deleted")]
    assert account.count(call="delete", file_id=file_id, performed=1) == 1


def test_the_delete_has_a_time_limit_of_its_own(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    made = _temporary.TemporaryFile._request

    def watched(self: Any, file: mmx.File, timeout: float) -> Any:
        request = made(self, file, timeout)
        seen.append(request.timeout_ms)
        return request

    monkeypatch.setattr(_temporary.TemporaryFile, "_request", watched)
    account.fault(call="delete", delay_ms=300)
    client = account.client(timeout=0.2)
    with client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3", timeout=20):
        pass
    assert seen == [30_000]
    assert account.count(call="delete", performed=1) == 1
