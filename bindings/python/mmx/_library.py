"""Finds and loads libmmx, when the first client is made, and checks its version."""

from __future__ import annotations

import os
from ctypes import CDLL, c_char_p, c_uint32, c_void_p, string_at

from . import _ffi, errors

SONAME = "libmmx.so.1"

_loaded: CDLL | None = None


def load() -> CDLL:
    # Without a lock, which a fork could leave locked: two threads at once load the same library.
    global _loaded
    library = _loaded
    if library is None:
        library = _loaded = open_library(find())
    return library


def find() -> str:
    """Returns the path in MMX_LIBRARY, else of the packaged library, else of the checkout's, else the system's name."""
    named = os.environ.get("MMX_LIBRARY")
    if named:
        return named
    here = os.path.dirname(os.path.abspath(__file__))
    packaged = os.path.join(here, "libmmx.so")
    if os.path.exists(packaged):
        return packaged
    checkout = os.path.dirname(os.path.dirname(os.path.dirname(here)))
    built = os.path.join(checkout, "target", "release", "libmmx.so")
    if os.path.exists(os.path.join(checkout, "include", "mmx.h")) and os.path.exists(built):
        return built
    return SONAME


def open_library(path: str) -> CDLL:
    needs = f"this mmx package, {_ffi.MMX_VERSION}, needs ABI version {_ffi.MMX_ABI_VERSION}"
    try:
        library = CDLL(path)
    except OSError as error:
        raise ImportError(
            f"libmmx can't be loaded from {path}: {error}. Install it, or set MMX_LIBRARY to its path; {needs}",
            path=path,
        ) from None
    try:
        library.mmx_abi_version.restype = c_uint32
        library.mmx_version.restype = c_char_p
        found: int = library.mmx_abi_version()
        version = (library.mmx_version() or b"").decode("ascii", "replace")
    except AttributeError:
        raise ImportError(f"{path} isn't libmmx: it has no mmx_abi_version(); {needs}", path=path) from None
    described = f"{path} is libmmx {version} with ABI version {found}"
    if found != _ffi.MMX_ABI_VERSION:
        raise ImportError(f"{described}; {needs}. Install versions that fit", path=path)
    try:
        _ffi.declare(library)
    except AttributeError as error:
        raise ImportError(f"{described}, but lacks a function; {needs}: {error}", path=path) from None
    return library


def take_string(library: CDLL, pointer: c_void_p | int | None) -> str:
    """Copies and frees a string of the library."""
    try:
        return string_at(pointer).decode() if pointer else ""
    finally:
        library.mmx_string_free(pointer)


def take_error(library: CDLL, error: c_void_p) -> str:
    """Converts an error of the library to JSON, and frees it."""
    try:
        return take_string(library, library.mmx_error_json(error))
    finally:
        library.mmx_error_free(error)


def check(library: CDLL, error: c_void_p, path: str | None = None) -> None:
    """Raises the error, if there is one, and frees it. `path` is the local file that it may be about."""
    if error:
        raise errors.from_json(take_error(library, error), path)
