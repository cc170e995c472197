"""Cancel tokens, and the cancellation of calls when the process ends.

At its end the interpreter stops every thread but the main one as soon as the thread runs Python code. Where that
happens in a callback, the process crashes, because the library's frames can't be unwound. So such calls are cancelled
first. Nothing here keeps a lock, which a fork could leave locked.
"""

from __future__ import annotations

import atexit
import os
import threading
from ctypes import CDLL, byref, c_void_p
from time import monotonic

from . import _library
from ._threads import sleep

# How long the end of the process waits for callbacks of cancelled calls, in seconds.
EXIT_GRACE = 0.5
# How many tokens are kept for the next calls.
MAX_SPARE = 8


class Token:
    """A cancel token, freed with its last reference."""

    __slots__ = ("_library", "pointer")

    def __init__(self, library: CDLL) -> None:
        token, error = c_void_p(), c_void_p()
        library.mmx_cancel_new(byref(token), byref(error))
        _library.check(library, error)
        self.pointer = token.value
        self._library = library

    def trigger(self) -> None:
        self._library.mmx_cancel_trigger(self.pointer)

    def end(self) -> None:
        """Cancels the call because the process ends."""
        self.trigger()

    def __del__(self) -> None:
        if hasattr(self, "pointer"):
            self._library.mmx_cancel_free(self.pointer)


class _Local(threading.local):
    """State of a thread: the token of the calls that it makes."""

    token: Token | None = None


_local = _Local()


def of_this_thread() -> Token | None:
    """Returns the token of all calls of this thread, if they have one."""
    return _local.token


def set_for_this_thread(token: Token | None) -> None:
    _local.token = token


_is_ending = False
# The tokens of calls with callbacks on threads other than the main one.
_active: dict[int, Token] = {}
_spare: list[Token] = []


def take(library: CDLL) -> Token:
    try:
        return _spare.pop()
    except IndexError:
        return Token(library)


def give_back(token: Token) -> None:
    """Keeps a token, which nobody triggers any more, for another call."""
    # Each has a file descriptor, so only some are kept after a burst of threads.
    if len(_spare) < MAX_SPARE:
        _spare.append(token)


def is_ending() -> bool:
    return _is_ending


class CancelledAtExit:
    """Context of a call with callbacks on a thread other than the main one: provides a token, triggered at exit."""

    __slots__ = ("_is_own", "_library", "_token")

    def __init__(self, library: CDLL, token: Token | None) -> None:
        self._library = library
        self._token = token
        self._is_own = token is None

    def __enter__(self) -> Token:
        token = self._token
        if token is None:
            token = self._token = take(self._library)
        _active[id(self)] = token
        if _is_ending:
            self._leave()
        return token

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        _active.pop(id(self), None)
        if _is_ending:
            # Ends the thread silently, as the end of the process does to one that isn't waited for.
            raise SystemExit("the process ends")
        if self._is_own and self._token is not None:
            give_back(self._token)


def _at_exit() -> None:
    global _is_ending
    _is_ending = True
    limit = monotonic() + EXIT_GRACE
    while _active and monotonic() < limit:
        for token in list(_active.values()):
            token.end()
        sleep(0.001)


def _after_fork_in_child() -> None:
    # A token is valid in the process that made it.
    _active.clear()
    _spare.clear()


atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork_in_child)
