"""Functions for C that call a function of Python and lose no exception.

On the main thread Python may run signal handlers at the first instruction of any function, before a `try` in it is
entered. If ctypes has called that function, it prints what the handler raises, and drops it. So ctypes calls none here:
it makes an object of the arguments, of a class without a function of its own, and turns it into an integer by
`__index__`, which resumes a generator inside of its `try`. No instruction of Python runs before that.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from ctypes import CFUNCTYPE, PYFUNCTYPE, c_int, cast, py_object, pythonapi
from typing import Any, Protocol

# Binds a function of C to an instance, as a function of Python binds itself.
_instance_method = PYFUNCTYPE(py_object, py_object)(("PyInstanceMethod_New", pythonapi))
# Runs the handlers of signals that have come. ctypes raises what a handler has raised.
run_signal_handlers = PYFUNCTYPE(c_int)(("PyErr_CheckSignals", pythonapi))


class Keeper(Protocol):
    """Keeps an exception until C has returned. After one, a thunk calls no function any more."""

    raised: BaseException | None


class _Nobody:
    """The keeper of an idle thunk."""

    raised: BaseException | None = None


_nobody = _Nobody()


def _nothing(*_: object) -> int:
    raise RuntimeError("nobody is to call this")


class Thunk:
    """A function for C, `pointer`, that calls `function` with its arguments, or returns `failed`.

    It is used by one call at a time.
    """

    __slots__ = ("failed", "function", "generator", "keeper", "pointer", "prototype")

    def __init__(self, prototype: Any) -> None:
        self.function: Callable[..., int] = _nothing
        self.failed = 0
        self.keeper: Keeper = _nobody
        self.prototype = prototype
        # Any: also attributes of generators.
        self.generator: Any = _serve(self)
        # Before it runs: one that runs is never closed, for a signal handler could raise in its end.
        _generators.append(self.generator)
        next(self.generator)
        arguments = type("Arguments", (BaseException,), {"__index__": _instance_method(self.generator.send)})
        # A function that returns nothing to C has to return an integer to ctypes.
        made = prototype if prototype._restype_ else CFUNCTYPE(c_int, *prototype._argtypes_)
        self.pointer: Any = cast(made(arguments), prototype)


# All that were made, also where a signal handler has raised before the thunk was given back.
_generators: list[Any] = []
# By prototype. Making one takes longer than a callback does.
_idle: dict[Any, list[Thunk]] = {}


def take(prototype: Any, function: Callable[..., int], failed: int, keeper: Keeper) -> Thunk:
    try:
        thunk = _idle[prototype].pop()
    except (IndexError, KeyError):
        thunk = Thunk(prototype)
    thunk.function, thunk.failed, thunk.keeper = function, failed, keeper
    return thunk


def give_back(thunk: Thunk) -> None:
    """Makes a thunk available to other calls: C has returned, and doesn't use it any more."""
    thunk.function, thunk.keeper = _nothing, _nobody
    _idle.setdefault(thunk.prototype, []).append(thunk)


def _serve(thunk: Thunk) -> Generator[int, Any, None]:
    """Runs a thunk's calls. Handlers may raise where a function is entered, a call returns or a loop goes back.

    So there is nothing of these outside of the innermost loop, and what is raised where another goes back is caught by
    the one around it.
    """
    answer, is_idle = 0, True
    while True:
        try:
            while True:
                try:
                    while True:
                        is_idle = True
                        given = yield answer
                        is_idle = False
                        answer = thunk.failed
                        if thunk.keeper.raised is None:
                            # Without what is passed through C, the first of the arguments.
                            answer = thunk.function(*given.args[1:])
                except BaseException as error:
                    if is_idle and error.__class__ is GeneratorExit:
                        return  # Nobody has the thunk any more.
                    answer = thunk.failed
                    if error.__context__ is None and thunk.keeper.raised is not error:
                        error.__context__ = thunk.keeper.raised
                    thunk.keeper.raised = error
        except BaseException as error:
            answer = thunk.failed
            if error.__context__ is None and thunk.keeper.raised is not error:
                error.__context__ = thunk.keeper.raised
            thunk.keeper.raised = error
