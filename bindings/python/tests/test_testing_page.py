"""The code of docs/testing.md works as it is shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from stand_in import LIBRARY, PACKAGE, ROOT, TARGET, Account, Server

BLOCKS = (ROOT / "docs" / "testing.md").read_text().split("\n```")[1::2]
PROGRAM = """#include <mmx.h>
int main(void) {
    mmx_config *config = mmx_config_new();
    mmx_client *client = NULL;
    if (mmx_client_new(config, &client, NULL) != MMX_OK) return 3;
    mmx_status status = mmx_delete_file(client, 176844028768320, MMX_PURPOSE_VOICE_CLONE, NULL, NULL, NULL);
    mmx_client_free(client);
    mmx_config_free(config);
    return status;
}
"""


def blocks(language: str) -> list[str]:
    return [block.removeprefix(f"{language}\n") for block in BLOCKS if block.startswith(f"{language}\n")]


def run(server: Server, folder: Path, *command: str | Path) -> str:
    del server  # Its program has been built.
    environment = dict(os.environ, MMX_SANDBOX=str(TARGET / "debug" / "mmx-sandbox"))
    environment.update(PYTHONPATH=str(PACKAGE), MMX_LIBRARY=str(LIBRARY), LD_LIBRARY_PATH=str(LIBRARY.parent))
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_fixture_for_pytest(server: Server, tmp_path: Path) -> None:
    for block in blocks("python"):
        (tmp_path / block.partition("\n")[0].removeprefix("# ")).write_text(block)
    assert "1 passed" in run(server, tmp_path, sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_the_script_for_c(server: Server, tmp_path: Path) -> None:
    (tmp_path / "my-test.c").write_text(PROGRAM)
    (script,) = blocks("sh")
    (tmp_path / "test.sh").write_text(script)
    library = f"-L{LIBRARY.parent}"
    run(server, tmp_path, "cc", "my-test.c", f"-I{ROOT / 'include'}", library, "-lmmx", "-o", "my-test")
    run(server, tmp_path, "sh", "test.sh")


def test_programs_are_built_in_a_checkout_as_the_page_says(account: Account, tmp_path: Path) -> None:
    install, page = ((ROOT / "docs" / name).read_text() for name in ("install.md", "cpp.md"))
    lines = (
        install.partition("in a checkout")[2]
        .split("\n```\n")[1]
        .replace("$PWD/target", str(TARGET))
        .replace("$PWD", str(ROOT))
        .splitlines()
    )
    assert lines[0] == "make lib"
    program, build = page.split("\n```")[1:4:2]
    (tmp_path / "upload.cpp").write_text(program.removeprefix("cpp\n"))
    (tmp_path / "voice.mp3").write_bytes(bytes(1000))
    steps = [*lines[1:], *build.removeprefix("sh\n").splitlines(), 'python3 -c "import mmx; mmx.Client().files.list()"']
    script = "\n".join(step for step in steps if "MINIMAX_API_KEY=" not in step)
    done = subprocess.run(
        ["sh", "-euc", script], cwd=tmp_path, env=account.environment(), capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert "1000 bytes came back\n" in done.stdout
