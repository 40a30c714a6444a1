from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.index import build_index
from odqa.retrieval.keywords import K1, B

RUN = CliRunner()


@pytest.fixture(scope="module")
def built(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("info")
    (folder / "moon.txt").write_text("The moon orbits the earth in days.")
    build_index([folder / "moon.txt"], folder / "index", encoder=tiny_encoder)
    return folder / "index"


def test_it_shows_how_the_index_was_made(built: Path, tiny_encoder: Path) -> None:
    result = RUN.invoke(app, ["info", str(built)])
    assert result.exit_code == 0
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["Index"] == str(built)
    assert (lines["Documents"], lines["Passages"], lines["Prompts"]) == ("1", "1", "none")
    assert lines["Chunking"] == "max_tokens 44, overlap_tokens 8, language en"
    assert lines["Encoder"].startswith(f"{tiny_encoder} (")
    assert lines["Keywords"] == f"BM25, method lucene, k1 {K1}, b {B}, language en"
    assert lines["Vectors"] == "32 dimensions, cosine, mean pooling"


def test_json_is_the_manifest(built: Path) -> None:
    result = RUN.invoke(app, ["info", str(built), "--json"])
    assert json.loads(result.stdout) == json.loads((built / "manifest.json").read_text())


def test_what_is_no_index_is_told_in_one_line(tmp_path: Path) -> None:
    result = RUN.invoke(app, ["info", str(tmp_path)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"odqa: {tmp_path} is not an index: it has no manifest.json; make one with `odqa")


def test_a_file_that_was_cut_short_is_told(built: Path, tmp_path: Path) -> None:
    for path in built.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "vectors.faiss").write_bytes(b"")
    result = RUN.invoke(app, ["info", str(tmp_path)])
    assert result.exit_code == 1
    assert "vectors.faiss is damaged: it has 0 bytes" in result.stderr


def test_it_imports_nothing_heavy_and_is_quick(built: Path) -> None:
    code = (
        "import sys; from odqa.cli import app; sys.argv = ['odqa', 'info', sys.argv[1]]\n"
        "try: app()\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = ('torch', 'transformers', 'sentence_transformers', 'faiss', 'numpy', 'datasets')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    run = subprocess.run([sys.executable, "-c", code, str(built)], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"
    # Processor time, as the machine may be busy; on an idle one it is a quarter of this.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 1
