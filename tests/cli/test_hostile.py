"""An escape sequence in every text that a file or an argument can set, for every command: none reaches the terminal."""

from __future__ import annotations

import json
import re
from contextlib import chdir
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.index.build import build_index
from odqa.reports.folder import write_report
from tests.reports.reports import REPORT, report
from tests.reports.test_visible import obeyed
from tests.tiny.asked import Asked

# Clears the screen, sets the title, rings, goes back, and turns text around; and rich's markup.
WILD = "w\x1b[2J\x1b]0;t\x07\x9b1m\x08\r\u202e[bold]"
ESCAPED = re.compile(r"w\\+(x|u00)1b\[2J|U\+001B")  # As text, as JSON, or as the message on a question says it.
SQUAD = {"title": WILD, "paragraphs": [{"context": "The moon orbits.", "qas": []}]}


@pytest.fixture(scope="module")
def wild(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which everything has a wild name: files, folders, fields, ids, titles, texts."""
    folder = tmp_path_factory.mktemp("wild")
    docs = folder / "docs" / WILD
    docs.mkdir(parents=True)
    (docs / f"{WILD}.txt").write_text(f"The moon orbits the earth {WILD} in days.", encoding="utf-8")
    (docs / f"{WILD}.pdf").write_bytes(b"%PDF-1.4 broken")
    (docs / f"{WILD}.csv").write_text(f"{WILD.replace(chr(13), '')},b\n1,2\n", encoding="utf-8")
    (docs / f"{WILD}.json").write_text(json.dumps({WILD: 1}), encoding="utf-8")
    (docs / "keys.jsonl").write_text(json.dumps({WILD: "no text"}) + "\n" + '{"text": ' + WILD, encoding="utf-8")
    row = {"id": WILD, "title": WILD, "text": f"# {WILD}\n\nThe sun has a speed. {WILD}", WILD: WILD}
    (docs / "rows.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    (docs / "squad.json").write_text(json.dumps({"data": [SQUAD]}), encoding="utf-8")
    (folder / f"{WILD}.toml").write_text(f"{json.dumps(WILD)} = 1", encoding="utf-8")
    with chdir(folder):
        build_index(["docs"], WILD, encoder=tiny_encoder, device="cpu")
        write_report(
            Path(f"{WILD} report"), report(dataset=WILD, reader=WILD, index=replace(REPORT.index, folder=WILD))
        )
    return folder


WORKING = [
    ["index", "docs", "--index", "new", "--encoder", "ENCODER", "--text-field", WILD],
    ["index", "docs", "--index", f"new{WILD}", "--encoder", "ENCODER"],
    ["update", "docs", "--index", WILD],
    ["compact", "--index", WILD],
    ["info", WILD],
    ["verify", WILD, "--no-encode"],
    ["search", "sun", "--index", WILD, "--mode", "bm25", "--explain"],
    ["search", "sun", "--index", WILD, "--mode", "bm25", "--json"],
    ["ask", "what orbits the earth", "--index", WILD, "--reader", "READER", "--explain"],
    ["ask", "what orbits the earth", "--index", WILD, "--reader", "READER", "--json", "--explain"],
    ["ask", "what has the sun", "--context", f"docs/{WILD}/rows.jsonl", "--reader", "READER"],
    ["compare", f"{WILD} report", f"{WILD} report"],
    ["compare", f"{WILD} report", f"{WILD} report", "--json"],
]
FAILING = [
    ["index", "docs", "--index", "new", "--encoder", "ENCODER", "--language", WILD],
    ["index", "docs", "--index", "new", "--encoder", "ENCODER", "--strict"],
    ["index", "docs", "--index", "new", "--encoder", WILD],
    ["index", WILD, "--index", "new"],
    ["index", "docs", "--index", "new", "--encoder", "ENCODER", "--factory", WILD],
    ["add", WILD, "--index", WILD],
    ["add", f"docs/{WILD}/rows.jsonl", "--index", WILD],
    ["remove", f"no{WILD}", "--index", WILD],
    ["remove", "--filter", WILD, "--index", WILD],
    ["remove", "--filter", f"{WILD}=x", "--index", WILD],
    ["info", f"no{WILD}"],
    ["search", "sun", "--index", WILD, "--mode", WILD],
    ["search", "--questions", f"no{WILD}"],
    ["search", WILD, "--index", WILD],
    ["ask", "what has the sun", "--context", f"docs/{WILD}/keys.jsonl", "--reader", "READER"],
    ["ask", "what", "--context", f"no{WILD}"],
    ["ask", "what", "--index", WILD, "--reader", WILD],
    ["ask", "what", "--index", WILD, "--device", WILD],
    ["compare", WILD, WILD],
    ["eval", "--dataset", f"docs/{WILD}/{WILD}.json"],
    ["eval", "--dataset", f"no{WILD}.json"],
    ["tune", "--dataset", f"docs/{WILD}/{WILD}.json", "--index", WILD],
    ["make-negatives", f"docs/{WILD}/{WILD}.json"],
    ["make-negatives", f"docs/{WILD}/squad.json", "--kinds", WILD],
    ["train-reader", "--recipe", f"{WILD}.toml"],
    ["train-reader", "--recipe", f"no{WILD}.toml"],
    ["pretrain", f"no{WILD}"],
    ["pretrain", "docs", "--tokenizer", f"no{WILD}"],
    ["fill-mask", f"no{WILD}", "<mask>"],
    [f"--{WILD}"],
    [WILD],
    ["info", WILD, WILD],
    ["info", f"--{WILD}"],
]


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [*((one, {0}) for one in WORKING), *((one, {1, 2}) for one in FAILING)],
    ids=lambda value: ascii(value).replace("\\", "")[:80],
)
def test_no_command_drives_the_terminal(
    arguments: list[str],
    codes: set[int],
    wild: Path,
    tiny_encoder: Path,
    tiny_reader: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(wild)
    models = {"ENCODER": str(tiny_encoder), "READER": str(tiny_reader)}
    result = CliRunner().invoke(app, [models.get(one, one) for one in arguments])
    shown = result.stdout + result.stderr
    assert not obeyed(shown), ascii(shown)
    assert ESCAPED.search(shown), ascii(shown)
    assert result.exit_code in codes and "defect" not in shown, shown


def test_a_list_of_vanished_files_is_calm(wild: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(wild)
    gone = tmp_path / f"{WILD}.txt"
    gone.write_text("The moon.", encoding="utf-8")
    assert CliRunner().invoke(app, ["add", str(gone), "--index", WILD]).exit_code == 0
    gone.unlink()
    (tmp_path / "kept.txt").write_text("The sun.", encoding="utf-8")
    shown = CliRunner().invoke(app, ["update", str(tmp_path), "--index", WILD]).stdout
    assert "No longer there" in shown and ESCAPED.search(shown)
    assert not obeyed(shown), ascii(shown)


def test_an_evaluation_is_calm(asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data = json.loads(asked.dataset.read_text())
    for paragraph in data["data"][0]["paragraphs"]:
        for at, question in enumerate(paragraph["qas"]):
            question["id"] += WILD
            if at:  # The others stay as they are, so that the reader finds their answers.
                question["question"] += WILD.replace("\r", "")
    Path(WILD).mkdir()
    dataset = f"{WILD}/{WILD}.json"
    Path(dataset).write_text(json.dumps(data), encoding="utf-8")
    Path("said.json").write_text(json.dumps({f"q0{WILD}": "a", f"unknown{WILD}": "b"}), encoding="utf-8")
    asking = ["--dataset", dataset, "--index", str(asked.index), "--cache", WILD, "--device", "cpu"]
    reading = ["--reader", str(asked.reader)]
    for arguments in (
        ["eval", "--dataset", dataset, "--predictions", "said.json"],
        ["eval", *asking, *reading, "--report", f"{WILD} report"],
        ["eval", *asking, *reading, "--json"],
        ["tune", *asking, *reading, "--output", f"{WILD}.fit", "-k", "5"],
        ["make-negatives", dataset],
        ["make-negatives", dataset, "--output", f"{WILD}.jsonl"],
    ):
        result = CliRunner().invoke(app, arguments)
        shown = result.stdout + result.stderr
        assert result.exit_code == 0, shown
        assert not obeyed(shown), ascii(shown)
        assert ESCAPED.search(shown), shown
    assert not obeyed(Path(f"{WILD} report/report.md").read_text(encoding="utf-8"))
