"""Ctrl-C, and forks, in the middle of an upload or a download."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import pytest

from stand_in import Account, finish, until

# 300 ms are promised; the machine may have other work.
SOON = 1.0

PROGRAM = """
import io, json, os, sys, time
import mmx

class Reader:
    def read(self, size):
        if mode == "read_waits":
            print("waits", flush=True)
            time.sleep(20)
        return bytes(size)

def progress(done, total):
    if mode == "progress_waits" and done:
        print("waits", flush=True)
        time.sleep(20)

mode, target = sys.argv[1:]
client = mmx.Client()
told = {}
try:
    if mode in ("upload", "read_waits"):
        client.files.upload(Reader(), purpose="voice_clone", filename="a.mp3", progress=progress)
    elif mode == "memory":
        client.files.download(900)
    elif mode == "link":
        client.files.download(900, target, via_download_url=True)
    else:
        client.files.download(900, target, progress=progress)
except BaseException as raised:
    told = {"at": time.monotonic(), "raised": type(raised).__name__, "notes": getattr(raised, "__notes__", [])}
    told["left"] = os.listdir(os.path.dirname(target))
told["again"] = client.files.delete(8, "voice_clone").file_id
print(json.dumps(told))
sys.stdout.flush()
"""


@pytest.fixture
def account(account: Account) -> Account:
    account.add(file_id=900, size=1_500_000)
    return account


def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "a").write_bytes(b"old")
    return path


@pytest.mark.parametrize("mode", ["upload", "memory", "path", "link", "read_waits", "progress_waits"])
def test_ctrl_c(account: Account, tmp_path: Path, mode: str) -> None:
    target = tmp_path / "targets" / "a"
    if mode == "upload":
        account.fault(stop_reading_after=1_000_000)
    elif mode in ("memory", "path", "link"):
        account.fault(hang_after=500_000, call="store" if mode == "link" else "retrieve_content")
    process = account.start(program(tmp_path), mode, str(target))
    if mode.endswith("_waits"):
        assert process.stdout is not None
        assert process.stdout.readline() == "waits\n"
    elif mode == "upload":
        # It is as far as it gets.
        until(lambda: int(account.server.control("GET", f"{account.name}/open")) == 1)
        time.sleep(0.3)
    else:
        account.wait(count=2 if mode == "link" else 1)
        time.sleep(0.1)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    told = json.loads(finish(process))
    assert told["raised"] == "KeyboardInterrupt"
    assert told["at"] - sent < SOON
    assert target.read_bytes() == b"old"
    assert told["left"] == ["a"]
    # It is raised in a callback that waits, too. Nothing of a call goes on, and nothing may have been stored.
    assert told["notes"] == []
    assert [entry for entry in account.journal() if entry.get("upload") and entry["performed"]] == []


FORKS = """
import os, sys, threading
import mmx

mode, what, target = sys.argv[1:]
left = []

def progress(done, total):
    if left:
        return
    before = os.listdir(os.path.dirname(target))
    child = os.fork()
    left.append(child)
    if child:
        # The parent goes on after the child has ended.
        left.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return
    left.append(before)
    if mode == "exits":
        os._exit(7)

def transfer():
    files = mmx.Client().files
    try:
        if what == "upload":
            done = files.upload(target, purpose="voice_clone", progress=progress)
        else:
            done = files.download(900, target, progress=progress)
        print("done", done.bytes)
    except mmx.CancelledError as error:
        # The parent's files are untouched, and the child can use the client.
        assert left[0] == 0 and "fork" in str(error) and not error.ambiguous
        assert os.listdir(os.path.dirname(target)) == left[1] and open(target, "rb").read() == b"old"
        assert files.delete(8, "voice_clone").file_id == 8
        os._exit(8)

if mode == "thread":
    thread = threading.Thread(target=transfer)
    thread.start()
    thread.join()
else:
    transfer()
print("child", left[1])
"""


@pytest.mark.parametrize("what", ["upload", "download"])
@pytest.mark.parametrize(("mode", "code"), [("exits", 7), ("comes_back", 8), ("thread", 8)])
def test_a_callback_that_forks(account: Account, tmp_path: Path, mode: str, code: int, what: str) -> None:
    path = tmp_path / "forks.py"
    path.write_text(FORKS)
    target = tmp_path / "targets" / "a.mp3"
    target.parent.mkdir()
    target.write_bytes(b"old")
    process = account.start(path, mode, what, str(target))
    printed, said = process.communicate(timeout=30)
    size = 3 if what == "upload" else 1_500_000
    assert printed == f"done {size}\nchild {code}\n", said
    assert "came back in the child" not in said
    assert target.stat().st_size == size
    assert os.listdir(target.parent) == ["a.mp3"]
    assert account.count(call="upload" if what == "upload" else "retrieve_content") == 1
    assert account.count(file_id=8, performed=1) == (mode != "exits")
