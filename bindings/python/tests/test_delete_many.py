"""Deletes of many files: requests, outcomes, and errors that can't be overlooked."""

from __future__ import annotations

import copy
import gc
import pickle
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

import mmx
from mmx import _run
from stand_in import PURPOSE, Account, until

OTHER = mmx.PURPOSE_PROMPT_AUDIO


def ends(outcomes: Any) -> dict[int, str]:
    return {outcome.file_id: outcome.outcome for outcome in outcomes}


def test_each_is_deleted_once_and_has_a_receipt(account: Account) -> None:
    account.fault(call="delete", file_id=1, headers={"Trace-Id": "abc"})
    outcomes = account.client().files.delete_many(range(1, 101), PURPOSE)
    assert outcomes.total == 100
    assert account.count() == 0
    assert repr(outcomes.summary).startswith("Summary(total=100, pending=100, deleted=0, ")
    given = list(outcomes)
    assert sorted(outcome.index for outcome in given) == list(range(100))
    assert all(given)
    (first,) = [outcome for outcome in given if outcome.index == 0]
    assert (first.file_id, first.purpose, first.outcome, first.evidence) == (1, PURPOSE, "deleted", "answer")
    assert (first.attempts, first.trace_id, first.error) == (1, "abc", None)
    assert timedelta() <= datetime.now(timezone.utc) - first.settled_at < timedelta(minutes=1)
    with pytest.raises(FrozenInstanceError):
        first.index = 1  # type: ignore[misc]
    assert account.count(performed=1) == 100
    assert outcomes.summary == mmx.Summary(total=100, deleted=100)
    assert repr(outcomes.summary).startswith("Summary(total=100, pending=0, deleted=100, ")
    assert outcomes.summary
    assert outcomes.raise_for_failures() == outcomes.summary
    assert list(outcomes) == []


def test_what_may_be_given(account: Account) -> None:
    files = account.client().files
    account.add(file_id=501, purpose=OTHER)
    account.add(file_id=502, purpose=OTHER)
    listed = files.list(OTHER)
    mixed: Iterator[Any] = iter([1, (501, OTHER), *[file for file in listed if file.file_id == 502], 1])
    assert ends(files.delete_many(mixed, PURPOSE)) == {1: "deleted", 501: "deleted", 502: "deleted"}
    assert account.count(call="delete") == 3
    account.fault(call="delete", file_id=2, code=2013, times=2)
    with pytest.raises(mmx.PartialFailure) as caught:
        list(files.delete_many([2], PURPOSE))
    # Failed outcomes can be passed again.
    account.server.control("DELETE", f"{account.name}/faults")
    assert files.delete_many(caught.value.failures).raise_for_failures().deleted == 1
    assert not files.delete_many([]).summary.failed
    assert files.delete_many([]).raise_for_failures() == mmx.Summary(total=0)


@pytest.mark.parametrize(
    ("given", "error", "said"),
    [
        (7, TypeError, "files must be an iterable"),
        ([True], TypeError, r"files\[0\] must be a whole number"),
        ([1, "2"], TypeError, r"files\[1\] must be a whole number"),
        ([1, 0], mmx.InvalidArgumentError, r"files\[1\]: file_id must be 1 or more"),
        ([2**63], mmx.InvalidArgumentError, r"files\[0\] must be at most"),
        ([(1, 2)], TypeError, r"the purpose of files\[0\] must be a str"),
        ([(1, PURPOSE, 3)], TypeError, r"files\[0\] must be a pair"),
        ([1, (1, "a\0")], mmx.InvalidArgumentError, "NUL"),
        ([1, (1, "No such")], mmx.InvalidArgumentError, r"files\[1\]: purpose"),
    ],
)
def test_what_can_not_be_meant_sends_nothing(account: Account, given: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        account.client().files.delete_many(given, PURPOSE).wait()
    assert account.count() == 0


def test_settings_that_can_not_be_meant(account: Account) -> None:
    files = account.client().files
    wrong: list[dict[str, Any]] = [
        {"concurrency": 0},
        {"concurrency": -1},
        {"max_attempts": 0},
        {"timeout": 0},
        {"call_timeout": -1},
    ]
    for settings in wrong:
        with pytest.raises(mmx.InvalidArgumentError):
            files.delete_many([1], PURPOSE, **settings).wait()
    with pytest.raises(mmx.InvalidArgumentError, match="concurrency must be 1 to 1000"):
        files.delete_many([1], PURPOSE, concurrency=1001).wait()
    for settings in ({"concurrency": "2"}, {"verify": 1}, {"check": None}, {"timeout": "1"}):
        with pytest.raises(TypeError):
            files.delete_many([1], PURPOSE, **settings)
    client = account.client()
    client.close()
    with pytest.raises(mmx.InvalidArgumentError, match="client is closed"):
        client.files.delete_many([1], PURPOSE)
    assert account.count() == 0


def mixed(account: Account) -> list[int]:
    """Of these, 2 is refused, 3 stays ambiguous, 999 is absent."""
    account.fault(call="delete", file_id=2, times=-1, code=2013, message="not this one")
    account.fault(call="delete", file_id=3, times=-1, close_before_answer="rst", perform=False)
    account.fault(call="retrieve", file_id=3, times=-1, code=1013)
    account.fault(call="list", times=-1, code=1013)
    return [1, 2, 3, 4, 999]


LEFT = {1: "deleted", 2: "failed", 3: "unknown", 4: "deleted", 999: "already_absent"}


def test_a_loop_does_not_end_well_where_a_file_is_left(account: Account) -> None:
    outcomes = account.client().files.delete_many(mixed(account), PURPOSE, max_attempts=1)
    given: list[mmx.Outcome] = []
    with pytest.raises(mmx.PartialFailure, match="of 5 files 1 failed, 1 unknown are not deleted") as caught:
        given.extend(outcomes)
    error = caught.value
    # list.extend() keeps the items before the exception.
    assert ends(given) == LEFT
    assert error.summary == outcomes.summary
    assert (error.summary.deleted, error.summary.already_absent, error.summary.failed) == (2, 1, 1)
    assert not error.summary
    assert ends(error.failures) == {2: "failed", 3: "unknown"}
    refused, unknown = sorted(error.failures, key=lambda outcome: outcome.file_id)
    assert not refused
    assert isinstance(refused.error, mmx.InvalidRequestError)
    assert refused.error.api_code == 2013
    assert isinstance(unknown.error, mmx.Error)
    assert unknown.error.ambiguous
    assert error.call == "delete_files"
    assert error.plan is None
    # It is raised again on request, but a second loop just ends.
    with pytest.raises(mmx.PartialFailure):
        outcomes.raise_for_failures()
    assert list(outcomes) == []
    again = pickle.loads(pickle.dumps(error))
    assert again.summary == error.summary
    assert ends(again.failures) == ends(error.failures)


def test_without_check_the_summary_has_it(account: Account) -> None:
    outcomes = account.client().files.delete_many(mixed(account), PURPOSE, max_attempts=1, check=False)
    assert ends(outcomes) == LEFT
    assert not outcomes.summary
    assert ends(outcomes.failures) == {2: "failed", 3: "unknown"}
    with pytest.raises(mmx.PartialFailure):
        outcomes.raise_for_failures()
    with account.client().files.delete_many([2], PURPOSE, check=False):
        pass


def test_raise_for_failures_does_it_all(account: Account) -> None:
    with pytest.raises(mmx.PartialFailure):
        account.client().files.delete_many(mixed(account), PURPOSE, max_attempts=1).raise_for_failures()
    assert account.count(call="delete", performed=1) == 2


def test_a_block_does_not_end_well_where_a_file_is_left(account: Account) -> None:
    files = account.client().files
    with files.delete_many([5, 6], PURPOSE) as outcomes:
        assert ends(outcomes) == {5: "deleted", 6: "deleted"}
    # Left early: nothing more is sent.
    account.fault(call="delete", skip=20, hang=True)
    outcomes = files.delete_many(range(100, 400), PURPOSE, concurrency=1)

    def leave_early() -> None:
        with outcomes:
            next(outcomes)

    with pytest.raises(mmx.PartialFailure, match="not attempted") as caught:
        leave_early()
    assert isinstance(caught.value.__cause__, mmx.CancelledError)
    summary = outcomes.summary
    assert summary == caught.value.summary
    assert summary.deleted <= account.count(call="delete", performed=1) - 2 <= summary.deleted + summary.unknown
    assert summary.not_attempted == len([end for end in ends(outcomes.failures).values() if end == "not_attempted"])
    assert (summary.total, summary.pending) == (300, 0)
    # Never begun.
    before = account.count()
    with pytest.raises(mmx.PartialFailure) as caught, files.delete_many([1, 2], PURPOSE) as outcomes:
        pass
    assert ends(caught.value.failures) == {1: "not_attempted", 2: "not_attempted"}
    assert account.count() == before


def test_an_exception_in_a_block_goes_on_and_stops_the_run(account: Account) -> None:
    account.fault(call="delete", skip=10, hang=True, times=-1)
    run = account.client().files.delete_many(range(1, 99), PURPOSE)

    def fail() -> None:
        with run:
            for number, _ in enumerate(run):
                _ = 1 / (5 - number)

    with pytest.raises(ZeroDivisionError) as caught:
        fail()
    assert run.summary.not_attempted
    if hasattr(BaseException, "add_note"):
        assert "not attempted" in getattr(caught.value, "__notes__", [""])[0]


def test_what_is_never_asked_for_is_said(account: Account) -> None:
    files = account.client().files
    with pytest.warns(RuntimeWarning, match="none of 2 files was deleted"):
        files.delete_many([1, 2], PURPOSE)
    files.delete_many([], PURPOSE)
    files.delete_many([1], PURPOSE).close()
    assert account.count() == 0


def test_a_refused_key_stops_it(account: Account) -> None:
    account.fault(call="delete", code=1004, times=-1)
    with pytest.raises(mmx.PartialFailure, match="not attempted") as caught:
        account.client().files.delete_many(range(1, 101), PURPOSE).raise_for_failures()
    cause = caught.value.__cause__
    assert isinstance(cause, mmx.AuthenticationError)
    assert caught.value.summary.not_attempted >= 96
    assert len(caught.value.failures) == 100


def test_options_on_the_wire(account: Account) -> None:
    files = account.client().files
    account.fault(call="delete", delay_ms=50, times=10)
    outcomes = files.delete_many(range(1, 11), PURPOSE, concurrency=1)
    outcomes.raise_for_failures()
    connections = account.server.control("GET", f"{account.name}/connections")
    assert connections.count('"closed"') == 1

    account.fault(call="delete", file_id=20, code=1013, headers={"Retry-After": "0"}, times=3)
    with pytest.raises(mmx.PartialFailure):
        files.delete_many([20], PURPOSE, max_attempts=2).raise_for_failures()
    assert account.count(call="delete", file_id=20) == 2
    account.server.control("DELETE", f"{account.name}/faults")

    account.fault(call="delete", file_id=21, hang=True, times=-1)
    account.fault(call="retrieve", file_id=21, hang=True, times=-1)
    with pytest.raises(mmx.PartialFailure) as caught:
        files.delete_many([21, 22], PURPOSE, call_timeout=0.3).raise_for_failures()
    assert (caught.value.summary.unknown, caught.value.summary.deleted) == (1, 1)
    assert isinstance(caught.value.failures[0].error, mmx.TimeoutError)
    with pytest.raises(mmx.PartialFailure, match="the time limit of 300 ms passed") as caught:
        files.delete_many([21, 23], PURPOSE, timeout=0.3, call_timeout=None).raise_for_failures()
    assert isinstance(caught.value.__cause__, mmx.TimeoutError)


def test_verify_lists_what_is_still_there(account: Account) -> None:
    files = account.client().files
    assert files.delete_many([1, 2], PURPOSE, verify=True).raise_for_failures().still_listed == ()
    assert account.count(call="list") == 1
    account.fault(call="delete", file_id=3, perform=False, body='{"file_id":3,"base_resp":{"status_code":0}}')
    with pytest.raises(mmx.PartialFailure, match="still listed") as caught:
        files.delete_many([3, 4], PURPOSE, verify=True).raise_for_failures()
    assert caught.value.summary.still_listed == (3,)
    assert not caught.value.summary
    account.fault(call="list", code=2013, times=2)
    with pytest.raises(mmx.InvalidRequestError, match="could not be verified"):
        list(files.delete_many([5], PURPOSE, verify=True))


def test_requests_a_minute_count_for_each(account: Account) -> None:
    client = account.client(requests_per_minute=1200)
    began = time.monotonic()
    client.files.delete_many(range(1, 13), PURPOSE).raise_for_failures()
    # 20 a second: the first may go at once.
    assert time.monotonic() - began > 0.5


def test_a_slow_reader_holds_the_run_up_and_loses_nothing(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "MAX_AHEAD", 4)
    outcomes = account.client().files.delete_many(range(1, 61), PURPOSE, concurrency=2)
    next(outcomes)
    # It is delayed: of 60 only those are sent that wait for the reader, and those in progress.
    until(lambda: account.count(call="delete") >= 5)
    time.sleep(0.3)
    assert account.count(call="delete") <= 10
    assert len(list(outcomes)) == 59
    assert outcomes.summary.deleted == 60


def test_a_run_is_neither_pickled_nor_copied(account: Account) -> None:
    outcomes = account.client().files.delete_many([], PURPOSE)
    for copies in (pickle.dumps, copy.copy):
        with pytest.raises(TypeError, match="can't be pickled"):
            copies(outcomes)


def test_a_run_that_is_dropped_ends(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_run, "MAX_AHEAD", 4)
    threads = threading.active_count()
    for outcome in account.client().files.delete_many(range(1, 200), PURPOSE):
        assert outcome
        break
    del outcome
    gc.collect()
    account.wait(open=0)
    assert account.count(call="delete") < 100
    assert threading.active_count() == threads


def test_cancel_from_another_thread(account: Account) -> None:
    account.fault(call="delete", skip=5, hang=True, times=-1)
    outcomes = account.client().files.delete_many(range(1, 41), PURPOSE, check=False)
    threading.Thread(target=lambda: account.wait(count=6) or outcomes.cancel()).start()  # type: ignore[func-returns-value]
    given = ends(outcomes)
    assert len(given) == 40
    assert set(given.values()) == {"deleted", "unknown", "not_attempted"}
    with pytest.raises(mmx.PartialFailure) as caught:
        outcomes.raise_for_failures()
    assert isinstance(caught.value.__cause__, mmx.CancelledError)


def test_from_other_threads(account: Account) -> None:
    files = account.client().files

    def delete(first: int) -> int:
        return files.delete_many(range(first, first + 20), PURPOSE).raise_for_failures().deleted

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(delete, range(1, 161, 20))) == [20] * 8


def test_a_loop_may_call_the_library_and_close_the_client(account: Account) -> None:
    client = account.client()
    for outcome in client.files.delete_many(range(1, 11), PURPOSE):
        client.files.delete(outcome.file_id + 100, PURPOSE)
        if outcome.index == 9:
            break
    for outcome in client.files.delete_many(range(11, 21), PURPOSE):
        client.close()
        assert outcome
    assert client.closed
