"""Tokens that end calls; and the end of the process, which a call that calls back must not meet.

Once the interpreter ends, it ends every thread but the main one that comes to it, also one that comes from a callback
of the library, through whose frames that doesn't go: the process would die of it. So such calls are ended before.

Nothing here keeps a lock, so a fork finds none held.
"""

from __future__ import annotations

import atexit
import os
import threading
from ctypes import byref, c_void_p
from time import monotonic, sleep

from . import _library

# How long the end of the process waits for calls that it has cancelled, in seconds: for their callbacks, that is.
PATIENCE = 0.5
# How many tokens are kept for the next calls.
SPARE = 8

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ctypes import CDLL


class Token:
    """A cancel token, freed when nobody has a use for it any more."""

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
        """Ends the call that has it, which nobody waits for any more."""
        self.trigger()

    def __del__(self) -> None:
        if hasattr(self, "pointer"):
            self._library.mmx_cancel_free(self.pointer)


_ending = False
# Those of calls that may call back, on other threads than the main one.
_inside: dict[int, Token] = {}
_spare: list[Token] = []


def is_main_thread() -> bool:
    return threading.get_ident() == threading.main_thread().ident


def is_ending() -> bool:
    return _ending


class Inside:
    """Around a call that may call back, on another thread than the main one: gives it a token to be ended by."""

    __slots__ = ("_is_own", "_library", "_token")

    def __init__(self, library: CDLL, token: Token | None) -> None:
        self._library = library
        self._token = token
        self._is_own = token is None

    def __enter__(self) -> Token:
        token = self._token
        if token is None:
            try:
                token = self._token = _spare.pop()
            except IndexError:
                token = self._token = Token(self._library)
        _inside[id(self)] = token
        if _ending:
            self._leave()
        return token

    def __exit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        _inside.pop(id(self), None)
        if _ending:
            # Ends the thread without a word, as the end of the process does to one that isn't waited for.
            raise SystemExit("the process ends")
        # Each has a descriptor: those of a burst of threads aren't all kept.
        if self._is_own and self._token is not None and len(_spare) < SPARE:
            _spare.append(self._token)


def _at_exit() -> None:
    global _ending
    _ending = True
    limit = monotonic() + PATIENCE
    while _inside and monotonic() < limit:
        for token in list(_inside.values()):
            token.end()
        sleep(0.001)


def _after_fork_in_child() -> None:
    # A token is good in the process that made it.
    _inside.clear()
    _spare.clear()


atexit.register(_at_exit)
os.register_at_fork(after_in_child=_after_fork_in_child)
