"""Calls in programs that gevent has patched, whichever is imported first."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from stand_in import Account

PROGRAM = """
import io, json, os, signal, sys, threading, time

order, where, work = sys.argv[1:]
if order != "gevent-first":
    import mmx
if order == "mmx-used-first":
    mmx.Client().files.list()

from gevent import monkey
monkey.patch_all()
import gevent
import mmx

def stop(number, frame):
    sys.exit(7)

def blocked():
    return [int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, [])]

def calls():
    client = mmx.Client()
    progress = []
    stored = client.files.upload(io.BytesIO(bytes(100_000)), purpose="voice_clone", filename="a.mp3",
        progress=lambda done, total: progress.append(done))
    content = client.files.download(stored.file_id).content
    deleted = client.files.delete(1, "voice_clone").file_id
    many = client.files.delete_many(range(2, 40), "voice_clone").raise_for_failures().deleted
    plan = client.files.prune(purpose="voice_clone", all=True, dry_run=True)
    print(json.dumps([len(content), progress[-1], deleted, many, len(plan) > 300]))

def hangs():
    raised = "nothing"
    try:
        run(lambda: mmx.Client().files.delete(1, "voice_clone"))
    except BaseException as error:
        raised = type(error).__name__
    print(json.dumps([raised, time.monotonic()]))

def run(function):
    return gevent.spawn(function).get() if where == "greenlet" else function()

before = blocked()
if work == "calls":
    run(calls)
else:
    signal.signal(signal.SIGTERM, stop)
    hangs()
assert blocked() == before, blocked()
# Signals are heard after calls, too.
signal.signal(signal.SIGUSR1, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGUSR1)
"""

ORDERS = ["gevent-first", "mmx-first", "mmx-used-first"]
PLACES = ["main", "greenlet"]


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("order", ORDERS)
def test_calls(account: Account, program: Path, order: str, place: str) -> None:
    result, heard = account.run(program, order, place, "calls").splitlines()
    assert json.loads(result) == [100_000, 100_000, 1, 38, True]
    assert heard == "heard"
    assert account.count(call="delete", performed=1) == 39


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "SystemExit")])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("order", ORDERS)
def test_signals(account: Account, program: Path, order: str, place: str, number: int, raised: str) -> None:
    account.fault(call="delete", hang=True)
    process = account.start(program, order, place, "signal")
    account.wait(count=2 if order == "mmx-used-first" else 1)
    sent = time.monotonic()
    process.send_signal(number)
    # gevent prints what ends a greenlet.
    printed, _ = process.communicate(timeout=30)
    result, heard = printed.splitlines()
    kind, at = json.loads(result)
    assert kind == raised
    assert at - sent < 3
    assert heard == "heard"
