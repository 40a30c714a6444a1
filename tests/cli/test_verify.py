"""``odqa verify`` as a user types it: a whole index is one line, a broken one a list with remedies."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app

KEYWORDS = "keywords."


def run(*arguments: object) -> Any:
    return CliRunner().invoke(app, list(map(str, arguments)))


def damage(name: str) -> Path:
    """Change one byte in the middle of the file whose name begins so."""
    (path,) = [path for path in Path("index/segments/000001").iterdir() if path.name.startswith(name)][:1]
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    return path


def test_a_whole_index_is_one_line(work: Path) -> None:
    result = run("verify", "index", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    (line,) = result.stdout.splitlines()
    assert line.startswith("index is whole: version 1, ")
    assert " 5 passages, 5 encoded again, least cosine 1.000" in line or "cosine 0.999" in line


def test_without_encoding_no_model_is_loaded(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from odqa.retrieval.encoder import Encoder

    monkeypatch.setattr(Encoder, "load", None)
    result = run("verify", "index", "--no-encode")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.endswith("5 passages, none encoded again\n")


@pytest.mark.parametrize("name", ["passages", "vectors"])
def test_damage_is_named_with_its_remedy(work: Path, name: str) -> None:
    path = damage(name)
    result = run("verify", "index", "--no-encode")
    assert result.exit_code == 1
    first, remedy, last = result.stdout.splitlines()
    assert first == f"{path} is damaged: its checksum is not the one in the manifest"
    assert remedy == "  repair with `odqa index PATH... --index index`"
    assert last == "1 problem in index"


def test_damaged_keywords_are_mended_by_compact(work: Path) -> None:
    path = damage(KEYWORDS)
    result = run("verify", "index", "--no-encode")
    assert result.exit_code == 1
    assert str(path) in result.stdout and "  repair with `odqa compact --index index`" in result.stdout
    assert run("compact", "--index", "index").exit_code == 0
    assert run("verify", "index", "--no-encode").exit_code == 0


def test_all_that_is_broken_is_listed(work: Path) -> None:
    gone, cut = damage("passages"), damage("vectors")
    gone.unlink()
    cut.write_bytes(b"")
    result = run("verify", "index", "--no-encode")
    assert result.exit_code == 1
    assert f"{gone} cannot be read: No such file or directory" in result.stdout
    assert f"{cut} is damaged: its size is not the one in the manifest" in result.stdout
    assert result.stdout.endswith("2 problems in index\n")


def test_json_is_one_object(work: Path) -> None:
    whole = json.loads(run("verify", "index", "--json", "--device", "cpu").stdout)
    assert list(whole) == [
        "folder", "version", "files", "bytes", "passages", "encoded", "least_cosine", "problems",
    ]  # fmt: skip
    assert (whole["folder"], whole["passages"], whole["encoded"], whole["problems"]) == ("index", 5, 5, [])
    path = damage("vectors")
    result = run("verify", "index", "--json", "--no-encode")
    assert result.exit_code == 1
    (problem,) = json.loads(result.stdout)["problems"]
    assert list(problem) == ["what", "remedy"] and str(path) in problem["what"]


def test_a_manifest_of_a_newer_format_is_told(work: Path) -> None:
    manifest = Path("index/manifest.json")
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | {"format": 99}))
    result = run("verify", "index")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "format 99" in result.stderr and "pip install --upgrade odqa" in result.stderr


def test_there_must_be_an_index(work: Path) -> None:
    result = run("verify", "docs")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("odqa: docs is not an index: it has no manifest.json; make one with `odqa index")
