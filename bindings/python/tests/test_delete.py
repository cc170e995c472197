"""The delete call: its request, its arguments, and the effect of every setting."""

from __future__ import annotations

import decimal
import json
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, asdict
from pathlib import Path
from typing import Any

import pytest

import mmx
from mmx import _library
from stand_in import FILE, PURPOSE, Account

LARGEST = 2**63 - 1


class Whole:
    """An integer of another type, as in NumPy."""

    def __init__(self, value: int) -> None:
        self.value = value

    def __index__(self) -> int:
        return self.value


def header(entry: Any, name: str) -> list[str]:
    return [value for key, value in entry["headers"] if key == name]


def test_the_request_is_the_contracts(account: Account) -> None:
    with account.client() as client:
        result = client.files.delete(FILE, PURPOSE)
    assert result.file_id == FILE
    assert json.loads(result.raw) == {"file_id": FILE, "base_resp": {"status_code": 0, "status_msg": "success"}}
    assert result.extra == {}
    (entry,) = account.journal()
    assert (entry["method"], entry["path"], entry["query"]) == ("POST", "/v1/files/delete", None)
    assert entry["body"] == f'{{"file_id":{FILE},"purpose":"voice_clone"}}'
    assert header(entry, "authorization") == [f"Bearer {account.server.key}"]
    assert header(entry, "content-type") == ["application/json"]
    assert header(entry, "user-agent") == [f"libmmx/{mmx.__version__}"]
    assert account.count(performed=1) == 1


def test_a_result_is_frozen_and_keeps_what_it_does_not_know(account: Account) -> None:
    account.fault(shape="unknown_fields")
    result = account.client().files.delete(1, PURPOSE)
    assert isinstance(result, mmx.DeleteResult)
    assert result.extra
    assert not result.extra.keys() & {"file_id", "base_resp"}
    with pytest.raises(FrozenInstanceError):
        result.file_id = 2  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(result)) == result
    assert asdict(result) == {"file_id": 1, "raw": result.raw, "info": asdict(result.info)}


@pytest.mark.parametrize("file_id", [1, LARGEST, Whole(1), Whole(LARGEST)])
def test_ids_are_taken_to_the_last_digit(account: Account, file_id: Any) -> None:
    number = int(file_id.__index__())
    account.server.control("POST", f"{account.name}/files", [{"file_id": number, "purpose": PURPOSE}])
    assert account.client().files.delete(file_id, PURPOSE).file_id == number
    assert account.count(file_id=number, performed=1) == 1


@pytest.mark.parametrize(
    "file_id", [True, False, 1.0, "7", b"7", None, 1 + 0j, decimal.Decimal(7), [7], object(), float("nan")]
)
def test_what_is_no_whole_number_is_a_type_error(account: Account, file_id: Any) -> None:
    with pytest.raises(TypeError, match="file_id must be a whole number, not "):
        account.client().files.delete(file_id, PURPOSE)
    assert account.count() == 0


@pytest.mark.parametrize(
    "file_id",
    [0, -1, -(2**63), -(2**63) - 1, 2**63, 2**64 + 123, -(2**64) + 123, Whole(2**20000), Whole(2**63), Whole(0)],
)
def test_what_no_id_can_be_is_refused(account: Account, file_id: Any) -> None:
    with pytest.raises(ValueError, match=r"^delete_file: file_id must be ") as caught:
        account.client().files.delete(file_id, PURPOSE)
    assert isinstance(caught.value, mmx.InvalidArgumentError)
    assert caught.value.parameter == "file_id"
    assert caught.value.attempts == 0
    assert account.count() == 0


@pytest.mark.parametrize("purpose", ["voice_clone\0", "voice_clone\0x", "\0", "\ud800", "", "a b"])
def test_what_no_purpose_can_be_is_refused(account: Account, purpose: str) -> None:
    with pytest.raises(mmx.InvalidArgumentError) as caught:
        account.client().files.delete(1, purpose)
    assert caught.value.parameter == "purpose"
    assert "\0" not in str(caught.value)
    assert account.count() == 0


@pytest.mark.parametrize("purpose", [b"voice_clone", 7, ["voice_clone"]])
def test_a_purpose_is_a_str(account: Account, purpose: Any) -> None:
    with pytest.raises(TypeError, match="purpose must be a str, not "):
        account.client().files.delete(1, purpose)
    assert account.count() == 0


@pytest.mark.parametrize("seconds", [0, 0.0, -0.001, -5, float("nan"), float("inf"), 10**400, 1e300])
def test_a_timeout_that_cannot_be_meant_is_refused(account: Account, seconds: float) -> None:
    with account.client() as client, pytest.raises(mmx.InvalidArgumentError) as caught:
        client.files.delete(1, PURPOSE, timeout=seconds)
    assert caught.value.parameter == "options.timeout_ms"
    with pytest.raises(mmx.InvalidArgumentError) as caught:
        account.client(timeout=seconds)
    assert caught.value.parameter == "timeout_ms"
    assert account.count() == 0


def test_settings_of_a_wrong_type_are_type_errors(account: Account) -> None:
    wrong: dict[str, list[Any]] = {
        "timeout": ["5", True, [5]],
        "connect_timeout": ["5", True, [5]],
        "idle_timeout": ["5", True, [5]],
        "proxy": [b"http://127.0.0.1", 7, True],
        "max_attempts": ["4", 4.0, True],
        "requests_per_minute": ["60", 60.0, True],
        "ca_file": [7, b"ca.pem"],
        "user_agent": [b"x", 7],
        "allow_insecure": ["false", 1, None],
    }
    for name, values in wrong.items():
        for value in values:
            with pytest.raises(TypeError, match=f"{name} must be "):
                account.client(**{name: value})
    with pytest.raises(TypeError, match="api_key must be a str"):
        mmx.Client(b"key", account.url)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="base_url must be a str"):
        mmx.Client("key", Path(account.url))  # type: ignore[arg-type]


def test_the_shorter_of_the_timeouts_is_the_calls(account: Account) -> None:
    account.fault(hang=True, times=2)
    with pytest.raises(TimeoutError, match=r"\b150 ms\b") as caught:
        account.client(timeout=0.15).files.delete(1, PURPOSE)
    assert isinstance(caught.value, mmx.TimeoutError)
    assert caught.value.ambiguous
    with pytest.raises(mmx.TimeoutError, match=r"\b151 ms\b"):
        account.client().files.delete(1, PURPOSE, timeout=decimal.Decimal("0.151"))


def test_none_is_no_limit(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    account.fault(delay_ms=500)
    assert account.client(timeout=0.2).files.delete(1, PURPOSE, timeout=None).file_id == 1
    account.fault(delay_ms=500)
    with pytest.raises(mmx.TimeoutError):
        account.client(timeout=0.2).files.delete(2, PURPOSE)
    # For a client only the arguments of the library tell it from the default.
    library = _library.load()
    real, handed = library.mmx_config_set_timeout_ms, []

    def setter(config: int, timeout_ms: int, error: object) -> int:
        handed.append(timeout_ms)
        return int(real(config, timeout_ms, error))

    monkeypatch.setattr(library, "mmx_config_set_timeout_ms", setter)
    account.client(timeout=None)
    account.client()
    account.client(timeout=1e-9)
    assert handed == [-1, 1]


def test_a_ca_file_is_trusted(account: Account, tmp_path: Path) -> None:
    with pytest.raises(mmx.ConnectError) as caught:
        mmx.Client(account.server.key, account.https_url).files.delete(1, PURPOSE)
    assert isinstance(caught.value, ConnectionError)
    for path in (account.server.ca_file, Path(account.server.ca_file)):
        client = mmx.Client(account.server.key, account.https_url, ca_file=path)
        assert client.files.delete(1 if path is account.server.ca_file else 2, PURPOSE)
    with pytest.raises(mmx.FileError) as missing:
        account.client(ca_file=tmp_path / "none.pem")
    assert isinstance(missing.value, OSError)
    empty = tmp_path / "empty.pem"
    empty.touch()
    for bad in (empty, "a\0b", "\udcff"):
        with pytest.raises(mmx.InvalidArgumentError):
            account.client(ca_file=bad)


def test_the_other_settings(account: Account) -> None:
    account.client(user_agent="reports/2.1").files.delete(1, PURPOSE)
    assert header(account.journal()[0], "user-agent") == [f"reports/2.1 libmmx/{mmx.__version__}"]
    with pytest.raises(mmx.InvalidArgumentError):
        account.client(user_agent="a\0b")

    # Nothing is sent: a client is made or refused.
    with pytest.raises(mmx.InvalidArgumentError, match="http://"):
        mmx.Client("key", "http://192.0.2.1")
    assert not mmx.Client("key", "http://192.0.2.1", allow_insecure=True).closed

    assert account.client(max_attempts=Whole(1)).files.delete(2, PURPOSE)
    for number in (-1, 2**31, 2**32 + 1):
        for name in ("max_attempts", "requests_per_minute"):
            with pytest.raises(mmx.InvalidArgumentError) as caught:
                account.client(**{name: number})
            assert caught.value.parameter is not None
            assert name.startswith(caught.value.parameter)


def test_requests_a_minute_are_those_of_all_clients(account: Account) -> None:
    clients = [account.client(requests_per_minute=Whole(600)) for _ in range(2)]
    began = time.monotonic()
    with ThreadPoolExecutor(2) as pool:
        for number, deleted in enumerate(pool.map(lambda at: clients[at % 2].files.delete(at, PURPOSE), range(1, 7))):
            assert deleted.file_id == number + 1
    # Ten a second, and the first at once.
    assert time.monotonic() - began > 0.45


def test_the_environment_fills_in(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINIMAX_API_KEY", account.server.key)
    monkeypatch.setenv("MINIMAX_BASE_URL", account.url)
    assert mmx.Client().files.delete(1, PURPOSE)
    assert mmx.Client(user_agent="x").files.delete(2, PURPOSE)
    monkeypatch.setenv("MINIMAX_API_KEY", "wrong")
    with pytest.raises(mmx.AuthenticationError):
        mmx.Client().files.delete(3, PURPOSE)


def test_many_threads_share_a_client(account: Account) -> None:
    client = account.client()
    start = threading.Barrier(16)

    def some(first: int) -> list[int]:
        start.wait()
        return [client.files.delete(number, PURPOSE).file_id for number in range(first, first + 20)]

    with ThreadPoolExecutor(16) as pool:
        deleted = [number for numbers in pool.map(some, range(1, 321, 20)) for number in numbers]
    assert deleted == list(range(1, 321))
    assert account.count(performed=1) == 320
