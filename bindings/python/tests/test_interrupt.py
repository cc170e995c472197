"""A signal ends a call wherever it waits, if its handler raises; otherwise the call goes on."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx import _background
from stand_in import PURPOSE, Account, finish, until

# Far above the promised 300 ms and the usual 1 ms, far below the call's own 60 s.
SOON = 3.0

DELETES = """
import json, os, signal, sys, time
import mmx

def stop(number, frame):
    sys.exit(7)

signal.signal(signal.SIGTERM, stop)
client = mmx.Client(ca_file=os.environ.get("CA_FILE"))
told = {}
try:
    client.files.delete(7, "voice_clone")
except BaseException as raised:
    told = {"raised": type(raised).__name__, "at": time.monotonic(), "notes": getattr(raised, "__notes__", None)}
# The client still works.
told["closed"] = client.closed
if "NO_MORE" not in os.environ:
    told["again"] = client.files.delete(8, "voice_clone").file_id
print(json.dumps(told))
"""


def signalled(process: subprocess.Popen[str], number: int) -> dict[str, Any]:
    sent = time.monotonic()
    process.send_signal(number)
    told: dict[str, Any] = json.loads(finish(process))
    # The clock is the machine's, the same for both processes.
    assert told["at"] - sent < SOON
    return told


@pytest.mark.parametrize(("number", "raised"), [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, "SystemExit")])
def test_while_the_answer_is_awaited(account: Account, number: int, raised: str) -> None:
    account.fault(hang=True)
    process = account.start(DELETES)
    account.wait(count=1)
    told = signalled(process, number)
    assert told["raised"] == raised
    assert told["again"] == 8
    # A note on the exception says that the file may be gone.
    if hasattr(KeyboardInterrupt, "add_note"):
        assert told["notes"]
        assert "cancelled" in told["notes"][0]
        assert "may or may not be there" in told["notes"][0]


def test_in_the_middle_of_the_answer(account: Account) -> None:
    account.fault(hang_after=60)
    process = account.start(DELETES)
    account.wait(count=1)
    assert signalled(process, signal.SIGINT)["again"] == 8


def test_in_a_connect_that_nobody_answers(account: Account) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as server, socket.create_connection(server.getsockname()):
        # The queue is full now, so the kernel doesn't respond to the next connect.
        port = server.getsockname()[1]
        process = account.start(DELETES, MINIMAX_BASE_URL=f"http://127.0.0.1:{port}", NO_MORE="1")
        remote, syn_sent = f"0100007F:{port:04X}", "02"
        until(lambda: any(line.split()[2:4] == [remote, syn_sent] for line in open_sockets()))
        told = signalled(process, signal.SIGINT)
    assert told["raised"] == "KeyboardInterrupt"
    assert not told["notes"]


def open_sockets() -> list[str]:
    return Path("/proc/net/tcp").read_text().splitlines()[1:]


def test_in_a_tls_handshake_that_stalls(account: Account) -> None:
    def accepted() -> int:
        return len(json.loads(account.server.control("GET", "connections?listener=https")))

    before = accepted()
    account.server.control("POST", "listener", {"accept": "stall_tls", "times": 1})
    process = account.start(DELETES, MINIMAX_BASE_URL=account.https_url, CA_FILE=account.server.ca_file, NO_MORE="1")
    until(lambda: accepted() > before)
    assert signalled(process, signal.SIGINT)["raised"] == "KeyboardInterrupt"


def test_in_a_pause_before_the_next_attempt(account: Account) -> None:
    account.fault(http_status=503, headers={"Retry-After": "30"})
    process = account.start(DELETES)
    account.wait(count=1)
    # It has the response very soon, and then it waits.
    time.sleep(0.2)
    assert signalled(process, signal.SIGINT)["again"] == 8


def other_threads(process: subprocess.Popen[str]) -> list[Path]:
    tasks = list(Path(f"/proc/{process.pid}/task").iterdir())
    return [task for task in tasks if task.name != str(process.pid)]


def test_no_other_thread_makes_a_call(account: Account) -> None:
    account.fault(hang=True)
    process = account.start(DELETES)
    account.wait(count=1)
    assert other_threads(process) == []
    signalled(process, signal.SIGINT)


def test_in_a_process_that_blocks_a_second_one_from_the_helper(account: Account) -> None:
    # The kernel may give a second pending signal to another thread: not to one that blocks them, as that of a prune.
    account.fault(hang=True)
    process = account.start(DELETES.replace("delete(7, ", "prune(all=True, purpose="))
    account.wait(count=1)
    helpers = other_threads(process)
    assert helpers
    for task in helpers:
        status = dict(line.split(":\t", 1) for line in (task / "status").read_text().splitlines() if ":\t" in line)
        blocked = int(status["SigBlk"], 16)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGCHLD, signal.SIGALRM):
            assert blocked >> (number - 1) & 1
        assert not blocked >> (signal.SIGSEGV - 1) & 1
    signalled(process, signal.SIGINT)


OTHER_THREAD = """
import os, signal, sys, threading
import mmx

def receive():
    os.read(0, 1)
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

threading.Thread(target=receive, daemon=True).start()
files = mmx.Client().files
try:
    if sys.argv[1] == "one":
        files.delete(1, "voice_clone")
    else:
        files.delete_many([1], "voice_clone").wait()
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("call", ["one", "many"])
def test_that_another_thread_receives(account: Account, tmp_path: Path, call: str) -> None:
    # The main thread's wait is not interrupted then, nor where the signal comes just before it.
    account.fault(call="delete", hang=True)
    program = tmp_path / "other_thread.py"
    program.write_text(OTHER_THREAD)
    process = account.start(program, call)
    account.wait(count=1)
    assert process.stdin is not None
    process.stdin.write("x")
    assert finish(process, seconds=10) == "interrupted\n"


def test_a_handler_that_returns_ends_nothing(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.fault(delay_ms=300)
    heard = []

    def handler(number: int, frame: object) -> None:
        # A handler may also make calls of its own.
        heard.append(client.files.delete(2, PURPOSE).file_id)

    before = signal.signal(signal.SIGALRM, handler)
    try:
        with account.client() as client:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            assert client.files.delete(1, PURPOSE).file_id == 1
    finally:
        signal.signal(signal.SIGALRM, before)
    assert heard == [2]
    assert account.count(performed=1) == 2


class Stop(Exception):
    pass


@pytest.mark.parametrize("handed_over", [False, True])
def test_interrupted_where_a_prune_is_handed_over(
    account: Account, monkeypatch: pytest.MonkeyPatch, handed_over: bool
) -> None:
    start = vars(_background)["start_new_thread"]

    def interrupted(*arguments: Any) -> None:
        if handed_over:
            start(*arguments)
        raise Stop

    account.fault(hang=True)
    with monkeypatch.context() as patch, account.client() as client:
        patch.setattr(_background, "start_new_thread", interrupted)
        with pytest.raises(Stop):
            client.files.prune(all=True, purpose=PURPOSE)
    if not handed_over:
        assert account.count() == 0
    account.server.control("DELETE", f"{account.name}/faults")
    assert account.client().files.delete(2, PURPOSE)


def deletes(client: mmx.Client) -> object:
    return client.files.delete(404, PURPOSE)


def uploads(client: mmx.Client) -> object:
    # Refused because of the purpose.
    return client.files.upload(io.BytesIO(b"x"), purpose="none", filename="a", progress=lambda *_: None)


def downloads(client: mmx.Client) -> object:
    return client.files.download(400, progress=lambda *_: None)


CALLS: list[Callable[[mmx.Client], object]] = [deletes, uploads, downloads]


@pytest.mark.usefixtures("quiet")
@pytest.mark.parametrize("call", CALLS)
def test_interrupted_at_any_point_nothing_is_lost(account: Account, call: Callable[[mmx.Client], object]) -> None:
    heard = 0

    def handler(number: int, frame: object) -> None:
        nonlocal heard
        heard += 1
        raise Stop

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd"))

    def threads() -> int:
        return len(os.listdir("/proc/self/task"))

    # No other test has this limit, so none shares its connections: how many are kept depends on how many there were.
    client = account.client(connect_timeout=7 + CALLS.index(call))
    client.files.delete(1, PURPOSE)
    account.fault(delay_ms=1, times=-1)
    fds, tasks, ended = descriptors(), threads(), 0
    before = signal.signal(signal.SIGALRM, handler)
    try:
        for step in range(300):
            try:
                signal.setitimer(signal.ITIMER_REAL, 0.00002 * (step + 1))
                try:
                    call(client)
                except mmx.APIError:
                    pass
                finally:
                    signal.setitimer(signal.ITIMER_REAL, 0)
            except Stop:
                ended += 1
    finally:
        signal.signal(signal.SIGALRM, before)
    assert ended > 20, (ended, heard)
    account.server.control("DELETE", f"{account.name}/faults")
    assert client.files.delete(2, PURPOSE)
    # A thread of a name lookup may end just after its call.
    until(lambda: threads() <= tasks and descriptors() <= fds + 2)
