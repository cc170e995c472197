"""Builds the package with libmmx inside, from the checkout around it. What is constant stands in pyproject.toml."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py
from setuptools.errors import SetupError

ROOT = Path(__file__).resolve().parents[2]
# setuptools would leave folders in the checkout, and take old files from them the next time.
SCRATCH = tempfile.mkdtemp(prefix="mmx-wheel-")


def build_library() -> Path:
    if not (ROOT / "Cargo.toml").exists() or not (ROOT / "packaging" / "lib.sh").exists():
        raise SetupError(
            "mmx is built from a checkout of libmmx, in bindings/python: there is no Rust source around this folder. "
            "Install a wheel instead"
        )
    needed = {"make": "make", "cargo": "Rust 1.88 or newer, for example with rustup", "cc": "a C compiler"}
    missing = [f"{tool} ({package})" for tool, package in needed.items() if not shutil.which(tool)]
    if missing:
        raise SetupError(
            f"mmx needs {', '.join(missing)} to build libmmx. Install what is missing, or a wheel "
            "that was built elsewhere with `make wheel`, which has the library inside"
        )
    command = ["make", "--silent", "--no-print-directory", "-C", str(ROOT), "lib", "release-folder"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise SetupError("libmmx can't be built; the reason is above")
    return Path(done.stdout.splitlines()[-1]) / "libmmx.so"


class BuildPy(build_py):
    def run(self) -> None:
        super().run()
        if not self.editable_mode:  # Such a package finds the library in the checkout.
            target = Path(self.build_lib) / "mmx" / "libmmx.so"
            shutil.copyfile(build_library(), target)
            target.chmod(0o755)


class Wheel(bdist_wheel):
    """A wheel for any Python 3, on systems with this processor and a glibc that is new enough for the library."""

    def finalize_options(self) -> None:
        super().finalize_options()
        self.root_is_pure = False

    def write_wheelfile(self, wheelfile_base: str, *more: str) -> None:
        super().write_wheelfile(wheelfile_base, *more)
        if self.library().exists():  # What is linked into it, where PEP 770 wants it.
            bill = Path(wheelfile_base) / "sboms" / "mmx.cdx.json"
            program = ROOT / "packaging" / "sbom.py"
            subprocess.run([sys.executable, program, "cargo", bill, "--library"], check=True)

    def library(self) -> Path:
        return Path(self.bdist_dir or "") / "mmx" / "libmmx.so"

    def get_tag(self) -> tuple[str, str, str]:
        library = self.library()
        machine = platform.machine()
        if not library.exists():  # Editable, or asked before it is built.
            return "py3", "none", f"linux_{machine}"
        versions = re.findall(rb"\0GLIBC_2\.(\d+)(?=\0)", library.read_bytes())
        return "py3", "none", f"manylinux_2_{max(map(int, versions))}_{machine}"


class WithLibrary(Distribution):
    def has_ext_modules(self) -> bool:
        return True


setup(
    cmdclass={"build_py": BuildPy, "bdist_wheel": Wheel},
    distclass=WithLibrary,
    options={"build": {"build_base": SCRATCH}, "egg_info": {"egg_base": SCRATCH}},
)
