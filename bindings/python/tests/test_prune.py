"""Prune: the effect of each condition, keep and limit, and its results and errors."""

from __future__ import annotations

import json
import pickle
import time
import unicodedata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any, Literal

import pytest

import mmx
from stand_in import PURPOSE, Account

DAY = 86400
# By id: age in days (None: unknown), name and size.
FILES: dict[int, tuple[float | None, str, int]] = {
    1: (8, "old.mp3", 100),
    2: (9, "keep.mp3", 0),
    3: (1, "new.mp3", 300),
    4: (None, "timeless.mp3", 100),
    5: (-1, "future.mp3", 100),
}


@pytest.fixture
def files(account: Account) -> mmx.Files:
    account.server.control("DELETE", f"{account.name}/files")
    for file_id, (age, name, size) in FILES.items():
        created = 0 if age is None else int(time.time() - age * DAY)
        account.add(file_id=file_id, created_at=created, filename=name, bytes=size, purpose=mmx.PURPOSE_T2A_ASYNC)
    account.add(file_id=6, created_at=int(time.time() - 30 * DAY), filename="other.mp3")
    return account.client().files


WEEK: dict[str, Any] = {"purpose": mmx.PURPOSE_T2A_ASYNC, "older_than": timedelta(days=7)}


def left(account: Account) -> set[int]:
    listed = json.loads(account.server.control("GET", f"{account.name}/files"))
    return {file["file_id"] for file in (listed["files"] if isinstance(listed, dict) else listed)}


@pytest.mark.parametrize(
    ("settings", "gone"),
    [
        (WEEK, {1, 2}),
        ({"older_than": 7 * DAY}, {1, 2, 6}),
        ({"older_than": timedelta(days=8, hours=12), "purpose": mmx.PURPOSE_T2A_ASYNC}, {2}),
        ({"purpose": mmx.PURPOSE_T2A_ASYNC, "min_bytes": 101}, {3}),
        ({"name_glob": "[a-n]*.mp3"}, {2, 3, 5}),
        ({"name_glob": "?e*.mp3", "older_than": 1.5}, {2, 3}),
        ({"purpose": mmx.PURPOSE_T2A_ASYNC, "all": True}, {1, 2, 3, 4, 5}),
        ({"all": True}, {1, 2, 3, 4, 5, 6}),
        ({**WEEK, "keep_glob": "k*"}, {1}),
        ({**WEEK, "keep_ids": [1, 77]}, {2}),
        ({**WEEK, "keep_ids": iter([mmx.File(2, 0, 0, "", "", "", "{}")])}, {1}),
        ({**WEEK, "max_files": 2, "max_percent": 40}, {1, 2}),
        ({**WEEK, "older_than": 365 * DAY}, set()),
    ],
)
def test_what_goes(account: Account, files: mmx.Files, settings: dict[str, Any], gone: set[int]) -> None:
    result = files.prune(**settings)
    assert set(FILES) | {6} == left(account) | gone
    assert not gone & left(account)
    assert account.count(call="delete") == len(gone)
    assert result.summary
    assert (result.summary.deleted, result.summary.kept) == (len(gone), result.plan.kept)
    assert {file.file_id for file in result.plan.files} == gone


Form = Literal["NFC", "NFD"]


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_name_in_either_normal_form_is_the_same(
    account: Account, files: mmx.Files, form: Literal["NFC", "NFD"]
) -> None:
    other: Literal["NFC", "NFD"] = "NFD" if form == "NFC" else "NFC"
    account.add(file_id=7, filename=unicodedata.normalize(other, "Müller.mp3"), purpose=mmx.PURPOSE_T2A_ASYNC)
    pattern = unicodedata.normalize(form, "Müller*")
    files.prune(purpose=mmx.PURPOSE_T2A_ASYNC, all=True, keep_glob=pattern)
    assert left(account) == {6, 7}
    files.prune(name_glob=pattern)
    assert left(account) == {6}


def test_the_plan_counts_what_is_kept(account: Account, files: mmx.Files) -> None:
    plan = files.prune(**WEEK, keep_glob="take[1].mp3", keep_ids=[1, 42], dry_run=True)
    assert json.loads(plan.raw)["keeps"] == [
        {"keep_glob": "take[1].mp3", "kept": 0, "listed": 0},
        {"keep_id": 1, "kept": 1, "listed": 1},
        {"keep_id": 42, "kept": 0, "listed": 0},
    ]


def test_a_dry_run_is_a_plan(account: Account, files: mmx.Files) -> None:
    plan = files.prune(**WEEK, keep_ids=[1], keep_glob="none", max_files=5, max_percent=50, dry_run=True)
    assert isinstance(plan, mmx.Plan)
    assert account.count(call="delete") == 0
    assert (plan.listed, plan.matched, plan.kept, len(plan)) == (5, 2, 1, 1)
    assert (plan.bytes_at_least, plan.sizes_unknown) == (0, 1)
    (chosen,), (kept,) = plan.files, plan.kept_files
    assert (chosen.file_id, chosen.filename, chosen.purpose) == (2, "keep.mp3", mmx.PURPOSE_T2A_ASYNC)
    assert (kept.file_id, kept.extra) == (1, {"kept": "keep_ids"})
    assert abs(datetime.now(timezone.utc) - plan.made_at) < timedelta(minutes=1)
    assert plan.host in account.url
    assert plan.key_fingerprint.startswith("sha256:")
    assert plan.filter["older_than_s"] == 7 * DAY
    raw = json.loads(plan.raw)
    assert raw["version"] == 1
    assert len(raw["files"]) == 2
    assert account.server.key not in plan.raw
    assert pickle.loads(pickle.dumps(plan)) == plan


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ({"max_files": 1}, "2 files would be deleted, more than the 1 allowed"),
        ({"max_percent": 39}, "2 of 5 files would be deleted, more than the 39 % allowed"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_guard(account: Account, files: mmx.Files, guard: dict[str, Any], said: str, dry_run: bool) -> None:
    with pytest.raises(mmx.GuardError, match=said) as caught:
        files.prune(**WEEK, **guard, dry_run=dry_run)
    assert {file.file_id for file in caught.value.plan.files} == {1, 2}
    assert account.count(call="delete") == 0
    assert pickle.loads(pickle.dumps(caught.value)).plan == caught.value.plan


def test_a_file_that_is_left_is_a_failure(account: Account, files: mmx.Files) -> None:
    account.fault(call="delete", file_id=1, code=2013, times=-1)
    seen: list[mmx.Outcome] = []
    with pytest.raises(mmx.PartialFailure, match="1 failed") as caught:
        files.prune(**WEEK, on_outcome=seen.append)
    error = caught.value
    assert (error.summary.deleted, error.summary.failed) == (1, 1)
    assert [outcome.file_id for outcome in error.failures] == [1]
    assert error.plan is not None
    assert {file.file_id for file in error.plan.files} == {1, 2} == {outcome.file_id for outcome in seen}
    assert left(account) == {1, 3, 4, 5, 6}


def test_a_list_that_can_not_be_trusted_is_no_empty_one(account: Account, files: mmx.Files) -> None:
    faults: list[tuple[dict[str, Any], type[mmx.Error]]] = [
        ({"code": 2013, "times": 2}, mmx.InvalidRequestError),
        ({"shape": "truncated_json"}, mmx.ProtocolError),
        ({"headers": {"Date": None}}, mmx.ProtocolError),
        ({"code": 1004}, mmx.AuthenticationError),
    ]
    for fault, kind in faults:
        account.fault(call="list", **fault)
        with pytest.raises(kind):
            files.prune(**WEEK)
    assert account.count(call="delete") == 0


@pytest.mark.parametrize(
    ("settings", "parameter"),
    [
        ({}, "filter"),
        ({"purpose": PURPOSE}, "filter"),
        ({"purpose": "No such", "all": True}, "filter.purpose"),
        ({"keep_ids": [1], "keep_glob": "*", "max_files": 5}, "filter"),
        ({"name_glob": "[a"}, "filter.name_glob"),
        ({"name_glob": "a\0"}, "name_glob"),
        ({"name_glob": ""}, "filter.name_glob"),
        ({**WEEK, "keep_glob": ""}, "filter.keep_glob"),
        ({"older_than": 0}, "older_than"),
        ({"older_than": timedelta(days=-1)}, "older_than"),
        ({"older_than": float("nan")}, "older_than"),
        ({"older_than": float("inf")}, "older_than"),
        ({**WEEK, "max_files": 0}, "max_files"),
        ({**WEEK, "max_percent": 0}, "max_percent"),
        ({**WEEK, "max_percent": 101}, "filter.max_percent"),
        ({"min_bytes": 0}, "min_bytes"),
        ({**WEEK, "keep_ids": [2**63]}, "keep_ids[0]"),
        ({**WEEK, "concurrency": 1001}, "options.concurrency"),
    ],
)
def test_what_can_not_be_meant(account: Account, files: mmx.Files, settings: dict[str, Any], parameter: str) -> None:
    with pytest.raises(mmx.InvalidArgumentError) as caught:
        files.prune(**settings)
    assert caught.value.parameter == parameter
    assert account.count() == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"older_than": "7d"},
        {"older_than": True},
        {"all": 1},
        {"dry_run": 1, "all": True},
        {"verify": "yes", "all": True},
        {"name_glob": b"*"},
        {"keep_ids": ["1"], "all": True},
        {"max_files": 1.5, "all": True},
        {"on_outcome": 1, "all": True},
        {"progress": 1, "all": True},
        {"older_then": 5},
    ],
)
def test_what_has_another_type(account: Account, files: mmx.Files, settings: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        files.prune(**settings)
    assert account.count() == 0


def test_verify(account: Account, files: mmx.Files) -> None:
    assert files.prune(**WEEK, keep_ids=[1], verify=True).summary.still_listed == ()
    assert account.count(call="list") == 2
    account.fault(call="delete", perform=False, body='{"file_id":1,"base_resp":{"status_code":0}}')
    with pytest.raises(mmx.PartialFailure, match="still listed") as caught:
        files.prune(**WEEK, verify=True)
    assert caught.value.summary.still_listed == (1,)


def test_options(account: Account, files: mmx.Files) -> None:
    account.fault(call="delete", file_id=1, times=-1, code=1013, headers={"Retry-After": "0"})
    with pytest.raises(mmx.PartialFailure):
        files.prune(**WEEK, max_attempts=2)
    assert account.count(call="delete", file_id=1) == 2
    account.server.control("DELETE", f"{account.name}/faults")
    account.fault(call="delete", file_id=1, times=-1, hang=True, perform=False)
    account.fault(call="retrieve", file_id=1, times=-1, hang=True)
    with pytest.raises(mmx.PartialFailure) as caught:
        files.prune(**WEEK, call_timeout=0.3)
    assert isinstance(caught.value.failures[0].error, mmx.TimeoutError)
    with pytest.raises(mmx.PartialFailure, match="the time limit of 300 ms passed"):
        files.prune(**WEEK, call_timeout=None, timeout=0.3)


def test_concurrency(account: Account) -> None:
    account.fault(call="delete", delay_ms=20, times=-1)
    account.client().files.prune(purpose=PURPOSE, name_glob="*", keep_ids=range(20, 1000), concurrency=1)
    connections = json.loads(account.server.control("GET", f"{account.name}/connections"))
    # The connection of the list, and one for all deletes.
    assert len(connections) <= 2


class Own(Exception):
    pass


@pytest.mark.parametrize("on_main", [True, False])
@pytest.mark.parametrize("which", ["progress", "on_outcome"])
def test_functions_are_told_and_may_end_it(account: Account, which: str, on_main: bool) -> None:
    client = account.client()
    told: list[Any] = []

    def prune(function: Callable[..., object]) -> Any:
        chosen: dict[str, Any] = {"purpose": PURPOSE, "name_glob": "*", "keep_ids": range(101, 1000), which: function}
        try:
            return client.files.prune(**chosen)
        except Own as error:
            return error

    def fails(*given: object) -> None:
        told.append(given)
        raise Own

    # Their results are ignored.
    functions: list[Callable[..., object]] = [fails, lambda *given: [told.append(given)]]  # type: ignore[func-returns-value]
    if on_main:
        ended, done = (prune(function) for function in functions)
    else:
        with ThreadPoolExecutor(1) as pool:
            ended, done = pool.map(prune, functions)
    assert isinstance(ended, Own)
    if hasattr(Own, "add_note"):
        assert "not attempted" in getattr(ended, "__notes__", [""])[0]
    assert set(range(1, 401)) & left(account) == set(range(101, 401))
    if which == "on_outcome":
        assert len(told) == 1 + done.summary.total
    else:
        assert told[-1] == (done.summary.total, done.summary.total)
