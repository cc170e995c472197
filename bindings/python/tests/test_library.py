"""The search for the library, and the errors for a wrong one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import mmx
from mmx import _library
from stand_in import LIBRARY, PACKAGE, ROOT

NEEDS = f"this mmx package, {mmx.__version__}, needs ABI version 1"
SHOW = "from mmx import _library; print(_library.load()._name)"
VERSIONS = 'unsigned mmx_abi_version(void) {{ return {abi}; }} const char *mmx_version(void) {{ return "{version}"; }}'
CLIENT = "import mmx; mmx.Client('key')"


def python(program: str, package: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-B", "-c", program],
        cwd=package,  # -c looks there first.
        env=environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


def loaded(package: Path, **environment: str) -> str:
    done = python(SHOW, package, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def refusal(package: Path, **environment: str) -> str:
    done = python(CLIENT, package, **environment)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("ImportError: "), done.stderr
    return last


def stub(folder: Path, source: str) -> str:
    path = folder / "libstub.so"
    (folder / "stub.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", folder / "stub.c", "-o", path], check=True)
    return str(path)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the package where it lies in a checkout, with nothing built."""
    package = tmp_path / "checkout" / "bindings" / "python"
    shutil.copytree(PACKAGE / "mmx", package / "mmx", ignore=shutil.ignore_patterns("__pycache__", "*.so"))
    include = tmp_path / "checkout" / "include"
    include.mkdir()
    shutil.copy(ROOT / "include" / "mmx.h", include)
    return package


def test_the_order_in_which_it_is_looked_for(checkout: Path, tmp_path: Path) -> None:
    system = tmp_path / "system"
    system.mkdir()
    shutil.copy(LIBRARY, system / "libmmx.so.1")
    with_system = {"LD_LIBRARY_PATH": str(system)}
    assert loaded(checkout, **with_system) == "libmmx.so.1"

    built = checkout.parents[1] / "target" / "release" / "libmmx.so"
    built.parent.mkdir(parents=True)
    shutil.copy(LIBRARY, built)
    assert loaded(checkout, **with_system) == str(built)

    packaged = checkout / "mmx" / "libmmx.so"
    shutil.copy(LIBRARY, packaged)
    assert loaded(checkout, **with_system) == str(packaged)

    named = shutil.copy(LIBRARY, tmp_path / "named.so")
    assert loaded(checkout, MMX_LIBRARY=str(named), **with_system) == str(named)


def test_a_target_folder_that_is_not_a_checkouts_is_left_alone(checkout: Path) -> None:
    built = checkout.parents[1] / "target" / "release" / "libmmx.so"
    built.parent.mkdir(parents=True)
    built.write_text("not a library")
    (checkout.parents[1] / "include" / "mmx.h").unlink()
    assert "libmmx.so.1" in refusal(checkout)


def test_none_is_found(checkout: Path) -> None:
    assert refusal(checkout).startswith("ImportError: libmmx can't be loaded from libmmx.so.1: ")


@pytest.mark.parametrize("name", ["missing.so", "text.so"])
def test_the_named_one_is_not_replaced_by_another(tmp_path: Path, name: str) -> None:
    (tmp_path / "text.so").write_text("not a library")
    path = str(tmp_path / name)
    said = refusal(PACKAGE, MMX_LIBRARY=path)
    assert said.startswith(f"ImportError: libmmx can't be loaded from {path}: ")
    assert "MMX_LIBRARY" in said
    assert NEEDS in said


def test_another_abi_is_refused_with_path_and_versions(tmp_path: Path) -> None:
    path = stub(tmp_path, VERSIONS.format(abi=99, version="7.0"))
    said = refusal(PACKAGE, MMX_LIBRARY=path)
    assert said == f"ImportError: {path} is libmmx 7.0 with ABI version 99; {NEEDS}. Install versions that fit"
    with pytest.raises(ImportError) as caught:
        _library.open_library(path)
    assert caught.value.path == path


def test_another_library_is_refused(tmp_path: Path) -> None:
    path = stub(tmp_path, "int other(void) { return 0; }")
    assert refusal(PACKAGE, MMX_LIBRARY=path).startswith(f"ImportError: {path} isn't libmmx: ")


def test_one_that_lacks_a_function_is_refused(tmp_path: Path) -> None:
    path = stub(tmp_path, VERSIONS.format(abi=1, version="0.9"))
    said = refusal(PACKAGE, MMX_LIBRARY=path)
    assert said.startswith(f"ImportError: {path} is libmmx 0.9 with ABI version 1, but lacks a function; {NEEDS}: ")
    assert "mmx_status_name" in said
