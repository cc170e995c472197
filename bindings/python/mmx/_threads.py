"""The threads of the operating system, also where gevent has replaced them with greenlets.

A call blocks its thread in C, and signals are blocked and handled by thread: greenlets can do neither.
"""

from __future__ import annotations

import os
import sys
import threading
from _queue import Empty, SimpleQueue  # Not from `queue`, where gevent replaces them.
from ctypes import PYFUNCTYPE, c_void_p, pythonapi
from typing import Any, TypeVar

Item = TypeVar("Item")


def _original(module: str, name: str) -> Any:
    """Returns a function of the interpreter, also if gevent has replaced it."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None:
        return monkey.get_original(module, name)
    return getattr(sys.modules[module], name)


def _is_main_interpreter() -> bool:
    current, main = (
        PYFUNCTYPE(c_void_p)((name, pythonapi)) for name in ("PyInterpreterState_Get", "PyInterpreterState_Main")
    )
    return bool(current() == main())


def _start_no_thread(*_: object) -> int:
    raise RuntimeError("mmx starts no thread in a sub-interpreter: the process would abort if it outlived that")


Lock = _original("_thread", "allocate_lock")
get_native_id = _original("_thread", "get_native_id")
sleep = _original("time", "sleep")
is_main_interpreter = _is_main_interpreter()
start_new_thread = _original("_thread", "start_new_thread") if is_main_interpreter else _start_no_thread

# How long one wait of the main thread lasts, in seconds. A signal that comes just before a wait, or to another thread,
# doesn't interrupt it: its handler runs after that time.
MAX_WAIT = 0.1

# Not its `ident`, which gevent changes.
_main_thread_id = threading.main_thread().native_id


def is_main_thread() -> bool:
    """Whether this is the thread on which Python runs signal handlers."""
    return bool(get_native_id() == _main_thread_id)


def wait_for(queue: SimpleQueue[Item]) -> Item:
    """Returns the next item of a queue. Signal handlers run meanwhile."""
    while True:
        try:
            return queue.get(timeout=MAX_WAIT)
        except Empty:
            continue


def _after_fork_in_child() -> None:
    global _main_thread_id
    _main_thread_id = get_native_id()


os.register_at_fork(after_in_child=_after_fork_in_child)

__all__ = [
    "Empty",
    "Lock",
    "SimpleQueue",
    "is_main_interpreter",
    "is_main_thread",
    "sleep",
    "start_new_thread",
    "wait_for",
]
