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


def test_damage_is_named_with_its_remedy(work: Path) -> None:
    path = damage("vectors")
    result = run("verify", "index", "--no-encode")
    assert result.exit_code == 1
    first, remedy, last = result.stdout.splitlines()
    assert first.startswith(f"{path} is damaged") and "checksum" in first
    assert remedy.startswith("  ") and "`odqa index PATH... --index index`" in remedy
    assert last == "1 problem in index"


def test_compact_repairs_damaged_keywords(work: Path) -> None:
    path = damage(KEYWORDS)
    result = run("verify", "index", "--no-encode")
    assert result.exit_code == 1
    assert str(path) in result.stdout and "`odqa compact --index index`" in result.stdout
    assert run("compact", "--index", "index").exit_code == 0
    assert run("verify", "index", "--no-encode").exit_code == 0


def test_all_that_is_broken_is_listed(work: Path) -> None:
    gone, cut = damage("passages"), damage("vectors")
    gone.unlink()
    cut.write_bytes(b"")
    result = run("verify", "index", "--no-encode")
    assert result.exit_code == 1
    assert f"{gone} cannot be read" in result.stdout
    assert f"{cut} is damaged" in result.stdout
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


def test_there_must_be_an_index(work: Path) -> None:
    result = run("verify", "docs")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "docs is not an index" in result.stderr and "`odqa index" in result.stderr
