"""nginx and HAProxy as reverse proxies before the stand-in server."""

from __future__ import annotations

import os
import signal
import socket
import urllib.request
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager

import mmx
from life import CONTENT, after_pauses, each_once, held, in_threads, performed, whole
from stage import Scenario, Stage, check, failure, free_port, lines, until
from stand_in import PURPOSE, Account

PORTS = ("plain", "tls", "stream_plain", "stream_tls", "tight", "small", "away", "impatient", "refusing")
# What a gateway's page is no reason to say.
OF_THE_API = ("key", "region", "balance", "rate limit")


class Proxy:
    """One of the two, with its ports; each is a server with settings of its own."""

    def __init__(self, stage: Stage, name: str, program: str) -> None:
        self.stage, self.name, self.program = stage, name, program
        self.folder = stage.folder / name
        self.folder.mkdir()
        self.ports = {port: free_port() for port in PORTS}
        self.log = self.folder / ("access.log" if name == "nginx" else "output.log")
        # The page of a proxy whose server is away.
        self.away = 502 if name == "nginx" else 503
        self.pid = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        values = {
            "folder": self.folder,
            "certificate": self.stage.certificate,
            "upstream": self.stage.server.address,
            "upstream_tls": self.stage.server.https.removeprefix("https://"),
            **self.ports,
        }
        template = "nginx.conf" if self.name == "nginx" else "haproxy.cfg"
        # A port that is bound and not listened at refuses connections, and nobody else gets it.
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            path = self.stage.render(template, self.folder, closed=closed.getsockname()[1], **values)
            command = [self.program, "-W", "-db", "-f", str(path)]
            if self.name == "nginx":
                command = [self.program, "-p", str(self.folder), "-c", str(path)]
            with self.stage.running(self.name, command, self.ports["plain"]) as process:
                self.pid = process.pid
                yield

    def url(self, port: str) -> str:
        scheme = "https" if port.endswith("tls") else "http"
        return f"{scheme}://127.0.0.1:{self.ports[port]}"

    def client(self, port: str, account: Account, **settings: object) -> mmx.Client:
        return self.stage.client(f"{self.url(port)}/t/{account.name}", **settings)

    def requests(self, port: str, account: Account) -> list[tuple[int, str]]:
        """The status and the call of each request of the account at a port."""
        entries = []
        for line in lines(self.log):
            words = line.split()
            if words[:1] == [str(self.ports[port])] and f"/t/{account.name}/" in line:
                entries.append((int(words[1]), words[-1].split("?")[0].rsplit("/", 1)[-1]))
        return entries


def scenarios(stage: Stage, name: str, program: str) -> Generator[Scenario, None, None]:
    proxy = Proxy(stage, name, program)
    with proxy.running():
        for port in ("plain", "tls", "stream_plain", "stream_tls"):
            yield Scenario(f"the five calls, a bulk delete and a prune: {port}", lambda port=port: life(proxy, port))  # type: ignore[misc]
        yield Scenario("idle connections are closed after a second: http", lambda: idle(proxy, "plain"))
        yield Scenario("idle connections are closed after a second: https", lambda: idle(proxy, "tls"))
        yield Scenario("few requests for each connection", lambda: tight(proxy))
        yield Scenario("reloaded during a bulk delete", lambda: reloaded(proxy), starts_programs=True)
        yield Scenario("compression is on", lambda: compressed(proxy))
        yield Scenario("the request is too large", lambda: too_large(proxy))
        yield Scenario("the server is away", lambda: away(proxy))
        yield Scenario("the server is slow", lambda: slow(proxy))
        yield Scenario("long response headers become a page", lambda: long_headers(proxy))
        yield Scenario("everything is refused", lambda: refused(proxy))


def life(proxy: Proxy, port: str) -> str:
    account = proxy.stage.account(proxy.name)
    with proxy.client(port, account) as client:
        return whole(account, client, proxy.folder)


def idle(proxy: Proxy, port: str) -> str:
    account = proxy.stage.account(proxy.name)
    with proxy.client(port, account) as client:
        figures = after_pauses(account, client)
    clients = {line.split()[2] for line in lines(proxy.log) if f"/t/{account.name}/" in line}
    return f"{figures}; {len(clients)} connections"


def tight(proxy: Proxy) -> str:
    account = proxy.stage.account(proxy.name)
    with proxy.client("tight", account) as client:
        summary = client.files.delete_many(range(1, 301), PURPOSE).raise_for_failures()
    each_once(account, range(1, 301))
    check(summary.deleted == 300, "300 deleted", summary)
    clients = {line.split()[2] for line in lines(proxy.log) if f"/t/{account.name}/" in line}
    check(len(clients) >= 300 // 7, "many connections", len(clients))
    return f"300 deletes over {len(clients)} connections, each performed once"


def reloaded(proxy: Proxy) -> str:
    account = proxy.stage.account(proxy.name)
    account.fault(times=-1, delay_ms=20)
    kill = signal.SIGHUP if proxy.name == "nginx" else signal.SIGUSR2
    with proxy.client("plain", account) as client:
        outcomes = client.files.delete_many(range(1, 401), PURPOSE, concurrency=8)
        for number, _ in enumerate(outcomes, 1):
            if number in (100, 200, 300):
                os.kill(proxy.pid, kill)
        summary = outcomes.summary
    check(summary.deleted == 400, "400 deleted", summary)
    each_once(account, range(1, 401))
    return "400 deletes during 3 reloads, each performed once"


def compressed(proxy: Proxy) -> str:
    account = proxy.stage.account(proxy.name)
    url = f"{proxy.url('plain')}/t/{account.name}/v1/files/list"
    headers = {"Authorization": f"Bearer {proxy.stage.server.key}", "Accept-Encoding": "gzip"}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers=headers), timeout=20) as answer:
        encoding = answer.headers.get("Content-Encoding")
    check(encoding == "gzip", "a proxy that compresses for those who ask for it", encoding)
    with proxy.client("plain", account) as client:
        listed = {file.file_id for file in client.files.list()}
    check(listed == held(account), "the whole list, in identity", len(listed))
    sent = {name.lower(): value for name, value in account.journal()[-1]["headers"]}
    check(sent.get("accept-encoding") == "identity", "Accept-Encoding: identity", sent)
    return f"a list of {len(listed)} files, asked for in identity"


def of_the_gateway(error: mmx.Error, status: int) -> None:
    """An error that names the gateway's page, and has no advice that only the API's refusals deserve."""
    message = str(error)
    check(error.http_status == status, f"HTTP {status}", error.http_status, message)
    check("HTML page" in message, "a message that speaks of a page", message)
    advice = message.split('"')[-1].lower()
    check(not any(word in advice for word in OF_THE_API), "no advice about keys, regions or limits", message)
    check(error.api_code in (None, 0, -1), "no code of the API", error.api_code)


def too_large(proxy: Proxy) -> str:
    account = proxy.stage.account(proxy.name)
    before = held(account)
    with proxy.client("small", account) as client:
        error = failure(lambda: client.files.upload(CONTENT, purpose=PURPOSE, filename="voice.mp3"))
        small = client.files.upload(CONTENT[:10_000], purpose=PURPOSE, filename="small.mp3")
    check(isinstance(error, mmx.InvalidRequestError), "an InvalidRequestError", error)
    of_the_gateway(error, 413)
    check("too large" in str(error) and "127.0.0.1" in str(error), "the gateway named", error)
    check(not error.ambiguous, "an error that is certain", error)
    check(held(account) == before | {small.file_id}, "the small file alone to be stored")
    tries = sum(1 for status, _ in proxy.requests("small", account) if status == 413)
    check(tries == 1, "one request", tries)
    return f"{type(error).__name__}: {error}"


def failing(proxy: Proxy, port: str, account: Account) -> dict[str, mmx.Error]:
    """The errors of the five calls, which fail side by side."""
    with proxy.client(port, account) as client:
        files = client.files
        calls: dict[str, Callable[[], object]] = {
            "list": lambda: files.list(PURPOSE),
            "retrieve": lambda: files.retrieve(1),
            "retrieve_content": lambda: files.download(1),
            "delete": lambda: files.delete(1, PURPOSE),
            "upload": lambda: files.upload(CONTENT[:10_000], purpose=PURPOSE, filename="voice.mp3"),
        }
        errors = in_threads([lambda call=call: failure(call) for call in calls.values()])  # type: ignore[misc]
    return {name: error for name, error in zip(calls, errors, strict=True) if isinstance(error, mmx.Error)}


def away(proxy: Proxy) -> str:
    account = proxy.stage.account(proxy.name)
    errors = failing(proxy, "away", account)
    for name, error in errors.items():
        check(isinstance(error, mmx.ServerError), f"{name}: a ServerError", error)
        of_the_gateway(error, proxy.away)
        # A status of a gateway leaves open whether the request was carried out, except where it came before the
        # request was sent whole: an upload is then sent again.
        is_early = name == "upload" and error.attempts == 4
        is_open = name in ("delete", "upload") and not is_early
        check(error.ambiguous == is_open, f"{name}: ambiguous if it may be done", error)
        check(error.attempts == 4 or (name == "upload" and is_open), f"{name}: 4 attempts", error.attempts)
    told = {name: error.attempts for name, error in errors.items()}
    until(lambda: len(proxy.requests("away", account)) >= sum(told.values()), "each request in the proxy's log")
    asked = proxy.requests("away", account)
    for name, attempts in told.items():
        counted = sum(1 for _, call in asked if call == name)
        # A delete that may have been performed is looked up.
        lookups = counted - attempts
        check(0 <= lookups <= (4 if name == "retrieve" else 0), f"{name}: {attempts} requests", counted)
    check(account.count() == 0, "nothing to reach the server")
    return f"HTTP {proxy.away}, requests: " + ", ".join(f"{name} {attempts}" for name, attempts in told.items())


def slow(proxy: Proxy) -> str:
    """Responses never come: the proxy says 504, and the deletes were carried out."""
    account = proxy.stage.account(proxy.name)
    account.fault(call="delete", hang=True)
    account.fault(call="list", times=2, hang=True)
    account.fault(call="upload", times=2, hang=True)
    content = CONTENT[:10_000]
    with proxy.client("impatient", account, max_attempts=2) as client:
        result = client.files.delete(1, PURPOSE)
        check(result.extra.get("evidence") == "retrieve", "a delete that is settled by a lookup", result.raw)
        error = failure(lambda: client.files.list(PURPOSE))
        upload = failure(lambda: client.files.upload(content, purpose=PURPOSE, filename="slow.mp3"))
        found = client.files.upload(content, purpose=PURPOSE, filename="found.mp3", reconcile=True)
    check(found.file_id in held(account), "an upload that is found in the list", found)
    check(len(performed(account, "upload")) == 2, "each upload stored once", performed(account, "upload"))
    each_once(account, [1])
    for failed in (error, upload):
        check(isinstance(failed, mmx.ServerTimeoutError), "a ServerTimeoutError", failed)
        of_the_gateway(failed, 504)
    check(error.attempts == 2 and not error.ambiguous, "a list that is retried", error.attempts)
    check(upload.attempts == 1 and upload.ambiguous, "an upload that is ambiguous and sent once", upload)
    return "HTTP 504: the delete looked up and gone, the list sent twice, an upload ambiguous, one found in the list"


def long_headers(proxy: Proxy) -> str:
    """The delete is performed, but the proxy has a page in place of its response."""
    account = proxy.stage.account(proxy.name)
    account.fault(call="delete", extra_headers=10, extra_header_bytes=20_000)
    with proxy.client("tight", account) as client:
        result = client.files.delete(1, PURPOSE)
    statuses = [status for status, call in proxy.requests("tight", account) if call == "delete"]
    check(statuses[:1] == [502], "a page with 502 for the first delete", statuses)
    check(result.extra.get("evidence") == "retrieve", "a delete that is settled by a lookup", result.raw)
    each_once(account, [1])
    return f"{len(statuses)} deletes sent, performed once, evidence retrieve"


def refused(proxy: Proxy) -> str:
    account = proxy.stage.account(proxy.name)
    errors = failing(proxy, "refusing", account)
    for name, error in errors.items():
        check(isinstance(error, mmx.AuthenticationError), f"{name}: an AuthenticationError", error)
        of_the_gateway(error, 403)
        check(error.attempts == 1 and not error.ambiguous, f"{name}: one request, and certain", error)
    check(account.count() == 0, "nothing to reach the server")
    return f"{len(errors)} calls, one request each: {errors['delete']}"
