"""The contestants in Python: bench.py CONTESTANT FIRST_ID 1 WARM_UP CALLS, from one thread.

Server, key and roots are in MINIMAX_BASE_URL, MINIMAX_API_KEY and SSL_CERT_FILE. Prints one line of JSON.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import threading
from collections.abc import Callable
from io import BytesIO
from resource import RUSAGE_SELF, getrusage
from time import perf_counter_ns

# Deletes a file that is there, and raises unless the service says so; and what does it.
Contestant = tuple[Callable[[int], object], str]

KEY = os.environ["MINIMAX_API_KEY"]
URL = os.environ["MINIMAX_BASE_URL"] + "/v1/files/delete"
ROOTS = os.environ["SSL_CERT_FILE"]
HEADERS = {"Authorization": f"Bearer {KEY}"}
PURPOSE = "voice_clone"
TIMEOUT = 60.0


def libmmx() -> Contestant:
    import mmx

    client = mmx.Client()
    return lambda file_id: client.files.delete(file_id, PURPOSE), f"libmmx {mmx.__version__}"


def with_pycurl() -> Contestant:
    import pycurl

    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, URL)
    curl.setopt(
        pycurl.HTTPHEADER, [*(f"{name}: {value}" for name, value in HEADERS.items()), "Content-Type: application/json"]
    )
    curl.setopt(pycurl.CAINFO, ROOTS)
    curl.setopt(pycurl.TIMEOUT_MS, round(TIMEOUT * 1000))

    def delete(file_id: int) -> None:
        answer = BytesIO()
        curl.setopt(pycurl.POSTFIELDS, json.dumps({"file_id": file_id, "purpose": PURPOSE}))
        curl.setopt(pycurl.WRITEDATA, answer)
        curl.perform()
        check(curl.getinfo(pycurl.RESPONSE_CODE), json.loads(answer.getvalue()))

    return delete, pycurl.version


def with_requests() -> Contestant:
    import requests

    session = requests.Session()
    session.headers.update(HEADERS)
    session.verify = ROOTS

    def delete(file_id: int) -> None:
        answer = session.post(URL, json={"file_id": file_id, "purpose": PURPOSE}, timeout=TIMEOUT)
        check(answer.status_code, answer.json())

    return delete, f"requests {requests.__version__}"


def with_httpx() -> Contestant:
    import ssl

    import httpx

    client = httpx.Client(headers=HEADERS, verify=ssl.create_default_context(cafile=ROOTS), timeout=TIMEOUT)

    def delete(file_id: int) -> None:
        answer = client.post(URL, json={"file_id": file_id, "purpose": PURPOSE})
        check(answer.status_code, answer.json())

    return delete, f"httpx {httpx.__version__}"


def check(http_status: int, answer: dict[str, dict[str, object]]) -> None:
    if http_status != 200 or answer["base_resp"]["status_code"] != 0:
        raise RuntimeError(f"HTTP {http_status}: {answer}")


CONTESTANTS = {
    "libmmx": libmmx,
    "libmmx-thread": libmmx,
    "pycurl": with_pycurl,
    "requests": with_requests,
    "httpx": with_httpx,
}


def cpu_ns() -> int:
    usage = getrusage(RUSAGE_SELF)
    return round((usage.ru_utime + usage.ru_stime) * 1e9)


def run(name: str, first_id: int, warm_up: int, calls: int) -> None:
    delete, about = CONTESTANTS[name]()
    first = first_id + warm_up
    for file_id in range(first_id, first):
        delete(file_id)
    times = []
    cpu, began = cpu_ns(), perf_counter_ns()
    for file_id in range(first, first + calls):
        before = perf_counter_ns()
        delete(file_id)
        times.append(perf_counter_ns() - before)
    wall, cpu = perf_counter_ns() - began, cpu_ns() - cpu
    result = {
        "about": f"{about}, Python {platform.python_version()}",
        "wall_ns": wall,
        "cpu_ns": cpu,
        "peak_rss_kib": getrusage(RUSAGE_SELF).ru_maxrss,
        "call_ns": times,
    }
    print(json.dumps(result))


def main() -> None:
    name, first_id, _threads, warm_up, calls = sys.argv[1:]
    arguments = (name, int(first_id), int(warm_up), int(calls))
    if name == "libmmx-thread":
        thread = threading.Thread(target=run, args=arguments)
        thread.start()
        thread.join()
    else:
        run(*arguments)


if __name__ == "__main__":
    main()
