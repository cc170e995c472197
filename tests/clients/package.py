"""The file calls of minimax-client, plain and async; prints the names of those that went well.

Its `content` is left out: it parses a file's bytes as JSON.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from typing import Any

import minimax_client.client as package

way, url, key, path = sys.argv[1:]
# There is no setting for it.
package.BASE_URL = f"{url}/v1"


async def calls() -> list[str]:
    async def result(call: Any) -> Any:
        answer = await call if inspect.isawaitable(call) else call
        assert answer.base_resp.status_code == 0, answer
        return answer

    client: Any = package.MiniMax(api_key=key) if way == "sync" else package.AsyncMiniMax(api_key=key)
    files = client.files
    created = await result(files.create(path))
    file_id = created.file.file_id
    listed = await result(files.list())
    assert [file.file_id for file in listed.files] == [file_id], listed
    retrieved = await result(files.retrieve(file_id))
    assert retrieved.file.download_url, retrieved
    deleted = await result(files.delete(file_id))
    assert deleted.file_id == file_id, deleted
    return ["create", "list", "retrieve", "delete"]


print(json.dumps(asyncio.run(calls())))
