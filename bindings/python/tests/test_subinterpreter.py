"""Calls in a sub-interpreter, and its end, which must not be that of the process."""

from __future__ import annotations

from pathlib import Path

import pytest

from stand_in import Account

PROGRAM = """
import sys

try:
    import _xxsubinterpreters as interpreters
    def make(kind):
        return interpreters.create(isolated=kind == "isolated")
except ImportError:
    import _interpreters as interpreters
    make = interpreters.create

CALLS = '''
import io, logging, sys

def attempt(call):
    try:
        print(call(), end=" ", flush=True)
    except (ImportError, RuntimeError) as error:
        print(type(error).__name__, flush=True)
        return False
    return True

def client():
    global mmx
    import mmx
    return "client" if mmx.Client() else ""

logging.getLogger("mmx").setLevel("DEBUG")
if attempt(client):
    files = mmx.Client().files
    progress = []
    attempt(lambda: files.delete(FIRST, "voice_clone").file_id - FIRST)
    attempt(lambda: files.upload(io.BytesIO(b"abc"), purpose="voice_clone", filename="a.mp3",
        progress=lambda *_: progress.append(1)).bytes)
    attempt(lambda: len(files.download(FIRST + 1).content) > 3 and bool(progress))
    attempt(lambda: files.delete_many(range(FIRST + 1, FIRST + 9), "voice_clone").raise_for_failures().deleted)
    attempt(lambda: len(files.prune(purpose="voice_clone", all=True, dry_run=True)) > 300)
    print()
'''

kind = sys.argv[1]
if "in-main-too" in sys.argv:
    import mmx
    mmx.Client().files.list()
for turn in range(3):
    made = make(kind)
    print(interpreters.run_string(made, CALLS.replace("FIRST", str(1 + 10 * turn))) or "", end="", flush=True)
    interpreters.destroy(made)
print("done")
"""

RIGHT = "client 0 3 True 8 True"


@pytest.mark.parametrize("main", ["alone", "in-main-too"])
@pytest.mark.parametrize("kind", ["legacy", "isolated"])
def test_calls(account: Account, tmp_path: Path, kind: str, main: str) -> None:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    *turns, done = account.run(program, kind, main).splitlines()
    assert done == "done"
    assert len(turns) == 3
    for line in turns:
        # An interpreter with a lock of its own may refuse ctypes.
        assert line.strip() == RIGHT or (kind == "isolated" and line == "ImportError")
    if RIGHT in turns[0]:
        assert account.count(call="delete", performed=1) == 27


ASYNCIO = """
import sys

try:
    import _xxsubinterpreters as interpreters
    made = interpreters.create(isolated=False)
except ImportError:
    import _interpreters as interpreters
    made = interpreters.create("legacy")

print(interpreters.run_string(made, '''
import mmx
try:
    mmx.AsyncClient()
except RuntimeError as error:
    print(error, flush=True)
''') or "", end="", flush=True)
interpreters.destroy(made)
"""


def test_what_needs_threads_says_so(account: Account, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text(ASYNCIO)
    assert "AsyncClient works in the main interpreter only" in account.run(program)
