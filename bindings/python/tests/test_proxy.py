"""Proxies, and connect and idle timeouts."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import mmx
from stand_in import PURPOSE, Account


@contextmanager
def silent_port() -> Iterator[int]:
    """A server that accepts connections and never reads from them."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def made_proxy(account: Account, **settings: object) -> str:
    url: str = json.loads(account.server.control("POST", f"proxies/{account.name}", settings))["url"]
    return url


def asked_of_proxy(account: Account) -> list[Any]:
    entries: list[Any] = json.loads(account.server.control("GET", f"proxies/{account.name}"))
    return entries


def test_a_proxy_carries_everything(account: Account) -> None:
    proxy = made_proxy(account, credentials="ann:p@ss")
    named = proxy.replace("://", "://ann:p%40ss@")
    assert account.client(proxy=named).files.delete(1, PURPOSE)
    client = mmx.Client(account.server.key, account.https_url, ca_file=account.server.ca_file, proxy=named)
    assert client.files.delete(2, PURPOSE)
    plain, tunnel = asked_of_proxy(account)
    assert (plain["method"], plain["target"]) == ("POST", f"{account.url}/v1/files/delete")
    assert (tunnel["method"], tunnel["tls"], tunnel["authorization"]) == ("CONNECT", True, False)
    assert account.count(performed=1) == 2


def test_a_refused_proxy_is_told_without_its_password(account: Account) -> None:
    proxy = made_proxy(account, credentials="ann:p@ss")
    for given, why in ((proxy, "wants a user name"), (proxy.replace("://", "://ann:secret@"), "does not accept")):
        with pytest.raises(mmx.ConnectError, match=f"the proxy {proxy.removeprefix('http://')} {why}") as caught:
            account.client(proxy=given, max_attempts=1).files.delete(1, PURPOSE)
        assert "secret" not in str(caught.value)
        assert not caught.value.ambiguous
    assert account.count() == 0


@pytest.mark.parametrize("proxy", ["socks5://ann:secret@127.0.0.1:1", "ftp://secret", "http://127.0.0.1/secret", "\0"])
def test_what_no_proxy_can_be_is_refused(account: Account, proxy: str) -> None:
    with pytest.raises(mmx.InvalidArgumentError) as caught:
        account.client(proxy=proxy)
    assert "secret" not in str(caught.value)
    assert caught.value.parameter in ("proxy", "url_or_none")


def test_the_environments_proxy_is_taken_or_left(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    # A name that only the proxy resolves; this machine is reached without it.
    url = account.url.replace("127.0.0.1", "some.example")
    monkeypatch.setenv("HTTP_PROXY", made_proxy(account))
    assert mmx.Client(account.server.key, url, allow_insecure=True).files.delete(1, PURPOSE)
    assert account.client().files.delete(2, PURPOSE)
    assert len(asked_of_proxy(account)) == 1

    monkeypatch.setenv("HTTP_PROXY", "socks5://ann:secret@127.0.0.1:1")
    with pytest.raises(mmx.InvalidArgumentError, match=r"^client_new: proxy is a SOCKS proxy.*\(from HTTP_PROXY\)$"):
        account.client()
    assert account.client(proxy="none").files.delete(3, PURPOSE)


def test_a_connection_has_a_limit_of_its_own(account: Account) -> None:
    with silent_port() as port:
        client = mmx.Client("key", f"https://127.0.0.1:{port}", connect_timeout=0.15, max_attempts=1)
        with pytest.raises(mmx.TimeoutError, match=f"connecting to 127.0.0.1:{port} took longer than 150 ms") as caught:
            client.files.delete(1, PURPOSE)
    assert not caught.value.ambiguous
    account.fault(delay_ms=400)
    assert account.client(connect_timeout=0.15).files.delete(1, PURPOSE)


def test_silence_has_a_limit(account: Account) -> None:
    account.fault(hang=True)
    with pytest.raises(mmx.TimeoutError, match="no byte came for 150 ms") as caught:
        account.client(idle_timeout=0.15, max_attempts=1).files.delete(1, PURPOSE)
    assert caught.value.ambiguous
    account.fault(delay_ms=400)
    assert account.client(idle_timeout=None).files.delete(2, PURPOSE)
    for name in ("connect_timeout", "idle_timeout"):
        with pytest.raises(mmx.InvalidArgumentError) as refused:
            account.client(**{name: 0})
        assert refused.value.parameter == f"{name}_ms"
