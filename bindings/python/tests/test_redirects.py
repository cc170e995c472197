"""Downloads that are redirected; uploads that are refused in the middle, or never end."""

from __future__ import annotations

import hashlib
import io
import subprocess
from typing import Any

import pytest

import mmx
from stand_in import Account

SIZE = 1_500_000
FILE = 900


@pytest.fixture
def account(account: Account) -> Account:
    account.add(file_id=FILE, size=SIZE, filename="a.mp3")
    return account


def client_over(account: Account, secure: bool) -> mmx.Client:
    server = account.server
    return mmx.Client(server.key, account.https_url, ca_file=server.ca_file) if secure else account.client()


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("redirect", [{"redirect_to": "store"}, {"redirect_to": "store", "http_status": 307}])
def test_another_host_never_sees_the_key(account: Account, redirect: dict[str, Any], secure: bool) -> None:
    account.fault(call="retrieve_content", **redirect)
    content = client_over(account, secure).files.download(FILE).content
    assert hashlib.sha256(content).hexdigest() == account.sha256(FILE)
    api, store = account.journal()
    assert (api["host"], store["host"]) == ("api", "store")
    assert not store.get("leaked_key")
    assert not [name for name, _ in store["headers"] if name == "authorization"]


@pytest.mark.parametrize(
    ("target", "secure", "why"),
    [
        ("loop", False, "in a ring, or too often"),
        ("self", False, "in a ring, or too often"),
        ("other_scheme", False, "to something that is not the web"),
        ("file:///etc/hostname", False, "to something that is not the web"),
        ("downgrade", True, "from https:// to http://"),
    ],
)
def test_where_no_redirect_is_followed_to(account: Account, target: str, secure: bool, why: str) -> None:
    client = client_over(account, secure)
    account.fault(redirect_to=target, times=-1)
    sink = io.BytesIO()
    with pytest.raises(mmx.ProtocolError, match=f"the download was redirected {why}"):
        client.files.download(FILE, sink)
    assert not sink.getvalue()
    assert account.count() < 8
    assert account.count(call="store") == 0


@pytest.mark.parametrize("after", [0, 1 << 20, 3 << 20, 7 << 20, 20 << 20])
@pytest.mark.parametrize("secure", [False, True])
def test_an_upload_that_is_refused_early_tells_why(account: Account, after: int, secure: bool) -> None:
    client = client_over(account, secure)
    # A response after a failed write is read at the next attempt.
    account.fault(code=1004, refuse_after=after, times=-1)
    content = bytes(64 << 20)
    for _ in range(3):
        source = io.BytesIO(content)
        with pytest.raises(mmx.AuthenticationError) as caught:
            client.files.upload(source, purpose="voice_clone", filename="a.mp3")
        assert not caught.value.ambiguous
        assert source.tell() < 64 << 20
        assert not source.closed
    assert account.count(performed=1) == 0


def test_nothing_more_is_sent_to_who_has_refused(account: Account) -> None:
    class Endless:
        given = 0

        def read(self, size: int) -> bytes:
            self.given += size
            return bytes(size)

    # Any response would be accepted.
    account.fault(code=1008, refuse_after=100_000, keep=True)
    source = Endless()
    with pytest.raises(mmx.QuotaError):
        account.client().files.upload(source, purpose="voice_clone", filename="a.mp3")
    assert source.given < 64 << 20


def test_memory_does_not_grow_with_the_file(account: Account) -> None:
    account.add(file_id=FILE + 1, size=512 << 20, content="repeated as often as it takes, which the server does fast")
    account.settings(count_only=True, any_file=True)
    program = f"""
import io, resource, mmx

class Zeros(io.RawIOBase):
    left = 512 << 20

    def readable(self):
        return True

    def readinto(self, buffer):
        count = min(len(buffer), self.left)
        buffer[:count] = bytes(count)
        self.left -= count
        return count

class Nowhere(io.RawIOBase):
    def writable(self):
        return True

    def write(self, data):
        return len(data)

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

files = mmx.Client().files
files.upload(b"x", purpose="voice_clone", filename="a.mp3")
files.download({FILE}, Nowhere())
before = peak()
files.upload(Zeros(), purpose="voice_clone", filename="a.mp3", timeout=None)
files.download({FILE + 1}, Nowhere())
print(peak() - before)
"""
    printed = account.run(program)
    assert int(printed) < 16 << 10
    assert account.upload()["bytes"] == 512 << 20


def test_a_server_that_goes_kills_nobody(account: Account) -> None:
    """With the default action of SIGPIPE, as in a C program."""
    program = """
import signal, mmx
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
client = mmx.Client(max_attempts=1)
try:
    client.files.upload(bytes(32 << 20), purpose="voice_clone", filename="a.mp3")
except mmx.NetworkError as error:
    print(error.ambiguous)
"""
    for _ in range(5):
        account.fault(stop_reading_after=0, then="rst")
        process: subprocess.Popen[str] = account.start(program)
        printed, errors = process.communicate(timeout=60)
        assert (process.returncode, printed, errors) == (0, "False\n", "")
