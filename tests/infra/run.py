"""Runs the five calls, a bulk delete and a prune through nginx, HAProxy, squid and toxiproxy.

They run in a network namespace that has the loopback device alone, so none of them can reach any other host, and in a
process namespace that ends with this program, however that comes. A program that isn't there is a failure: name those
that you have to leave the others out.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stage import Scenario

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("bindings/python", "bindings/python/tests", "tests/clients", "tests/infra")
TOXIPROXY = "github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0"
# Debian's packages; of toxiproxy there is none.
PACKAGES = {
    "nginx": ("nginx", "install the package nginx-light or nginx"),
    "haproxy": ("haproxy", "install the package haproxy"),
    "squid": ("squid", "install the package squid"),
    "toxiproxy": ("toxiproxy-server", f"go install {TOXIPROXY}, and call it toxiproxy-server"),
}
SCENARIO_SECONDS = 90


def main() -> None:
    folder, only = Path(sys.argv[1]).absolute(), sys.argv[2:]
    if only[:1] == ["--inside"]:
        sys.exit(inside(folder, only[1:]))
    unknown = [name for name in only if name not in PACKAGES]
    if unknown:
        sys.exit(f"make test-infra knows no {unknown[0]}: ONLY names some of {', '.join(PACKAGES)}")
    folder.mkdir(parents=True, exist_ok=True)
    # Root of the namespace is nobody special outside, and daemons that find themselves root would change users.
    namespace = ["unshare", "--user", "--map-user=1000", "--map-group=1000", "--keep-caps", "--net"]
    namespace += ["--pid", "--fork", "--kill-child", "--"]
    if not shutil.which("unshare"):
        sys.exit("make test-infra needs unshare: install the package util-linux")
    if subprocess.run([*namespace, "true"]).returncode != 0:
        sys.exit("make test-infra needs namespaces of its own: this system lets nobody make them (unshare)")
    install_toxiproxy(folder, only)
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    environment["CARGO_TARGET_DIR"] = str(folder.parent)
    environment["MMX_LIBRARY"] = str(folder.parent / "release" / "libmmx.so")
    environment["PYTHONPATH"] = ":".join(str(ROOT / one) for one in FOLDERS)
    place = Path(tempfile.mkdtemp(prefix="run-", dir=folder))
    code = 1
    try:
        command = [*namespace, sys.executable, "-B", __file__, str(place), "--inside", *(only or PACKAGES)]
        # It stops when its standard input ends, which is when this process does.
        process = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE)
        try:
            code = process.wait()
        finally:
            process.communicate(timeout=60)
    except KeyboardInterrupt:
        code = 0
        sys.exit(130)
    finally:
        if code:
            print(f"the configurations and logs are in {place}")
        else:
            shutil.rmtree(place, ignore_errors=True)
    sys.exit(code)


def install_toxiproxy(folder: Path, only: list[str]) -> None:
    """Debian has no package of it: a pinned version is built from its Go module."""
    own = folder / "toxiproxy-server"
    if (only and "toxiproxy" not in only) or shutil.which("toxiproxy-server") or own.exists():
        return
    go = shutil.which(os.environ.get("GO", "go"))
    if not go:
        print("toxiproxy is built by Go: install the package golang")
        return
    print(f"building toxiproxy: go install {TOXIPROXY}", flush=True)
    done = subprocess.run([go, "install", TOXIPROXY], env=os.environ | {"GOBIN": str(folder)}, timeout=600)
    if done.returncode == 0:
        (folder / "server").rename(own)


def run(scenario: Scenario, attempts: Callable[[], int]) -> bool:
    began, before = time.monotonic(), attempts()
    signal.alarm(SCENARIO_SECONDS)
    try:
        figures = scenario.run()
        if attempts() != before and not scenario.starts_programs:
            raise RuntimeError(f"expected that no other host is asked; got {attempts() - before} attempts")
    except Exception as error:
        why = str(error) if type(error).__name__ == "Wrong" else f"{type(error).__name__}: {error}"
        print(f"  FAILED  {scenario.name}: {why}", flush=True)
        return False
    finally:
        signal.alarm(0)
    print(f"  ok  {scenario.name}: {figures} ({time.monotonic() - began:.1f} s)", flush=True)
    return True


def inside(place: Path, names: list[str]) -> int:
    # Imported here, because only the second process has the folders of these in its path.
    import alone
    import forward
    import reverse
    import toxic
    from stage import Stage, find
    from stand_in import Server

    def stop_with_stdin() -> None:
        os.read(0, 1)
        # This is the first process of the namespace: all others end with it.
        os._exit(1)

    def too_long(signal_number: int, frame: FrameType | None) -> None:
        raise TimeoutError(f"expected to be done within {SCENARIO_SECONDS} s")

    threading.Thread(target=stop_with_stdin, daemon=True).start()
    signal.signal(signal.SIGALRM, too_long)
    alone.bring_loopback_up()
    if alone.devices() != ["lo"]:
        sys.exit(f"the network has the devices {alone.devices()}: loopback alone is wanted")
    tools = {
        "nginx": reverse.scenarios,
        "haproxy": reverse.scenarios,
        "squid": forward.scenarios,
        "toxiproxy": toxic.scenarios,
    }
    passed, failed, began = 0, [], time.monotonic()
    server = Server()
    try:
        stage = Stage(place, server)
        for name in names:
            program, how = PACKAGES[name]
            path = find(program) or find(str(place.parent / program))
            print(name, flush=True)
            if path is None:
                print(f"  FAILED  {name} isn't installed: {how}", flush=True)
                failed.append(name)
                continue
            try:
                with closing(tools[name](stage, name, path)) as scenarios:
                    for scenario in scenarios:
                        if run(scenario, alone.without_route):
                            passed += 1
                        else:
                            failed.append(scenario.name)
            except Exception as error:
                print(f"  FAILED  {name}: {type(error).__name__}: {error}", flush=True)
                failed.append(name)
    finally:
        server.stop()
    print(f"{passed} passed, {len(failed)} failed ({time.monotonic() - began:.0f} s)")
    return 1 if failed else 0


if __name__ == "__main__":
    main()
