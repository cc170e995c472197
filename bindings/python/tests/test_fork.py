"""Forks, other processes, and the end of the process. Every warning is an error."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from stand_in import Account, finish, fork_in_a_handler

FORK = """
import gc, os, sys
# The first registered hook runs last.
threads = []
os.register_at_fork(before=lambda: threads.append(len(os.listdir("/proc/self/task"))))
import mmx

def ends_well(child):
    assert os.waitpid(child, 0)[1] == 0

client = mmx.Client()
client.files.delete(1, "voice_clone")
for turn in range(20):
    child = os.fork()
    if child == 0:
        client.files.delete(100 + turn, "voice_clone")
        mmx.Client().files.delete(200 + turn, "voice_clone")
        client.close()
        gc.collect()
        sys.exit(0)
    client.files.delete(2 + turn, "voice_clone")
    ends_well(child)
# No thread is left that Python 3.12 would warn of.
assert threads == [1] * 20, threads
"""

FORK_BESIDE_A_CALL = """
import os, threading, warnings
import mmx

# The warning is right here: another thread is in a call.
warnings.filterwarnings("ignore", category=DeprecationWarning)
client = mmx.Client()
results = []

def fork():
    os.read(0, 1)
    child = os.fork()
    if child == 0:
        status = 1
        try:
            client.files.delete(2, "voice_clone")
            client.close()
            status = 0
        finally:
            os._exit(status)
    results.append(os.waitpid(child, 0)[1])

forking = threading.Thread(target=fork)
forking.start()
try:
    client.files.delete(1, "voice_clone")
except KeyboardInterrupt:
    print("interrupted")
forking.join()
assert results == [0]
"""

FORK_IN_A_HANDLER = """
import os, signal, sys, warnings
import mmx

warnings.filterwarnings("ignore", category=DeprecationWarning)
children = []
signal.signal(signal.SIGUSR1, lambda number, frame: children.append(os.fork()))
client = mmx.Client()
try:
    client.files.delete(1, "voice_clone")
except mmx.CancelledError as error:
    # The call is the parent's. This child makes its own.
    assert children == [0] and error.ambiguous and "fork" in str(error)
    client.files.delete(2, "voice_clone")
except KeyboardInterrupt:
    assert os.waitpid(children[0], 0)[1] == 0
    print("interrupted")
"""

PROCESSES = """
import multiprocessing, pickle, sys
import mmx

client = None

def own(number):
    return mmx.Client().files.delete(number, "voice_clone").file_id

def inherited(number):
    return client.files.delete(number, "voice_clone").file_id

def refused(number):
    mmx.Client().files.delete(0, "voice_clone")

if __name__ == "__main__":
    method = sys.argv[1]
    client = mmx.Client()
    client.files.delete(1, "voice_clone")
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        assert pool.map(own, range(2, 12)) == list(range(2, 12))
        if method == "fork":
            assert pool.map(inherited, range(12, 22)) == list(range(12, 22))
        try:
            pool.map(refused, [1])
        except mmx.InvalidArgumentError as error:
            assert error.parameter == "file_id" and error.status == 1
        else:
            raise AssertionError("an error of a worker is lost")
        try:
            pool.apply(print, [client])
        except TypeError as error:
            assert "make one in each process" in str(error)
        else:
            raise AssertionError("a client is sent to a worker")
        pool.close()
        pool.join()
    client.files.delete(22, "voice_clone")
"""

AT_EXIT = """
import atexit, sys, threading
import mmx

client = mmx.Client()
if "before" in sys.argv:
    client.files.delete(1, "voice_clone")

@atexit.register
def last():
    client.files.delete(2, "voice_clone")
    mmx.Client().files.delete(3, "voice_clone")
    print("deleted")
"""

IN_A_DESTRUCTOR = """
import mmx

class Last:
    def __del__(self, delete=mmx.Client().files.delete):
        print(delete(2, "voice_clone").file_id)

mmx.Client().files.delete(1, "voice_clone")
# Kept until the interpreter clears its modules, when other threads don't run any more.
last = Last()
"""

EXIT_BESIDE_A_CALL = """
import os, threading
import mmx

client = mmx.Client(timeout=None)
threading.Thread(target=client.files.delete, args=(1, "voice_clone"), daemon=True).start()
os.read(0, 1)
"""


def test_both_sides_of_a_fork_go_on_with_the_client(account: Account) -> None:
    account.run(FORK)
    assert account.count(performed=1) == 61


def test_a_fork_while_the_main_thread_is_in_a_call(account: Account) -> None:
    account.fault(hang=True)
    process = account.start(FORK_BESIDE_A_CALL)
    account.wait(count=1)
    tell(process)
    account.wait(count=1, file_id=2, performed=1)
    process.send_signal(signal.SIGINT)
    assert finish(process) == "interrupted\n"


def test_a_fork_in_a_signal_handler_during_a_call(account: Account) -> None:
    fork_in_a_handler(account, FORK_IN_A_HANDLER)


def tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("x")
    process.stdin.flush()


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_multiprocessing(account: Account, tmp_path: Path, method: str) -> None:
    program = tmp_path / "processes.py"
    program.write_text(PROCESSES)
    account.run(program, method)
    assert account.count(performed=1) == (22 if method == "fork" else 12)


@pytest.mark.parametrize("before", ["before", "never"])
def test_calls_at_exit(account: Account, tmp_path: Path, before: str) -> None:
    program = tmp_path / "at_exit.py"
    program.write_text(AT_EXIT)
    assert account.run(program, before) == "deleted\n"
    assert account.count(performed=1) == (3 if before == "before" else 2)


def test_a_call_when_the_interpreter_is_all_but_gone(account: Account) -> None:
    assert account.run(IN_A_DESTRUCTOR) == "2\n"
    assert account.count(performed=1) == 2


def test_the_process_ends_beside_a_call(account: Account) -> None:
    account.fault(hang=True)
    process = account.start(EXIT_BESIDE_A_CALL)
    account.wait(count=1)
    tell(process)
    finish(process, seconds=10)


def test_a_signal_that_nobody_handles_ends_the_process_as_ever(account: Account) -> None:
    account.fault(hang=True)
    process = account.start(EXIT_BESIDE_A_CALL)
    account.wait(count=1)
    process.terminate()
    finish(process, code=-signal.SIGTERM, seconds=10)
