"""Calls of the main thread are made on it: what belongs to it works, and a rain of signals loses nothing."""

from __future__ import annotations

import io
import json
import random
import select
import signal
import sqlite3
import subprocess
from contextvars import ContextVar
from pathlib import Path

import pytest

from stand_in import FILE, PURPOSE, Account, finish

SIZE = 300_000


def test_a_file_object_that_only_its_own_thread_may_use(account: Account) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE files (content BLOB)")
    database.execute("INSERT INTO files VALUES (?)", (bytes(SIZE),))

    class Row:
        """A blob, for Python 3.10, whose sqlite3 has none."""

        at = 0

        def read(self, size: int) -> bytes:
            query = "SELECT substr(content, ?, ?) FROM files"
            (part,) = database.execute(query, (self.at + 1, size)).fetchone()
            self.at += len(part)
            return bytes(part)

        def close(self) -> None:
            pass

    blob = database.blobopen("files", "content", 1) if hasattr(database, "blobopen") else Row()
    try:
        assert account.client().files.upload(blob, purpose=PURPOSE, filename="a.mp3").bytes == SIZE
    finally:
        blob.close()
        database.close()


def test_a_connection_that_only_its_own_thread_may_use(account: Account) -> None:
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE parts (part BLOB)")

    class Parts:
        def write(self, data: bytes) -> None:
            database.execute("INSERT INTO parts VALUES (?)", (data,))

    done = account.client().files.download(FILE, Parts())
    assert database.execute("SELECT sum(length(part)) FROM parts").fetchone() == (done.bytes,)
    database.close()


WHO: ContextVar[str] = ContextVar("WHO", default="nobody")


def test_context_variables(account: Account) -> None:
    seen = set()
    WHO.set("me")
    files = account.client().files
    files.upload(io.BytesIO(bytes(SIZE)), purpose=PURPOSE, filename="a.mp3", progress=lambda *_: seen.add(WHO.get()))
    files.prune(purpose=PURPOSE, name_glob="*", dry_run=True, progress=lambda *_: seen.add(WHO.get()))
    assert seen == {"me"}


ASYNCIO = """
import asyncio, os, signal
import mmx

async def main():
    heard = []
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, heard.append, 1)
    client = mmx.Client()
    # It blocks the loop, but takes nothing from it.
    print(client.files.delete(1, "voice_clone").file_id)
    while not heard:
        await asyncio.sleep(0.001)
    print("heard")

asyncio.run(main())
"""


def test_the_signal_handlers_of_a_loop(account: Account) -> None:
    account.fault(delay_ms=300)
    process = account.start(ASYNCIO)
    account.wait(count=1)
    process.send_signal(signal.SIGUSR1)
    assert finish(process) == "1\nheard\n"


RAIN = """
import json, logging, os, re, signal, sys
import mmx

work, *_ = sys.argv[1:]
logging.getLogger("mmx").setLevel("DEBUG" if work == "logged" else "CRITICAL")
armed = raised = 0

class Stop(BaseException):
    pass

def stop(number, frame):
    global armed, raised
    if armed:
        armed -= 1
        raised += 1
        raise Stop

def call(file_id):
    if work != "upload":
        return client.files.delete(file_id, "voice_clone")
    return client.files.upload(b"abc", purpose="voice_clone", filename=f"{file_id}.mp3", progress=lambda *_: None)

signal.signal(signal.SIGUSR1, stop)
client = mmx.Client()
client.files.list()
known, unknown, caught = [], [], 0
print("ready", flush=True)
for file_id in range(1, 201):
    try:
        try:
            armed = 1
            result = call(file_id)
        finally:
            armed = 0
        known.append(file_id)
    except Stop as stopped:
        caught += 1
        said = " ".join(getattr(stopped, "__notes__", []))
        (known if said else unknown).append(file_id)
print(json.dumps([known, unknown, raised, caught]))
"""


@pytest.mark.parametrize("work", ["delete", "upload", "logged"])
def test_a_rain_of_signals(account: Account, tmp_path: Path, work: str) -> None:
    """Each is raised from the call, and what the service did is returned or noted on the exception."""
    program = tmp_path / "rain.py"
    program.write_text(RAIN)
    process = account.start(program, work)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    sent = send_until_it_ends(process)
    known, unknown, raised, caught = json.loads(finish(process))
    assert sorted(known + unknown) == list(range(1, 201))
    # Some at least, and none was lost, nor printed: finish() has seen that there are no error messages.
    assert sent > caught == raised > 10
    if hasattr(BaseException, "add_note"):
        performed = {
            int(entry["upload"]["filename"].removesuffix(".mp3"))
            if work == "upload"
            else json.loads(entry["body"])["file_id"]
            for entry in account.journal()
            if entry["performed"] and entry["path"].endswith("/upload" if work == "upload" else "/delete")
        }
        assert performed & set(unknown) == set()


def send_until_it_ends(process: subprocess.Popen[str]) -> int:
    """Until it prints its result: near its end Python restores the signal's default."""
    assert process.stdout is not None
    sent = 0
    while not select.select([process.stdout], [], [], random.random() * 0.002)[0]:
        process.send_signal(signal.SIGUSR1)
        sent += 1
    return sent


def test_a_progress_that_is_interrupted_at_its_first_instruction(account: Account) -> None:
    # As where a signal comes just before it: the handler runs before any statement of the function.
    class Stop(Exception):
        pass

    def handler(number: int, frame: object) -> None:
        raise Stop

    def progress(done: int, total: int | None) -> None:
        signal.raise_signal(signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        with account.client() as client, pytest.raises(Stop):
            client.files.upload(bytes(SIZE), purpose=PURPOSE, filename="a.mp3", progress=progress)
    finally:
        signal.signal(signal.SIGUSR1, before)
