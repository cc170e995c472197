"""The library built for a named target, from a path with a space into a folder that cargo's configuration names."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path

from conftest import ROOT, Account, run

HOST = f"{platform.machine()}-unknown-linux-gnu"


def test_a_named_target_in_a_folder_with_a_space(account: Account, tmp_path: Path) -> None:
    checkout = tmp_path / "a b"
    checkout.mkdir()
    listed = run(["git", "ls-files", "-z", "--cached"], ROOT)
    subprocess.run(
        ["tar", "-c", "--null", "-T", "-", "-f", tmp_path / "a.tar"], cwd=ROOT, input=listed.encode(), check=True
    )
    run(["tar", "-xf", str(tmp_path / "a.tar")], checkout)
    (checkout / ".cargo").mkdir(exist_ok=True)
    (checkout / ".cargo" / "config.toml").write_text('[build]\ntarget-dir = "else where"\n')
    environment = {**os.environ, "CARGO_BUILD_TARGET": HOST}
    environment.pop("CARGO_TARGET_DIR", None)
    subprocess.run(["make", "--silent", "lib"], cwd=checkout, env=environment, check=True, timeout=1500)
    target = checkout / "else where"
    assert (target / "release" / "libmmx.so.1").resolve().is_file()

    environment["PKG_CONFIG_PATH"] = str(target / "pkgconfig")
    script = 'eval "cc -Wall delete.c $(pkg-config --cflags --libs mmx) -o delete"'
    (tmp_path / "delete.c").write_text((ROOT / "examples" / "c" / "delete.c").read_text())
    run(["sh", "-euc", script], tmp_path, environment)
    account.deletes([str(tmp_path / "delete")], tmp_path, environment)
