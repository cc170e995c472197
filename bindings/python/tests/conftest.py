from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Iterator

import pytest

from stand_in import LIBRARY, Account, Server

# The environment's settings don't affect tests.
for _name in [name for name in os.environ if name.startswith(("MINIMAX_", "MMX_"))]:
    del os.environ[_name]


def pytest_sessionstart() -> None:
    # A shell that starts this in the background ignores SIGINT, which the tests' programs would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not LIBRARY.exists():
        raise pytest.UsageError(f"{LIBRARY} is missing: run `make lib`")
    # The package searches only the checkout's own target folder.
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
