"""The failures that all languages report in the same way."""

from __future__ import annotations

import json
import pickle
import socket
from typing import Any

import pytest

import mmx
from stand_in import ROOT, Account

TABLES = sorted((ROOT / "tests").glob("failures*.json"))
ROWS: list[dict[str, Any]] = [row for table in TABLES for row in json.loads(table.read_text())]


def test_the_table_is_there() -> None:
    assert len(ROWS) > 300
    assert len({row["name"] for row in ROWS}) == len(ROWS)


def make(files: mmx.Files, row: dict[str, Any]) -> object:
    call = row.get("call", "delete")
    timeout: Any = row["timeout_ms"] / 1000 if row["timeout_ms"] else ...
    if call == "list":
        return files.list(row["purpose"], timeout=timeout)
    if call == "retrieve":
        return files.retrieve(row["file_id"], timeout=timeout)
    if call == "upload":
        content, filename = bytes(row.get("bytes", 1000)), row.get("filename", "a.mp3")
        return files.upload(content, purpose=row["purpose"], filename=filename, timeout=timeout)
    if call in ("download", "download_by_link"):
        return files.download(row["file_id"], via_download_url=call == "download_by_link", timeout=timeout)
    assert call == "delete"
    return files.delete(row["file_id"], row["purpose"], timeout=timeout)


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
def test_failure(row: dict[str, Any], account: Account) -> None:
    if row["fault"]:
        account.server.control("POST", f"{account.name}/faults", row["fault"])
    https = row["base"] == "https"
    address = (account.server.https if https else account.server.http).partition("//")[2]
    settings: dict[str, Any] = {"max_attempts": row.get("max_attempts", 1)}
    with socket.socket() as taken:
        key: str | None = account.server.key
        url = account.url
        if row["base"] == "closed_port":
            # Bound, so that no other test gets the port, but nobody listens.
            taken.bind(("127.0.0.1", 0))
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            url = f"http://{address}"
        elif row["base"] in account.server.untrusted:
            url = account.server.untrusted[row["base"]]
            address = url.partition("//")[2]
            settings["ca_file"] = account.server.ca_file
        elif row["base"] == "no_key":
            key = None
        elif https:
            url = account.https_url
            settings["ca_file"] = account.server.ca_file
        else:
            assert row["base"] == "account"
        with pytest.raises(mmx.Error) as caught:
            make(mmx.Client(key, url, **settings).files, row)
    error = caught.value
    expect = row["expect"]
    fill = {
        "{trace_id}": error.trace_id,
        "{server}": address,
        "{host}": address.partition(":")[0],
        "{store}": account.server.https_store if https else account.server.store,
    }
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

    if row["base"] in ("account", "https"):
        # A request for a link, or after a redirect, is not an attempt.
        requests = expect.get("requests", expect["attempts"])
        account.wait(count=requests)
        assert account.count() == requests
        account.server.control("DELETE", f"{account.name}/faults")
        # A rate limit delays the account's next call, so this one has another account.
        after = account.url.replace("127.0.0.1", "localhost") if expect["status"] == 21 else account.url
        mmx.Client(account.server.key, after).files.delete(1, "voice_clone")
