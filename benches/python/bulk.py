"""requests in a pool of threads: bulk.py FIRST_ID WIDTH WARM_UP FILES deletes files, at most WIDTH at once.

The first WARM_UP of them are deleted before the clock starts. Server, key and roots are in MINIMAX_BASE_URL,
MINIMAX_API_KEY and SSL_CERT_FILE. Prints one line of JSON.
"""

from __future__ import annotations

import json
import platform
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter, process_time

import bench
import requests
from requests.adapters import HTTPAdapter


def peak_kib() -> int:
    """Of this program alone: what getrusage says may be that of whoever started it."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def main() -> None:
    first_id, width, warm_up, files = map(int, sys.argv[1:])
    session = requests.Session()
    session.headers.update(bench.HEADERS)
    session.verify = bench.ROOTS
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(pool_maxsize=width))

    def delete(file_id: int) -> None:
        answer = session.post(bench.URL, json={"file_id": file_id, "purpose": bench.PURPOSE}, timeout=bench.TIMEOUT)
        bench.check(answer.status_code, answer.json())

    with ThreadPoolExecutor(width) as pool:

        def delete_all(ids: Iterable[int]) -> None:
            for _ in pool.map(delete, ids):
                pass

        first = first_id + warm_up
        delete_all(range(first_id, first))
        cpu, began = process_time(), perf_counter()
        delete_all(range(first, first + files))
        seconds, cpu = perf_counter() - began, process_time() - cpu
    result = {
        "about": f"requests {requests.__version__}, Python {platform.python_version()}",
        "seconds": seconds,
        "cpu_seconds": cpu,
        "peak_kib": peak_kib(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
