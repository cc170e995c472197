"""The package as a whole: quick to import, complete, and as in its examples."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import mmx
from stand_in import FILE, PACKAGE, ROOT, TARGET, Account

EXAMPLE = ROOT / "examples" / "python" / "delete.py"
PRUNE = ROOT / "examples" / "python" / "prune.py"
LIFE = ROOT / "examples" / "python" / "life.py"


def test_import_takes_less_than_30_ms(tmp_path: Path) -> None:
    program = "from time import perf_counter as now; began = now(); import mmx; print(now() - began)"
    environment = {"PYTHONPATH": str(PACKAGE), "PYTHONPYCACHEPREFIX": str(tmp_path)}
    taken: list[float] = []
    # The fastest of several: the machine may be busy.
    while len(taken) < 60 and min(taken, default=1) >= 0.030:
        command = [sys.executable, "-c", program]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        taken.append(float(done.stdout))
    assert min(taken) < 0.030, taken


def test_import_loads_no_library_and_nothing_slow() -> None:
    program = "import sys, mmx; print(*sys.modules); print('libmmx' in open('/proc/self/maps').read())"
    # Without `site`, which may import other modules.
    command = [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(PACKAGE)!r}); {program}"]
    modules, loaded = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert not {"typing", "dataclasses", "inspect", "re", "enum", "json", "signal", "asyncio"} & set(modules.split())
    assert loaded == "False"


def test_everything_that_is_promised_is_there() -> None:
    assert sorted(mmx.__all__) == sorted(set(mmx.__all__))
    for name in mmx.__all__:
        value = getattr(mmx, name)
        if isinstance(value, type):
            assert value.__module__ == "mmx"
            assert value.__doc__
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        mmx.Nothing  # type: ignore[attr-defined]  # noqa: B018
    assert (PACKAGE / "mmx" / "py.typed").exists()


def test_versions_agree() -> None:
    assert f'\nversion = "{mmx.__version__}"\n' in (PACKAGE / "pyproject.toml").read_text()


PAGES = ("README.md", "docs/cleaning-up.md", "docs/errors.md", "bindings/python/README.md")
# Declarations for the code on pages.
GIVEN = """
from __future__ import annotations
import logging
from datetime import timedelta
import mmx
"""


def test_the_code_on_pages_compiles_and_has_right_types(tmp_path: Path) -> None:
    program, count = GIVEN, 0
    for page in PAGES:
        for block in (ROOT / page).read_text().split("\n```python\n")[1:]:
            code = block.partition("```")[0]
            compile(code, page, "exec")
            if "dict(" in code:
                continue  # Its values have no types.
            program += f"def piece_{count}(client: mmx.Client, ids: list[int]) -> None:\n"
            program += textwrap.indent(code, "    ")
            count += 1
    assert count >= 6
    path = tmp_path / "pages.py"
    path.write_text(program)
    settings = ["--config-file", str(PACKAGE / "pyproject.toml"), "--cache-dir", str(TARGET / "mypy")]
    command = [sys.executable, "-m", "mypy", *settings, str(path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_example_is_short_and_deletes(account: Account) -> None:
    assert len(EXAMPLE.read_text().splitlines()) < 30
    assert account.run(EXAMPLE, str(FILE), "voice_clone") == f"deleted: {FILE}\n"
    assert account.count(file_id=FILE, performed=1) == 1


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([str(FILE), "no_such"], 1, "mmx.InvalidRequestError: delete_file: "),
        ([str(FILE)], 2, "usage: "),
        (["x", "voice_clone"], 2, "usage: "),
    ],
)
def test_the_example_says_what_is_wrong(account: Account, arguments: list[str], code: int, said: str) -> None:
    process = account.start(EXAMPLE, *arguments)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == code
    assert said in errors
    assert "Traceback" not in errors


def test_the_example_of_a_whole_life(account: Account, tmp_path: Path) -> None:
    assert len(LIFE.read_text().splitlines()) < 40
    path = tmp_path / "a.mp3"
    path.write_bytes(bytes(100_000))
    process = account.start(LIFE, str(path), "prompt_audio")
    printed, said = process.communicate(timeout=30)
    assert process.returncode == 0, said
    assert said.endswith("\n100 %\n")
    *rows, retrieved, compared, deleted = printed.splitlines()
    file_id = int(deleted.removeprefix("deleted: "))
    (row,) = [row for row in rows if str(file_id) in row]
    assert row.split()[:2] == [str(file_id), "100000"]
    assert row.endswith("'a.mp3'")
    assert retrieved.startswith(f"retrieved: File(file_id={file_id}, bytes=100000")
    assert "http" not in retrieved
    assert compared == "the same 100000 bytes"
    assert len(account.client().files.list("prompt_audio")) == len(rows) - 1
    process = account.start(LIFE, str(tmp_path / "none"), "prompt_audio")
    assert process.communicate(timeout=30)[1].startswith("mmx.FileError: upload_file: ")
    assert process.returncode == 1


def test_the_example_that_prunes(account: Account) -> None:
    assert len(PRUNE.read_text().splitlines()) < 45
    account.add(file_id=900, purpose=mmx.PURPOSE_T2A_ASYNC, created_at=1_700_000_000, filename="a\x1b.tar")
    shown = account.run(PRUNE, mmx.PURPOSE_T2A_ASYNC, "7")
    assert "'a\\x1b.tar'" in shown
    assert account.count(call="delete") == 0
    assert account.run(PRUNE, mmx.PURPOSE_T2A_ASYNC, "7", "--yes").startswith(shown)
    assert account.count(call="delete", file_id=900, performed=1) == 1
    account.add(file_id=901, purpose=mmx.PURPOSE_T2A_ASYNC, created_at=1_700_000_000)
    account.fault(call="delete", code=2013, times=-1)
    process = account.start(PRUNE, mmx.PURPOSE_T2A_ASYNC, "7", "--yes")
    assert "901 is failed: prune_files: " in process.communicate(timeout=30)[1]
    assert process.returncode == 1
