"""squid as a forward proxy: tunnels by CONNECT, requests in absolute form, passwords, its own pages."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import mmx
from life import after_pauses, each_once, held, whole
from stage import Scenario, Stage, check, failure, find, free_port, lines, until
from stand_in import PURPOSE, Account

USER, PASSWORD = "ann", "p@ss:word"
QUOTED = "ann:p%40ss%3Aword"
WRONG = "ann:secret"


class Squid:
    def __init__(self, stage: Stage, program: str) -> None:
        self.stage, self.program = stage, program
        self.folder = stage.folder / "squid"
        self.folder.mkdir()
        self.ports = {port: free_port() for port in ("open", "guarded", "refusing")}
        self.log = self.folder / "access.log"

    @contextmanager
    def running(self) -> Iterator[None]:
        openssl = find("openssl") or "openssl"
        hashed = subprocess.run(
            [openssl, "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, timeout=20, check=True
        )
        passwords = self.folder / "passwords"
        passwords.write_text(f"{USER}:{hashed.stdout.strip()}\n")
        places = [Path(folder) / "basic_ncsa_auth" for folder in ("/usr/lib/squid", "/usr/lib64/squid")]
        helper = next((path for path in places if path.exists()), None)
        check(helper, "squid's helper basic_ncsa_auth")
        path = self.stage.render(
            "squid.conf", self.folder, folder=self.folder, helper=helper, passwords=passwords, **self.ports
        )
        with self.stage.running("squid", [self.program, "-N", "-f", str(path)], self.ports["open"]):
            yield

    def url(self, port: str, credentials: str = "") -> str:
        return f"http://{credentials}{'@' if credentials else ''}127.0.0.1:{self.ports[port]}"

    def client(self, base_url: str, port: str, credentials: str = "", **settings: object) -> mmx.Client:
        return self.stage.client(base_url, proxy=self.url(port, credentials), **settings)

    def logged(self, port: str) -> list[list[str]]:
        """Status, method, target and user of each request at a port."""
        found = [line.split() for line in lines(self.log)]
        return [words[1:] for words in found if words[:1] == [str(self.ports[port])]]

    def statuses(self, port: str) -> list[str]:
        return [words[0] for words in self.logged(port)]


def scenarios(stage: Stage, _name: str, program: str) -> Generator[Scenario, None, None]:
    squid = Squid(stage, program)
    with squid.running():
        yield Scenario("the five calls, a bulk delete and a prune: http", lambda: life(squid, "http", "open"))
        yield Scenario("the five calls, a bulk delete and a prune: https", lambda: life(squid, "https", "open"))
        yield Scenario("the same with a password: http", lambda: life(squid, "http", "guarded"))
        yield Scenario("the same with a password: https", lambda: life(squid, "https", "guarded"))
        yield Scenario("idle connections are closed after a second: http", lambda: idle(squid))
        yield Scenario("a wrong password is sent once: http", lambda: password(squid, "http", WRONG))
        yield Scenario("a wrong password is sent once: https", lambda: password(squid, "https", WRONG))
        yield Scenario("no password where one is wanted: http", lambda: password(squid, "http", ""))
        yield Scenario("no password where one is wanted: https", lambda: password(squid, "https", ""))
        yield Scenario("everything is refused: http", lambda: refused(squid, "http"))
        yield Scenario("everything is refused: https", lambda: refused(squid, "https"))
        yield Scenario("the server is away: http", lambda: away(squid, "http"))
        yield Scenario("the server is away: https", lambda: away(squid, "https"))


def base_url(account: Account, scheme: str) -> str:
    return account.https_url if scheme == "https" else account.url


def life(squid: Squid, scheme: str, port: str) -> str:
    account = squid.stage.account("squid")
    before = len(squid.logged(port))
    credentials = QUOTED if port == "guarded" else ""
    with squid.client(base_url(account, scheme), port, credentials) as client:
        figures = whole(account, client, squid.folder)
    # A tunnel is logged when it ends.
    until(lambda: len(squid.logged(port)) > before, "requests in squid's log")
    logged = squid.logged(port)[before:]
    methods = {words[1] for words in logged}
    check(methods == ({"CONNECT"} if scheme == "https" else {"GET", "POST"}), "the scheme's methods", methods)
    wrong = [words for words in logged if words[0] not in ("200", "206") or (port == "guarded" and words[-1] != USER)]
    check(not wrong, "every request passed on, with the user's name", wrong[:3])
    secret = [entry for entry in account.journal() if "proxy-authorization" in str(entry["headers"]).lower()]
    check(not secret, "no password at the server")
    return f"{figures}; {len(logged)} in squid's log"


def idle(squid: Squid) -> str:
    account = squid.stage.account("squid")
    with squid.client(account.url, "open") as client:
        return after_pauses(account, client)


def password(squid: Squid, scheme: str, credentials: str) -> str:
    account = squid.stage.account("squid")
    before = squid.statuses("guarded").count("407")
    with squid.client(base_url(account, scheme), "guarded", credentials) as client:
        error = failure(lambda: client.files.delete(1, PURPOSE))
    check(isinstance(error, mmx.ConnectError) and not error.ambiguous, "a ConnectError that is certain", error)
    said = "does not accept the user name and password" if credentials else "wants a user name and a password"
    check(f"the proxy 127.0.0.1:{squid.ports['guarded']} {said}" in str(error), "the proxy and what it wants", error)
    check("secret" not in str(error), "no password in the message", error)
    # What follows is logged behind it, so nothing is still to come. A tunnel would be logged when it ends.
    with squid.client(account.url, "guarded", QUOTED) as client:
        client.files.delete(2, PURPOSE)
    marker = ["200", "POST", f"{account.url}/v1/files/delete", USER]
    until(lambda: marker in squid.logged("guarded"), "the next request in squid's log")
    refusals = squid.statuses("guarded").count("407") - before
    check((refusals, error.attempts) == (1, 1), "one request with it", refusals, error.attempts)
    each_once(account, [2])
    return f"{refusals} with status 407; {error}"


def of_the_proxy(squid: Squid, port: str, errors: dict[str, mmx.Error], status: int, attempts: int) -> None:
    for name, error in errors.items():
        message = str(error)
        check(isinstance(error, mmx.ConnectError), f"{name}: a ConnectError", error)
        check(f"the proxy 127.0.0.1:{squid.ports[port]}" in message, f"{name}: the proxy named", message)
        check(f"HTTP {status}" in message, f"{name}: HTTP {status} in the message", message)
        check(
            not error.ambiguous and error.attempts == attempts, f"{name}: {attempts} attempts", error.attempts, message
        )
        words = message.split('"')[-1].lower()
        check("key" not in words and "region" not in words, f"{name}: no advice about keys and regions", message)


def failing(client: mmx.Client) -> dict[str, mmx.Error]:
    calls: dict[str, Callable[[], object]] = {
        "list": lambda: client.files.list(PURPOSE),
        "delete": lambda: client.files.delete(1, PURPOSE),
        "upload": lambda: client.files.upload(b"voice" * 2000, purpose=PURPOSE, filename="voice.mp3"),
    }
    return {name: failure(call) for name, call in calls.items()}


def refused(squid: Squid, scheme: str) -> str:
    account = squid.stage.account("squid")
    before = held(account)
    with squid.client(base_url(account, scheme), "refusing", max_attempts=2) as client:
        errors = failing(client)
    of_the_proxy(squid, "refusing", errors, 403, 2)
    check(account.count() == 0 and held(account) == before, "nothing to reach the server")
    return str(errors["delete"])


def away(squid: Squid, scheme: str) -> str:
    # A port that is bound and not listened at refuses connections, and nobody else gets it.
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"{scheme}://127.0.0.1:{closed.getsockname()[1]}"
        with squid.client(url, "open", max_attempts=2) as client:
            errors = failing(client)
    of_the_proxy(squid, "open", errors, 503, 2)
    return str(errors["delete"])
