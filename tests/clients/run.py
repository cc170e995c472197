"""Runs clients that are not ours against the stand-in server: the vendor's command, library and MCP server, and another
package. They prove that the server takes what real clients send, and the journal shows what that was.

They run in a network namespace that has the loopback device alone, so none of them can reach any other host; the kernel
counts what has no route there, so an attempt is seen. The packages are installed before that, in the pinned versions
beside this file.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alone import bring_loopback_up, devices, without_route

HERE = Path(__file__).resolve().parent
CONTENT = b"what a recording holds" * 500
NEEDED = {"node": "nodejs", "npm": "npm", "unshare": "util-linux"}


class Wrong(Exception):
    """A client did not get what it should have, or did what it should not."""


def check(holds: object, what: object) -> None:
    if not holds:
        raise Wrong(str(what))


def run(command: list[str | Path], folder: Path, **more: str) -> str:
    """A program without any of our environment but the path; returns what it printed."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "NO_COLOR": "1"} | more
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120
    )
    said = f"{done.stdout}\n{done.stderr}".strip()
    check(done.returncode == 0, f"{' '.join(map(str, command))} ended with {done.returncode}\n{said}")
    return done.stdout


# Installing


def install(folder: Path) -> None:
    for program, package in NEEDED.items():
        if not shutil.which(program):
            sys.exit(f"make test-clients needs {program}: install the package {package}")
    folder.mkdir(parents=True, exist_ok=True)
    inputs = [HERE / "package.json", HERE / "package-lock.json", HERE / "requirements.txt"]
    wanted = "\n".join(path.read_text() for path in inputs)
    stamp = folder / "installed"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    stamp.unlink(missing_ok=True)
    for path in inputs[:2]:
        shutil.copy(path, folder)
    # No package's own script is run.
    npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(npm, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    pip: list[str | Path] = [
        folder / "venv" / "bin" / "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
        inputs[2],
    ]
    subprocess.run(pip, check=True)
    stamp.write_text(wanted)


# The namespace


def is_alone() -> None:
    check(devices() == ["lo"], f"the network has the devices {devices()}: loopback alone is wanted")


# The stand-in server


class Server:
    def __init__(self, program: str) -> None:
        command = [program, "--ready-json", "--stop-with-stdin"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.ready: dict[str, str] = json.loads(self.process.stdout.readline())
        self.key = self.ready["api_key"]
        self.ca_file = self.ready["ca_file"]

    def stop(self) -> None:
        self.process.communicate(timeout=30)


class Account:
    """A part of the server for one client."""

    def __init__(self, server: Server, name: str) -> None:
        self.server = server
        self.name = name
        self.url = f"{server.ready['http_url']}/t/{name}"
        self.https_url = f"{server.ready['https_url']}/t/{name}"

    def control(self, what: str, body: object = None) -> Any:
        url = f"{self.server.ready['http_url']}/control/{self.name}/{what}"
        data = None if body is None else json.dumps(body).encode()
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(url, data), timeout=30) as answer:
            return json.loads(answer.read())

    def ids(self) -> set[int]:
        return {file["file_id"] for file in self.control("files")}

    def last(self, path: str) -> dict[str, Any]:
        """Returns the journal's entry of the last request to this path."""
        entries = [entry for entry in self.control("journal") if entry["path"] == path]
        check(entries, f"nobody has asked for {path}")
        return dict(entries[-1])

    def stored(self) -> int:
        """The id of the file that the last upload brought; it must have come whole."""
        upload = self.last("/v1/files/upload")["upload"]
        check(upload["bytes"] == len(CONTENT) and upload["file_id"] in self.ids(), f"this was stored: {upload}")
        return int(upload["file_id"])

    @contextmanager
    def refuses(self, setting: str) -> Iterator[None]:
        """The client must be refused here: it shows that it does send what only a lenient server takes."""
        self.control("settings", {setting: True})
        try:
            yield
        except Wrong:
            entry = self.control("journal")[-1]
            check(entry["http_status"] == 200 and not entry["performed"], entry)
        else:
            raise Wrong(f"nothing was refused under {setting}: this test is blind")
        finally:
            self.control("settings", {})


# The clients


def vendors_command(server: Server, folder: Path) -> Iterator[str]:
    """It sends the file before the purpose, a list without a purpose, and a delete without one."""
    account = Account(server, "command")
    program = folder / "node_modules" / "mmx-cli" / "dist" / "mmx.mjs"
    environment = {
        "MINIMAX_BASE_URL": account.https_url,
        "MINIMAX_REGION": "global",
        "MMX_CONFIG_DIR": str(folder / "command"),
        "NODE_EXTRA_CA_CERTS": server.ca_file,
    }

    def mmx(*words: str) -> dict[str, Any]:
        command = ["node", program, *words, "--api-key", server.key, "--output", "json", "--non-interactive"]
        return dict(json.loads(run(command, folder, **environment)))

    for name, purpose in (("recording.txt", None), ("recording.mp3", "voice_clone")):
        (folder / name).write_bytes(CONTENT)
        upload = ["file", "upload", "--file", name, *(["--purpose", purpose] if purpose else [])]
        file = mmx(*upload)
        check(file["filename"] == name and file["purpose"] == (purpose or "retrieval"), file)
        check(file["file_id"] == account.stored(), file)
        yield " ".join(upload)
    with account.refuses("strict_order"):
        mmx(*upload)
    # JavaScript's numbers lose the last digits of large ids.
    listed = {float(file["file_id"]) for file in mmx("file", "list")["files"]}
    check(listed == set(map(float, account.ids())), listed)
    check(account.last("/v1/files/list")["query"] is None, "the list names a purpose now")
    yield "file list"
    got = folder / "command.mp3"
    got.unlink(missing_ok=True)
    mmx("video", "download", "--file-id", str(file["file_id"]), "--out", str(got))
    check(got.read_bytes() == CONTENT, "other bytes came")
    check(account.control("journal")[-1]["host"] == "store", "the link was not used")
    yield "video download: retrieve, and the link"
    delete = ["file", "delete", "--file-id", str(file["file_id"])]
    with account.refuses("strict_purpose"):
        mmx(*delete)
    check(mmx(*delete)["deleted"] is True and file["file_id"] not in account.ids(), "it is still there")
    check("purpose" not in account.last("/v1/files/delete")["body"], "it names a purpose now")
    yield "file delete"


def vendors_library(server: Server, folder: Path) -> Iterator[str]:
    """The same for programs in JavaScript, with retrieve."""
    account = Account(server, "library")
    (folder / "recording.wav").write_bytes(CONTENT)
    environment = {"MMX_CONFIG_DIR": str(folder / "library")}
    script = shutil.copy(HERE / "library.mjs", folder)
    printed = run(["node", script, account.url, server.key, "recording.wav"], folder, **environment)
    told = json.loads(printed)
    file_id = told["upload"]["file"]["file_id"]
    check(told["upload"]["file"]["filename"] == "recording.wav", told)
    check(file_id in [file["file_id"] for file in told["list"]["files"]], told)
    check(told["retrieve"]["file"]["download_url"].startswith(server.ready["store_url"]), told)
    check(told["delete"]["file_id"] == file_id and file_id not in account.ids(), told)
    check(account.last("/v1/files/upload")["upload"]["bytes"] == len(CONTENT), "something else was uploaded")
    for call in told:
        yield f"file.{call}()"


def vendors_mcp_server(server: Server, folder: Path) -> Iterator[str]:
    """It sends no Content-Type with the file, and takes an id as a string."""
    account = Account(server, "mcp")
    (folder / "voice.mp3").write_bytes(CONTENT)
    tools = Tools(folder, account)
    voice = {"voice_id": "ann", "file": str(folder / "voice.mp3"), "text": ""}
    cloned = {"call": "voice_clone", "http_status": 200, "body": '{"base_resp":{"status_code":0}}'}
    try:
        with account.refuses("strict_part_type"):
            check("successfully" in tools.call("voice_clone", voice), "refused")
        account.control("faults", cloned)
        said = tools.call("voice_clone", voice)
        check(said == "Voice cloned successfully: Voice ID: ann", said)
        file_id = account.stored()
        check(account.last("/v1/files/upload")["upload"]["content_type"] is None, "it sends a Content-Type now")
        check(json.loads(account.last("/v1/voice_clone")["body"])["file_id"] == file_id, "another file was cloned")
        yield "voice_clone: upload"
        task = {"status": "Success", "file_id": str(file_id), "base_resp": {"status_code": 0}}
        account.control("faults", {"call": "video_generation", "http_status": 200, "body": json.dumps(task)})
        said = tools.call("query_video_generation", {"task_id": "7", "output_directory": str(folder / "videos")})
        check(said.startswith("Success. Video saved as: "), said)
        check(Path(said.removeprefix("Success. Video saved as: ")).read_bytes() == CONTENT, "other bytes came")
        yield "query_video_generation: retrieve, and the link"
    finally:
        tools.close()


class Tools:
    """Speaks to an MCP server on its standard streams."""

    def __init__(self, folder: Path, account: Account) -> None:
        shutil.rmtree(folder / "videos", ignore_errors=True)
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "MINIMAX_API_KEY": account.server.key,
            "MINIMAX_API_HOST": account.url,
            "MINIMAX_API_RESOURCE_MODE": "local",
            "MINIMAX_MCP_BASE_PATH": str(folder),
        }
        self.process = subprocess.Popen(
            [folder / "venv" / "bin" / "minimax-mcp"],
            cwd=folder,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.asked = 0
        client = {"name": "test", "version": "1"}
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self.send({"method": "notifications/initialized"})

    def send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        self.process.stdin.flush()

    def ask(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdout is not None
        self.asked += 1
        self.send({"id": self.asked, "method": method, "params": parameters})
        for line in self.process.stdout:
            message = json.loads(line)
            if message.get("id") == self.asked:
                check("result" in message, message)
                return dict(message["result"])
        raise Wrong(f"the MCP server ended with {self.process.wait()} at {method}")

    def call(self, tool: str, arguments: dict[str, str]) -> str:
        content = self.ask("tools/call", {"name": tool, "arguments": arguments})["content"]
        return "".join(part["text"] for part in content)

    def close(self) -> None:
        self.process.communicate(timeout=30)


def another_package(server: Server, folder: Path) -> Iterator[str]:
    """It names a group with every call, also an empty one, and no purpose with a delete."""
    (folder / "pages.txt").write_bytes(CONTENT)
    for way in ("sync", "async"):
        account = Account(server, f"package-{way}")
        command = [folder / "venv" / "bin" / "python", HERE / "package.py", way, account.url, server.key, "pages.txt"]
        if way == "sync":
            with account.refuses("strict_query"):
                run(command, folder)
            with account.refuses("strict_purpose"):
                run(command, folder)
            check(account.last("/v1/files/delete")["query"] == "GroupId=", "it names no group any more")
            account.control("reset", {})
        before = account.ids()
        calls = json.loads(run(command, folder))
        check(account.ids() == before and account.last("/v1/files/delete")["performed"], calls)
        check(account.last("/v1/files/upload")["upload"]["purpose"] == "retrieval", "the purpose is another now")
        for call in calls:
            yield f"{way}: files.{call}()"


CLIENTS = {
    "npm mmx-cli, the command": vendors_command,
    "npm mmx-cli, the library": vendors_library,
    "PyPI minimax-mcp": vendors_mcp_server,
    "PyPI minimax-client": another_package,
}


def inside(folder: Path, program: str) -> None:
    bring_loopback_up()
    is_alone()
    server = Server(program)
    calls, failed = 0, 0
    for name, client in CLIENTS.items():
        print(name, flush=True)
        try:
            for call in client(server, folder):
                check(without_route() == 0, f"another host was asked during: {call}")
                print(f"  ok  {call}", flush=True)
                calls += 1
        except Exception as error:
            print(f"  FAILED  {type(error).__name__}: {error}", flush=True)
            failed += 1
    server.stop()
    attempts = without_route()
    print(f"{calls} calls went well; clients that failed: {failed}; attempts at another host: {attempts}")
    sys.exit(1 if failed or attempts else 0)


def main() -> None:
    folder, program = Path(sys.argv[1]).absolute(), str(Path(sys.argv[2]).absolute())
    if sys.argv[3:] == ["--inside"]:
        return inside(folder, program)
    install(folder)
    namespace = ["unshare", "--user", "--map-root-user", "--net", "--"]
    if subprocess.run([*namespace, "true"]).returncode != 0:
        sys.exit("make test-clients needs a network namespace of its own: this system lets nobody make one (unshare)")
    again: list[str | Path] = [*namespace, sys.executable, __file__, folder, program, "--inside"]
    sys.exit(subprocess.run(again).returncode)


if __name__ == "__main__":
    main()
