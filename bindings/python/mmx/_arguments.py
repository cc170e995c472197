"""Converts arguments to C values. ctypes alone would wrap large integers and cut text at a NUL without an error."""

from __future__ import annotations

import os
from datetime import timedelta
from math import ceil
from operator import index
from typing import Any, SupportsFloat, SupportsIndex

from .errors import invalid_argument

INT32_MAX = 2**31 - 1
INT64_MAX = 2**63 - 1


def wrong_type(call: str, parameter: str, wanted: str, value: object) -> TypeError:
    return TypeError(f"{call}: {parameter} must be {wanted}, not {type(value).__name__}")


def integer(call: str, parameter: str, value: SupportsIndex, highest: int) -> int:
    """Returns an integer that fits its C type. The library checks its range."""
    if isinstance(value, bool):
        raise wrong_type(call, parameter, "a whole number", value)
    try:
        number = index(value)
    except TypeError:
        raise wrong_type(call, parameter, "a whole number", value) from None
    if number > highest:
        raise invalid_argument(call, parameter, f"must be at most {highest}, not {_short(number)}")
    if number < -highest - 1:
        raise invalid_argument(call, parameter, f"must be 1 or more, not {_short(number)}")
    return number


def _short(number: int) -> str:
    # Python refuses to print thousands of digits.
    return str(number) if abs(number) < 10**40 else f"a number of {number.bit_length()} bits"


def text(call: str, parameter: str, value: str) -> bytes:
    if not isinstance(value, str):
        raise wrong_type(call, parameter, "a str", value)
    if "\0" in value:
        raise invalid_argument(call, parameter, "holds a NUL character")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise invalid_argument(call, parameter, "is not valid Unicode") from None


def path(call: str, parameter: str, value: str | os.PathLike[str]) -> bytes:
    if not isinstance(value, str | os.PathLike):
        raise wrong_type(call, parameter, "a str or a path", value)
    return text(call, parameter, os.fspath(value))


def boolean(call: str, parameter: str, value: bool) -> bool:
    # No other types: "false" would count as True.
    if not isinstance(value, bool):
        raise wrong_type(call, parameter, "True or False", value)
    return value


def function(call: str, parameter: str, value: object) -> None:
    if value is not None and not callable(value):
        raise wrong_type(call, parameter, "a function or None", value)


def milliseconds(call: str, parameter: str, seconds: SupportsFloat | None) -> int:
    """Converts seconds to milliseconds; None is no limit, which is -1 in C. `parameter` is the name in C."""
    if seconds is None:
        return -1
    if isinstance(seconds, bool | str) or not hasattr(type(seconds), "__float__"):
        name = parameter.removeprefix("options.").removesuffix("_ms")
        raise wrong_type(call, name, "a number of seconds or None", seconds)
    try:
        exact = float(seconds) * 1000
        rounded = max(round(exact), 1) if exact > 0 else round(exact)
    except (OverflowError, ValueError):  # An infinity, or not a number.
        rounded = 0
    # 0 and -1 have other meanings in C; the library refuses lower numbers.
    if rounded in (0, -1) or not -INT64_MAX <= rounded <= INT64_MAX:
        why = "must be 1 or more milliseconds, as a number of seconds that is not too large; None is no limit"
        raise invalid_argument(call, parameter, why)
    return rounded


def seconds(call: str, parameter: str, age: timedelta | float, none: str) -> int:
    """Converts an age to seconds, rounded up so that no younger file counts as old. `none` is what None means."""
    exact: Any = age.total_seconds() if hasattr(age, "total_seconds") else age
    if isinstance(exact, bool | str) or not hasattr(type(exact), "__float__"):
        raise wrong_type(call, parameter, "a timedelta, a number of seconds or None", age)
    try:
        whole: int = ceil(exact)
    except (OverflowError, ValueError):  # An infinity, or not a number.
        whole = 0
    if not 0 < whole <= INT64_MAX:
        raise invalid_argument(call, parameter, f"must be 1 or more seconds that are not too many; None is {none}")
    return whole
