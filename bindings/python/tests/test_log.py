"""The library's log in `logging`: its records, its cost, and errors in handlers."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx import _library, _log
from stand_in import PURPOSE, Account

LOGGER = logging.getLogger("mmx")
NOW = {"Retry-After": "0"}


class Handler(logging.Handler):
    """A handler that keeps the records, and calls a function."""

    def __init__(self, also: Callable[[logging.LogRecord], object] = lambda record: None) -> None:
        super().__init__()
        self.records: list[Any] = []
        self.also = also

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)
        self.also(record)

    def events(self) -> list[str]:
        return [record.mmx_event for record in self.records]


Listen = Callable[..., Handler]


@pytest.fixture
def listen() -> Iterator[Listen]:
    handlers = []

    def listen(level: int = logging.DEBUG, also: Callable[[Any], object] = lambda record: None) -> Handler:
        handlers.append(Handler(also))
        LOGGER.addHandler(handlers[-1])
        LOGGER.setLevel(level)
        return handlers[-1]

    yield listen
    LOGGER.setLevel(logging.NOTSET)
    for handler in handlers:
        LOGGER.removeHandler(handler)


@pytest.mark.parametrize("on_main", [True, False])
def test_what_arrives_and_where(account: Account, listen: Listen, on_main: bool) -> None:
    threads = []
    handler = listen(also=lambda record: threads.append(threading.get_ident()))
    account.fault(code=1013, message=f"no {account.server.key}", headers=NOW)
    account.fault(headers={"Trace-Id": "abc"})
    client = account.client()

    def delete() -> tuple[int, str]:
        client.files.delete(1, PURPOSE)
        return threading.get_ident(), threading.current_thread().name

    if on_main:
        caller = delete()
    else:
        with ThreadPoolExecutor(1) as pool:
            caller = pool.submit(delete).result()
    assert handler.events() == ["attempt", "connection", "answer", "retry", "attempt", "connection", "answer"]
    assert set(threads) == {caller[0]}
    for record in handler.records:
        assert (record.name, record.funcName, record.mmx_call) == ("mmx", "delete_file", "delete_file")
        assert (record.thread, record.threadName) == caller
        assert account.server.key not in str(vars(record)) + record.getMessage()
    retry, last = handler.records[3], handler.records[-1]
    assert (retry.levelno, retry.mmx_attempt, retry.mmx_api_code) == (logging.WARNING, 1, 1013)
    assert (last.levelno, last.mmx_http_status, last.mmx_trace_id) == (logging.DEBUG, 200, "abc")
    assert last.getMessage().startswith("delete_file: answer ")
    assert retry.getMessage().count("delete_file") == 1


def test_a_failure_is_an_error_of_the_log_too(account: Account, listen: Listen) -> None:
    handler = listen(logging.ERROR)
    account.fault(code=1004)
    with pytest.raises(mmx.AuthenticationError) as caught:
        account.client().files.delete(1, PURPOSE)
    (record,) = handler.records
    assert (record.mmx_event, record.levelno) == ("failed", logging.ERROR)
    assert record.mmx_message == str(caught.value)


def test_the_level_is_that_of_the_moment(account: Account, listen: Listen) -> None:
    client = account.client()
    handler = listen(logging.WARNING)
    client.files.delete(1, PURPOSE)
    assert handler.events() == []
    LOGGER.setLevel(logging.DEBUG)
    client.files.delete(2, PURPOSE)
    assert handler.events() == ["attempt", "connection", "answer"]
    assert handler.records[1].mmx_how == "reused"
    logging.disable(logging.DEBUG)
    try:
        client.files.delete(3, PURPOSE)
    finally:
        logging.disable(logging.NOTSET)
    LOGGER.setLevel(logging.INFO)
    client.files.delete(4, PURPOSE)
    assert len(handler.records) == 3


def test_what_nobody_wants_is_not_put_together(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    library, levels = _library.load(), []
    real = library.mmx_config_set_logger

    def set_logger(*given: Any) -> int:
        levels.append(given[3] if given[1] else None)
        return int(real(*given))

    monkeypatch.setattr(library, "mmx_config_set_logger", set_logger)
    client = account.client()
    for wanted in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO, logging.DEBUG, 15, logging.ERROR):
        LOGGER.setLevel(wanted)
        client.files.list()
    # The level of the last call has no effect, and lines below the level aren't made.
    LOGGER.setLevel(logging.CRITICAL)
    told: list[object] = []
    monkeypatch.setattr(_log, "emit", told.append)
    client.files.list()
    assert told == []
    LOGGER.setLevel(logging.NOTSET)
    # The level of each C client; the first is the default.
    assert levels == [2, None, 1, 3, 4]


WITHOUT_LOGGING = """
import sys
import mmx

client = mmx.Client()
client.files.delete(1, "voice_clone")
try:
    client.files.delete(0, "voice_clone")
except mmx.InvalidArgumentError:
    pass
assert "logging" not in sys.modules

import logging
try:
    client.files.delete(404, "voice_clone")
except mmx.NotFoundError:
    print("refused")
# Logging isn't configured, so nothing is printed. Now it is.
logging.basicConfig(format="%(levelname)s %(name)s %(threadName)s %(mmx_event)s", level="DEBUG", stream=sys.stdout)
client.files.delete(2, "voice_clone")
"""


def test_who_does_not_log_pays_and_sees_nothing(account: Account) -> None:
    lines = account.run(WITHOUT_LOGGING).splitlines()
    assert lines == ["refused", *(f"DEBUG mmx MainThread {event}" for event in ("attempt", "connection", "answer"))]


def test_names_of_the_services_drive_no_terminal(account: Account, listen: Listen) -> None:
    handler = listen()
    account.fault(call="upload", close_before_answer="rst")
    name = "a\x1b]0;b\x07\u202ec.mp3"
    account.client().files.upload(b"content", purpose=PURPOSE, filename=name, reconcile=True)
    (settling,) = [record for record in handler.records if record.mmx_event == "settling"]
    assert settling.mmx_filename == name
    assert settling.filename == "libmmx"
    assert settling.getMessage().isprintable()


class Own(BaseException):
    pass


@pytest.mark.parametrize("on_main", [True, False])
@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit, Own])
def test_what_a_handler_raises(
    account: Account,
    listen: Listen,
    on_main: bool,
    kind: type[BaseException],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fails(record: Any) -> None:
        if record.mmx_event == "answer":
            raise kind("of the handler")

    handler = listen(also=fails)
    client = account.client()

    def delete() -> object:
        try:
            return client.files.delete(1, PURPOSE).file_id
        except BaseException as error:
            return error

    if on_main:
        ended = delete()
    else:
        with ThreadPoolExecutor(1) as pool:
            ended = pool.submit(delete).result()
    # The call itself succeeded.
    assert account.count(performed=1) == 1
    assert handler.events()[-1] == "answer"
    if kind is ValueError:
        assert ended == 1
        # Reported as logging does.
        assert "ValueError: of the handler" in capsys.readouterr().err
    else:
        assert isinstance(ended, kind)
        handler.also = lambda record: None
        assert client.files.delete(2, PURPOSE)


def test_sixteen_threads_with_a_handler_that_locks_and_calls(account: Account, listen: Listen) -> None:
    client, lock, calls = account.client(), threading.Lock(), iter(range(1, 400))

    def also(record: Any) -> None:
        with lock:
            # Not logged, which would never end.
            client.files.delete(next(calls), PURPOSE)

    handler = listen(also=also)
    with ThreadPoolExecutor(16) as pool:
        listed = [pool.submit(client.files.list, PURPOSE) for _ in range(48)]
        # Another thread makes this thread's call, while this one holds a lock that the handler needs.
        with handler.lock or threading.RLock():
            client.files.list(PURPOSE)
        assert all(files.result() is not None for files in listed)
    assert handler.events().count("attempt") == 49
    assert {record.mmx_call for record in handler.records} == {"list_files"}
    assert account.count(call="delete", performed=1) == len(handler.records)


IN_PROCESSES = """
import logging, multiprocessing, sys, threading
import mmx

class Lines(logging.Handler):
    def emit(self, record):
        if record.mmx_event == "answer":
            events.append(record.mmx_call)

events = []
logging.getLogger("mmx").setLevel("DEBUG")
logging.getLogger("mmx").addHandler(Lines())
client = mmx.Client() if sys.argv[1] == "fork" else None

def delete(number):
    (client or mmx.Client()).files.delete(number, "voice_clone")
    return len(events)

if __name__ == "__main__":
    mmx.Client().files.delete(1, "voice_clone")
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as pool:
        print(sorted(pool.map(delete, range(2, 12)))[-1] > 1)
        pool.close()
        pool.join()
"""


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_in_other_processes(account: Account, tmp_path: Path, method: str) -> None:
    program = tmp_path / "processes.py"
    program.write_text(IN_PROCESSES)
    assert account.run(program, method) == "True\n"
    assert account.count(performed=1) == 11


EXIT_BESIDE_CALLS = """
import logging, os, sys, threading, time
import mmx

class Target:
    def write(self, data):
        return len(data)

class Last:
    # The end of the interpreter takes its time.
    def __del__(self, sleep=time.sleep):
        sleep(0.3)

def download():
    while True:
        client.files.download(900, Target(), progress=lambda *_: None)

def delete():
    while True:
        client.files.list()

logging.getLogger("mmx").setLevel("DEBUG")
client = mmx.Client()
last = Last()
for work in (download, delete, delete, download):
    threading.Thread(target=work, daemon=True).start()
os.read(0, 1)
"""


def test_the_process_ends_beside_calls_that_call_back(account: Account) -> None:
    account.add(file_id=900, size=4_000_000)
    process = account.start(EXIT_BESIDE_CALLS)
    account.wait(count=8)
    assert process.communicate("x", timeout=20) == ("", "")
    assert process.returncode == 0
