"""``odqa index`` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.cli.changes import ROWS
from odqa.cli.options import MAX_FILE_SECONDS, MAX_FILE_SIZE
from odqa.corpus import ReadLimits
from odqa.index.manifest import read_manifest

RUN = CliRunner()


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    (folder / "moon.txt").write_text("The moon orbits the earth in days.")
    return folder


def run(tiny_encoder: Path, *arguments: object) -> object:
    return RUN.invoke(app, ["index", *map(str, arguments), "--encoder", str(tiny_encoder)])


def test_the_summary_counts_what_was_made(corpus: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    result = run(tiny_encoder, corpus, "--index", tmp_path / "index")
    assert result.exit_code == 0, result.stderr
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["Index"] == str(tmp_path / "index")
    assert (lines["Documents"], lines["Passages"]) == ("1", "1 of at most 46 tokens")
    assert lines["Time"].endswith(" s")
    assert lines["Size"].endswith(" MB")


def test_without_a_name_the_index_is_the_default_one(
    corpus: Path, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(tiny_encoder, corpus).exit_code == 0
    assert read_manifest("indexes/default").documents == 1


def test_a_ranking_that_was_fitted_on_the_index_before_is_told(
    corpus: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    assert "ranking" not in run(tiny_encoder, corpus, "--index", index).stderr
    (index / "rankings").mkdir()
    (index / "rankings" / "0123456789abcdef.json").write_text("{}")
    told = run(tiny_encoder, corpus, "--index", index)
    assert told.exit_code == 0
    assert f"fitted on {index} was fitted for the index before, and is used on" in told.stderr


def test_files_that_cannot_be_used_are_a_table_with_reasons(corpus: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    for number in range(ROWS + 3):
        (corpus / f"void{number:02}.txt").touch()
    result = run(tiny_encoder, corpus, "--index", tmp_path / "index")
    assert result.exit_code == 0
    assert "Could not be used: 23" in result.stdout
    assert str(corpus / "void00.txt") in result.stdout
    assert "void03.txt" not in result.stdout
    assert "and 20 more  empty" in result.stdout


def test_globs_choose_the_files(corpus: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    for name in ("sun.md", "earth.txt", "drafts/sky.md"):
        (corpus / name).parent.mkdir(exist_ok=True)
        (corpus / name).write_text("The moon orbits the earth in days.")
    result = run(
        tiny_encoder, corpus, "--index", tmp_path / "index", "--include", "*.md", "--exclude", "drafts", "--json"
    )
    report = json.loads(result.stdout)
    assert (report["documents"], report["include"], report["exclude"]) == (1, ["*.md"], ["drafts"])
    assert report["excluded"] == 3 and report["unusable"] == []
    result = run(tiny_encoder, corpus, "--index", tmp_path / "index", "--include", "[")
    assert result.exit_code == 2 and "no glob" in result.stderr


def test_nothing_to_read_is_a_failure_with_the_reasons(tiny_encoder: Path, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.png").touch()
    result = run(tiny_encoder, tmp_path / "docs", "--index", tmp_path / "index")
    assert result.exit_code == 1 and "a.png" in result.stderr and "unknown kind" in result.stderr
    assert not (tmp_path / "index").exists()


def test_json_is_one_object_with_all_of_them(corpus: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    for number in range(ROWS + 3):
        (corpus / f"void{number:02}.txt").touch()
    result = run(tiny_encoder, corpus, "--index", tmp_path / "index", "--json")
    report = json.loads(result.stdout)
    assert (report["folder"], report["documents"], report["passages"]) == (str(tmp_path / "index"), 1, 1)
    assert len(report["unusable"]) == 23
    assert report["unusable"][0] == {"source": str(corpus / "void00.txt"), "reason": "empty"}
    assert report["chunk"]["max_tokens"] == 46
    assert report["bytes"] > 0


def test_fields_and_passage_length_are_as_asked_for(tiny_encoder: Path, tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text('key,name,body\nm,Moon,"The moon orbits the earth. The sun is light."\n')
    result = run(
        tiny_encoder, rows, "--index", tmp_path / "index", "--max-tokens", 8, "--overlap", 0, "--language", "de",
        "--text-field", "body", "--id-field", "key", "--title-field", "name",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    manifest = read_manifest(tmp_path / "index")
    assert (manifest.documents, manifest.passages) == (1, 2)
    assert manifest.chunking == {"max_tokens": 8, "overlap_tokens": 0, "language": "de"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["none"], 2, ["none"]),
        (["void.txt"], 1, ["no index was written", "void.txt: empty"]),
        (["docs", "void.txt", "--strict"], 1, ["void.txt", "empty", "--strict"]),
        (["docs", "--overlap", "200"], 2, ["overlap", "200"]),
        (["docs", "--language", "Vietnamese"], 2, ["'Vietnamese' is no code of a language", "vi"]),
        (["docs", "--device", "abacus"], 2, ["'abacus'"]),
        (["docs", "--tune-recall", "1.5"], 2, ["--tune-recall", "1.5", "at most 1"]),
        (["docs", "--factory", "Abacus7"], 2, ["FAISS", "'Abacus7'"]),
        (["twice"], 1, ["'a'", "twice/one.jsonl", "twice/two.jsonl", "--on-duplicate"]),
    ],
)
def test_a_mistake_is_one_message_and_writes_nothing(
    corpus: Path,
    tiny_encoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    code: int,
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "void.txt").touch()
    (tmp_path / "twice").mkdir()
    for name in ("one", "two"):
        (tmp_path / "twice" / f"{name}.jsonl").write_text(json.dumps({"id": "a", "text": f"The {name} sun."}))
    result = run(tiny_encoder, *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("odqa: ")
    assert all(word in result.stderr for word in words), result.stderr
    assert not (tmp_path / "indexes" / "default").exists()


def test_ctrl_c_ends_with_130_and_leaves_nothing(
    corpus: Path, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from odqa.retrieval.encoder import Encoder

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Encoder, "encode_passages", interrupt)
    result = run(tiny_encoder, corpus, "--index", tmp_path / "index")
    assert result.exit_code == 130
    assert result.stderr.startswith("odqa: interrupted")
    assert [path.name for path in tmp_path.iterdir()] == ["docs"]


def test_files_beyond_the_limits_are_left_out_with_the_option_that_allows_more(
    corpus: Path, tiny_encoder: Path, tmp_path: Path
) -> None:
    (corpus / "large.txt").write_text("word " * 200_001)
    index = tmp_path / "index"
    result = run(tiny_encoder, corpus, "--index", index, "--max-file-size", 1, "--max-file-seconds", 60)
    assert result.exit_code == 0, result.stderr
    assert "larger than 1 MB" in result.stdout and "--max-file-size" in result.stdout
    for command in ("add", "update"):
        result = RUN.invoke(app, [command, str(corpus / "large.txt"), "--index", str(index), "--max-file-size", "1"])
        assert "larger than 1 MB" in result.stdout + result.stderr
        assert RUN.invoke(app, [command, str(corpus), "--max-file-seconds", "0"]).exit_code == 2


def test_the_limits_of_the_command_line_are_those_of_python() -> None:
    assert ReadLimits() == ReadLimits(MAX_FILE_SIZE, MAX_FILE_SECONDS)


@pytest.mark.parametrize(
    ("flags", "said"),
    [(["--language", "vi"], True), (["--language", "en-GB"], False), ([], False), (["--language", "vi", "-q"], False)],
    ids=str,
)
def test_that_the_default_encoder_reads_english_alone_is_said_before_hours_of_work(
    flags: list[str], said: bool
) -> None:
    result = RUN.invoke(app, ["index", "gone", *flags])
    assert result.exit_code == 2
    assert ("the default encoder reads English alone; for vi name a multilingual one" in result.stderr) is said


def test_another_encoder_may_read_any_language(corpus: Path, tiny_encoder: Path, tmp_path: Path) -> None:
    result = run(tiny_encoder, corpus, "--index", tmp_path / "index", "--language", "vi")
    assert result.exit_code == 0
    assert "English" not in result.stderr
