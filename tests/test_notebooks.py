"""The notebooks run from the first cell to the last, on a copy of what they read."""

from __future__ import annotations

import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parent.parent


@pytest.mark.timeout(240)
def test_quickstart_answers_and_abstains(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for name in ("README.md", "docs/ranking.md", "docs/retrieval.md"):  # Indexing all pages takes a minute.
        shutil.copy(ROOT / name, tmp_path / name)
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)

    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()

    outputs = ["".join(_texts(cell)) for cell in notebook.cells if cell.cell_type == "code"]
    assert (tmp_path / "indexes" / "quickstart" / "manifest.json").is_file()
    assert outputs[1].partition("(")[0].split()[1:] == ["20"]
    assert outputs[2].startswith("((), ")  # No answer, and its probability.
    assert "'answer': 'Paris'" in outputs[3]


@pytest.mark.timeout(240)
def test_evaluation_shows_every_level_and_writes_its_report(tmp_path: Path) -> None:
    notebook = nbformat.read(ROOT / "notebooks" / "evaluation.ipynb", as_version=4)

    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()

    outputs = ["".join(_texts(cell)) for cell in notebook.cells if cell.cell_type == "code"]
    assert "reader on the gold passage" in outputs[1] and "always abstain" in outputs[1]
    assert "recall@1" in outputs[2] and "not retrieved" in outputs[2]
    assert any("12 questions, 8 of them answerable" in output for output in outputs)
    assert outputs[-2] == "['report.html', 'report.json', 'report.md']"


def _texts(cell: nbformat.NotebookNode) -> list[str]:
    """What a cell shows; a library may warn besides, on stderr, of what a kernel without widgets lacks."""
    shown = (output for output in cell.outputs if output.get("name") != "stderr")
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in shown]
