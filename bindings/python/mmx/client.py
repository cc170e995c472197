"""The client."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, NoReturn, SupportsFloat, SupportsIndex, TypeVar

from . import _arguments, _sweep, errors
from ._connection import Connection
from ._types import Timeout
from .files import Files
from .results import Outcome, SweepResult

Self = TypeVar("Self", bound="Client")


class Client:
    """A client of the API: an API key and a base URL.

    Making one is cheap and sends nothing. Any number of threads may use it at once, and a child process after a fork.
    These are its calls; `help(mmx.Files)` describes them:

        files.list(purpose=None)                     a list of mmx.File
        files.retrieve(file_id)                      mmx.File, with a link to the content
        files.upload(source, purpose=...)            mmx.File, of a path, bytes or a file object
        files.download(file_id, target=None)         mmx.Download, to a path, a file object or memory
        files.wait(file_id, timeout=...)             mmx.File, as soon as it is there
        files.delete(file_id, purpose=None)          mmx.DeleteResult
        files.delete_many(files, purpose=None)       mmx.Outcomes, an iterator over mmx.Outcome
        files.prune(older_than=..., dry_run=False)   mmx.PruneResult, or mmx.Plan
        files.temporary(source, purpose=...)         mmx.TemporaryFile, for a `with` block
        files.take(file_id, path)                    mmx.TakeResult: downloads, then deletes
        sweep(dry_run=False)                         mmx.SweepResult: settles what a crash left
    """

    __slots__ = ("__weakref__", "_connection", "files")

    files: Files

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        timeout: Timeout = ...,
        connect_timeout: Timeout = ...,
        idle_timeout: Timeout = ...,
        max_attempts: SupportsIndex | None = None,
        requests_per_minute: SupportsIndex | None = None,
        proxy: str | None = None,
        ca_file: str | os.PathLike[str] | None = None,
        user_agent: str | None = None,
        allow_insecure: bool = False,
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        api_key_file: str | os.PathLike[str] | None = None,
        ledger: str | os.PathLike[str] | None = None,
    ) -> None:
        """Without `api_key` and `base_url`, MINIMAX_API_KEY and MINIMAX_BASE_URL are used.

        `api_key_file` is a file that contains the key, in its place. It is read again at the beginning of a call if it
        has changed, so a key that rotates needs no new client; replace it by a rename. Without `api_key`,
        `api_key_file` and MINIMAX_API_KEY, the path in MINIMAX_API_KEY_FILE is used.

        `timeout` is the time limit of a whole call in seconds; None is no limit. The default is 60 seconds, and no
        limit for uploads and downloads. `connect_timeout` (10) limits name lookup, TCP, proxy and TLS handshake;
        `idle_timeout` (60) is the longest time without receiving or sending a byte. `max_attempts` (4) is how many
        requests a call may send. `requests_per_minute` is the rate limit of all clients of this key and process,
        retries and lookups included: divide it by the number of your processes. `proxy` is http://host:port or
        http://user:password@host:port, for all requests; "none" is no proxy. Without it the environment variables
        HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY are used. `ca_file` is a PEM file of certificates to trust in
        addition to the system's. `user_agent` names your program. `allow_insecure` allows http:// to other machines.
        `headers` are sent with every request to the API, for example for a company's gateway, and never to another
        origin, nor logged. Headers that the library sets itself, such as Authorization, are refused. `ledger` is a file
        that knows each upload until its file is deleted, for `sweep()`; without it, the path in MMX_LEDGER is used; ""
        is none. It is made when it is first needed; any number of processes of this host may use it at once.
        """
        call = "client_new"
        if api_key is not None and api_key_file is not None:
            raise errors.invalid_argument(call, "api_key_file", "can't be given beside api_key")
        limits = {"timeout_ms": timeout, "connect_timeout_ms": connect_timeout, "idle_timeout_ms": idle_timeout}
        numbers = {"max_attempts": max_attempts, "requests_per_minute": requests_per_minute}
        # With the names of mmx_config_set_<name>().
        settings: dict[str, object] = {
            "api_key": api_key if api_key is None else _arguments.text(call, "api_key", api_key),
            "base_url": base_url if base_url is None else _arguments.text(call, "base_url", base_url),
            **{
                name: None if limit is ... else _arguments.milliseconds(call, name, limit)
                for name, limit in limits.items()
            },
            **{
                name: number if number is None else _arguments.integer(call, name, number, _arguments.INT32_MAX)
                for name, number in numbers.items()
            },
            "proxy": proxy if proxy is None else _arguments.text(call, "proxy", proxy),
            "ca_file": ca_file if ca_file is None else _arguments.path(call, "ca_file", ca_file),
            "user_agent": user_agent if user_agent is None else _arguments.text(call, "user_agent", user_agent),
            "api_key_file": (
                api_key_file if api_key_file is None else _arguments.path(call, "api_key_file", api_key_file)
            ),
            "ledger": ledger if ledger is None else _arguments.path(call, "ledger", ledger),
            "allow_insecure": _arguments.boolean(call, "allow_insecure", allow_insecure),
        }
        described = base_url or os.environ.get("MINIMAX_BASE_URL") or "the default base URL"
        self._connection = Connection(settings, _headers(call, headers), described)
        self.files = Files(self._connection)

    def sweep(
        self,
        *,
        dry_run: bool = False,
        timeout: SupportsFloat | None = None,
        on_outcome: Callable[[Outcome], object] | None = None,
    ) -> SweepResult:
        """Settles what processes that are gone left in the ledger, and deletes what is due.

        Looks in the list for files of uploads whose response was lost. Deletes temporary files of processes that are
        gone, files that `take()` had brought to the disk, and those whose `expires_after` is over; everything else
        stays. Two sweeps at once share the work. With `dry_run` nothing is written or deleted, and the files that would
        be deleted are "kept". If a file is not deleted, or an upload is unsettled: an `mmx.PartialFailure`, whose
        `sweep` is the result. `on_outcome` is as in `prune()`, `timeout` limits the whole run, in seconds.
        """
        return _sweep.sweep(self._connection, dry_run, timeout, on_outcome)

    def keep(self, file_id: SupportsIndex) -> None:
        """Strikes a file out of the ledger, so that no sweep deletes it. Sends nothing.

        A file that the ledger doesn't have is a `NotFoundError`.
        """
        _sweep.keep(self._connection, file_id)

    @property
    def closed(self) -> bool:
        """Whether the client is closed."""
        return self._connection.closed

    def close(self) -> None:
        """Closes the client: new calls fail, calls in progress finish. Closing again does nothing."""
        self._connection.close()

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<mmx.Client of {self._connection.described}{', closed' if self.closed else ''}>"

    def __reduce__(self) -> NoReturn:
        raise errors.not_picklable()


def _headers(call: str, headers: Any) -> list[tuple[bytes, bytes]]:
    wanted = "a mapping of names to values, or pairs of both"
    if isinstance(headers, str | bytes):
        raise _arguments.wrong_type(call, "headers", wanted, headers)
    try:
        pairs = [(name, value) for name, value in (headers.items() if hasattr(headers, "items") else headers)]
    except (TypeError, ValueError):
        raise _arguments.wrong_type(call, "headers", wanted, headers) from None
    return [
        (_arguments.text(call, "the name of a header", name), _arguments.text(call, f"the header {name!r}", value))
        for name, value in pairs
    ]


Client.__module__ = "mmx"
