"""The stand-in server of tests/sandbox as a process, and its control interface."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import mmx

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
LIBRARY = TARGET / "release" / "libmmx.so"

# A file that the stand-in server has in every account.
FILE = 176844028768320
PURPOSE = mmx.PURPOSE_VOICE_CLONE


class Server:
    def __init__(self) -> None:
        program = TARGET / "debug" / "mmx-sandbox"
        sources = (ROOT / "tests" / "sandbox" / "src").rglob("*.*")
        if not program.exists() or any(one.stat().st_mtime > program.stat().st_mtime for one in sources):
            subprocess.run(["cargo", "build", "--quiet", "--package", "mmx-sandbox"], cwd=ROOT, check=True)
        self.process = subprocess.Popen(
            # It refuses whatever the library doesn't send, and ends when this process does, however that comes.
            [program, "--ready-json", "--strict", "--stop-with-stdin"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.key: str = ready["api_key"]
        self.ca_file: str = ready["ca_file"]
        self.http: str = ready["http_url"]
        self.https: str = ready["https_url"]
        # Those with invalid certificates.
        self.untrusted = {
            name: ready[f"{name}_url"] for name in ("https_expired", "https_wrong_host", "https_unknown_ca")
        }
        # One that is its own authority, with the file that says so, and one whose chain is not sent whole.
        self.https_self_signed: str = ready["https_self_signed_url"]
        self.self_signed_file: str = ready["self_signed_file"]
        self.https_no_intermediate: str = ready["https_no_intermediate_url"]
        self.address = self.http.removeprefix("http://")
        self.store: str = ready["store_url"].removeprefix("http://")
        self.https_store: str = ready["https_store_url"].removeprefix("https://")

    def stop(self) -> None:
        # It stops when its standard input ends.
        self.process.communicate(timeout=10)

    def control(self, method: str, path: str, body: object = None) -> str:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, f"/control/{path}", data, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        assert answer.status < 300, f"{method} /control/{path}: {answer.status} {text}"
        return text


class Account:
    """An account at the server for one test, with the files 1 to 400 and the seeded ones."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.url = f"{server.http}/t/{name}"
        self.https_url = f"{server.https}/t/{name}"
        server.control("POST", f"{name}/reset")
        server.control("POST", f"{name}/files", {"count": 400, "first_id": 1, "purpose": PURPOSE})

    def client(self, **settings: Any) -> mmx.Client:
        return mmx.Client(self.server.key, self.url, **settings)

    def settings(self, **settings: object) -> None:
        """Sets the account's settings; those set before are gone."""
        self.server.control("POST", f"{self.name}/settings", settings)

    def fault(self, **fault: object) -> None:
        self.server.control("POST", f"{self.name}/faults", fault)

    def count(self, **only: int | str) -> int:
        query = "&".join(f"{name}={value}" for name, value in only.items())
        return int(self.server.control("GET", f"{self.name}/count?{query}"))

    def wait(self, **until: int | str) -> None:
        query = "&".join(f"{name}={value}" for name, value in until.items())
        self.server.control("GET", f"{self.name}/wait?{query}")

    def add(self, **fields: object) -> None:
        self.server.control("POST", f"{self.name}/files", [{"purpose": PURPOSE, **fields}])

    def sha256(self, file_id: int) -> str:
        return self.server.control("GET", f"{self.name}/sha256?file_id={file_id}").strip()

    def upload(self) -> dict[str, Any]:
        """The journal's entry of the last upload."""
        uploads: list[dict[str, Any]] = [entry["upload"] for entry in self.journal() if entry.get("upload")]
        return uploads[-1]

    def journal(self) -> list[Any]:
        entries: list[Any] = json.loads(self.server.control("GET", f"{self.name}/journal"))
        return entries

    def environment(self, **more: str) -> dict[str, str]:
        """The environment of a Python process whose clients need no arguments."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR", "MMX_LIBRARY") if name in os.environ}
        own = {"PYTHONPATH": str(PACKAGE), "MINIMAX_API_KEY": self.server.key, "MINIMAX_BASE_URL": self.url}
        return kept | own | more

    def start(self, program: str | Path, *flags: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command(program, flags),
            env=self.environment(**more),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, program: str | Path, *flags: str, **more: str) -> str:
        """Runs a program, which must succeed, and returns its output."""
        return finish(self.start(program, *flags, **more))


def command(program: str | Path, flags: Sequence[str]) -> list[str]:
    """The command line of a program given as text, or as a file and its arguments."""
    if isinstance(program, Path):
        return [sys.executable, "-W", "error", str(program), *flags]
    return [sys.executable, "-W", "error", *flags, "-c", program]


def finish(process: subprocess.Popen[str], code: int = 0, seconds: float = 30) -> str:
    try:
        printed, errors = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        printed, errors = process.communicate()
        raise AssertionError(f"not done after {seconds} s\n{printed}\n{errors}") from None
    assert process.returncode == code, f"ended with {process.returncode}\n{printed}\n{errors}"
    assert code or not errors, errors
    return printed


def fork_in_a_handler(account: Account, program: str) -> None:
    """Runs a program that deletes file 1 and, on SIGUSR1, forks; the child deletes file 2."""
    account.fault(hang=True)
    process = account.start(program)
    account.wait(count=1)
    process.send_signal(signal.SIGUSR1)
    account.wait(count=1, file_id=2, performed=1)
    process.send_signal(signal.SIGINT)
    assert finish(process) == "interrupted\n"


def until(condition: Callable[[], bool]) -> None:
    limit = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < limit, "it never came to that"
        time.sleep(0.002)
