"""The installed files: what is there, what the binaries export and need, and that uninstalling leaves nothing."""

from __future__ import annotations

import gzip
import os
import re
import subprocess
from pathlib import Path

import pytest

from conftest import ROOT, TARGET, Installed, make, run

OLDEST_GLIBC = (2, 34)
VERSION = "1.0.0"
ELSEWHERE = {"libc.so.6", "libm.so.6", "ld-linux-x86-64.so.2"}


def elves(prefix: Path) -> list[Path]:
    return [prefix / "lib" / f"libmmx.so.{VERSION}", prefix / "bin" / "mmx-files"]


def dynamic(path: Path, tag: str) -> list[str]:
    text = run(["readelf", "-d", "-W", str(path)], path.parent, {"PATH": os.environ["PATH"], "LC_ALL": "C"})
    return re.findall(rf"\({tag}\).*\[(.*?)\]", text)


def names() -> set[str]:
    return {line.split()[0] for line in (ROOT / "tests" / "abi" / "symbols.txt").read_text().splitlines()}


def test_the_files(installed: Installed) -> None:
    prefix = installed.prefix
    found = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir() or path.is_symlink()}
    manual = {f"share/man/man3/{name}.3" for name in names() | {"mmx"}}
    commands = {path for path in found if path.startswith("share/man/man1/mmx-files")}
    assert {"share/man/man1/mmx-files.1", "share/man/man1/mmx-files-delete.1"} <= commands
    headers = {f"include/{path.relative_to(ROOT / 'include')}" for path in (ROOT / "include").rglob("*.h*")}
    documents = ("LICENSE-MIT", "LICENSE-APACHE", "THIRD-PARTY.md", "README.md", "CHANGELOG.md")
    assert found - manual - commands - headers == {
        f"lib/libmmx.so.{VERSION}",
        "lib/libmmx.so.1",
        "lib/libmmx.so",
        "lib/libmmx.a",
        "lib/pkgconfig/mmx.pc",
        "lib/pkgconfig/mmx-static.pc",
        "lib/cmake/mmx/mmx-config.cmake",
        "lib/cmake/mmx/mmx-config-version.cmake",
        "bin/mmx-files",
        "share/bash-completion/completions/mmx-files",
        "share/zsh/site-functions/_mmx-files",
        "share/fish/vendor_completions.d/mmx-files.fish",
        *(f"share/doc/mmx/{name}" for name in (*documents, "mmx.cdx.json")),
    }
    assert manual | headers <= found
    assert os.readlink(prefix / "lib" / "libmmx.so.1") == f"libmmx.so.{VERSION}"
    assert os.readlink(prefix / "lib" / "libmmx.so") == "libmmx.so.1"
    assert run([str(prefix / "bin" / "mmx-files"), "--version"], prefix) == f"mmx-files {VERSION}\n"


def test_what_the_library_exports(installed: Installed) -> None:
    library = elves(installed.prefix)[0]
    assert dynamic(library, "SONAME") == ["libmmx.so.1"]
    listed = run(["nm", "-D", "--defined-only", str(library)], installed.prefix).split("\n")
    found = {line.split()[-1] for line in listed if line}
    assert found == {f"{name}@@MMX_1" for name in names()} | {"MMX_1"}


def test_what_the_binaries_need(installed: Installed) -> None:
    for path in elves(installed.prefix):
        assert set(dynamic(path, "NEEDED")) <= ELSEWHERE, path
        assert not dynamic(path, "RPATH") + dynamic(path, "RUNPATH"), path
        versions = re.findall(r"GLIBC_(\d+)\.(\d+)", run(["objdump", "-T", str(path)], installed.prefix))
        assert max((int(major), int(minor)) for major, minor in versions) == OLDEST_GLIBC, path


def test_no_file_names_a_folder_of_the_builder(installed: Installed) -> None:
    folders = {str(ROOT), str(TARGET), str(Path.home() / ".cargo"), os.environ.get("CARGO_HOME", str(ROOT)), "/staged"}
    for path in [*installed.prefix.rglob("*"), *(TARGET / "wheel").glob("*")]:
        if path.is_file():
            content = path.read_bytes()
            assert not [folder for folder in folders if folder.encode() in content], path


@pytest.mark.parametrize("name", ["mmx", "mmx_delete_file", "mmx_config_set_proxy"])
def test_manual_pages(installed: Installed, name: str) -> None:
    page = installed.prefix / "share" / "man" / "man3" / f"{name}.3"
    command = ["man", "--warnings=w", "-l", str(page)]
    environment = dict(os.environ) | {"LC_ALL": "C.UTF-8", "MANWIDTH": "100", "MAN_KEEP_FORMATTING": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    assert not done.stderr
    assert f"{name} - " in " ".join(done.stdout.split())
    assert "#include <mmx.h>" in done.stdout
    assert gzip.compress(page.read_bytes())  # Distributions compress them.


def test_every_function_has_a_page_with_its_parts(installed: Installed) -> None:
    for name in names():
        page = (installed.prefix / "share" / "man" / "man3" / f"{name}.3").read_text()
        assert f"{name}(" in page, name
        for part in ("NAME", "SYNOPSIS", "DESCRIPTION", "HISTORY", "SEE ALSO"):
            assert f'.SH "{part}"' in page or f".SH {part}" in page, f"{name}: {part}"
        assert "@" not in page.replace("user:password@host", ""), name


def test_third_party_is_up_to_date() -> None:
    make("third-party-check")


@pytest.mark.parametrize("libdir", ["lib", "lib/x86_64-linux-gnu"])
def test_uninstalling_leaves_nothing(tmp_path: Path, libdir: str) -> None:
    variables = [f"DESTDIR={tmp_path}/a folder", "PREFIX=/usr", f"LIBDIR=/usr/{libdir}"]
    make("install", *variables)
    usr = tmp_path / "a folder" / "usr"
    shown = run(
        ["pkg-config", "--variable=includedir", "mmx"],
        usr,
        {"PATH": os.environ["PATH"], "PKG_CONFIG_PATH": str(usr / libdir / "pkgconfig")},
    )
    assert Path(shown.strip().replace("\\ ", " ")).resolve() == usr / "include"
    assert (usr / libdir / "cmake" / "mmx" / "mmx-config.cmake").exists()
    make("uninstall", *variables)
    left = [path for path in (tmp_path / "a folder").rglob("*") if not path.is_dir() or "mmx" in path.name]
    assert left == []


def test_a_panic_is_caught_in_a_library_that_is_linked_so(tmp_path: Path) -> None:
    """The static unwinder works: the library turns a panic into an error instead of ending the process."""
    (tmp_path / "caught.rs").write_text(
        '#[unsafe(no_mangle)] pub extern "C" fn mmx_caught(n: i32) -> i32 {\n'
        '    std::panic::catch_unwind(|| if n == 7 { panic!("seven") }).map_or(1, |()| 0)\n}\n'
    )
    run(["rustc", "--edition", "2024", "--crate-type", "staticlib", "-O", "-o", "caught.a", "caught.rs"], tmp_path)
    run(["sh", str(ROOT / "packaging" / "link.sh"), "cc", "caught.a", "caught.so"], tmp_path)
    (tmp_path / "main.c").write_text(
        "#include <threads.h>\nint mmx_caught(int);\nstatic int in_thread(void *n) { return mmx_caught(*(int *)n); }\n"
        "int main(void) { int n = 7, caught = 0; thrd_t thread; thrd_create(&thread, in_thread, &n);\n"
        "    thrd_join(thread, &caught); return !(caught == 1 && mmx_caught(7) == 1 && mmx_caught(1) == 0); }\n"
    )
    run(["cc", "main.c", "./caught.so", "-o", "main", "-pthread"], tmp_path)
    (tmp_path / "libmmx.so.1").symlink_to("caught.so")
    run(["./main"], tmp_path, {"LD_LIBRARY_PATH": str(tmp_path)})
