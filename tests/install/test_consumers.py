"""Programs that are built in an empty folder with the lines of docs/install.md alone, and then delete a file."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT, TARGET, Account, Installed, run

CONSUMERS = {
    "C and C++": ("delete", "delete-cc"),
    "Makefile": ("delete",),
    "CMake": ("build/delete", "build/delete-static"),
    "Meson": ("build/delete",),
    "Static": ("delete", "delete-static"),
    "Go": ("delete", "delete-static"),
}


def needs_libmmx(program: Path) -> bool:
    return "libmmx.so.1" in run(["readelf", "-d", "-W", str(program)], program.parent)


@pytest.mark.parametrize("heading", CONSUMERS)
def test_the_lines_of_the_page_build_a_program_that_deletes(
    heading: str, installed: Installed, account: Account, tmp_path: Path
) -> None:
    environment = installed.build(heading, tmp_path, LIBMMX=str(ROOT))
    for name in CONSUMERS[heading]:
        program = tmp_path / name
        is_static = "static" in name or heading == "Static"
        assert needs_libmmx(program) != is_static, name
        if is_static:  # It runs where the library isn't installed.
            environment = {name: value for name, value in environment.items() if name != "LD_LIBRARY_PATH"}
        account.deletes([str(program)], tmp_path, environment)


def test_cmake_takes_no_other_major_version(installed: Installed, tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "CMAKE_PREFIX_PATH": str(installed.prefix)}
    for version, fits in [
        ("1", True),
        ("1.0", True),
        ("1.0.0 EXACT", True),
        ("1.1", False),
        ("2", False),
        ("0.9", False),
    ]:
        script = f"cmake_minimum_required(VERSION 3.16)\nproject(p C)\nfind_package(mmx {version} CONFIG REQUIRED)\n"
        (tmp_path / "CMakeLists.txt").write_text(script)
        command = ["cmake", "-S", ".", "-B", f"build-{version.replace(' ', '-')}"]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
        assert (done.returncode == 0) == fits, f"{version}: {done.stderr}"


@pytest.mark.parametrize("standard", ["c++17", "c++20"])
def test_every_installed_header_compiles_alone(installed: Installed, tmp_path: Path, standard: str) -> None:
    headers = sorted((installed.prefix / "include").glob("*.h*"))
    assert {header.name for header in headers} == {header.name for header in (ROOT / "include").glob("*.h*")}
    for header in headers:
        (tmp_path / "alone.cc").write_text(f"#include <{header.name}>\nint main() {{ return 0; }}\n")
        flags = [f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{installed.prefix / 'include'}"]
        run(["c++", *flags, "-fsyntax-only", "alone.cc"], tmp_path)


def test_the_wheel_deletes_in_an_environment_that_never_saw_the_checkout(account: Account, tmp_path: Path) -> None:
    (wheel,) = (TARGET / "wheel").glob("*.whl")
    assert wheel.name.endswith("-py3-none-manylinux_2_34_x86_64.whl")
    # Neither cargo nor any variable that leads to the checkout or to an installed library.
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(tmp_path), "WHEEL": str(wheel)}
    run(["python3", "-m", "venv", str(tmp_path / "venv")], tmp_path)  # The system's own may lack the module.
    lines = [line for line in _python_lines() if " -m venv " not in line]
    run(["sh", "-euc", "\n".join(lines)], tmp_path, environment)
    python = str(tmp_path / "venv" / "bin" / "python")
    loaded = "import mmx; from mmx import _library; mmx.Client('k'); print(_library.load()._name)"
    path = Path(run([python, "-I", "-c", loaded], tmp_path, environment).strip())
    assert tmp_path in path.parents
    program = "import sys, mmx; mmx.Client().files.delete(int(sys.argv[1]), sys.argv[2])"
    account.deletes([python, "-I", "-c", program], tmp_path, environment)


def _python_lines() -> list[str]:
    from conftest import Page

    return Page.read("Python").shell.splitlines()


def left_by_pip() -> set[str]:
    return {path.name for path in (ROOT / "bindings" / "python").iterdir()} & {"build", "mmx.egg-info", "dist"}


def test_pip_builds_the_library_from_a_checkout(account: Account, tmp_path: Path) -> None:
    """Twice: the second time nothing old is taken, and nothing is left in the checkout by either."""
    run(["python3", "-m", "venv", str(tmp_path / "venv")], tmp_path)
    python = str(tmp_path / "venv" / "bin" / "python")
    program = "import sys, mmx; mmx.Client().files.delete(int(sys.argv[1]), sys.argv[2])"
    where = "import mmx; from mmx import _library; mmx.Client('k'); print(_library.load()._name)"
    for file_id in (7, 8):
        run([python, "-m", "pip", "install", "--force-reinstall", str(ROOT / "bindings" / "python")], tmp_path)
        assert not left_by_pip()
        path = Path(run([python, "-I", "-c", where], tmp_path).strip())
        assert tmp_path in path.parents
        assert path.read_bytes() == (TARGET / "release" / "libmmx.so").read_bytes()
        account.deletes([python, "-I", "-c", program], tmp_path, {"PATH": "/usr/bin:/bin"}, file_id)


def test_pip_says_what_it_lacks_to_build_the_library(tmp_path: Path) -> None:
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("make", "cc", "sh"):
        (tools / tool).symlink_to(Path("/usr/bin") / tool)
    python = TARGET / "venv" / "bin" / "python"
    command = [
        str(python),
        "-m",
        "pip",
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        str(ROOT / "bindings" / "python"),
    ]
    environment = {"PATH": str(tools), "HOME": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode != 0
    assert "mmx needs cargo (Rust 1.88 or newer, for example with rustup) to build libmmx" in done.stdout + done.stderr
    assert not left_by_pip()


def test_go_without_cgo_names_cgo(tmp_path: Path) -> None:
    environment = dict(os.environ) | {"CGO_ENABLED": "0"}
    command = ["go", "vet", "."]
    done = subprocess.run(
        command, cwd=ROOT / "bindings" / "go", env=environment, capture_output=True, text=True, timeout=100
    )
    assert done.returncode != 0
    assert "CGO_ENABLED" in done.stderr
