"""The end of a run of many deletes whose reader is interrupted, forks, or ends with the process."""

from __future__ import annotations

import gc
import json
import os
import signal
import time
import weakref
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx import _run
from stand_in import PURPOSE, Account, finish, fork_in_a_handler, until

INTERRUPTED = """
import json, sys
import mmx

outcomes = mmx.Client().files.delete_many(range(1, 101), "voice_clone", check=False)
ends, notes = [], []
try:
    if "in-a-block" in sys.argv:
        with outcomes:
            ends += [outcome.outcome for outcome in outcomes]
    else:
        for outcome in outcomes:
            ends.append(outcome.outcome)
except KeyboardInterrupt as raised:
    notes = getattr(raised, "__notes__", [])
# The remaining outcomes can still be asked for.
ends += [outcome.outcome for outcome in outcomes]
summary = outcomes.summary
print(json.dumps([ends, notes, summary.total, summary.pending, summary.not_attempted]))
"""


@pytest.mark.parametrize("where", ["bare", "in-a-block"])
def test_ctrl_c(account: Account, tmp_path: Path, where: str) -> None:
    account.fault(call="delete", skip=20, hang=True, times=-1)
    program = tmp_path / "interrupted.py"
    program.write_text(INTERRUPTED)
    process = account.start(program, where)
    account.wait(count=21)
    until(lambda: account.count(call="delete", performed=1) >= 20)
    sent = time.monotonic()
    process.send_signal(signal.SIGINT)
    ends, notes, total, pending, not_attempted = json.loads(finish(process))
    assert time.monotonic() - sent < 10
    assert (total, pending) == (100, 0)
    assert not_attempted > 50
    if where == "bare":
        assert len(ends) == 100
        assert set(ends) == {"deleted", "unknown", "not_attempted"}
    elif hasattr(KeyboardInterrupt, "add_note"):
        assert "not attempted" in notes[0]


@pytest.mark.usefixtures("quiet")
def test_interrupted_at_any_point(account: Account) -> None:
    class Stop(Exception):
        pass

    def handler(number: int, frame: object) -> None:
        raise Stop

    def threads() -> int:
        return len(os.listdir("/proc/self/task"))

    files = account.client().files
    files.delete_many([1], PURPOSE).wait()
    tasks, ended = threads(), 0
    before = signal.signal(signal.SIGALRM, handler)
    try:
        for step in range(100):
            outcomes = files.delete_many([401, 402, 403], PURPOSE, check=False)
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.0001 * (step + 1))
                try:
                    outcomes.wait()
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except Stop:
                ended += 1
            summary = outcomes.wait()
            assert (summary.total, summary.pending) == (3, 0)
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ended
    until(lambda: threads() <= tasks)


INTERRUPTED_OFTEN = """
import json, signal
import mmx

def interrupt(number, frame):
    global waits
    while frame is not None and frame.f_code.co_name != "peek":
        frame = frame.f_back
    waits = frame is not None
    raise KeyboardInterrupt

signal.signal(signal.SIGALRM, interrupt)
waits = False
files = mmx.Client().files
for round in range(200):
    outcomes = files.delete_many(range(1, 5001 if round < 10 else 301), "voice_clone", check=False)
    yielded, interrupted, before = [], False, None
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001 + 0.00011 * round)
        for outcome in outcomes:
            yielded.append(outcome.index)
    except KeyboardInterrupt:
        interrupted, before = True, outcomes.summary if waits else None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    # Interrupted while it waited, it has settled every file; elsewhere in the loop, it goes on until it is asked.
    rest = [outcome.index for outcome in outcomes]
    after = outcomes.summary
    failures = [outcome.index for outcome in outcomes.failures]
    waited, is_last, yielded = interrupted and waits, before in (None, after), yielded + rest
    print(json.dumps([waited, is_last, after.pending, after.total, yielded, failures, str([before, after])]))
"""


def test_ctrl_c_loses_no_outcome(account: Account, tmp_path: Path) -> None:
    account.server.control("POST", f"{account.name}/files", {"count": 20_000, "first_id": 1, "purpose": PURPOSE})
    program = tmp_path / "interrupted_often.py"
    program.write_text(INTERRUPTED_OFTEN)
    process = account.start(program)
    rounds = [json.loads(line) for line in finish(process, seconds=120).splitlines()]
    assert len(rounds) == 200
    assert sum(waited for waited, *_ in rounds) > 50
    for _, is_last, pending, total, indices, failures, summaries in rounds:
        assert len(set(indices)) == len(indices)
        assert {*indices, *failures} == set(range(total))
        assert is_last, summaries
        assert pending == 0


FORK = """
import os, sys, warnings
import mmx

# The warning is right: the run has a thread.
warnings.filterwarnings("ignore", category=DeprecationWarning)
client = mmx.Client()
outcomes = client.files.delete_many(range(1, 301), "voice_clone")
next(outcomes)
child = os.fork()
if child == 0:
    try:
        next(outcomes)
    except mmx.CancelledError as error:
        assert "forked" in str(error) and error.ambiguous
    outcomes.cancel()
    outcomes.close() if "close" in sys.argv else None
    del outcomes
    assert client.files.delete_many([301, 302], "voice_clone").raise_for_failures()
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
assert outcomes.raise_for_failures().deleted == 300
"""

FORK_IN_A_HANDLER = """
import os, signal, warnings
import mmx

warnings.filterwarnings("ignore", category=DeprecationWarning)
children = []
signal.signal(signal.SIGUSR1, lambda number, frame: children.append(os.fork()))
outcomes = mmx.Client().files.delete_many([1], "voice_clone")
try:
    outcomes.wait()
except mmx.CancelledError as error:
    assert children == [0] and "forked" in str(error)
    mmx.Client().files.delete(2, "voice_clone")
    os._exit(0)
except KeyboardInterrupt:
    assert os.waitpid(children[0], 0)[1] == 0
    print("interrupted")
"""


@pytest.mark.parametrize("close", ["close", "drop"])
def test_a_fork_beside_a_run(account: Account, tmp_path: Path, close: str) -> None:
    program = tmp_path / "fork.py"
    program.write_text(FORK)
    account.run(program, close)
    assert account.count(performed=1) == 302


def test_a_fork_in_a_signal_handler_during_a_run(account: Account) -> None:
    fork_in_a_handler(account, FORK_IN_A_HANDLER)


EXIT = """
import sys, time
import mmx

class Last:
    def __del__(self, sleep=time.sleep):
        sleep(0.2)

last = Last()
outcomes = mmx.Client().files.delete_many(range(1, 401), "voice_clone")
next(outcomes)
print("done")
"""

AT_EXIT = """
import atexit
import mmx

client = mmx.Client()

@atexit.register
def last():
    print(client.files.delete_many([1, 2, 3], "voice_clone").raise_for_failures().deleted)
"""

DROPPED = """
import mmx

mmx.Client().files.delete_many([1, 2], "voice_clone")
"""


def test_the_process_ends_beside_a_run(account: Account) -> None:
    account.fault(call="delete", delay_ms=5, times=-1)
    assert account.run(EXIT) == "done\n"
    assert account.count(performed=1) < 400


def test_a_run_at_exit(account: Account) -> None:
    assert account.run(AT_EXIT) == "3\n"


def test_a_program_that_forgets_to_ask_is_told(account: Account) -> None:
    process = account.start(DROPPED)
    _, said = process.communicate(timeout=30)
    assert "none of 2 files was deleted" in said
    assert account.count() == 0


def test_where_no_thread_can_be_started(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object) -> int:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(_run, "start_new_thread", refuses)
    monkeypatch.setattr(_run, "MAX_AHEAD", 1)
    outcomes = account.client().files.delete_many(range(1, 11), PURPOSE)
    assert len(list(outcomes)) == 10


def test_a_run_that_is_over_holds_no_client(account: Account) -> None:
    gc.collect()
    gc.disable()
    try:
        client = account.client()
        gone = weakref.ref(client)
        account.fault(call="delete", file_id=1, code=2013, times=-1)
        kept = client.files.delete_many([1, 2], PURPOSE, check=False)
        with pytest.raises(mmx.PartialFailure):
            kept.raise_for_failures()
        dropped = client.files.delete_many([3], PURPOSE)
        assert dropped.wait()
        gone_too = weakref.ref(dropped)
        del client, dropped
        assert gone() is None
        assert gone_too() is None
        freed = weakref.ref(kept)
        del kept
        assert freed() is None
    finally:
        gc.enable()


def test_memory_does_not_grow_with_the_run(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "MAX_AHEAD", 50)

    def held() -> int:
        return sum(isinstance(thing, mmx.Outcome) for thing in gc.get_objects())

    most: list[Any] = []
    ids = range(1, 401)
    for outcome in account.client().files.delete_many(ids, PURPOSE):
        if outcome.index % 50 == 0:
            most.append(held())
    assert most
    # Those that wait, and one that each side holds.
    assert max(most) <= _run.MAX_AHEAD + 2
