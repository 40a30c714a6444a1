"""A module imports only from what stands above it. Imports inside functions count; so do those for types alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# Top down. The parts of one layer do not import one another.
LAYERS = [
    {"odqa", "version", "types", "errors", "closing", "text"},
    {"files"},
    {"squad", "device", "models"},
    {"corpus"},
    {"retrieval"},
    {"index", "reader"},
    {"answering"},
    {"evaluation"},
    {"fitting"},
    {"training"},
    {"reports"},
    {"cli"},
    {"__main__"},
]
HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}
MODULES = sorted((ROOT / "odqa").rglob("*.py"))


def part_of(path: Path) -> str:
    """The part that a module belongs to: corpus for odqa/corpus/files.py, squad for odqa/squad.py."""
    first = path.relative_to(ROOT / "odqa").parts[0]
    return "odqa" if first == "__init__.py" else first.removesuffix(".py")


def imported_parts(tree: ast.AST) -> set[str]:
    """The parts of odqa that a module imports, wherever in it the import stands."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute, so that this test can read them"
            names |= {f"{node.module}.{alias.name}" for alias in node.names} if node.module == "odqa" else {node.module}
    parts = {name.split(".")[1] if "." in name else "odqa" for name in names if name.split(".")[0] == "odqa"}
    return parts - {"odqa", "__version__"}


def test_every_part_has_its_layer():
    assert {part_of(path) for path in MODULES} == set(HEIGHT)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_imports_only_from_above(path):
    part = part_of(path)
    if part == "odqa":
        pytest.skip("the package's own names come from every layer")
    below = {
        other
        for other in imported_parts(ast.parse(path.read_text(encoding="utf-8")))
        if other != part and HEIGHT.get(other, len(LAYERS)) >= HEIGHT[part]
    }
    assert not below, f"{path.relative_to(ROOT)} imports {below}, which do not stand above {part}"


def test_the_walk_sees_lazy_and_type_imports():
    tree = ast.parse(
        "from odqa import cli\nimport odqa.index.build\ndef f():\n    from odqa.reader.model import Reader\n"
        "if TYPE_CHECKING:\n    from odqa import __version__, build_index\n"
    )
    assert imported_parts(tree) == {"cli", "index", "reader", "build_index"}
