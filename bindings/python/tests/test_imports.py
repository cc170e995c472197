"""The modules of the package import one another in one direction."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from stand_in import PACKAGE

MODULES = PACKAGE / "mmx"


def imports(path: Path, names: set[str]) -> set[str]:
    """The modules beside it that a module imports: at the top, in functions, and for types alone."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            found |= {name.name.removeprefix("mmx.") for name in node.names if name.name.startswith("mmx.")}
            found |= {"__init__" for name in node.names if name.name == "mmx"}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if module in (".", "mmx"):
                found |= {name.name if name.name in names else "__init__" for name in node.names}
            elif module.startswith((".", "mmx.")):
                found.add(module.removeprefix("mmx").removeprefix("."))
    return found


def graph(folder: Path) -> dict[str, set[str]]:
    names = {path.stem for path in folder.glob("*.py")}
    return {path.stem: imports(path, names) for path in folder.glob("*.py")}


def test_no_modules_import_each_other() -> None:
    found = graph(MODULES)
    assert found["client"] >= {"files", "errors"}
    try:
        TopologicalSorter(found).prepare()
    except CycleError as error:
        raise AssertionError(" imports ".join(error.args[1][::-1])) from None


@pytest.mark.parametrize(
    "second",
    [
        "from . import first",
        "from .first import name",
        "import mmx.first",
        "from mmx import first",
        "from mmx.first import name",
        "def function():\n    from . import first",
        "if TYPE_CHECKING:\n    from .first import name",
    ],
)
def test_a_circle_is_seen(tmp_path: Path, second: str) -> None:
    (tmp_path / "first.py").write_text("from . import second")
    (tmp_path / "second.py").write_text(second)
    with pytest.raises(CycleError):
        TopologicalSorter(graph(tmp_path)).prepare()
