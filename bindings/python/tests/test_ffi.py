"""_ffi.py agrees with the header and with the C compiler's layout."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import generate_ffi
from mmx import _ffi
from stand_in import PACKAGE, ROOT

STRUCTS = {
    name: value
    for name, value in vars(_ffi).items()
    if isinstance(value, type) and issubclass(value, ctypes.Structure) and value is not ctypes.Structure
}
CONSTANTS = {name: value for name, value in vars(_ffi).items() if name.startswith("MMX_") and not callable(value)}


def run_c(folder: Path, body: str) -> list[str]:
    source = folder / "told.c"
    source.write_text(f"#include <stdio.h>\n#include <stddef.h>\n#include <mmx.h>\nint main(void) {{\n{body}}}\n")
    subprocess.run(["cc", f"-I{ROOT / 'include'}", source, "-o", folder / "told"], check=True)
    return subprocess.run([folder / "told"], check=True, capture_output=True, text=True).stdout.splitlines()


def test_it_is_what_the_header_gives() -> None:
    done = subprocess.run([sys.executable, PACKAGE / "generate_ffi.py", "--check"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_stale_one_is_noticed(tmp_path: Path) -> None:
    checkout = tmp_path / "bindings" / "python"
    (checkout / "mmx").mkdir(parents=True)
    shutil.copytree(ROOT / "include", tmp_path / "include")
    shutil.copy(PACKAGE / "generate_ffi.py", checkout)
    script = [sys.executable, str(checkout / "generate_ffi.py")]
    assert subprocess.run([*script, "--check"], stderr=subprocess.PIPE).returncode == 1
    subprocess.run(script, check=True)
    subprocess.run([*script, "--check"], check=True)
    with open(tmp_path / "include" / "mmx.h", "a") as header:
        header.write("\n#define MMX_MORE 1\n")
    assert subprocess.run([*script, "--check"], stderr=subprocess.PIPE).returncode == 1


def test_sizes_and_offsets_are_the_compilers(tmp_path: Path) -> None:
    assert STRUCTS
    wanted, body = [], ""
    for name, struct in STRUCTS.items():
        wanted.append(f"{name} {ctypes.sizeof(struct)}")
        body += f'printf("{name} %zu\\n", sizeof({name}));\n'
        for field, *_ in struct._fields_:
            place = getattr(struct, field)
            wanted.append(f"{name}.{field} {place.offset} {place.size}")
            size = f"sizeof((({name} *)0)->{field})"
            body += f'printf("{name}.{field} %zu %zu\\n", offsetof({name}, {field}), {size});\n'
    assert run_c(tmp_path, body) == wanted


def test_constants_are_the_compilers(tmp_path: Path) -> None:
    assert len(CONSTANTS) > 25
    body = "".join(
        f'printf("{name} {"%s" if isinstance(value, str) else "%d"}\\n", {name});\n'
        for name, value in CONSTANTS.items()
    )
    assert run_c(tmp_path, body) == [f"{name} {value}" for name, value in CONSTANTS.items()]


def test_an_initialiser_sets_the_size_alone() -> None:
    options = _ffi.MMX_CALL_OPTIONS_INIT()
    assert options.struct_size == ctypes.sizeof(_ffi.mmx_call_options)
    options.struct_size = 0
    assert bytes(options) == bytes(ctypes.sizeof(options))


@pytest.mark.parametrize(
    "form",
    [
        "long mmx_f(void);",
        "int mmx_f(void);",
        "int32_t mmx_f(int32_t values[4]);",
        "typedef enum { MMX_A } mmx_e;",
        "typedef union { int32_t a; } mmx_u;",
        "typedef struct { int32_t a : 3; } mmx_b;",
        "typedef struct { int32_t a[2]; } mmx_a;",
        "typedef struct { struct { int32_t a; } inner; } mmx_n;",
        "extern int32_t mmx_global;",
        "mmx_call_options mmx_by_value(void);",
        "void mmx_f(double value);",
        "typedef struct { double (*f)(void); } mmx_c;",
        "typedef struct { int32_t (*f)(int32_t (*g)(void)); } mmx_g;",
        "typedef struct { int32_t (**f)(void); } mmx_p;",
        "typedef int32_t (*mmx_s_f_fn)(void); typedef struct { int32_t (*f)(void); } mmx_s;",
        "#define MMX_SHIFT (1 << 2)",
        "#define MMX_FUNCTION(x) x",
        "#define MMX_FLOAT 1.5",
        "#define MMX_SHORT_INIT { sizeof(mmx_call_options), 0 }",
    ],
)
def test_an_unknown_form_stops_the_generator(tmp_path: Path, form: str) -> None:
    header = tmp_path / "mmx.h"
    known = (ROOT / "include" / "mmx.h").read_text()
    header.write_text(known.replace("#ifdef __cplusplus\n}", f"{form}\n#ifdef __cplusplus\n}}"))
    assert form in header.read_text()
    with pytest.raises(generate_ffi.UnknownForm):
        generate_ffi.generate(header)


def test_owned_and_borrowed_text_differ(tmp_path: Path) -> None:
    header = tmp_path / "mmx.h"
    header.write_text("char *mmx_owned(char *);\nconst char *mmx_borrowed(const char *, char **, const char **);\n")
    text = generate_ffi.generate(header)
    assert "library.mmx_owned.restype = c_void_p\n    library.mmx_owned.argtypes = [c_void_p]\n" in text
    assert "library.mmx_borrowed.restype = c_char_p\n" in text
    assert "        c_char_p,\n        POINTER(c_void_p),\n        POINTER(c_char_p),\n    ]" in text


def test_a_callback_in_a_struct_gets_a_type(tmp_path: Path) -> None:
    header = tmp_path / "mmx.h"
    known = (ROOT / "include" / "mmx.h").read_text()
    form = "typedef struct { int64_t (*take)(void *, const uint8_t *, size_t); void (*end)(void); } mmx_s;"
    header.write_text(known.replace("#ifdef __cplusplus\n}", f"{form}\n#ifdef __cplusplus\n}}"))
    text = generate_ffi.generate(header)
    assert "\nmmx_s_take_fn = CFUNCTYPE(c_int64, c_void_p, POINTER(c_uint8), c_size_t)\n" in text
    assert "\nmmx_s_end_fn = CFUNCTYPE(None)\n" in text
    assert '        ("take", mmx_s_take_fn),\n        ("end", mmx_s_end_fn),\n' in text


@pytest.mark.parametrize("initialiser", [_ffi.MMX_SOURCE_INIT, _ffi.MMX_SINK_INIT])
def test_sources_and_sinks_begin_without_functions(initialiser: Callable[[], ctypes.Structure]) -> None:
    made = initialiser()
    fields = {name: getattr(made, name) for name, *_ in made._fields_}
    assert fields.pop("struct_size") == ctypes.sizeof(made)
    assert fields.pop("size", -1) == -1
    assert not any(fields.values())
