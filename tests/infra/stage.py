"""What the scenarios share: a folder, ports, a certificate, programs that end when the run does."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mmx
from stand_in import Account, Server

HERE = Path(__file__).resolve().parent
# Of a single call, so that no scenario waits for ever.
CALL_SECONDS = 40


class Wrong(Exception):
    """A call did not end as it should have."""


def check(holds: object, expected: object, *got: object) -> None:
    if not holds:
        raise Wrong(f"expected {expected}" + "".join(f"; got {what!r}" for what in got))


def until(condition: Callable[[], object], expected: str, seconds: float = 20) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < limit, f"{expected} within {seconds} s")
        time.sleep(0.02)


def find(program: str) -> str | None:
    """Daemons are in folders that a user's PATH may lack."""
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def free_port() -> int:
    with socket.socket() as any_socket:
        any_socket.bind(("127.0.0.1", 0))
        port: int = any_socket.getsockname()[1]
        return port


def is_open(port: int) -> bool:
    with socket.socket() as any_socket:
        any_socket.settimeout(1)
        return any_socket.connect_ex(("127.0.0.1", port)) == 0


@dataclass(frozen=True)
class Scenario:
    name: str
    # Returns figures for the line of the scenario.
    run: Callable[[], str]
    # A daemon may look for a route to other hosts when it starts; the calls never do.
    starts_programs: bool = False


class Stage:
    def __init__(self, folder: Path, server: Server) -> None:
        self.folder = folder
        self.server = server
        self.certificate = folder / "server.pem"
        self.ca_file = folder / "trusted.pem"
        self._make_certificate()
        self._accounts = 0

    def _make_certificate(self) -> None:
        openssl = find("openssl")
        check(openssl, "openssl, of the package openssl")
        request = [str(openssl), "req", "-x509", "-config", str(HERE / "certificate.cnf"), "-days", "2", "-nodes"]
        request += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
        authority, key = self.folder / "authority.pem", self.folder / "authority.key"
        leaf, leaf_key = self.folder / "leaf.pem", self.folder / "leaf.key"
        of_authority = ["-extensions", "authority", "-subj", "/CN=mmx infra CA", "-keyout", str(key)]
        of_server = ["-extensions", "server", "-keyout", str(leaf_key), "-CA", str(authority), "-CAkey", str(key)]
        for words, out in ((of_authority, authority), (of_server, leaf)):
            done = subprocess.run([*request, *words, "-out", str(out)], capture_output=True, text=True, timeout=60)
            check(done.returncode == 0, "a certificate from openssl", done.stderr)
        self.certificate.write_text(leaf.read_text() + leaf_key.read_text())
        # Links lead to the stand-in server's own store.
        self.ca_file.write_text(authority.read_text() + Path(self.server.ca_file).read_text())

    def account(self, name: str) -> Account:
        self._accounts += 1
        return Account(self.server, f"infra-{name}-{self._accounts}")

    def client(self, base_url: str, **settings: Any) -> mmx.Client:
        return mmx.Client(self.server.key, base_url, timeout=CALL_SECONDS, ca_file=self.ca_file, **settings)

    def render(self, template: str, place: Path, **values: object) -> Path:
        """Writes a configuration: each @name@ of the template becomes a value."""
        text = (HERE / template).read_text()
        for name, value in values.items():
            text = text.replace(f"@{name}@", str(value))
        path = place / template
        path.write_text(text)
        return path

    @contextmanager
    def running(self, name: str, command: list[str], port: int) -> Iterator[subprocess.Popen[bytes]]:
        """Runs a program until the block is left; waits until it listens."""
        log = self.folder / name / "output.log"
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            until(lambda: process.poll() is not None or is_open(port), f"{name} to listen")
            check(process.poll() is None, f"{name} to run", log.read_text(errors="replace")[-2000:])
            yield process
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(timeout=10)


def lines(path: Path) -> list[str]:
    return path.read_text(errors="replace").splitlines() if path.exists() else []


def failure(call: Callable[[], object]) -> mmx.Error:
    """The error of a call, which must fail."""
    try:
        result = call()
    except mmx.Error as error:
        return error
    raise Wrong(f"expected an error; got {result!r}")
