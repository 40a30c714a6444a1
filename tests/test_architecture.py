"""The floor plan holds: layers, no circles, a line in the docs for every file, and functions that fit on a screen."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
# Top down. The parts of one layer do not import one another.
LAYERS = [
    {"odqa", "version", "types", "errors", "closing", "text"},
    {"arguments", "checked", "extras", "files", "forking", "threads"},
    {"addresses", "squad", "device", "models", "model_configs", "toml_files", "views"},
    {"settings", "runtime"},
    {"corpus"},
    {"retrieval"},
    {"cluster"},
    {"index", "reader"},
    {"answering"},
    {"evaluation"},
    {"fitting"},
    {"reports"},
    {"training"},
    {"pretraining", "retriever_training"},
    {"trimming"},
    {"serve"},
    {"cli"},
    {"__main__"},
]
HEIGHT = {part: height for height, layer in enumerate(LAYERS) for part in layer}
MOST_LINES = 60  # Of a function's body.


def module_of(path: Path) -> str:
    """The dotted name of a module: odqa.corpus for odqa/corpus/__init__.py."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


PATHS = {module_of(path): path for path in sorted((ROOT / "odqa").rglob("*.py"))}
TREES = {module: ast.parse(path.read_text(encoding="utf-8")) for module, path in PATHS.items()}


def imports(tree: ast.AST) -> set[str]:
    """The modules of odqa that a module imports, wherever in it the import stands, without the package odqa itself."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0 and node.module, "imports are absolute, so that this test can read them"
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if name in PATHS or node.module == "odqa" else node.module for name in full}
    return {name for name in names if name.startswith("odqa.")} - {"odqa.__version__"}


def part_of(module: str) -> str:
    """The part that a module belongs to: corpus for odqa.corpus.files, squad for odqa.squad."""
    return module.split(".")[1] if "." in module else "odqa"


def test_imports_are_found_inside_functions_and_for_types_alone():
    tree = ast.parse(
        "from odqa import cli\nimport odqa.index.build\ndef f():\n    from odqa.reader.model import Reader\n"
        "if TYPE_CHECKING:\n    from odqa.corpus import chunk\n    from odqa import __version__, build_index\n"
    )
    assert imports(tree) == {
        *("odqa.cli", "odqa.index.build", "odqa.reader.model", "odqa.corpus.chunk", "odqa.build_index")
    }


def test_a_module_imports_only_from_layers_above_it():
    assert {part_of(module) for module in PATHS} == set(HEIGHT), "every part has its layer"
    wrong = [
        f"{module} imports {other}"
        for module, tree in TREES.items()
        for other in sorted(imports(tree))
        if (part := part_of(module)) not in ("odqa", part_of(other))  # odqa's own names come from every layer.
        if HEIGHT.get(part_of(other), len(LAYERS)) >= HEIGHT[part]
    ]
    assert not wrong, "not from above:\n" + "\n".join(wrong)


def circle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph, its first node again at its end; empty where there is none."""
    done: set[str] = set()

    def walk(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node not in done:
            for other in sorted(graph.get(node, ())):
                if found := walk(other, [*way, node]):
                    return found
            done.add(node)
        return []

    return next((found for node in sorted(graph) if (found := walk(node, []))), [])


def test_a_circle_is_found_wherever_it_is():
    assert circle({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []
    assert circle({"a": {"b"}, "b": {"c", "d"}, "c": set(), "d": {"b"}}) == ["b", "d", "b"]
    assert circle({"a": {"a"}}) == ["a", "a"]


def test_no_modules_import_one_another_in_a_circle():
    graph = {module: imports(tree) for module, tree in TREES.items() if module != "odqa"}
    found = circle(graph)
    assert not found, "a circle of imports: " + " -> ".join(found)


def tree_in_the_docs() -> Iterator[tuple[str, str]]:
    """(path, words) of every line of the tree in docs/architecture.md; a folder's path ends with a slash."""
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.search(r"^```\nodqa/\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert block, "docs/architecture.md has no block that begins with odqa/"
    folders = ["odqa/"]
    for line in block[1].splitlines():
        match = re.fullmatch(r"((?:  )+)(\S+)(?: +(\S.*))?", line)
        assert match, f"not a line of the tree (two spaces a level, name, a few words): {line!r}"
        folders = folders[: len(match[1]) // 2]
        path = "".join([*folders, match[2]])
        yield path, match[3] or ""
        if path.endswith("/"):
            folders.append(match[2])


def has_code(tree: ast.Module) -> bool:
    """Whether a module holds more than its docstring."""
    return len(tree.body) > (ast.get_docstring(tree) is not None)


def test_the_docs_have_a_line_for_every_file():
    lines = dict(tree_in_the_docs())
    files = {
        path.relative_to(ROOT).as_posix()
        for module, path in PATHS.items()
        if path.name != "__init__.py" or has_code(TREES[module])
    }
    assert sorted(files - lines.keys()) == [], "files without a line in docs/architecture.md"
    assert [path for path in lines if not (ROOT / path).exists()] == [], "docs/architecture.md names what is gone"
    assert [path for path, words in lines.items() if not words] == [], "lines of docs/architecture.md without words"


def test_the_docs_name_the_layers_from_the_top_down():
    top = [path.rstrip("/") for path, _ in tree_in_the_docs() if path.rstrip("/").count("/") == 1]
    parts = [path.removeprefix("odqa/").removesuffix(".py") for path in top]
    heights = [HEIGHT[part] for part in parts if part != "__init__"]
    assert heights == sorted(heights), f"docs/architecture.md has another order than the layers: {parts}"


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function's body without its docstring. A command's signature is the list of its options."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    assert node.end_lineno is not None
    return node.end_lineno - body[0].lineno + 1 if body else 0


def test_no_function_is_longer_than_a_screen_without_a_reason():
    """The reason stands in the function's docstring, after the word ``Long:``."""
    long = {
        f"{PATHS[module].relative_to(ROOT).as_posix()}: {node.name}": length(node)
        for module, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if length(node) > MOST_LINES and not re.search(r"\bLong: \w", ast.get_docstring(node) or "")
    }
    offenders = [f"{name} has {lines} lines" for name, lines in long.items()]
    assert not offenders, f"more than {MOST_LINES} lines and no reason (Long: ...):\n" + "\n".join(offenders)
