"""The client for asyncio: the same calls as coroutines, cancelled with their tasks."""

from __future__ import annotations

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

import mmx
from stand_in import FILE, PURPOSE, Account, until

SIZE = 300_000


def client_of(account: Account, **settings: Any) -> mmx.AsyncClient:
    return mmx.AsyncClient(account.server.key, account.url, **settings)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 40))


def test_every_call(account: Account, tmp_path: Path) -> None:
    async def main() -> None:
        async with client_of(account) as client:
            files = client.files
            stored = await files.upload(bytes(SIZE), purpose=PURPOSE, filename="a.mp3")
            assert stored.bytes == SIZE
            assert len(await files.list(PURPOSE)) > 400
            assert (await files.retrieve(stored.file_id)).filename == "a.mp3"
            assert (await files.wait(stored.file_id)).file_id == stored.file_id
            assert (await files.download(stored.file_id)).content == bytes(SIZE)
            await files.download(stored.file_id, tmp_path / "a.mp3")
            assert (tmp_path / "a.mp3").stat().st_size == SIZE
            assert b"".join([chunk async for chunk in files.iter_content(stored.file_id)]) == bytes(SIZE)
            deleted = await files.delete(stored.file_id)
            assert (deleted.evidence, deleted.http_status) == ("answer", 200)
            assert [o.outcome async for o in files.delete_many([1, 2, 3], PURPOSE)] == ["deleted"] * 3
            assert (await files.prune(purpose=PURPOSE, name_glob="*", dry_run=True)).matched >= 397
            assert (await files.prune(purpose=PURPOSE, all=True)).summary.deleted >= 397
            with pytest.raises(mmx.InvalidArgumentError):
                await files.delete(0)
            assert not client.closed
        assert client.closed
        with pytest.raises(mmx.InvalidArgumentError, match="closed"):
            await client.files.delete(4)

    run(main())


def test_a_cancelled_task_cancels_its_call(account: Account) -> None:
    account.fault(call="delete", hang=True)

    async def main() -> None:
        async with client_of(account) as client:
            task = asyncio.ensure_future(client.files.delete(7, PURPOSE))
            await asyncio.to_thread(account.wait, count=1)
            began = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError) as caught:
                await task
            assert time.monotonic() - began < 3
            cancelled = caught.value if caught.value.__cause__ else caught.value.__context__
            assert cancelled is not None
            cause = cancelled.__cause__
            assert isinstance(cause, mmx.CancelledError)
            assert cause.ambiguous
            assert cause.call == "delete_file"
            if hasattr(BaseException, "add_note"):
                assert "may or may not be there" in vars(cancelled)["__notes__"][0]
            # Nothing else is cancelled by it.
            account.server.control("DELETE", f"{account.name}/faults")
            assert (await client.files.delete(8, PURPOSE)).file_id == 8

    run(main())


def test_cancelled_before_a_thread_is_free(account: Account) -> None:
    account.fault(call="delete", hang=True)

    async def main() -> None:
        async with client_of(account, max_workers=1) as client:
            first = asyncio.ensure_future(client.files.delete(1, PURPOSE))
            await asyncio.to_thread(account.wait, count=1)

            causes = []

            async def second() -> None:
                try:
                    await client.files.delete(2, PURPOSE)
                except asyncio.CancelledError as cancelled:
                    causes.append(cancelled.__cause__)
                    raise

            waiting = asyncio.ensure_future(second())
            await asyncio.sleep(0.05)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            (cause,) = causes
            assert isinstance(cause, mmx.CancelledError)
            assert not cause.ambiguous
            first.cancel()
            await asyncio.wait([first])
        assert account.count(file_id=2) == 0

    run(main())


def test_a_timeout_of_asyncio(account: Account) -> None:
    account.fault(call="list", hang=True)

    async def main() -> None:
        async with client_of(account) as client:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(client.files.list(), 0.1)

    run(main())


async def pieces(size: int = SIZE) -> AsyncIterator[bytes]:
    for at in range(0, size, 70_000):
        await asyncio.sleep(0)
        yield bytes(min(70_000, size - at))


@pytest.mark.parametrize("size", [None, SIZE])
@pytest.mark.parametrize("kind", ["iterator", "reader"])
def test_an_asynchronous_source(account: Account, kind: str, size: int | None) -> None:
    async def main() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(bytes(SIZE))
        reader.feed_eof()
        async with client_of(account) as client:
            source: Any = pieces() if kind == "iterator" else reader
            stored = await client.files.upload(source, purpose=PURPOSE, filename="a.mp3", size=size)
            assert stored.bytes == SIZE

    run(main())
    headers = {name.lower(): value for name, value in account.journal()[-1]["headers"]}
    assert ("content-length" in headers) is (size is not None)


def test_sources_that_can_not_be_used(account: Account) -> None:
    async def main() -> None:
        async with client_of(account) as client:
            upload = client.files.upload
            with pytest.raises(TypeError, match="filename is needed"):
                await upload(pieces(), purpose=PURPOSE)
            with pytest.raises(TypeError, match="size is for asynchronous sources"):
                await upload(b"abc", purpose=PURPOSE, filename="a.mp3", size=3)
            with pytest.raises(mmx.FileError, match="of the 300001 bytes announced"):
                await upload(pieces(), purpose=PURPOSE, filename="a.mp3", size=SIZE + 1)

            async def breaks() -> AsyncIterator[bytes]:
                yield b"abc"
                raise KeyError("mine")

            with pytest.raises(KeyError, match="mine"):
                await upload(breaks(), purpose=PURPOSE, filename="a.mp3")

    run(main())
    assert account.count(call="upload", performed=1) == 0


@pytest.mark.parametrize(
    ("raised", "error"),
    [(KeyError, KeyError), (StopIteration, RuntimeError), (asyncio.CancelledError, asyncio.CancelledError)],
)
def test_what_a_callback_raises(account: Account, raised: type[BaseException], error: type[BaseException]) -> None:
    def progress(done: int, total: int | None) -> None:
        raise raised

    async def main() -> None:
        async with client_of(account) as client:
            with pytest.raises(error):
                await client.files.upload(b"abc", purpose=PURPOSE, filename="a.mp3", progress=progress)

    run(main())


def test_cancelled_while_the_source_has_nothing(account: Account) -> None:
    async def main() -> None:
        asked = asyncio.Event()

        async def silent() -> AsyncIterator[bytes]:
            yield b"abc"
            asked.set()
            await asyncio.sleep(60)

        async with client_of(account) as client:
            task = asyncio.ensure_future(client.files.upload(silent(), purpose=PURPOSE, filename="a.mp3"))
            await asked.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    run(main())
    assert account.count(call="upload", performed=1) == 0


def test_an_iteration_over_content_ends_with_the_error(account: Account) -> None:
    account.add(file_id=900, size=3_000_000)
    account.fault(call="retrieve_content", cut_after=1_000_000, times=-1)

    async def main() -> None:
        got: list[int] = []

        async def get(file_id: int) -> None:
            async for chunk in client.files.iter_content(file_id):
                got.append(len(chunk))

        async with client_of(account, max_attempts=1) as client:
            with pytest.raises(mmx.NetworkError):
                await get(900)
            assert 0 < sum(got) < 3_000_000
            got.clear()
            with pytest.raises(mmx.APIError):
                await get(999_999)
            assert not got

    run(main())


def test_an_iteration_over_content_that_is_left(account: Account) -> None:
    account.add(file_id=900, size=30_000_000)

    async def main() -> None:
        async with client_of(account, max_workers=1) as client:
            content = client.files.iter_content(900)
            async for chunk in content:
                assert chunk
                break
            await content.aclose()
            # The only thread is free again.
            assert (await client.files.delete(1, PURPOSE)).file_id == 1

    run(main())


def test_many_deletes(account: Account) -> None:
    account.fault(call="delete", file_id=2, times=-1, code=2013, message="not this one")

    async def main() -> None:
        async with client_of(account) as client:

            async def loop() -> None:
                async for outcome in client.files.delete_many(range(1, 101), PURPOSE):
                    assert outcome or outcome.file_id == 2

            with pytest.raises(mmx.PartialFailure) as caught:
                await loop()
            assert [outcome.file_id for outcome in caught.value.failures] == [2]
            async with client.files.delete_many(range(101, 201), PURPOSE) as outcomes:
                assert (await outcomes.raise_for_failures()).deleted == 100
            assert outcomes.total == 100
            assert not outcomes.failures
            summary = await client.files.delete_many([2, 201], PURPOSE, check=False).wait()
            assert (summary.deleted, summary.failed) == (1, 1)

    run(main())


@pytest.mark.parametrize("soon", [False, True])
def test_a_cancelled_loop_over_deletes(account: Account, soon: bool) -> None:
    account.fault(call="delete", hang=True, times=-1)

    async def main() -> None:
        async with client_of(account) as client:
            outcomes = client.files.delete_many(range(1, 41), PURPOSE, check=False)

            async def loop() -> None:
                async for _ in outcomes:
                    pass

            task = asyncio.ensure_future(loop())
            await asyncio.sleep(0)
            if not soon:
                await asyncio.to_thread(account.wait, count=1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            # None is lost.
            rest = [outcome async for outcome in outcomes]
            assert sorted(outcome.file_id for outcome in rest) == list(range(1, 41)) or (soon and rest == [])
            assert outcomes.summary.pending == 0
            assert outcomes.summary.unknown + outcomes.summary.not_attempted == 40
            assert outcomes.summary.unknown > 0 or soon

    run(main())


def test_a_thousand_deletes_leave_the_loop_responsive(account: Account) -> None:
    account.server.control("POST", f"{account.name}/files", {"count": 1000, "first_id": 1001, "purpose": PURPOSE})
    late = []

    async def ticks() -> None:
        while True:
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            late.append(time.monotonic() - due)

    async def main() -> None:
        async with client_of(account) as client:
            ticker = asyncio.ensure_future(ticks())
            results = await asyncio.gather(*(client.files.delete(1001 + n, PURPOSE) for n in range(1000)))
            ticker.cancel()
            assert [result.file_id for result in results] == list(range(1001, 2001))

    run(main())
    assert len(late) > 5
    assert statistics.median(late) < 0.1


def test_in_a_child_after_a_fork(account: Account) -> None:
    program = """
import asyncio, os, warnings
import mmx

warnings.filterwarnings("ignore", category=DeprecationWarning)
client = mmx.AsyncClient()
asyncio.run(client.files.delete(1, "voice_clone"))
child = os.fork()
asyncio.run(client.files.delete(2 if child else 3, "voice_clone"))
if child:
    assert os.waitpid(child, 0)[1] == 0
else:
    os._exit(0)
"""
    account.run(program)
    assert account.count(call="delete", performed=1) == 3


def test_no_thread_and_no_descriptor_is_left(account: Account) -> None:
    def left() -> tuple[int, int]:
        return len(os.listdir("/proc/self/task")), len(os.listdir("/proc/self/fd"))

    async def main(first: int) -> None:
        async with client_of(account) as client:
            await asyncio.gather(*(client.files.delete(first + n, PURPOSE) for n in range(32)))

    run(main(1))
    tasks, files = left()
    run(main(101))
    until(lambda: left()[0] <= tasks)
    assert left()[1] <= files + 16


@pytest.mark.parametrize("workers", [0, -1])
def test_numbers_of_threads_that_can_not_be_meant(account: Account, workers: int) -> None:
    with pytest.raises(mmx.InvalidArgumentError, match="max_workers must be 1 or more"):
        client_of(account, max_workers=workers)
    assert repr(client_of(account)).startswith("<mmx.AsyncClient of http://")


def test_asyncio_is_not_imported_for_nothing(account: Account) -> None:
    assert account.run("import sys, mmx; mmx.Client; print('asyncio' in sys.modules)") == "False\n"


def test_the_seeded_file(account: Account) -> None:
    async def main() -> None:
        async with client_of(account) as client:
            whole = (await client.files.download(FILE)).content
            parts = [chunk async for chunk in client.files.iter_content(FILE, via_download_url=True)]
            assert b"".join(parts) == whole

    run(main())
