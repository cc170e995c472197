"""Many threads at once, also in a Python without the GIL: `make test-freethreaded`."""

from __future__ import annotations

import io
import logging
import os
import sys
import sysconfig
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

import mmx
from stand_in import FILE, PURPOSE, Account

THREADS = 16


def at_once(call: Callable[[int], object]) -> None:
    start = threading.Barrier(THREADS)

    def run(number: int) -> None:
        start.wait()
        call(number)

    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(run, range(THREADS)))


def test_the_interpreter_is_the_wanted_one() -> None:
    """Loading the library leaves the GIL off, and a run that is meant for such a Python has one."""
    mmx.Client("k")
    has_gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    assert has_gil == (not sysconfig.get_config_var("Py_GIL_DISABLED"))
    assert os.environ.get("PYTHON_GIL") != "0" or not has_gil


def test_deletes_with_a_shared_client(account: Account) -> None:
    client = account.client()

    def delete(number: int) -> None:
        for file_id in range(1 + number * 20, 21 + number * 20):
            assert client.files.delete(file_id, PURPOSE).file_id == file_id

    at_once(delete)
    assert account.count(call="delete", performed=1) == THREADS * 20


def test_the_first_clients_of_a_process(account: Account) -> None:
    """All threads load the library and the package's modules at the same time."""
    printed = account.run(
        f"""
import threading
from concurrent.futures import ThreadPoolExecutor
start = threading.Barrier({THREADS})
def run(number):
    import mmx
    start.wait()
    with mmx.Client() as client:
        return client.files.delete(number + 1, {PURPOSE!r}).file_id
with ThreadPoolExecutor({THREADS}) as pool:
    print(sum(pool.map(run, range({THREADS}))))
"""
    )
    assert int(printed) == sum(range(1, THREADS + 1))


def test_callbacks_and_logs(account: Account, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "mmx")
    client = account.client()
    size = client.files.download(FILE).bytes

    def transfer(number: int) -> None:
        seen: list[int] = []
        file = io.BytesIO()

        def progress(done: int, total: int | None) -> None:
            seen.append(done)

        for _ in range(5):
            client.files.download(FILE, file, progress=progress)
        assert seen.count(size) >= 5
        assert len(file.getvalue()) == 5 * size

    at_once(transfer)
    assert caplog.records


def test_an_exception_of_a_callback_stays_in_its_thread(account: Account) -> None:
    client = account.client()

    def transfer(number: int) -> None:
        def progress(done: int, total: int | None) -> None:
            raise ZeroDivisionError(number)

        for _ in range(5):
            with pytest.raises(ZeroDivisionError) as caught:
                client.files.download(FILE, io.BytesIO(), progress=progress)
            assert caught.value.args == (number,)

    at_once(transfer)


def test_runs_of_many_files(account: Account) -> None:
    client = account.client()
    found: list[int] = []

    def delete(number: int) -> None:
        ids = range(1 + number * 20, 21 + number * 20)
        found.extend(one.file_id for one in client.files.delete_many(ids, PURPOSE) if one.outcome == "deleted")

    at_once(delete)
    assert sorted(found) == list(range(1, 1 + THREADS * 20))


def test_cancelling_runs_from_another_thread(account: Account) -> None:
    account.fault(call="delete", hang=True, times=-1)
    client = account.client()
    runs = [client.files.delete_many([number + 1], PURPOSE, check=False) for number in range(THREADS)]

    def cancel() -> None:
        account.wait(call="delete", count=THREADS)
        for run in runs:
            run.cancel()

    canceller = threading.Thread(target=cancel)
    canceller.start()
    found: list[str] = []
    at_once(lambda number: found.extend(one.outcome for one in runs[number]))
    canceller.join()
    assert found == ["unknown"] * THREADS
