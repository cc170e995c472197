"""The images of examples/containers: their build lines run here, and what their last stages copy runs under chroot."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from conftest import PURPOSE, ROOT, Account, run

EXAMPLES = ROOT / "examples" / "containers"
CERTIFICATES = "etc/ssl/certs/ca-certificates.crt"
IS_ROOT = os.geteuid() == 0
# As a user who isn't root, in a user namespace, where chroot is allowed, too.
NAMESPACE = ["unshare", "--mount"] if IS_ROOT else ["unshare", "--mount", "--map-root-user"]


@dataclass
class Stage:
    name: str
    base: str
    lines: list[tuple[str, str]] = field(default_factory=list)


def stages(dockerfile: Path) -> list[Stage]:
    found: list[Stage] = []
    for line in dockerfile.read_text().splitlines():
        if not line or line.startswith("#"):
            continue
        assert not line.endswith("\\"), "this reader knows no lines that go on"
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":
            base, _, name = rest.partition(" AS ")
            found.append(Stage(name or "last", base))
        else:
            found[-1].lines.append((instruction, rest))
    return found


def copy(sources: list[Path], target: Path, is_folder: bool) -> None:
    for source in sources:
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        else:
            file = target / source.name if is_folder or target.is_dir() else target
            file.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, file)


class Image:
    """Builds the stages of a Dockerfile.

    Each has a /srv of its own, where our Dockerfiles put what they make; the rest of its files are those of this
    machine, in place of the image that it is built from. The last stage's files are in `root`.
    """

    def __init__(self, language: str, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "last"
        self.root.mkdir()
        self.environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        self.entrypoint: list[str] = []
        self.user = ""
        self.files: list[str] = []
        *building, last = stages(EXAMPLES / language / "Dockerfile")
        for stage in building:
            self.build(stage, [one.name for one in building])
        if last.base != "scratch":
            assert last.base.startswith("python:")
            put_interpreter(self.root)
        for instruction, rest in last.lines:
            match instruction:
                case "COPY":
                    self.copy(rest, self.root, "/")
                case "ENV":
                    name, _, value = rest.partition("=")
                    self.environment[name] = value
                case "USER":
                    self.user = rest
                case "ENTRYPOINT":
                    self.entrypoint = [word.strip(' "') for word in rest.strip("[]").split(",")]
                case _:
                    raise AssertionError(f"the last stage has {instruction}")

    def build(self, stage: Stage, others: list[str]) -> None:
        srv = self.folder / stage.name / "srv"
        if stage.base in others:
            shutil.copytree(self.folder / stage.base / "srv", srv, symlinks=True)
        srv.mkdir(parents=True, exist_ok=True)
        folder, environment = "/", dict(os.environ)
        for instruction, rest in stage.lines:
            match instruction:
                case "COPY" if rest.startswith(". "):  # The checkout, with what was built in it.
                    (srv / Path(rest[2:]).relative_to("/srv")).symlink_to(ROOT)
                case "COPY":
                    self.copy(rest, srv.parent, folder)
                case "WORKDIR":
                    folder = rest
                    (srv / Path(folder).relative_to("/srv")).mkdir(parents=True, exist_ok=True)
                case "ENV":
                    name, _, value = rest.partition("=")
                    environment[name] = value
                case "RUN" if rest.startswith("apt-get "):
                    pass  # This machine has what that installs, or the next line fails.
                case "RUN":
                    line = 'mount --bind "$1" /srv; cd "$2"; exec sh -euc "$3"'
                    run([*NAMESPACE, "sh", "-euc", line, "sh", str(srv), folder, rest], self.folder, environment)
                case _:
                    raise AssertionError(f"{stage.name} has {instruction}")

    def copy(self, rest: str, root: Path, folder: str) -> None:
        words = shlex.split(rest)
        context = ROOT
        if words[0].startswith("--from="):
            context = self.folder / words.pop(0).removeprefix("--from=")
        *sources, target = words
        found = []
        for source in sources:
            # What no stage made is of the image that the stage is built from.
            path = context / source.lstrip("/")
            found.append(path if context == ROOT or source.startswith("/srv/") else Path(source))
        into = root / os.path.join(folder, target).lstrip("/")
        copy(found, into, is_folder=target.endswith(("/", ".")))

    @contextmanager
    def service(self, account: Account) -> Iterator[subprocess.Popen[str]]:
        """Runs the entry point as a container's first process, with what a container tool puts into each container."""
        inside = self.root / "etc"
        inside.mkdir(exist_ok=True)
        (inside / "hosts").write_text("127.0.0.1 localhost\n")
        (inside / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        secret = self.root / self.environment["MINIMAX_API_KEY_FILE"].lstrip("/")
        secret.parent.mkdir(parents=True, exist_ok=True)
        secret.write_text(f"{account.key}\n")
        command = [*NAMESPACE, "--pid", "--fork", "--kill-child", "chroot"]
        command += [f"--userspec={self.user}", "--groups=", str(self.root)] if IS_ROOT else [str(self.root)]
        process = subprocess.Popen(
            [*command, *self.entrypoint],
            env=self.environment | {"MINIMAX_BASE_URL": account.https_url},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def put_interpreter(root: Path) -> None:
    """Plays the part of the image with Python: an interpreter, what it is linked with, and certificates; no shell."""
    binary = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    unused = ("test", "tests", "__pycache__", "site-packages", "dist-packages", "idlelib", "ensurepip")
    shutil.copytree(library, root / str(library)[1:], ignore=shutil.ignore_patterns(*unused), symlinks=True)
    copy([binary], root / str(binary)[1:], is_folder=False)
    for file in [binary, *library.glob("lib-dynload/*.so")]:
        for line in run(["ldd", str(file)], root).splitlines():
            for word in line.split():
                if word.startswith("/") and not (root / word[1:]).exists():
                    copy([Path(word)], root / word[1:], is_folder=False)
    (root / "usr" / "local" / "bin").mkdir(parents=True, exist_ok=True)
    (root / "usr" / "local" / "bin" / "python3").symlink_to(binary)
    # glibc loads it when a thread ends by pthread_exit(), which CPython's daemon threads do when the interpreter ends.
    unwinder = run(["cc", "-print-file-name=libgcc_s.so.1"], root).strip()
    copy([Path(unwinder).resolve()], root / "usr" / "lib" / "libgcc_s.so.1", is_folder=False)
    copy([Path("/", CERTIFICATES)], root / CERTIFICATES, is_folder=False)


@pytest.fixture(scope="module", params=["cpp", "go", "python"])
def image(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, server: dict[str, str]) -> Image:
    folder = tmp_path_factory.mktemp(request.param)
    folder.parent.chmod(0o755)
    built = Image(request.param, folder)
    # The stand-in server's authority becomes one of those that the image brings along.
    with (built.root / CERTIFICATES).open("a") as authorities:
        authorities.write("\n" + Path(server["ca_file"]).read_text())
    return built


def said(process: subprocess.Popen[str], line: str) -> str:
    assert process.stdin
    assert process.stdout
    process.stdin.write(f"{line}\n")
    answer = process.stdout.readline()
    if not answer:
        raise AssertionError(f"it ended: {process.communicate()}")
    return answer


def terminate(process: subprocess.Popen[str]) -> None:
    """SIGTERM to the first process of the namespace, which gets it only if it handles it."""
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGTERM)


def add_files(account: Account) -> None:
    account.control("POST", "reset")
    account.control("POST", "files", [{"file_id": number, "purpose": PURPOSE} for number in (7, 8)])


def test_the_service_deletes_and_says_what_failed(image: Image, account: Account) -> None:
    add_files(account)
    with image.service(account) as service:
        assert said(service, f"7 {PURPOSE}") == "7 deleted\n"
        assert said(service, "8 no_such_purpose").startswith("8 failed: ")
        assert account.control("GET", "count?call=delete&file_id=7&performed=1") == "1"
        assert account.control("GET", "count?call=delete&file_id=8&performed=1") == "0"
        printed, errors = service.communicate(timeout=30)  # The input's end ends it.
        assert (printed, errors, service.returncode) == ("", "", 0)


def test_sigterm_ends_it_between_calls(image: Image, account: Account) -> None:
    add_files(account)
    with image.service(account) as service:
        assert said(service, f"7 {PURPOSE}") == "7 deleted\n"
        terminate(service)
        assert service.wait(timeout=30) == 0


def test_sigterm_ends_a_call_and_the_service_says_so(image: Image, account: Account) -> None:
    add_files(account)
    account.control("POST", "faults", {"call": "delete", "hang": True})
    with image.service(account) as service:
        assert service.stdin
        service.stdin.write(f"7 {PURPOSE}\n")
        account.control("GET", "wait?call=delete&count=1")
        terminate(service)
        printed, errors = service.communicate(timeout=30)
        assert printed.startswith("7 unknown: ")
        assert (errors, service.returncode) == ("", 0)


def test_the_last_stage_has_no_shell_and_its_user_is_not_root(image: Image) -> None:
    assert image.user == "65532:65532"
    assert not [path for path in image.root.rglob("*") if path.name in ("sh", "bash", "dash", "busybox", "apt")]
    if (image.root / "service").exists():  # From `scratch`, so nothing but what the lines copy.
        found = {str(path.relative_to(image.root)) for path in image.root.rglob("*") if path.is_file()}
        given = {"etc/hosts", "etc/resolv.conf", "run/secrets/minimax_api_key"}
        system = {"lib64/ld-linux-x86-64.so.2", "lib/x86_64-linux-gnu/libc.so.6", "lib/x86_64-linux-gnu/libm.so.6"}
        assert found - given - system == {"service", CERTIFICATES}
