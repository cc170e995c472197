"""Writes mmx/_ffi.py, the declarations of the library for ctypes, from include/mmx.h.

In the header `char *` is owned by the caller (c_void_p: ctypes must not turn it into bytes and lose the pointer) and
`const char *` is borrowed (c_char_p). An unknown form of declaration stops the script.

    generate_ffi.py            writes the file
    generate_ffi.py --check    fails if the file is out of date
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from pycparser import c_ast, c_parser

HERE = Path(__file__).resolve().parent
HEADER = HERE.parents[1] / "include" / "mmx.h"
OUTPUT = HERE / "mmx" / "_ffi.py"

# In place of the system's headers, which contain far more than the declarations need.
STUBS = {
    "stdbool.h": "typedef _Bool bool;",
    "stddef.h": "typedef unsigned long size_t;",
    "stdint.h": "\n".join(
        f"typedef {kind} {sign}int{bits}_t;"
        for bits, name in ((8, "char"), (16, "short"), (32, "int"), (64, "long"))
        for sign, kind in (("", f"signed {name}"), ("u", f"unsigned {name}"))
    ),
}

SCALARS = {
    "bool": "c_bool",
    "int32_t": "c_int32",
    "int64_t": "c_int64",
    "size_t": "c_size_t",
    "uint8_t": "c_uint8",
    "uint32_t": "c_uint32",
    "uint64_t": "c_uint64",
}

PREAMBLE = '''\
"""The constants, structs and functions of libmmx, for ctypes.

Generated from include/mmx.h by `make header`: don't edit it.
"""

from ctypes import (
    CDLL,
{imports}
)
'''


class UnknownForm(Exception):
    """A declaration of the header has a form that this script can't read."""


class Reader:
    """Collects the Python lines for each declaration, in the order of the header."""

    def __init__(self) -> None:
        self.opaque: set[str] = set()
        self.structs: dict[str, list[tuple[str, str]]] = {}
        self.function_types: set[str] = set()
        self.scalars = dict(SCALARS)
        self.types: list[str] = []
        self.functions: list[str] = []

    def read(self, node: c_ast.Node) -> None:
        match node:
            case c_ast.Typedef(name=name, type=c_ast.TypeDecl(type=c_ast.Struct(decls=None))):
                self.opaque.add(name)
            case c_ast.Typedef(name=name, type=c_ast.TypeDecl(type=c_ast.Struct(decls=fields))):
                self.struct(name, fields)
            case c_ast.Typedef(name=name, type=c_ast.TypeDecl(type=c_ast.IdentifierType()) as declared):
                self.scalars[name] = name
                self.types.append(f"{name} = {self.ctype(declared)}")
            case c_ast.Typedef(name=name, type=c_ast.PtrDecl(type=c_ast.FuncDecl() as function)):
                self.function_type(name, function)
            case c_ast.Decl(name=name, type=c_ast.FuncDecl() as function):
                self.function(name, function)
            case _:
                raise unknown(node)

    def struct(self, name: str, fields: list[c_ast.Node]) -> None:
        read = []
        for field in fields:
            if not isinstance(field, c_ast.Decl) or field.bitsize is not None:
                raise unknown(field)
            read.append((field.name, self.field_type(name, field)))
        self.structs[name] = read
        lines = ["", "", f"class {name}(Structure):"]
        lines += [f"    {field}: {python_type(ctype)}" for field, ctype in read]
        lines += ["    _fields_ = ("]
        lines += [f'        ("{field}", {ctype}),' for field, ctype in read]
        lines += ["    )", "", ""]
        self.types += lines

    def field_type(self, struct: str, field: c_ast.Decl) -> str:
        match field.type:
            case c_ast.PtrDecl(type=c_ast.FuncDecl() as function):
                # A type without a name gets one here, for the functions that are made of it.
                return self.function_type(f"{struct}_{field.name}_fn", function)
            case other:
                return self.ctype(other)

    def function_type(self, name: str, node: c_ast.FuncDecl) -> str:
        if name in self.function_types:
            raise unknown(node)
        signature = ", ".join([self.result(node), *self.parameters(node)])
        self.function_types.add(name)
        self.types.append(f"{name} = CFUNCTYPE({signature})")
        return name

    def function(self, name: str, node: c_ast.FuncDecl) -> None:
        parameters = self.parameters(node)
        self.functions.append(f"    library.{name}.restype = {self.result(node)}")
        if len(parameters) < 2:
            self.functions.append(f"    library.{name}.argtypes = [{', '.join(parameters)}]")
        else:
            self.functions.append(f"    library.{name}.argtypes = [")
            self.functions += [f"        {parameter}," for parameter in parameters]
            self.functions.append("    ]")

    def result(self, node: c_ast.FuncDecl) -> str:
        match node.type:
            case c_ast.TypeDecl(type=c_ast.IdentifierType(names=["void"])):
                return "None"
            case _:
                return self.ctype(node.type)

    def parameters(self, node: c_ast.FuncDecl) -> list[str]:
        parameters = node.args.params if node.args else []
        match parameters:
            case [c_ast.Typename(type=c_ast.TypeDecl(type=c_ast.IdentifierType(names=["void"])))]:
                return []
            case _:
                return [self.ctype(parameter.type) for parameter in parameters]

    def ctype(self, node: c_ast.Node) -> str:
        match node:
            case c_ast.TypeDecl(type=c_ast.IdentifierType(names=[name])) if name in self.scalars:
                return self.scalars[name]
            case c_ast.TypeDecl(type=c_ast.IdentifierType(names=[name])) if name in self.function_types:
                return str(name)
            case c_ast.PtrDecl(type=c_ast.TypeDecl(type=c_ast.IdentifierType(names=[name])) as target):
                if name == "char":
                    return "c_char_p" if "const" in target.quals else "c_void_p"
                if name == "void" or name in self.opaque:
                    return "c_void_p"
                if name in self.structs or name in self.scalars:
                    return f"POINTER({self.scalars.get(name, name)})"
            case c_ast.ArrayDecl(
                type=c_ast.TypeDecl(type=c_ast.IdentifierType(names=["char"])), dim=c_ast.Constant(value=length)
            ):
                return f"c_char * {length}"
            case c_ast.PtrDecl(type=c_ast.PtrDecl() as target):
                return f"POINTER({self.ctype(target)})"
        raise unknown(node)


def unknown(node: c_ast.Node) -> UnknownForm:
    # Only declarations know their line; a type inside one is shown as it was parsed.
    return UnknownForm(f"{HEADER.name}: a form not known here, at {node.coord}:\n{node}")


def python_type(ctype: str) -> str:
    if ctype == "c_bool":
        return "bool"
    if ctype == "c_void_p":
        return "int | None"
    # Not "bytes" for text: a field may have that name.
    return "int" if ctype.startswith("c_") and not ctype.startswith("c_char") else "object"


def constants(header: str, reader: Reader) -> tuple[list[str], list[str]]:
    """The #defines: plain values, and a function for each initialiser."""
    values, initialisers = [], []
    for name, text in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+(?:\([^)]*\))?)(.*)$", header, re.MULTILINE):
        value = re.sub(r"/\*.*?\*/", "", text).strip()
        if name == "MMX_H" and not value:
            continue
        if number := re.fullmatch(r"(-?\d+)u?", value):
            values.append(f"{name} = {number[1]}")
        elif re.fullmatch(r'"[^"\\]*"', value):
            values.append(f"{name} = {value}")
        elif struct := re.fullmatch(r'\{ sizeof\((\w+)\)((?:, (?:-?\d+|NULL|""))*) \}', value):
            initialisers += initialiser(name, struct[1], struct[2].split(", ")[1:], reader)
        else:
            raise UnknownForm(f"{HEADER.name}: #define {name}{text}")
    return values, initialisers


def initialiser(name: str, struct: str, rest: list[str], reader: Reader) -> list[str]:
    fields = reader.structs.get(struct)
    if fields is None or len(fields) != 1 + len(rest):
        raise UnknownForm(f"{HEADER.name}: {name} doesn't list the fields of {struct}")
    values = [f"sizeof({struct})"]
    for value, (_, ctype) in zip(rest, fields[1:], strict=True):
        if value == '""':
            values.append('b""')
        elif value != "NULL":
            values.append(value)
        else:
            values.append(f"{ctype}()" if ctype in reader.function_types else "None")
    result = [f"    return {struct}({', '.join(values)})"]
    if len(result[0]) > 120:
        result = [f"    return {struct}(", f"        {', '.join(values)}", "    )"]
    return ["", "", f"def {name}() -> {struct}:", *result]


def preprocessed(header: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in STUBS.items():
            Path(folder, name).write_text(text + "\n", encoding="utf-8")
        command = ["cc", "-E", "-nostdinc", f"-I{folder}", str(header)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise UnknownForm(f"{' '.join(command)} failed:\n{done.stderr}")
    return done.stdout


def generate(header: Path = HEADER) -> str:
    reader = Reader()
    for node in c_parser.CParser().parse(preprocessed(header), str(header)).ext:
        if Path(node.coord.file).name not in STUBS:
            reader.read(node)
    values, initialisers = constants(header.read_text(encoding="utf-8"), reader)
    body = "\n".join([*values, "", *reader.types, *initialisers])
    body += "\n\n\ndef declare(library: CDLL) -> None:\n"
    body += '    """Sets the signature of every function."""\n'
    body += "\n".join(reader.functions) + "\n"
    used = set(re.findall(r"\b(?:CFUNCTYPE|POINTER|Structure|c_\w+|sizeof)\b", body))
    # In the order of ruff: c_uint8 before c_uint32.
    names = sorted(used, key=lambda name: [part.zfill(3) for part in re.split(r"(\d+)", name)])
    ordered = [name for name in names if name.isupper()] + [name for name in names if not name.isupper()]
    text = PREAMBLE.format(imports="\n".join(f"    {name}," for name in ordered)) + "\n" + body
    return re.sub(r"\n{4,}", "\n\n\n", text)


def main() -> int:
    match sys.argv[1:]:
        case []:
            OUTPUT.write_text(generate(), encoding="utf-8")
            return 0
        case ["--check"]:
            if OUTPUT.is_file() and OUTPUT.read_text(encoding="utf-8") == generate():
                return 0
            print(f"{OUTPUT.name} is stale: run `make header`", file=sys.stderr)
            return 1
        case _:
            print(__doc__, file=sys.stderr)
            return 2


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UnknownForm as error:
        sys.exit(str(error))
