"""The target of a download is replaced or unchanged, and no other file is left."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import resource
import stat
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import mmx
from stand_in import Account

SIZE = 1_500_000
FILE = 900


@pytest.fixture
def account(account: Account) -> Account:
    account.add(file_id=FILE, size=SIZE)
    return account


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file in a new folder."""
    return tmp_path / "a.mp3"


def whole(account: Account, path: Path, file_id: int = FILE) -> bool:
    return hashlib.sha256(path.read_bytes()).hexdigest() == account.sha256(file_id)


@pytest.mark.parametrize(
    ("mask", "mode", "after"),
    [
        (0o022, None, 0o644),
        (0o077, None, 0o600),
        (0, None, 0o666),
        (0o022, 0o600, 0o600),
        (0o077, 0o664, 0o664),
        (0, 0o755, 0o755),
        (0, 0o400, 0o400),
    ],
)
def test_the_mode_of_a_target(account: Account, target: Path, mask: int, mode: int | None, after: int) -> None:
    if mode is not None:
        target.write_bytes(b"old")
        target.chmod(mode)
    before = os.umask(mask)
    try:
        account.client().files.download(FILE, target)
    finally:
        found = os.umask(before)
    assert found == mask
    assert stat.S_IMODE(target.stat().st_mode) == after
    assert whole(account, target)


def test_what_a_link_leads_to_is_written(account: Account, target: Path) -> None:
    client = account.client()
    link, second = target.with_name("link"), target.with_name("second")
    target.write_bytes(b"old")
    link.symlink_to(target.name)
    second.symlink_to(link)
    for _ in range(2):
        client.files.download(FILE, second)
        assert link.is_symlink()
        assert second.is_symlink()
        assert not target.is_symlink()
        assert whole(account, target)
        target.unlink()  # The second time the links are dangling.
    link.unlink()
    link.symlink_to(second)
    with pytest.raises(mmx.FileError, match="symbolic links"):
        client.files.download(FILE, link)
    assert sorted(os.listdir(target.parent)) == ["link", "second"]


def test_a_device_and_a_pipe_are_written_straight(account: Account, target: Path) -> None:
    client = account.client()
    os.mkfifo(target)
    read: list[bool] = []
    reader = threading.Thread(target=lambda: read.append(whole(account, target)))
    reader.start()
    assert client.files.download(FILE, target).bytes == SIZE
    reader.join()
    assert read == [True]
    client.files.download(FILE, os.devnull)
    assert stat.S_ISFIFO(target.stat().st_mode)
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)
    with pytest.raises(mmx.FileError, match="no space left"):
        client.files.download(FILE, "/dev/full")
    assert os.listdir(target.parent) == [target.name]


def untouched(target: Path, old: bytes | None) -> bool:
    """Whether it is unchanged, and the only file in its folder."""
    if old is None:
        return os.listdir(target.parent) == []
    return os.listdir(target.parent) == [target.name] and target.read_bytes() == old


@pytest.mark.parametrize("old", [b"old", None])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"cut_after": 400_000}, mmx.NetworkError),
        ({"cut_after": 400_000, "close": "rst"}, mmx.NetworkError),
        ({"wrong_length": 1}, mmx.NetworkError),
        ({"no_length": True, "cut_after": 400_000}, mmx.NetworkError),
        ({"close_before_answer": "fin"}, mmx.NetworkError),
        ({"code": 1004}, mmx.AuthenticationError),
        ({"code": 2013, "content_type": "application/octet-stream"}, mmx.InvalidRequestError),
        ({"code": 1008, "no_length": True}, mmx.QuotaError),
        ({"shape": "html_502"}, mmx.ServerError),
        ({"redirect_to": "other_scheme"}, mmx.ProtocolError),
    ],
)
def test_whole_or_untouched(
    account: Account, target: Path, old: bytes | None, fault: dict[str, Any], error: type[Exception]
) -> None:
    if old is not None:
        target.write_bytes(old)
    client = account.client(max_attempts=1)
    account.fault(call="retrieve_content", **fault)
    with pytest.raises(error):
        client.files.download(FILE, target)
    assert untouched(target, old)
    assert client.files.download(FILE, target).bytes == SIZE
    assert whole(account, target)
    assert os.listdir(target.parent) == [target.name]


def test_until_all_is_there_it_stands_beside_the_target(account: Account, target: Path) -> None:
    seen: list[tuple[int, int, bytes]] = []

    def progress(done: int, total: int | None) -> None:
        beside = [path for path in target.parent.iterdir() if path != target]
        seen.append((done, len(beside), target.read_bytes()))

    target.write_bytes(b"old")
    account.fault(call="retrieve_content", trickle_ms=20, trickle_bytes=SIZE // 8)
    account.client().files.download(FILE, target, progress=progress)
    assert {(beside, old) for _, beside, old in seen} == {(1, b"old")}
    assert seen[-1][0] == SIZE
    assert os.listdir(target.parent) == [target.name]


@pytest.mark.parametrize("old", [b"old", None])
def test_a_full_disk(account: Account, target: Path, old: bytes | None) -> None:
    if old is not None:
        target.write_bytes(old)
    client = account.client()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
    try:
        with pytest.raises(mmx.FileError, match=os.strerror(errno.EFBIG).lower()):
            client.files.download(FILE, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert untouched(target, old)


AGAIN_AND_AGAIN = """
import sys, mmx
files = mmx.Client().files
while True:
    for file in (900, 901):
        files.download(file, sys.argv[1])
"""


def test_killed_at_any_moment(account: Account, target: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    program = tmp_path_factory.mktemp("program") / "again.py"
    program.write_text(AGAIN_AND_AGAIN)
    account.add(file_id=FILE + 1, size=SIZE)
    account.client().files.download(FILE, target)
    # 16 pieces, 2 ms apart.
    account.fault(call="retrieve_content", times=-1, trickle_ms=2, trickle_bytes=SIZE // 16)
    moments = random.Random(1)
    for _ in range(8):
        process = account.start(program, str(target))
        account.wait(count=account.count() + 1)
        time.sleep(moments.uniform(0, 0.1))
        process.kill()
        process.communicate(timeout=10)
        assert whole(account, target) or whole(account, target, FILE + 1)
    # They were killed in the middle, and their temporary files don't disturb the next one.
    assert len(os.listdir(target.parent)) > 1
    account.client().files.download(FILE, target)
    assert whole(account, target)


@pytest.mark.parametrize(
    "said",
    [
        {"filename": "../evil.mp3", "bytes": 5},
        {"filename": "/tmp/evil-of-this-test.mp3", "bytes": 1 << 40},
        {"filename": "a\0b", "bytes": -1},
        {"purpose": "video_generation"},  # The service reports 0 bytes for these.
    ],
)
def test_what_the_service_says_of_a_file_steers_nothing(account: Account, target: Path, said: dict[str, Any]) -> None:
    account.add(file_id=FILE + 2, size=70_000, **said)
    account.fault(
        call="retrieve_content", headers={"Content-Disposition": 'attachment; filename="../evil.mp3"'}, times=-1
    )
    files = account.client().files
    assert files.retrieve(FILE + 2).bytes == said.get("bytes", 0)
    for by_link in (False, True):
        folder = target.parent / str(by_link)
        folder.mkdir()
        done = files.download(FILE + 2, folder / target.name, via_download_url=by_link)
        assert done.bytes == 70_000
        assert whole(account, folder / target.name, FILE + 2)
        assert os.listdir(folder) == [target.name]
    assert sorted(os.listdir(target.parent)) == ["False", "True"]
    assert not os.path.exists("/tmp/evil-of-this-test.mp3")


@pytest.mark.parametrize(
    "content",
    ['{"a": 1}', '{"base_resp": {"status_code": 0}}', '[{"base_resp": {"status_code": 1004}}]', "{", "", "null"],
)
def test_a_file_that_happens_to_be_json(account: Account, content: str) -> None:
    account.add(file_id=FILE + 3, content=content)
    assert account.client().files.download(FILE + 3).content == content.encode()


@pytest.mark.parametrize("fault", [{"until_close": True}, {"no_length": True}])
def test_a_download_without_a_length(account: Account, target: Path, fault: dict[str, Any]) -> None:
    client = account.client()
    assert client.files.download(FILE, target).length == SIZE
    account.fault(call="retrieve_content", **fault)
    done = client.files.download(FILE, target)
    assert done.length is None
    assert done.bytes == SIZE
