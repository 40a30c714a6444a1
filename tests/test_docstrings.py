"""The examples in docstrings do what they say, with the tiny models in place of those that ship."""

from __future__ import annotations

import doctest
import importlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from odqa import models

ROOT = Path(__file__).parent.parent
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in sorted((ROOT / "odqa").rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.fixture
def folder(tiny_encoder: Path, tiny_reader: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the examples run: a folder with documents in docs/, and tiny models under the names of the defaults."""
    for name, model in ((models.DEFAULT_ENCODER, tiny_encoder), (models.DEFAULT_READER, tiny_reader)):
        tiny = replace(models._SHIPPED[name], subfolder=str(model), sha256=None)
        monkeypatch.setitem(models._SHIPPED, name, tiny)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "leave.md").write_text(
        "# Leave\n\nEmployees have twenty days of vacation.\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module_run(module: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examples = [
        test
        for test in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(module))
        if test.examples
    ]
    assert examples, f"{module} has examples outside of docstrings"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    for test in examples:
        assert not [example.source for example in test.examples if doctest.SKIP in example.options], "no +SKIP"
        runner.run(test)
    assert not runner.failures, capsys.readouterr().out


def test_the_examples_of_the_page_on_python_run(folder: Path) -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert len(blocks) > 5
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "docs/python.md", "exec"), names)
    names["pipeline"].close()
