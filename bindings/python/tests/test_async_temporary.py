"""temporary(), take() and sweep() for asyncio: a cancelled task deletes its file all the same."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from pathlib import Path
from typing import Any

import pytest

import mmx
from stand_in import FILE, PURPOSE, Account

DATA = bytes(1000)


def client_of(account: Account, **settings: Any) -> mmx.AsyncClient:
    return mmx.AsyncClient(account.server.key, account.url, **settings)


def run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 40))


async def pieces() -> AsyncIterator[bytes]:
    yield DATA[:400]
    await asyncio.sleep(0)
    yield DATA[400:]


def test_uploads_and_deletes(account: Account) -> None:
    async def main() -> None:
        async with client_of(account) as client:
            temporary = client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3")
            async with temporary as file:
                assert (await client.files.retrieve(file.file_id)).filename == "a.mp3"
                assert repr(temporary) == f"<mmx.AsyncTemporaryFile {file.file_id}>"
            assert account.count(call="delete", file_id=file.file_id, performed=1) == 1
            async with client.files.temporary(pieces(), purpose=PURPOSE, filename="a.mp3", size=1000) as other:
                assert other.bytes == 1000
            assert temporary.error is None
            with pytest.raises(ZeroDivisionError):
                async with client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3"):
                    raise ZeroDivisionError
            account.fault(call="upload", code=1004)
            with pytest.raises(mmx.AuthenticationError):
                async with client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3"):
                    raise AssertionError

    run(main())
    assert account.count(call="delete", performed=1) == account.count(call="upload", performed=1) == 3


def test_a_task_that_is_cancelled_in_the_block(account: Account) -> None:
    async def main() -> None:
        entered = asyncio.Event()

        async def work() -> None:
            client = client_of(account, max_workers=1)
            async with client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3"):
                entered.set()
                await asyncio.sleep(60)

        task = asyncio.ensure_future(work())
        await entered.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert account.count(call="delete", performed=1) == 1


def test_a_task_that_is_cancelled_during_the_delete(account: Account) -> None:
    account.fault(call="delete", delay_ms=300)

    async def main() -> None:
        async def work() -> None:
            async with client_of(account).files.temporary(DATA, purpose=PURPOSE, filename="a.mp3"):
                pass

        task = asyncio.ensure_future(work())
        await asyncio.to_thread(account.wait, count=1, call="delete")
        task.cancel()
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(main())
    assert account.count(call="delete", performed=1) == 1


def test_a_task_that_is_cancelled_during_the_upload(account: Account) -> None:
    # Each is cancelled at another point, some when the file has been stored: it is deleted then.
    async def main() -> None:
        async with client_of(account) as client:
            stored = 0
            for step in range(40):
                temporary = client.files.temporary(DATA, purpose=PURPOSE, filename=f"{step}.mp3")
                task = asyncio.ensure_future(temporary.__aenter__())
                await asyncio.sleep(0.0005 * step)
                task.cancel()
                try:
                    await task
                except asyncio.CancelledError as cancelled:
                    cause = cancelled.__cause__
                    # Otherwise nobody can know the file's id.
                    if isinstance(cause, mmx.Error) and "done all the same" in str(cause):
                        stored += 1
                else:
                    stored += 1
                    await temporary.__aexit__(None, None, None)
            assert account.count(call="delete", performed=1) == stored

    run(main())


def test_a_delete_that_fails(account: Account) -> None:
    account.fault(call="delete", code=1004, times=-1)

    async def main() -> None:
        async with client_of(account) as client:
            temporary = client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3")
            with pytest.raises(mmx.NotDeletedError) as caught:
                async with temporary as file:
                    pass
            assert caught.value.file == file
            with pytest.raises(ZeroDivisionError) as masked:
                async with client.files.temporary(DATA, purpose=PURPOSE, filename="a.mp3"):
                    raise ZeroDivisionError
            assert isinstance(masked.value.__context__, mmx.NotDeletedError)

    run(main())


def test_a_process_that_ends_in_the_block(account: Account) -> None:
    program = """
import asyncio, sys
import mmx

async def main():
    client = mmx.AsyncClient()
    await client.files.temporary(bytes(1000), purpose="voice_clone", filename="a.mp3").__aenter__()
    async with client.files.temporary(bytes(1000), purpose="voice_clone", filename="a.mp3"):
        sys.exit(0)

asyncio.run(main())
"""
    account.run(program)
    assert account.count(call="upload", performed=1) == account.count(call="delete", performed=1) == 2


def test_take_sweep_and_keep(account: Account, tmp_path: Path) -> None:
    async def main() -> None:
        async with client_of(account, ledger=tmp_path / "ledger.jsonl") as client:
            taken = await client.files.take(FILE, tmp_path / "a.mp3", PURPOSE)
            assert (taken.deleted, taken.path) == (True, str(tmp_path / "a.mp3"))
            first = await client.files.upload(DATA, purpose=PURPOSE, filename="a.mp3", reuse=True, expires_after=60)
            again = await client.files.upload(DATA, purpose=PURPOSE, filename="a.mp3", reuse=True, expires_after=60)
            assert again.file_id == first.file_id
            await client.keep(first.file_id)
            assert await client.sweep()
            assert (await client.sweep(dry_run=True)).outcomes == []

    run(main())
