"""The five calls, a bulk delete and a prune; and whether what they reported is what the server holds."""

from __future__ import annotations

import hashlib
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import mmx
from stage import CALL_SECONDS, check
from stand_in import PURPOSE, Account

CONTENT = random.Random(21).randbytes(3 << 20)


def held(account: Account) -> set[int]:
    """The ids of the files that the server has."""
    return {file["file_id"] for file in json.loads(account.server.control("GET", f"{account.name}/files"))}


def performed(account: Account, call: str = "delete") -> Counter[int]:
    """How often each file was deleted, or uploaded."""
    entries = [entry for entry in account.journal() if entry["performed"] and entry["path"] == f"/v1/files/{call}"]
    if call == "upload":
        return Counter(entry["upload"]["file_id"] for entry in entries)
    return Counter(json.loads(entry["body"])["file_id"] for entry in entries)


def each_once(account: Account, ids: Iterable[int]) -> None:
    wanted, counted = set(ids), performed(account)
    others = {file_id: times for file_id, times in counted.items() if times != 1 or file_id not in wanted}
    check(not others and len(counted) == len(wanted), "each delete performed once", others, len(counted))
    check(not held(account) & wanted, "none of the files is left")


def five_calls(account: Account, client: mmx.Client, folder: Path) -> int:
    """Returns how often a download was resumed."""
    files = client.files
    digest = hashlib.sha256(CONTENT).hexdigest()
    uploaded = files.upload(CONTENT, purpose=PURPOSE, filename="voice.mp3")
    check(account.sha256(uploaded.file_id) == digest, "the upload stored as it was sent")
    source, target = folder / "source.mp3", folder / "target.mp3"
    source.write_bytes(CONTENT)
    second = files.upload(source, purpose=PURPOSE)
    check(account.sha256(second.file_id) == digest, "the file stored as it was sent")

    for fault in ({}, {"no_length": True}, {"extra_headers": 6, "extra_header_bytes": 12_000}):
        account.fault(**fault)
        listed = {file.file_id for file in files.list(PURPOSE)}
        seeded = {file_id for file_id in held(account) if file_id not in listed}
        check({uploaded.file_id, second.file_id, 1, 400} <= listed, "the files in the list", len(listed))
        check(len(seeded) < 20, "all files of the purpose in the list", len(seeded))
        account.fault(**fault)
        file = files.retrieve(uploaded.file_id)
        check((file.bytes, file.filename) == (len(CONTENT), "voice.mp3"), "the metadata of the file", file)

    resumed = 0
    for fault in ({}, {"no_length": True}, {"cut_after": len(CONTENT) // 2}):
        for via_link in (False, True):
            account.fault(call="store" if via_link else "retrieve_content", **fault)
            download = files.download(uploaded.file_id, via_download_url=via_link)
            check(download.content == CONTENT, "the content of the file", download.bytes, fault, via_link)
            resumed += download.resumed
    target.unlink(missing_ok=True)
    files.download(second.file_id, target)
    check(target.read_bytes() == CONTENT, "the content in the target")

    files.delete(uploaded.file_id, PURPOSE)
    files.delete(second.file_id, PURPOSE)
    each_once(account, [uploaded.file_id, second.file_id])
    return resumed


def bulk(account: Account, client: mmx.Client, ids: range) -> None:
    before = performed(account)
    summary = client.files.delete_many(ids, PURPOSE).raise_for_failures()
    check(summary.deleted == len(ids), f"{len(ids)} files deleted", summary)
    each_once(account, {*before, *ids})


def prune(account: Account, client: mmx.Client) -> int:
    """Deletes all but ten of the purpose's files; returns how many those were."""
    before, deleted = held(account), performed(account)
    settings = {"purpose": PURPOSE, "name_glob": "*", "keep_ids": range(391, 401)}
    plan = client.files.prune(dry_run=True, **settings)  # type: ignore[call-overload]
    selected = {file.file_id for file in plan.files}
    check(held(account) == before and plan.kept == 10, "a dry run that deletes nothing and keeps ten", plan.kept)
    result = client.files.prune(verify=True, **settings)  # type: ignore[call-overload]
    check(result.summary.deleted == len(selected), f"{len(selected)} files deleted", result.summary)
    check(held(account) == before - selected, "the server to have what was kept, and the other purposes' files")
    check(set(range(391, 401)) <= held(account), "the ten that were to be kept")
    each_once(account, {*deleted, *selected})
    return len(selected)


def whole(account: Account, client: mmx.Client, folder: Path) -> str:
    resumed = five_calls(account, client, folder)
    bulk(account, client, range(1, 201))
    pruned = prune(account, client)
    check(not any(entry["leaked_key"] for entry in account.journal()), "a key that the store never sees")
    return f"2 uploads, 7 downloads ({resumed} resumed), 200 deleted in bulk, {pruned} pruned, 10 kept"


def in_threads(calls: list[Callable[[], object]]) -> list[object]:
    with ThreadPoolExecutor(len(calls)) as pool:
        futures = [pool.submit(call) for call in calls]
        return [future.result() for future in futures]


def after_pauses(account: Account, client: mmx.Client) -> str:
    """300 deletes, each after a pause of just as long as the proxy keeps an idle connection, which is a second."""
    threads, rounds = 60, 5
    barrier = threading.Barrier(threads, timeout=CALL_SECONDS)

    def deletes(thread: int) -> None:
        for turn in range(rounds):
            barrier.wait()
            # The pause is the load: from 20 ms before the limit to 40 ms after it.
            time.sleep(0.98 + 0.001 * thread)
            client.files.delete(1 + turn * threads + thread, PURPOSE)

    in_threads([partial(deletes, thread) for thread in range(threads)])
    each_once(account, range(1, threads * rounds + 1))
    return f"{threads * rounds} deletes, each performed once"


class Reported:
    """What deletes have reported, to be compared with what the server holds afterwards."""

    def __init__(self) -> None:
        self.gone: set[int] = set()
        self.there: set[int] = set()
        self.unknown: set[int] = set()
        # Those of outcomes that took more than one request.
        self.again: set[int] = set()

    def result(self, file_id: int, error: mmx.Error | None) -> None:
        if error is None or isinstance(error, mmx.NotFoundError):
            self.gone.add(file_id)
        else:
            (self.unknown if error.ambiguous else self.there).add(file_id)

    def outcome(self, outcome: mmx.Outcome) -> None:
        if outcome.attempts > 1 or outcome.evidence == "retrieve":
            self.again.add(outcome.file_id)
        if outcome.outcome in ("deleted", "already_absent"):
            self.gone.add(outcome.file_id)
        elif outcome.outcome == "unknown":
            self.unknown.add(outcome.file_id)
        else:
            self.there.add(outcome.file_id)

    def agrees(self, account: Account, ids: Iterable[int]) -> str:
        left, wanted = held(account), set(ids)
        check(self.gone | self.there | self.unknown == wanted, "an outcome for every file")
        check(not self.gone & left, "no file that is reported deleted and is there", sorted(self.gone & left)[:9])
        check(self.there <= left, "no file that failed for certain and is gone", sorted(self.there - left)[:9])
        twice = [file_id for file_id, times in performed(account).items() if times > 1]
        check(not twice, "no delete performed twice", twice[:9])
        gone = sum(1 for file_id in self.unknown if file_id not in left)
        return f"{len(self.gone)} deleted, {len(self.there)} failed, {len(self.unknown)} unknown ({gone} of them gone)"
