"""Closing, collecting and pickling clients, in whatever order."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

import mmx
from mmx import _library
from stand_in import PURPOSE, Account


@pytest.fixture
def freed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Every C client that is freed."""
    library = _library.load()
    real, freed = library.mmx_client_free, []

    def free(client: int) -> None:
        freed.append(client)
        real(client)

    monkeypatch.setattr(library, "mmx_client_free", free)
    return freed


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The result of every making of a C client."""
    library = _library.load()
    real, made = library.mmx_client_new, []

    def new(*arguments: object) -> int:
        result: int = real(*arguments)
        made.append(result)
        return result

    monkeypatch.setattr(library, "mmx_client_new", new)
    return made


def test_closing_twice_is_fine_and_a_call_after_it_a_clear_error(account: Account, freed: list[int]) -> None:
    with account.client() as client:
        client.files.delete(1, PURPOSE)
        assert not client.closed
    assert client.closed
    assert len(freed) == 1
    client.close()
    client.close()
    with pytest.raises(mmx.InvalidArgumentError, match=r"^delete_file: client is closed$") as caught:
        client.files.delete(2, PURPOSE)
    assert caught.value.parameter == "client"
    with client:
        pass
    assert len(freed) == 1
    assert account.count() == 1


def test_a_failed_call_that_is_kept_keeps_no_client(account: Account, freed: list[int]) -> None:
    kept = []
    with account.client() as client:
        for file_id in (404, 0):
            try:
                client.files.delete(file_id, PURPOSE)
            except mmx.Error as error:
                kept.append(error)
    assert len(kept) == 2
    assert len(freed) == 1


class Gate:
    """Holds every delete on its way into the library, until it is opened."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.opened = threading.Event()
        self.real = _library.load().mmx_delete_file

    def __call__(self, *arguments: object) -> Any:
        self.entered.set()
        assert self.opened.wait(30)
        return self.real(*arguments)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(_library.load(), "mmx_delete_file", gate)
    return gate


@pytest.mark.usefixtures("quiet")
def test_closing_beside_a_call_lets_it_finish(account: Account, freed: list[int], gate: Gate) -> None:
    client = account.client()
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(client.files.delete, 1, PURPOSE)
        assert gate.entered.wait(30)
        client.close()
        assert not freed
        with pytest.raises(mmx.InvalidArgumentError):
            client.files.delete(2, PURPOSE)
        gate.opened.set()
        assert call.result().file_id == 1
    assert len(freed) == 1


@pytest.mark.usefixtures("quiet")
def test_a_client_collected_during_its_call_lives_to_its_end(account: Account, freed: list[int], gate: Gate) -> None:
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(account.client().files.delete, 1, PURPOSE)
        assert gate.entered.wait(30)
        gc.collect()
        assert not freed
        gate.opened.set()
        assert call.result().file_id == 1
    assert account.client().files.delete(2, PURPOSE).file_id == 2
    gc.collect()
    assert len(freed) == 2


def test_clients_come_and_go_beside_calls(account: Account, freed: list[int], made: list[int]) -> None:
    """A call beside close() may make a C client once more; it is freed, too."""
    shared = [account.client()]
    stop = threading.Event()

    def renew() -> None:
        while not stop.is_set():
            old, shared[0] = shared[0], account.client()
            old.close()
            gc.collect(0)

    def call(number: int) -> bool:
        try:
            return shared[0].files.delete(number, PURPOSE).file_id == number
        except mmx.InvalidArgumentError as error:
            return error.parameter == "client"

    renewing = threading.Thread(target=renew)
    renewing.start()
    try:
        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(call, range(1, 401)))
    finally:
        stop.set()
        renewing.join()
    shared[0].close()
    assert len(freed) == len(made) > 5


@pytest.mark.parametrize("copies", [pickle.dumps, copy.copy, copy.deepcopy])
def test_a_client_is_neither_pickled_nor_copied(account: Account, copies: Any) -> None:
    client = account.client()
    for what in (client, client.files, [client]):
        if copies is copy.copy and isinstance(what, list):
            continue
        with pytest.raises(TypeError, match=r"an mmx\.Client can't be pickled.*: make one in each process"):
            copies(what)


def test_a_refused_client_frees_its_configuration(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    library = _library.load()
    made, freed = [], []
    new, free = library.mmx_config_new, library.mmx_config_free

    def config_new() -> Any:
        made.append(new())
        return made[-1]

    def config_free(config: int) -> None:
        freed.append(config)
        free(config)

    monkeypatch.setattr(library, "mmx_config_new", config_new)
    monkeypatch.setattr(library, "mmx_config_free", config_free)
    account.client().close()
    for settings in ({"user_agent": "a\nb"}, {"ca_file": "/nowhere/at/all"}):
        with pytest.raises(mmx.Error):
            account.client(**settings)
    assert len(made) == 3
    assert made == freed
