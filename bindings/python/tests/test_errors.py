"""Error classes: one for each status, with pickling, copying and readable tracebacks."""

from __future__ import annotations

import builtins
import copy
import errno
import json
import os
import pickle
import resource
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import mmx
from mmx import _ffi, errors
from stand_in import Account

STATUSES = {
    name: value
    for name, value in vars(_ffi).items()
    # No call of this version returns these two.
    if name.startswith("MMX_ERROR_") and name not in ("MMX_ERROR_PARTIAL", "MMX_ERROR_GUARD")
}

FULL = {
    "call": "delete_file",
    "message": "delete_file: no",
    "parameter": "purpose",
    "api_code": 1002,
    "api_message": "rate limit\0",
    "http_status": 200,
    "trace_id": "0123",
    "attempts": 4,
    "retry_after_ms": 1500,
    "ambiguous": True,
}


def described(status: int, name: str, **more: object) -> mmx.Error:
    return errors.from_json(json.dumps({"status": status, "status_name": name, **FULL, **more}))


@pytest.mark.parametrize("name", STATUSES)
def test_every_status_has_a_class(name: str) -> None:
    error = described(STATUSES[name], name)
    kind = type(error)
    assert kind is not mmx.Error
    assert (kind.status, kind.status_name) == (STATUSES[name], name)
    assert getattr(mmx, kind.__name__) is kind
    assert isinstance(error, mmx.APIError) == (20 <= error.status <= 29)


@pytest.mark.parametrize("status", [11, 30, 12345, -1])
def test_an_unknown_status_is_an_error_all_the_same(status: int) -> None:
    error = described(status, "MMX_ERROR_NEW")
    assert type(error) is mmx.Error
    assert (error.status, error.status_name, str(error)) == (status, "MMX_ERROR_NEW", "delete_file: no")


def test_classes_are_also_pythons_own() -> None:
    assert issubclass(mmx.InvalidArgumentError, ValueError)
    assert issubclass(mmx.FileError, OSError)
    assert issubclass(mmx.ConnectError, ConnectionError)
    assert issubclass(mmx.NetworkError, ConnectionError)
    assert issubclass(mmx.TimeoutError, builtins.TimeoutError)
    assert issubclass(mmx.PermissionError, builtins.PermissionError)


@pytest.mark.parametrize("name", STATUSES)
def test_all_of_an_error_survives_a_pickle_and_a_copy(name: str) -> None:
    error = described(STATUSES[name], name)
    assert error.retry_after == 1.5
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert again.args == error.args


def test_a_traceback_shows_the_name_that_users_write_and_the_message(account: Account) -> None:
    account.fault(code=1002)
    with pytest.raises(mmx.RateLimitError) as caught:
        account.client(max_attempts=1).files.delete(1, "voice_clone")
    last = traceback.format_exception(caught.value)[-1]
    assert last.startswith("mmx.RateLimitError: delete_file: the service answered 1002 ")
    assert repr(caught.value).startswith("RateLimitError('delete_file: ")
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_key_is_nowhere(account: Account) -> None:
    key = "sk-secret-of-this-test"
    account.fault(code=1004, message=f"login fail: {key}\0\u001b")
    client = mmx.Client(key, account.url)
    with pytest.raises(mmx.AuthenticationError) as caught:
        client.files.delete(1, "voice_clone")
    shown = "".join(traceback.format_exception(caught.value))
    shown += repr(vars(caught.value)) + repr(client) + repr(client.files) + repr(pickle.dumps(caught.value))
    assert key not in shown
    assert not set(str(caught.value)) & set("\0\u001b\n")
    for bad in (f"{key}\0", f"{key} ", f"{key}é", f"{key}\n"):
        with pytest.raises(mmx.InvalidArgumentError) as refused:
            mmx.Client(bad, account.url)
        assert key not in str(refused.value)
        assert refused.value.parameter == "api_key"


FILE_ERRORS = [
    (errno.ENOENT, FileNotFoundError),
    (errno.EACCES, builtins.PermissionError),
    (errno.EPERM, builtins.PermissionError),
    (errno.EISDIR, IsADirectoryError),
    (errno.ENOTDIR, NotADirectoryError),
    (errno.EEXIST, FileExistsError),
    (errno.EINTR, InterruptedError),
    (errno.ENOSPC, OSError),
]


@pytest.mark.parametrize(("number", "kind"), FILE_ERRORS)
def test_a_file_error_is_also_that_of_its_errno(number: int, kind: type[OSError]) -> None:
    text = json.dumps({"status": STATUSES["MMX_ERROR_FILE"], "status_name": "MMX_ERROR_FILE", **FULL, "errno": number})
    error = errors.from_json(text, "a/b.mp3")
    assert isinstance(error, mmx.FileError)
    assert isinstance(error, kind)
    assert (error.errno, error.strerror, error.filename) == (number, os.strerror(number), "a/b.mp3")
    assert str(error) == "delete_file: no"
    assert (error.status_name, error.attempts, error.retry_after) == ("MMX_ERROR_FILE", 4, 1.5)
    assert traceback.format_exception_only(error) == ["mmx.FileError: delete_file: no\n"]
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is type(error)
        assert vars(again) == vars(error)
        assert (again.args, again.errno, again.filename, str(again)) == (error.args, number, "a/b.mp3", str(error))


@pytest.mark.parametrize("number", [None, 0, 9999, "2", True])
def test_a_file_error_without_a_known_errno(number: object) -> None:
    fields = {"status": STATUSES["MMX_ERROR_FILE"], "status_name": "MMX_ERROR_FILE", **FULL, "errno": number}
    error = errors.from_json(json.dumps(fields), "a")
    assert type(error) is mmx.FileError
    assert error.errno == (9999 if number == 9999 else None)
    assert str(error) == "delete_file: no"


@pytest.mark.parametrize("name", ["MMX_ERROR_CONNECT", "MMX_ERROR_NETWORK"])
def test_the_errno_of_what_this_machine_refused(name: str) -> None:
    error = described(STATUSES[name], name, errno=errno.ENOENT)
    assert isinstance(error, (mmx.ConnectError, mmx.NetworkError))
    assert (error.errno, error.filename, str(error)) == (errno.ENOENT, None, "delete_file: no")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert (type(again), again.errno) == (type(error), errno.ENOENT)
    assert vars(described(STATUSES[name], name, errno=0)).get("errno") is None


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    unused = os.open(os.devnull, os.O_RDONLY)
    os.close(unused)
    resource.setrlimit(resource.RLIMIT_NOFILE, (unused, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_no_descriptor_is_left(account: Account) -> None:
    # Settings of its own: it finds no connection that an earlier client left.
    files = account.client(max_attempts=1, connect_timeout=7.5).files
    with no_descriptor_left(), pytest.raises(mmx.ConnectError, match="ulimit -n") as raised:
        files.retrieve(1)
    assert (raised.value.errno, raised.value.ambiguous) == (errno.EMFILE, False)


def test_an_errno_of_another_error_changes_nothing() -> None:
    assert not hasattr(described(STATUSES["MMX_ERROR_API"], "MMX_ERROR_API", errno=errno.ENOENT), "errno")


def test_a_file_error_raised_by_hand() -> None:
    assert str(mmx.FileError("as in a test")) == "as in a test"
    assert str(mmx.FileError()) == ""
    error = mmx.FileError(errno.ENOENT, "gone", "a")
    assert (error.errno, error.filename, str(error)) == (errno.ENOENT, "a", str(OSError(errno.ENOENT, "gone", "a")))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), again.args, again.errno, again.filename) == (mmx.FileError, error.args, errno.ENOENT, "a")


def test_errors_of_local_files(account: Account, tmp_path: Path) -> None:
    files, missing = account.client().files, tmp_path / "none.mp3"
    with pytest.raises(FileNotFoundError) as upload:
        files.upload(missing, purpose="voice_clone")
    with pytest.raises(IsADirectoryError) as folder:
        files.upload(str(tmp_path), purpose="voice_clone")
    with pytest.raises(FileNotFoundError) as download:
        files.download(1, missing / "a")
    with pytest.raises(FileNotFoundError) as ca_file:
        mmx.Client("k", ca_file=missing)
    for caught, number, path in (
        (upload, errno.ENOENT, missing),
        (folder, errno.EISDIR, tmp_path),
        (download, errno.ENOENT, missing / "a"),
        (ca_file, errno.ENOENT, missing),
    ):
        assert isinstance(caught.value, mmx.FileError)
        assert (caught.value.errno, caught.value.filename) == (number, str(path))
        assert type(pickle.loads(pickle.dumps(caught.value))) is type(caught.value)


def test_raised_by_hand_they_have_defaults() -> None:
    error = mmx.RateLimitError("as in a test of a program")
    assert (error.status, error.status_name) == (21, "MMX_ERROR_RATE_LIMITED")
    assert (error.retry_after, error.ambiguous, error.trace_id, error.parameter) == (None, False, "", None)
