"""``odqa doctor``: what it looks at, and that something broken makes it fail."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa import threads
from odqa.cli import app


def look(*arguments: str, code: int = 0, **environment: str) -> dict[str, Any]:
    result = CliRunner().invoke(app, ["doctor", "--json", *arguments], env=environment)
    assert result.exit_code == code, result.stderr
    shown = json.loads(result.stdout)
    assert shown["healthy"] == (code == 0)
    return {one["what"]: one for one in shown["findings"]}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_sound_installation_without_an_index_is_well() -> None:
    found = look()
    libraries = ("torch", "transformers", "sentence-transformers", "faiss")
    needed = ("odqa", "settings", *libraries, "answers by", "training on", "threads")
    assert all(found[name]["verdict"] == "ok" for name in (*needed, "encoder", "reader"))
    assert found["index"]["verdict"] == "missing" and "odqa index" in found["index"]["remedy"]
    assert "all-MiniLM-L6-v2" in found["encoder"]["found"]


def test_settings_that_cannot_be_read_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refusing() -> None:
        raise PermissionError(13, "Permission denied", Path("odqa.toml"))

    monkeypatch.setattr("odqa.cli.doctor.chosen", refusing)
    assert look(code=1)["settings"]["found"] == "Permission denied (odqa.toml)"


def test_an_index_is_looked_at(made: Path) -> None:
    found = look("--index", str(made / "index"))
    assert found["index"]["verdict"] == "ok" and "5 documents" in found["index"]["found"]


def test_a_damaged_index_fails_with_the_command_that_tells_more(work: Path) -> None:
    next(Path("index").rglob("vectors.faiss")).unlink()
    found = look(code=1, ODQA_INDEX="index")
    assert found["index"]["verdict"] == "broken" and "is missing" in found["index"]["found"]
    assert found["index"]["remedy"] == "odqa verify index"


def test_an_index_of_an_impossible_name_costs_no_other_finding() -> None:
    found = look("--index", "a" * 300, code=1)
    assert found["index"]["verdict"] == "broken" and found["odqa"]["verdict"] == "ok"


def test_broken_settings_and_a_model_that_is_gone_are_findings() -> None:
    Path("odqa.toml").write_text("indx = 1\n")
    assert "did you mean 'index'" in look(code=1)["settings"]["found"]
    Path("odqa.toml").write_text('reader = "./gone"\n')
    assert "gone" in look(code=1)["reader"]["found"]


def test_what_computes_is_what_the_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_asked", None)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")  # And back, after the setting has put its own there.
    monkeypatch.setenv("RAYON_NUM_THREADS", "2")
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert look(ODQA_THREADS="3")["threads"]["found"] == "3 of 8 cores"
    assert look(ODQA_BACKEND="torch")["answers by"]["found"] == "torch"
    found = look(code=1, ODQA_DEVICE="cuda", ODQA_BACKEND="openvino")
    assert "not on cuda" in found["answers by"]["found"]
    assert found["answers by"]["remedy"] == found["training on"]["remedy"] == "`odqa config` shows who set that"


def test_a_library_that_cannot_be_loaded_is_told_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    found = look(code=1)["sentence-transformers"]
    assert found["verdict"] == "broken" and "pip install" in found["remedy"]


def test_for_a_person_each_finding_is_a_line() -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    assert result.stdout.startswith("ok ") and "All that is needed is there." in result.stdout
