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
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "README.md", tmp_path)
    notebook = nbformat.read(ROOT / "notebooks" / "quickstart.ipynb", as_version=4)

    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(tmp_path)}}).execute()

    outputs = ["".join(_texts(cell)) for cell in notebook.cells if cell.cell_type == "code"]
    assert (tmp_path / "indexes" / "quickstart" / "manifest.json").is_file()
    assert "MiniLM" in outputs[1]
    assert outputs[2].startswith("((), ")  # No answer, and its probability.
    assert "'answer': 'Paris'" in outputs[3]


def _texts(cell: nbformat.NotebookNode) -> list[str]:
    return [output.get("text") or output.get("data", {}).get("text/plain", "") for output in cell.outputs]
