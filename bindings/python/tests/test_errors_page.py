"""docs/errors.md knows every status and code, and quotes what the library says."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from test_errors import no_descriptor_left
from test_failures import ROWS
from test_proxy import made_proxy

import mmx
from stand_in import PURPOSE, ROOT, Account

PAGE = (ROOT / "docs" / "errors.md").read_text()
# The API's host on the page.
HOST = "api.minimaxi.com"


def said() -> set[str]:
    """Every message of the tables that the tests of all languages play."""
    names = {"trace_id": "0123", "server": HOST, "host": HOST}
    messages = set()
    for row in ROWS:
        message = row["expect"]["message"]
        for name, value in names.items():
            message = message.replace("{" + name + "}", value)
        messages.add(message.partition(": ")[2])
    return messages


def failure(account: Account, **settings: Any) -> str:
    with pytest.raises(mmx.Error) as caught:
        mmx.Client(account.server.key, **{"base_url": account.url, **settings}).files.delete(1, PURPOSE)
    return str(caught.value).partition(": ")[2]


def quoted() -> list[str]:
    blocks = re.findall(r"^```text\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


def test_what_the_page_quotes_is_what_the_library_says(account: Account) -> None:
    messages = said()
    account.fault(code=1002, times=2)
    messages.add("delete_file: " + failure(account, max_attempts=2))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{taken.getsockname()[1]}"
        messages.add(failure(account, proxy=closed))
    guarded = made_proxy(account, credentials="ann:secret")
    messages.add(failure(account, proxy=guarded))
    messages.add(failure(account, proxy=guarded.replace("://", "://ann:other@")))
    url = account.https_url
    messages.add(failure(account, proxy=made_proxy(account, refuse=403), base_url=url, max_attempts=1))
    messages.add(failure(account, base_url=account.url.replace("http", "https")))
    unknown = "http://no-such-host.invalid"
    messages.add(failure(account, base_url=unknown, allow_insecure=True, max_attempts=1))
    messages.add(failure(account, base_url="http://some.example"))
    messages.add(failure(account, proxy="socks5://127.0.0.1:1"))
    with no_descriptor_left():
        messages.add(failure(account, connect_timeout=7.25, max_attempts=1))
    assert len(quoted()) > 40
    for line in quoted():
        pattern = re.compile(".*".join(map(re.escape, line.split("…"))))
        assert any(pattern.fullmatch(message) for message in messages), line


def test_every_code_of_the_service_is_on_the_page() -> None:
    codes = {row["expect"]["api_code"] for row in ROWS} - {0}
    unknown = {row["expect"]["api_code"] for row in ROWS if row["expect"]["status"] == mmx.APIError.status}
    for code in codes - unknown:
        assert re.search(rf"^###.*\b{code}\b", PAGE, re.MULTILINE), code
    for code in {row["expect"]["http_status"] for row in ROWS} - {0}:
        if code in (204, 206, 307, 418, 599) or code < 300:
            continue  # Neither is sent by the service.
        assert re.search(rf"\b{code}\b", PAGE), code


def test_every_status_is_on_the_page_with_its_names() -> None:
    header, cpp = ((ROOT / "include" / name).read_text() for name in ("mmx.h", "mmx.hpp"))
    go = (ROOT / "bindings" / "go" / "errors.go").read_text()
    rows = dict(re.findall(r"^\| `(MMX_\w+)` \| (.*) \|$", PAGE, re.MULTILINE))
    statuses = re.findall(r"^#define (MMX_OK|MMX_ERROR_\w+) \d+ ", header, re.MULTILINE)
    assert list(rows) == statuses
    for status in statuses[1:]:
        in_cpp, in_python, in_go = re.findall(r"`(\w+)`", rows[status])
        assert re.search(rf"X\({in_cpp}, \w+, {status}\)", cpp), in_cpp
        assert getattr(mmx, in_python).status_name == status
        assert f"{in_go} error = &kind{{C.{status}," in go, in_go
