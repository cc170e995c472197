"""The programs of docs/python.md run, and do what the page says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stand_in import PACKAGE, ROOT, TARGET, Account

PAGE = (ROOT / "docs" / "python.md").read_text()
# By the headings that they stand under; the first one has none.
BLOCKS = {
    part.partition("\n")[0]: re.findall(r"^```python\n(.*?)^```", part, re.MULTILINE | re.DOTALL)
    for part in re.split(r"^#+ ", PAGE, flags=re.MULTILINE)[1:]
}
PROGRAMS = [(f"{title} {number}", code) for title, blocks in BLOCKS.items() for number, code in enumerate(blocks, 1)]

# A server of the standard library calls the application, as gunicorn's workers do.
SERVE = """
import threading, urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server
class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments): pass
with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:
    threading.Thread(target=server.handle_request).start()
    print(urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}").read().decode())
"""


def test_every_part_has_its_program() -> None:
    wanted = (
        "Python",
        "Many files",
        "Files that go again",
        "Keys and gateways",
        "Threads",
        "asyncio",
        "multiprocessing",
        "gunicorn, uWSGI",
        "gevent",
    )
    assert all(BLOCKS[title] for title in wanted)


@pytest.mark.parametrize(("title", "code"), PROGRAMS, ids=[title for title, _ in PROGRAMS])
def test_a_program_of_the_page(title: str, code: str, account: Account, tmp_path: Path) -> None:
    (tmp_path / "voice.mp3").write_bytes(bytes(1000))
    (tmp_path / "program.py").write_text(code + (SERVE if "def application" in code else ""))
    account.add(file_id=5001, purpose="t2a_async", filename="chapter-1.tar")
    done = subprocess.run(
        [sys.executable, "-W", "error", "program.py", "voice.mp3"],
        cwd=tmp_path,
        env=account.environment(PYTHONPATH=str(PACKAGE)),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    wanted: dict[str, Any] = {
        "Python 1": "1000 bytes came back",
        "Many files 1": "5001 deleted",
        "Files that go again 1": "1000 bytes are in copy.mp3",
        "asyncio 1": "1000 bytes",
    }
    if "temporary(" in code:
        assert account.count(call="upload", performed=1) == account.count(call="delete", performed=1)
    assert wanted.get(title, "") in done.stdout
    assert done.stdout.strip()


def test_the_types_of_the_page_are_right(tmp_path: Path) -> None:
    for number, (_, code) in enumerate(PROGRAMS):
        (tmp_path / f"program_{number}.py").write_text(code)
    settings = ["--config-file", str(PACKAGE / "pyproject.toml"), "--cache-dir", str(TARGET / "mypy")]
    settings += ["--disable-error-code", "import-untyped"]  # gevent has no types.
    command = [sys.executable, "-m", "mypy", *settings, *sorted(map(str, tmp_path.glob("*.py")))]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
