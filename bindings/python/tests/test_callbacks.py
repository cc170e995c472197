"""An exception of a callback ends the call and is raised from it, on any thread."""

from __future__ import annotations

import gc
import io
import os
import sys
import threading
import traceback
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx import _library
from stand_in import PURPOSE, Account

SIZE = 1_500_000
FILE = 900
CONTENT = bytes(SIZE)

Call = Callable[[mmx.Client, BaseException], object]


class Own(Exception):
    pass


class Faulty:
    """A binary file object that fails, at once or in the middle."""

    def __init__(self, raised: BaseException, skip: int = 1) -> None:
        self.raised = raised
        self.skip = skip

    def fail(self) -> None:
        if not self.skip:
            raise self.raised
        self.skip -= 1

    def read(self, size: int) -> bytes:
        self.fail()
        return bytes(size)

    def write(self, data: bytes) -> int:
        self.fail()
        return len(data)


def failing(raised: BaseException, skip: int = 0) -> Any:
    faulty = Faulty(raised, skip)
    return lambda *_: faulty.fail()


def read_fails(client: mmx.Client, raised: BaseException) -> object:
    return client.files.upload(Faulty(raised), purpose=PURPOSE, filename="a.mp3")


def upload_progress_fails(client: mmx.Client, raised: BaseException) -> object:
    return client.files.upload(CONTENT, purpose=PURPOSE, filename="a.mp3", progress=failing(raised))


def path_progress_fails(client: mmx.Client, raised: BaseException) -> object:
    return client.files.upload(sys.executable, purpose=PURPOSE, progress=failing(raised))


def write_fails(client: mmx.Client, raised: BaseException) -> object:
    return client.files.download(FILE, Faulty(raised))


def memory_progress_fails(client: mmx.Client, raised: BaseException) -> object:
    return client.files.download(FILE, progress=failing(raised))


CALLS: list[Call] = [
    read_fails,
    upload_progress_fails,
    path_progress_fails,
    write_fails,
    memory_progress_fails,
]


@pytest.fixture
def account(account: Account) -> Account:
    account.add(file_id=FILE, size=SIZE)
    return account


@pytest.mark.parametrize("on_main", [True, False])
@pytest.mark.parametrize("kind", [Own, KeyboardInterrupt, SystemExit, GeneratorExit, mmx.TimeoutError, StopIteration])
def test_an_exception_comes_out_as_it_was_raised(account: Account, kind: type[BaseException], on_main: bool) -> None:
    client = account.client()
    cause = ValueError("why")

    def caught(call: Call) -> tuple[BaseException, BaseException]:
        raised = kind("said")
        raised.__cause__ = cause
        try:
            call(client, raised)
        except BaseException as error:
            return raised, error
        raise AssertionError("nothing came out")

    for call in CALLS:
        if on_main:
            raised, came = caught(call)
        else:
            with ThreadPoolExecutor(1) as pool:
                raised, came = pool.submit(caught, call).result()
        assert came is raised
        assert came.__cause__ is cause
        assert came.__context__ is None
        names = [frame.name for frame in traceback.extract_tb(came.__traceback__)]
        assert names[-1] == "fail", names
        assert call.__name__ in names
        assert getattr(came, "__notes__", []) == []
    # Nothing was stored, and the client still works.
    assert [entry for entry in account.journal() if entry.get("upload") and entry["performed"]] == []
    assert client.files.download(FILE).bytes == SIZE


def test_the_target_is_untouched(account: Account, tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_bytes(b"old")

    def at_the_end(done: int, total: int | None) -> None:
        if done == total:
            raise Own

    for progress in (failing(Own()), failing(Own(), 1), at_the_end):
        account.fault(trickle_ms=30, trickle_bytes=200_000, call="retrieve_content")
        with pytest.raises(Own):
            account.client().files.download(FILE, target, progress=progress)
        assert os.listdir(tmp_path) == ["a"]
        assert target.read_bytes() == b"old"


@pytest.mark.parametrize("on_main", [True, False])
@pytest.mark.parametrize("code", [0, 1000])
def test_what_is_or_may_be_stored_all_the_same_is_noted(account: Account, code: int, on_main: bool) -> None:
    if code:
        account.fault(code=code)

    def upload() -> list[str]:
        def progress(done: int, total: int | None) -> None:
            # The response has arrived.
            if account.count(call="upload"):
                raise Own

        with pytest.raises(Own) as caught:
            account.client().files.upload(b"all of it", purpose=PURPOSE, filename="a.mp3", progress=progress)
        return getattr(caught.value, "__notes__", [])

    if on_main:
        notes = upload()
    else:
        with ThreadPoolExecutor(1) as pool:
            notes = pool.submit(upload).result()
    if hasattr(Own, "add_note"):
        (note,) = notes
        file_id = account.upload()["file_id"]
        assert ("may have been stored all the same" if code else f'"file_id":{file_id},') in note


def test_nothing_is_called_after_an_exception(account: Account) -> None:
    called = []

    class Reader:
        def read(self, size: int) -> bytes:
            called.append("read")
            raise Own

    with pytest.raises(Own):
        account.client().files.upload(
            Reader(), purpose=PURPOSE, filename="a.mp3", progress=lambda *_: called.append("progress")
        )
    assert called.count("read") == 1
    assert called[-1] == "read"


def test_a_kept_exception_keeps_no_client(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    library = _library.load()
    real, freed = library.mmx_client_free, []

    def free(client: int) -> None:
        freed.append(client)
        real(client)

    monkeypatch.setattr(library, "mmx_client_free", free)
    kept: list[BaseException] = []

    def fail() -> None:
        with account.client() as client:
            for call in CALLS:
                try:
                    call(client, Own())
                except Own as error:
                    kept.append(error)

    fail()
    assert (len(kept), len(freed)) == (len(CALLS), 1)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    assert (len(kept), len(freed)) == (2 * len(CALLS), 2)


def test_a_call_that_is_over_holds_nothing(account: Account) -> None:
    class Target(io.BytesIO):
        pass

    client = account.client()
    gc.collect()
    gc.disable()
    try:
        for on_main in (True, False):
            target, source = Target(), Target(CONTENT)
            gone = [weakref.ref(target), weakref.ref(source)]

            def use(target: Target, source: Target) -> None:
                client.files.download(FILE, target, progress=lambda *_: None)
                client.files.upload(source, purpose=PURPOSE, filename="a.mp3", progress=lambda *_: None)

            if on_main:
                use(target, source)
            else:
                thread = threading.Thread(target=use, args=(target, source))
                thread.start()
                thread.join()
                del thread
            del target, source
            assert [reference() for reference in gone] == [None, None]
    finally:
        gc.enable()


def test_collecting_in_the_middle(account: Account) -> None:
    # Callbacks live as long as the call, whatever is dropped and collected.
    def progress(done: int, total: int | None) -> None:
        gc.collect()
        clients.clear()

    for _ in range(3):
        clients = [account.client()]
        assert clients[0].files.upload(CONTENT, purpose=PURPOSE, filename="a.mp3", progress=progress)
        clients = [account.client()]
        assert clients[0].files.download(FILE, progress=progress).bytes == SIZE


def test_a_callback_may_call_the_library_and_close_the_client(account: Account) -> None:
    client = account.client()
    seen: list[object] = []

    def progress(done: int, total: int | None) -> None:
        seen.append(client.files.delete(1 + len(seen), PURPOSE).file_id)
        if done == total:
            client.close()

    class Both(io.BytesIO):
        """Makes calls itself, which call it back in turn."""

        def read(self, size: int | None = -1) -> bytes:
            inner = client.files.upload(b"x", purpose=PURPOSE, filename="b.mp3", progress=lambda *_: None)
            assert client.files.download(inner.file_id).content == b"x"
            return super().read(size)

        def write(self, data: Any) -> int:
            assert client.files.retrieve(FILE).file_id == FILE
            return super().write(data)

    assert client.files.upload(Both(CONTENT), purpose=PURPOSE, filename="a.mp3").bytes == SIZE
    assert client.files.download(FILE, Both()).bytes == SIZE
    assert client.files.download(FILE, progress=progress).bytes == SIZE
    assert seen
    assert client.closed


def test_on_which_thread(account: Account) -> None:
    threads = []

    def transfer() -> None:
        threads.append(threading.get_ident())
        account.client().files.download(FILE, progress=lambda *_: threads.append(threading.get_ident()))

    transfer()
    assert len(set(threads)) == 1
    threads.clear()
    thread = threading.Thread(target=transfer)
    thread.start()
    thread.join()
    assert len(set(threads)) == 1


def test_many_transfers_at_once(account: Account) -> None:
    client = account.client()

    def both(number: int) -> bool:
        content = os.urandom(100_000)
        source = io.BytesIO(content)
        file = client.files.upload(source, purpose=PURPOSE, filename=f"{number}.mp3", progress=lambda *_: None)
        return client.files.download(file.file_id).content == content

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(both, range(48)))
