from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Iterator

import pytest

from stand_in import LIBRARY, Account, Server

# The machine's own settings are no part of a test.
for _name in [name for name in os.environ if name.startswith(("MINIMAX_", "MMX_"))]:
    del os.environ[_name]


def pytest_sessionstart() -> None:
    # Ignored where a shell has started this in the background, and so by every program that a test starts.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not LIBRARY.exists():
        raise pytest.UsageError(f"{LIBRARY} is missing: run `make lib`")
    # The wrapper looks into the checkout's own target folder alone.
    if os.environ.get("CARGO_TARGET_DIR"):
        os.environ["MMX_LIBRARY"] = str(LIBRARY)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def account(server: Server, request: pytest.FixtureRequest) -> Account:
    return Account(server, "py-" + re.sub(r"[^A-Za-z0-9_]", "-", request.node.name)[:60])


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No log: the handlers of `logging` keep their locks when a signal's handler raises in them."""
    monkeypatch.setattr(logging.getLogger("mmx"), "disabled", True)
