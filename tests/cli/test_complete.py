"""What a shell is offered: indexes, fields and choices, and never what it might run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from odqa.cli import complete
from odqa.index.build import build_index
from tests.cli.started import Started


def offered(program: Started, typed: str, folder: Path, shell: str = "bash") -> str:
    words = typed.split(" ")
    asked = {
        "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1), "_ODQA_COMPLETE": f"complete_{shell}",
        "_TYPER_COMPLETE_ARGS": typed, "_TYPER_COMPLETE_FISH_ACTION": "get-args",
    }  # fmt: skip
    done = program.run(cwd=folder, environment=asked)
    assert done.returncode == 0 and done.stderr == ""
    return done.stdout


@pytest.fixture(scope="module")
def folder(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("complete")
    for name in ("default", "other", "$(touch gone)"):
        shutil.copytree(made / "index", folder / "indexes" / name)
    return folder


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("odqa ver", ["verify"]),
        ("odqa info ", ["indexes/default", "indexes/other"]),
        ("odqa ask q --mode d", ["dense"]),
        ("odqa search q --index indexes/o", ["indexes/other"]),
        ("odqa serve --index indexes/d --index indexes/o", ["indexes/other"]),
        ("odqa train-reader --index ", ["indexes/default", "indexes/other"]),
        ("odqa ask q --filter l", ["lang"]),
        ("odqa remove --index indexes/other --filter ", ["id", "lang", "source", "title", "year"]),
        ("odqa ask q --device c", ["cpu", "cuda"]),
        ("odqa ask q --reader odqa", ["odqa/default-reader"]),
        ("odqa ask q --index no --filter x", []),
    ],
)
def test_names_are_completed(typed: str, found: list[str], folder: Path, program: Started) -> None:
    assert offered(program, typed, folder).split() == found


def test_other_shells_get_their_own_form(folder: Path, program: Started) -> None:
    assert "verify\tCheck an index" in offered(program, "odqa ver", folder, "fish")
    assert '"verify":"Check an index' in offered(program, "odqa ver", folder, "zsh")


def test_names_that_a_shell_might_run_are_not_offered(
    tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    row = {"text": "The moon orbits the earth.", "fine": 1, "$(reboot)": 1, "`a`": 1, "a b": 1, "x\x1b[2J": 1, "q'": 1}
    Path("rows.jsonl").write_text(json.dumps(row) + "\n")
    build_index(["rows.jsonl"], "indexes/default", encoder=tiny_encoder, device="cpu")

    class Context:
        params: dict[str, Path] = {}  # noqa: RUF012

    assert complete.fields(Context, [], "") == ["fine", "id", "source", "title"]


def test_completion_can_be_installed(tmp_path: Path) -> None:
    asked = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "PYTHONPATH": str(Path(__file__).parents[2])}
    code = "import sys; sys.argv = ['odqa', '--show-completion', 'bash']; from odqa.cli import main; main()"
    command = [sys.executable, "-c", code]
    environment = {**os.environ, **asked}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "_ODQA_COMPLETE=complete_bash" in done.stdout
