"""toxiproxy between client and server: connections that are slow, cut, reset or sliced."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import mmx
from life import CONTENT, Reported, held, performed, whole
from stage import Scenario, Stage, check, free_port
from stand_in import PURPOSE, Account

# What all connections get in the calls that must go well.
GENTLE: dict[str, list[dict[str, Any]]] = {
    "latency": [{"type": "latency", "attributes": {"latency": 15, "jitter": 10}}],
    "slicer": [
        {"type": "slicer", "stream": way, "attributes": {"average_size": 4000, "size_variation": 3900, "delay": 20}}
        for way in ("upstream", "downstream")
    ],
    "slow_close": [{"type": "slow_close", "attributes": {"delay": 1500}}],
}
# What some connections get in calls that may fail, and how they end.
ROUGH: dict[str, dict[str, Any]] = {
    "reset_peer at once": {"type": "reset_peer", "toxicity": 0.4, "attributes": {"timeout": 0}},
    "reset_peer after 20 ms": {"type": "reset_peer", "toxicity": 0.6, "attributes": {"timeout": 20}},
    "reset_peer after 20 ms, upstream": {
        "type": "reset_peer",
        "stream": "upstream",
        "toxicity": 0.6,
        "attributes": {"timeout": 20},
    },
    "limit_data: half a response": {"type": "limit_data", "toxicity": 0.5, "attributes": {"bytes": 90}},
    "limit_data: half a request": {
        "type": "limit_data",
        "stream": "upstream",
        "toxicity": 0.5,
        "attributes": {"bytes": 150},
    },
    "limit_data: a few requests": {"type": "limit_data", "attributes": {"bytes": 1000}},
    "timeout": {"type": "timeout", "toxicity": 0.5, "attributes": {"timeout": 200}},
    "timeout, upstream": {"type": "timeout", "stream": "upstream", "toxicity": 0.5, "attributes": {"timeout": 200}},
}
# So that there are many connections: the library goes on using one that works.
SHORT_LIVED = {"type": "limit_data", "attributes": {"bytes": 2500}}


class Toxiproxy:
    def __init__(self, stage: Stage, program: str) -> None:
        self.stage, self.program = stage, program
        self.folder = stage.folder / "toxiproxy"
        self.folder.mkdir()
        self.port = free_port()

    @contextmanager
    def running(self) -> Iterator[None]:
        command = [self.program, "-host", "127.0.0.1", "-port", str(self.port), "-seed", "21"]
        with self.stage.running("toxiproxy", command, self.port):
            yield

    def ask(self, method: str, path: str, body: object = None) -> None:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            answer.read()

    @contextmanager
    def between(self, scheme: str, toxics: list[dict[str, Any]]) -> Iterator[str]:
        """A proxy before the server with these toxics, as its base URL."""
        server = self.stage.server.https if scheme == "https" else self.stage.server.http
        port = free_port()
        proxy = {"name": scheme, "listen": f"127.0.0.1:{port}", "upstream": server.split("//")[1], "enabled": True}
        self.ask("POST", "/proxies", proxy)
        try:
            for number, toxic in enumerate(toxics):
                self.ask("POST", f"/proxies/{scheme}/toxics", {"name": f"toxic-{number}", **toxic})
            yield f"{scheme}://127.0.0.1:{port}"
        finally:
            self.ask("DELETE", f"/proxies/{scheme}")


def scenarios(stage: Stage, _name: str, program: str) -> Generator[Scenario, None, None]:
    toxiproxy = Toxiproxy(stage, program)
    with toxiproxy.running():
        for scheme in ("http", "https"):
            for name, toxics in GENTLE.items():
                yield Scenario(
                    f"the five calls, a bulk delete and a prune: {name}, {scheme}",
                    lambda scheme=scheme, toxics=toxics: life(toxiproxy, scheme, toxics),  # type: ignore[misc]
                )
        for scheme in ("http", "https"):
            for name, toxic in ROUGH.items():
                yield Scenario(
                    f"deletes and a bulk delete: {name}, {scheme}",
                    lambda scheme=scheme, toxic=toxic: deletes(toxiproxy, scheme, toxic),  # type: ignore[misc]
                )
        for scheme in ("http", "https"):
            yield Scenario(
                f"uploads and downloads: limit_data, {scheme}",
                lambda scheme=scheme: transfers(toxiproxy, scheme),  # type: ignore[misc]
            )


def life(toxiproxy: Toxiproxy, scheme: str, toxics: list[dict[str, Any]]) -> str:
    account = toxiproxy.stage.account("toxiproxy")
    with toxiproxy.between(scheme, toxics) as url, toxiproxy.stage.client(f"{url}/t/{account.name}") as client:
        return whole(account, client, toxiproxy.folder)


def with_handshake(scheme: str, toxic: dict[str, Any]) -> dict[str, Any]:
    """The same limit behind a TLS handshake, which is about so many bytes."""
    if scheme == "https" and toxic["type"] == "limit_data":
        more = 500 if toxic.get("stream") == "upstream" else 900
        return toxic | {"attributes": {"bytes": toxic["attributes"]["bytes"] + more}}
    return toxic


def deletes(toxiproxy: Toxiproxy, scheme: str, toxic: dict[str, Any]) -> str:
    """40 single deletes and a bulk delete of 100, with two attempts each."""
    account = toxiproxy.stage.account("toxiproxy")
    reported = Reported()
    toxics = [with_handshake(scheme, one) for one in (toxic, SHORT_LIVED)]
    with (
        toxiproxy.between(scheme, toxics) as url,
        toxiproxy.stage.client(f"{url}/t/{account.name}", max_attempts=2) as client,
    ):

        def delete(file_id: int) -> mmx.Error | None:
            try:
                client.files.delete(file_id, PURPOSE)
            except mmx.Error as error:
                return error
            return None

        with ThreadPoolExecutor(8) as pool:
            ids = range(1, 41)
            for file_id, error in zip(ids, pool.map(delete, ids), strict=True):
                reported.result(file_id, error)
        for outcome in client.files.delete_many(range(41, 141), PURPOSE, check=False):
            reported.outcome(outcome)
    figures = reported.agrees(account, range(1, 141))
    requests, carried = account.count(), len(connections(account))
    broken = reported.unknown | reported.there | reported.again
    check(broken or requests > 140, "some connections that break", figures, requests)
    return f"{figures}; {len(reported.again)} repeated or looked up; {requests} requests, {carried} connections"


def connections(account: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(account.server.control("GET", f"{account.name}/connections"))
    return found


def transfers(toxiproxy: Toxiproxy, scheme: str) -> str:
    """Uploads and downloads of which half the connections are cut on the way."""
    account = toxiproxy.stage.account("toxiproxy")
    digest = hashlib.sha256(CONTENT).hexdigest()
    before = held(account)
    toxics = [
        {"type": "limit_data", "stream": way, "toxicity": toxicity, "attributes": {"bytes": size}}
        for way in ("upstream", "downstream")
        for toxicity, size in ((0.6, 1_500_000), (1, 5_000_000))
    ]
    stored: dict[str, int] = {}
    certain: set[str] = set()
    unknown: set[str] = set()
    resumed = fetched = 0
    with (
        toxiproxy.between(scheme, toxics) as url,
        toxiproxy.stage.client(f"{url}/t/{account.name}", max_attempts=3) as client,
    ):
        for number in range(12):
            name = f"voice-{number}.mp3"
            try:
                file = client.files.upload(CONTENT, purpose=PURPOSE, filename=name, reconcile=number % 2 == 1)
                stored[name] = file.file_id
            except mmx.Error as error:
                (unknown if error.ambiguous else certain).add(name)
        target = toxiproxy.folder / "target.mp3"
        for file_id in stored.values():
            target.write_bytes(b"as before")
            try:
                resumed += client.files.download(file_id, target).resumed
                fetched += 1
                check(target.read_bytes() == CONTENT, "the content of the file")
            except mmx.Error:
                check(target.read_bytes() == b"as before", "a target that is left alone")
    files = json.loads(account.server.control("GET", f"{account.name}/files"))
    names = [file["filename"] for file in files if file["file_id"] not in before]
    check(len(names) == len(set(names)), "nothing stored twice", sorted(names))
    check(not certain & set(names), "nothing stored that failed for certain", sorted(certain & set(names)))
    check(set(stored) <= set(names), "everything stored that went well", sorted(set(stored) - set(names)))
    for file_id in stored.values():
        check(account.sha256(file_id) == digest, "the upload stored as it was sent")
    cut = sum(1 for entry in account.journal() if entry.get("upload") and not entry["upload"]["complete"])
    check(cut and resumed, "connections that break", cut, resumed)
    check(sum(performed(account, "upload").values()) == len(names), "each upload performed once")
    return (
        f"12 uploads, cut {cut} times: {len(stored)} stored, {len(certain)} failed, {len(unknown)} unknown; "
        f"{fetched} downloads, {resumed} resumed"
    )
