"""Every scripted failure that all languages share is, in Python, what the table says to the letter."""

from __future__ import annotations

import json
import pickle
import socket
from typing import Any

import pytest

import mmx
from stand_in import ROOT, Account

ROWS: list[dict[str, Any]] = json.loads((ROOT / "tests" / "failures.json").read_text())


def test_the_table_is_there() -> None:
    assert len(ROWS) > 100


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_failure(row: dict[str, Any], account: Account) -> None:
    if row["fault"]:
        account.fault(**row["fault"])
    seconds = {"timeout": row["timeout_ms"] / 1000} if row["timeout_ms"] else {}
    address = account.server.address
    with socket.socket() as taken:
        key: str | None = account.server.key
        url = account.url
        if row["base"] == "closed_port":
            # Bound, so that nobody else gets the port, but nobody listens.
            taken.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            url = f"http://{address}"
        elif row["base"] == "no_key":
            key = None
        else:
            assert row["base"] == "account"
        with pytest.raises(mmx.Error) as caught:
            mmx.Client(key, url).files.delete(row["file_id"], row["purpose"], **seconds)
    error = caught.value
    expect = row["expect"]
    fill = {"{trace_id}": error.trace_id, "{server}": address, "{host}": address.partition(":")[0]}
    message = expect["message"]
    for name, value in fill.items():
        message = message.replace(name, value)
    assert str(error) == message
    assert bool(error.trace_id) == expect["trace_id"]
    wait = expect["retry_after_ms"]
    assert error.retry_after == (wait / 1000 if wait >= 0 else None)
    for name in ("status", "status_name", "api_code", "http_status", "ambiguous", "attempts", "parameter"):
        assert getattr(error, name) == expect[name], name
    assert error.api_message == expect["api_message"]
    assert error.call == message.partition(":")[0]
    assert account.server.key not in str(error)

    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert vars(again) == vars(error)
    assert str(again) == str(error)

    if row["base"] == "account":
        assert account.count() == expect["attempts"]
        account.client().files.delete(1, "voice_clone")
