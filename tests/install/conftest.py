"""An installed prefix that was moved, the code blocks of docs/install.md, and the stand-in server."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TARGET = Path(os.environ["MMX_TARGET"])
# Where a checkout's programs are found, and what a build may need of the machine; nothing of this checkout.
KEPT = ("PATH", "HOME", "TMPDIR", "LANG", "GOPATH", "GOCACHE", "GOMODCACHE", "GOTOOLCHAIN")
PURPOSE = "voice_clone"


def run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def make(*arguments: str) -> str:
    return run(["make", "--silent", "--no-print-directory", *arguments], ROOT)


@dataclass
class Page:
    """The code blocks under a heading of docs/install.md: files by their names, and the lines for a shell."""

    files: dict[str, str]
    shell: str

    @classmethod
    def read(cls, heading: str) -> Page:
        text = (ROOT / "docs" / "install.md").read_text()
        (section,) = re.findall(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
        blocks = re.findall(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
        files = {name: content for _, name, content in blocks if name}
        return cls(files, "".join(content for language, name, content in blocks if language == "sh" and not name))


@dataclass
class Installed:
    prefix: Path

    def build(self, heading: str, folder: Path, **more: str) -> dict[str, str]:
        """Runs a section of the page in a folder and returns the environment that it ran in."""
        page = Page.read(heading)
        assert page.shell
        for name, content in page.files.items():
            (folder / name).write_text(content)
        for name in ("delete.c", "delete.cc"):
            if name in page.shell + "".join(page.files.values()):
                shutil.copy(ROOT / "examples" / "c" / "delete.c", folder / name)
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        exports = Page.read("Build and install").shell
        # Go's build cache doesn't notice what pkg-config answers: without this, a later build would get this prefix.
        kept["CGO_CFLAGS"] = f"-g -O2 -DMMX_TEST_PREFIX={zlib.crc32(bytes(self.prefix))}"
        given = run(["sh", "-euc", f"{exports}\nenv -0"], folder, kept | {"PREFIX": str(self.prefix)} | more)
        environment = dict(line.split("=", 1) for line in given.split("\0") if line)
        run(["sh", "-euc", page.shell], folder, environment)
        return environment


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("installed")
    make("install", f"DESTDIR={folder}", "PREFIX=/staged/mmx")
    # Moved, since nothing in it may depend on where it was installed.
    return Installed((folder / "staged" / "mmx").rename(folder / "moved"))


@dataclass
class Account:
    address: str
    name: str
    key: str
    https_url: str

    def control(self, method: str, path: str, body: object = None) -> str:
        connection = http.client.HTTPConnection(self.address, timeout=30)
        connection.request(
            method, f"/control/{self.name}/{path}", json.dumps(body), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        assert answer.status < 300, text
        return text

    def deletes(self, command: list[str], folder: Path, environment: dict[str, str], file_id: int = 7) -> None:
        """Checks that a command, with an id and a purpose behind it, deletes that file at the server."""
        self.control("POST", "reset")
        self.control("POST", "files", [{"file_id": file_id, "purpose": PURPOSE}])
        own = {"MINIMAX_API_KEY": self.key, "MINIMAX_BASE_URL": f"http://{self.address}/t/{self.name}"}
        run([*command, str(file_id), PURPOSE], folder, environment | own)
        assert self.control("GET", f"count?call=delete&file_id={file_id}&performed=1") == "1"


@pytest.fixture(scope="session")
def server() -> Iterator[dict[str, str]]:
    process = subprocess.Popen(
        [TARGET / "debug" / "mmx-sandbox", "--ready-json", "--strict", "--stop-with-stdin"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    yield json.loads(process.stdout.readline())
    process.communicate(timeout=10)


@pytest.fixture
def account(server: dict[str, str], request: pytest.FixtureRequest) -> Account:
    name = re.sub(r"\W+", "-", f"install-{request.node.name}")
    https_url = f"{server['https_url'].replace('127.0.0.1', 'localhost')}/t/{name}"
    return Account(server["http_url"].removeprefix("http://"), name, server["api_key"], https_url)
