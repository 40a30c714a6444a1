"""What is not there without ``odqa[train]`` or ``odqa[serve]``: named before a model is loaded, and not needed else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from tests.tiny.asked import Asked
from tests.without import finders

ROOT = Path(__file__).parents[2]
TRAIN = ("accelerate", "datasets", "pyarrow")
BROUGHT = ("pandas", "dill", "multiprocess", "xxhash", "psutil")  # By those, and by nothing else that answers.
HEAVY = ("torch", "transformers", "sentence_transformers", "openvino")


@pytest.fixture
def folder(work: Path, asked: Asked) -> Path:
    (work / "asked.json").write_bytes(asked.dataset.read_bytes())
    (work / "asked.parquet").write_bytes(b"PAR1")
    return work


def run(hidden: tuple[str, ...], folder: Path, *commands: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Commands, up to one that fails, in a Python that lacks some packages; it prints the HEAVY ones it loaded."""
    program = (
        "import atexit, json, shlex, sys\n"
        "from tests.without import finders\n"
        f"sys.meta_path[:] = finders({hidden!r})\n"
        f"atexit.register(lambda: print(json.dumps([name for name in {HEAVY!r} if name in sys.modules])))\n"
        "from odqa.cli import main\n"
        f"for typed in {commands!r}:\n"
        "    sys.argv[1:] = shlex.split(typed)\n"
        "    try:\n"
        "        main()\n"
        "    except SystemExit as ended:\n"
        "        if ended.code:\n"
        "            raise\n"
    )
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **settings},
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("train-reader --train asked.json --output runs/mine", ["accelerate", "odqa[train]"]),
        ("train-reader --train owner/questions", ["owner/questions", "hub", "datasets", "odqa[train]"]),
        ("pretrain docs --output models/mine", ["accelerate", "odqa[train]"]),
        ("eval --dataset owner/questions", ["no file owner/questions", "hub", "datasets", "odqa[train]"]),
        ("eval --dataset owner/questions --index index", ["owner/questions", "datasets", "odqa[train]"]),
        ("eval --dataset asked.parquet", ["asked.parquet", "Parquet", "pyarrow", "odqa[train]"]),
        ("tune --dataset owner/questions --index index", ["owner/questions", "datasets", "odqa[train]"]),
        ("make-negatives owner/questions", ["owner/questions", "datasets", "odqa[train]"]),
        ("serve --index index", ["fastapi", "odqa[serve]"]),
        ("index docs --index new --ray local", ["ray", "odqa[ray]"]),
    ],
)
def test_the_extra_is_named_before_a_model_is_loaded(typed: str, words: list[str], folder: Path) -> None:
    done = run((*TRAIN, "fastapi", "ray"), folder, typed)
    assert done.returncode == 1, done.stderr
    assert all(word in done.stderr for word in (*words, "pip install")), done.stderr
    assert done.stderr.count("\n") == 1
    assert json.loads(done.stdout.splitlines()[-1]) == []
    assert not (folder / "runs").exists() and not (folder / "models").exists()


def test_texts_of_the_hub_need_more_than_what_trains(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "datasets", raising=False)
    monkeypatch.setattr(sys, "meta_path", finders(("datasets",)))
    done = CliRunner().invoke(app, ["pretrain", "owner/texts", "--output", "models/mine"])
    assert done.exit_code == 1
    assert "owner/texts" in done.stderr and "datasets" in done.stderr and "odqa[train]" in done.stderr


def test_nothing_of_it_is_needed_to_answer_and_to_score(folder: Path, tiny_encoder: Path, tiny_reader: Path) -> None:
    settings = {"ODQA_ENCODER": str(tiny_encoder), "ODQA_READER": str(tiny_reader), "ODQA_BACKEND": "torch"}
    done = run(
        (*TRAIN, *BROUGHT),
        folder,
        "index docs --index new",
        "ask 'What orbits the earth?' --index new",
        "eval --dataset asked.json",
        "make-negatives asked.json",
        **settings,
    )
    assert done.returncode == 0, done.stderr
    assert "unanswerable questions of" in done.stdout  # The last command's.


@pytest.mark.parametrize("hidden", [(), TRAIN])
def test_doctor_lists_what_an_extra_lacks(
    hidden: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    noted = tmp_path / "odqa-0.dist-info" / "METADATA"  # As pip notes it where odqa is installed.
    noted.parent.mkdir()
    lines = ["Metadata-Version: 2.4", "Name: odqa", "Version: 0"]
    for extra, names in project["optional-dependencies"].items():
        lines += [f"Provides-Extra: {extra}", *(f"Requires-Dist: {name}; extra == '{extra}'" for name in names)]
    noted.write_text("\n".join(lines) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "meta_path", finders(hidden))
    result = CliRunner().invoke(app, ["doctor", "--json"])
    (found,) = (one for one in json.loads(result.stdout)["findings"] if one["what"] == "odqa[train]")
    assert all(name in found["found"] for name in TRAIN)
    assert found["verdict"] == ("missing" if hidden else "ok")
    assert found["remedy"] == ('pip install "odqa[train]"' if hidden else "")
