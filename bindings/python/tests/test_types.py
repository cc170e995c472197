"""Types at run time: hints, dir(), help(), repr(), and what pydantic makes of them."""

from __future__ import annotations

import dataclasses
import inspect
import pydoc
import subprocess
import sys
import typing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pydantic
import pytest

import mmx
from stand_in import PACKAGE, PURPOSE, Account

CLASSES = [getattr(mmx, name) for name in mmx.__all__ if isinstance(getattr(mmx, name), type)]


@pytest.mark.parametrize("kind", CLASSES)
def test_type_hints_of_every_public_class(kind: type) -> None:
    hints = typing.get_type_hints(kind)
    if dataclasses.is_dataclass(kind):
        assert list(hints) == [field.name for field in dataclasses.fields(kind)]
    for name, member in vars(kind).items():
        if isinstance(member, property):
            assert typing.get_type_hints(member.fget)["return"] is not None
        elif inspect.isfunction(member) and not dataclasses.is_dataclass(kind):
            hints = typing.get_type_hints(member)
            assert "return" in hints, name
            assert set(inspect.signature(member, eval_str=True).parameters) - {"self"} == set(hints) - {"return"} - {
                "self"
            }


def test_some_of_the_hints() -> None:
    assert typing.get_type_hints(mmx.Outcome)["error"] == mmx.Error | None
    assert typing.get_type_hints(mmx.PartialFailure)["failures"] == list[mmx.Outcome]
    assert typing.get_type_hints(mmx.Client)["files"] is mmx.Files
    assert typing.get_type_hints(mmx.Files.delete)["return"] is mmx.DeleteResult
    assert typing.get_type_hints(mmx.Files.list)["return"] is mmx.FileList
    assert mmx.FileList.__orig_bases__ == (list[mmx.File],)  # type: ignore[attr-defined]
    assert typing.get_type_hints(mmx.Files.prune)["max_percent"] == typing.SupportsIndex | None


def test_hints_are_the_first_thing_that_is_asked_for() -> None:
    program = "import mmx, typing; print(typing.get_type_hints(mmx.PartialFailure)['summary'] is mmx.Summary)"
    assert run(program) == "True\n"


def run(program: str) -> str:
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, env={"PYTHONPATH": str(PACKAGE)}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_dir_is_complete_from_the_start() -> None:
    first, second = run("import mmx; print(*dir(mmx)); mmx.Client; print(*dir(mmx))").splitlines()
    assert set(first.split()) >= {*mmx.__all__, "__doc__", "client", "errors", "files", "results"}
    assert set(second.split()) >= set(first.split())


def calls() -> list[str]:
    return [name for name, member in vars(mmx.Files).items() if inspect.isfunction(member) and name[0] != "_"]


def test_help_shows_the_calls() -> None:
    text = pydoc.plain(pydoc.render_doc(mmx.Client))
    assert len(calls()) == 10
    for name in calls():
        assert f"files.{name}(" in text
    for name in ("sweep", "keep"):
        assert f"{name}(" in text
    text = pydoc.plain(pydoc.render_doc(mmx))
    for kind in CLASSES:
        assert f"class {kind.__name__}(" in text


def test_repr(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    client = account.client()
    assert repr(client) == f"<mmx.Client of {account.url}>"
    assert repr(client.files) == f"<mmx.Files of {account.url}>"
    outcomes = client.files.delete_many([1, 2, 3], PURPOSE, check=False)
    assert repr(outcomes) == "<mmx.Outcomes of 3 files: 3 pending>"
    next(outcomes)
    account.fault(call="delete", file_id=5, code=2013, times=-1)
    mixed = client.files.delete_many([4, 5, 999], PURPOSE, check=False)
    mixed.wait()
    assert repr(mixed) == "<mmx.Outcomes of 3 files: 1 deleted, 1 already absent, 1 failed>"
    outcomes.wait()
    assert repr(outcomes) == "<mmx.Outcomes of 3 files: 3 deleted>"
    assert repr(client.files.delete_many([], PURPOSE)) == "<mmx.Outcomes of 0 files>"
    client.close()
    assert repr(client) == f"<mmx.Client of {account.url}, closed>"
    monkeypatch.setenv("MINIMAX_BASE_URL", "https://api.minimax.io")
    assert repr(mmx.Client("k")) == "<mmx.Client of https://api.minimax.io>"
    monkeypatch.delenv("MINIMAX_BASE_URL")
    assert repr(mmx.Client("k")) == "<mmx.Client of the default base URL>"


class Report(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")

    outcomes: list[mmx.Outcome]
    file: mmx.File | None = None
    summary: mmx.Summary | None = None
    download: mmx.Download | None = None
    deleted: mmx.DeleteResult | None = None
    plan: mmx.Plan | None = None
    taken: mmx.TakeResult | None = None
    swept: mmx.SweepResult | None = None


def test_pydantic(account: Account, tmp_path: Path) -> None:
    account.fault(call="delete", file_id=2, code=2013, times=-1, message="not this one")
    files = account.client().files
    outcomes = list(files.delete_many([1, 2], PURPOSE, check=False))
    report = Report(
        outcomes=outcomes,
        file=files.retrieve(3),
        summary=mmx.Summary(total=2),
        download=files.download(4),
        deleted=files.delete(5, PURPOSE),
        plan=files.prune(purpose=PURPOSE, all=True, dry_run=True),
        taken=files.take(6, tmp_path / "taken", PURPOSE),
        swept=account.client(ledger=tmp_path / "ledger").sweep(),
    )
    assert all(given is kept for given, kept in zip(outcomes, report.outcomes, strict=True))
    again = Report.model_validate_json(report.model_dump_json())
    failed, failed_before = (next(one for one in given.outcomes if one.file_id == 2) for given in (again, report))
    assert isinstance(failed.error, mmx.InvalidRequestError)
    assert isinstance(failed_before.error, mmx.InvalidRequestError)
    assert vars(failed.error) == vars(failed_before.error)
    assert str(failed.error) == str(failed_before.error)
    assert dataclasses.replace(failed, error=None) == dataclasses.replace(failed_before, error=None)
    assert again.file == report.file
    assert again.plan == report.plan
    assert again.taken == report.taken
    assert again.swept == report.swept
    assert again.summary == report.summary
    schema = Report.model_json_schema()
    assert {"status", "message", "ambiguous"} <= set(
        schema["$defs"]["Outcome"]["properties"]["error"]["anyOf"][0]["properties"]
    )


def test_pydantic_refuses_what_is_no_outcome() -> None:
    adapter: Any = pydantic.TypeAdapter(mmx.Outcome)
    good = mmx.Outcome(0, 1, PURPOSE, "deleted", "answer", 1, "", datetime.now(timezone.utc), None)
    assert adapter.validate_python(good) is good
    for bad in (
        {},
        {**dataclasses.asdict(good), "error": "text"},
        {**dataclasses.asdict(good), "error": {"status": "x"}},
    ):
        with pytest.raises(pydantic.ValidationError):
            adapter.validate_python(bad)
