"""``odqa search`` as a user types it: what is printed, where, and with which exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.cli.output import BOLD
from tests.answering.conftest import TEXTS

HIT_KEYS = ["rank", "score", "text", "passage_id", "document", "copies"]


@pytest.fixture(scope="module")
def index(tiny_encoder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from odqa.index.build import build_index

    folder = tmp_path_factory.mktemp("search")
    (folder / "texts").mkdir()
    for name, text in TEXTS.items():
        (folder / "texts" / name).write_text(text, encoding="utf-8")
    build_index([folder / "texts"], folder / "index", encoder=str(tiny_encoder), device="cpu")
    return folder / "index"


def search(*arguments: object, given: str | None = None) -> Any:
    return CliRunner().invoke(app, ["search", *map(str, arguments)], input=given)


def found(index: Path, *arguments: object, given: str | None = None) -> Any:
    return search(*arguments, "--index", index, "--device", "cpu", given=given)


def test_passages_for_a_person(index: Path) -> None:
    result = found(index, "what orbits the earth", "-k", 2)
    assert result.exit_code == 0, result.stderr
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("1. ") and lines[0].endswith("moon.txt")
    assert lines[1] == "   The moon orbits the earth in days. The light of the sun has a speed."
    assert lines[2].startswith("2. ")


def test_the_words_that_match_are_bold_on_a_terminal(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr("odqa.cli.output.Screen.isatty", lambda self: True)
    lines = found(index, "what orbited the earths", "-k", 1).stdout.splitlines()
    assert f"The moon {BOLD[0]}orbits{BOLD[1]} the {BOLD[0]}earth{BOLD[1]} in" in lines[-2]
    assert lines[-1].startswith("   ") and not lines[-1].startswith("    ")


def test_copies_are_one_passage_that_names_their_files(tiny_encoder: Path, tmp_path: Path) -> None:
    from odqa.index.build import build_index

    for name in ("a.txt", "b.txt", "c.md"):
        (tmp_path / name).write_text("The moon orbits the earth.", encoding="utf-8")
    (tmp_path / "sun.txt").write_text("The sun shines.", encoding="utf-8")
    paths = [tmp_path / name for name in ("a.txt", "b.txt", "c.md", "sun.txt")]
    build_index(paths, tmp_path / "index", encoder=str(tiny_encoder), device="cpu")
    lines = found(tmp_path / "index", "what orbits the earth", "-k", 2).stdout.splitlines()
    assert [line[:2] for line in lines] == ["1.", "  ", "  ", "2.", "  "]
    names = [line for line in lines if "also in" in line]
    assert len(names) == 1 and names[0].count(str(tmp_path)) == 2
    shown = json.loads(found(tmp_path / "index", "what orbits the earth", "-k", 2, "--json").stdout)
    assert sorted(len(hit["copies"]) for hit in shown["hits"]) == [0, 2]


def test_explain_shows_rank_and_score_of_each_component(index: Path) -> None:
    lines = found(index, "what orbits the earth", "-k", 1, "--explain").stdout.splitlines()
    assert lines[2].startswith("   characters 0–") and " · dense " in lines[2] and " · bm25 " in lines[2]
    assert lines[2].endswith(", rank 1")
    (hit, *_) = json.loads(found(index, "what orbits the earth", "--explain", "--json").stdout)["hits"]
    assert list(hit) == [*HIT_KEYS, "components"]
    assert list(hit["components"]) == ["dense", "bm25"]
    assert hit["components"]["bm25"]["rank"] == 1 and hit["components"]["bm25"]["score"] > 0


def test_json_has_the_documented_keys(index: Path) -> None:
    result = found(index, "what orbits the earth", "--json", "--mode", "bm25")
    shown = json.loads(result.stdout)
    assert list(shown) == ["question", "hits"]
    (hit,) = shown["hits"]
    assert list(hit) == HIT_KEYS
    source = index.parent / "texts" / "moon.txt"
    assert hit["document"] == {"id": str(source), "title": "moon", "source": str(source)}
    assert (hit["rank"], hit["text"], hit["passage_id"]) == (1, TEXTS["moon.txt"].strip(), f"{source}#0")


@pytest.mark.parametrize("mode", ["bm25", "hybrid"])
def test_many_questions_from_standard_input(index: Path, mode: str) -> None:
    given = '{"id": "x", "question": "what orbits the earth"}\n{"question": "zebra"}\n'
    result = found(index, "--questions", "-", "--mode", mode, given=given)
    assert result.exit_code == 0, result.stderr
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [list(line) for line in lines] == [["id", "question", "hits"]] * 2
    assert [line["id"] for line in lines] == ["x", 2]
    assert bool(lines[1]["hits"]) is (mode != "bm25")


def test_filters_are_applied_inside_the_search(work: Path) -> None:
    def ids(*arguments: str) -> list[str]:
        result = search("the river", "-k", "2", "--json", "--index", "index", "--device", "cpu", *arguments)
        return [hit["document"]["id"] for hit in json.loads(result.stdout)["hits"]]

    assert len(ids()) == 2
    assert sorted(ids("--filter", "lang=en")) == ["louvre", "seine"]
    assert ids("--filter", "lang=en", "--filter", "year>2020") == ["seine"]
    assert ids("--filter", "source~=*/policies/*", "--mode", "dense") == ["docs/policies/leave.txt"]
    assert ids("--filter", "id!=seine", "--mode", "bm25") == ["spree"]


def test_a_filter_that_matches_nothing_says_so(work: Path) -> None:
    asked = ("--index", "index", "--device", "cpu", "--filter", "lang=xx", "--filter", "year>2020")
    reason = "no document matches lang=xx and year>2020"
    result = search("the river", *asked)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "No passage found.\n", f"odqa: {reason}\n")
    result = search("the river", *asked, "--json")
    assert json.loads(result.stdout) == {"question": "the river", "hits": [], "reason": reason}
    assert result.stderr == ""
    lines = search("--questions", "-", *asked, given="the river\nthe moon\n").stdout.splitlines()
    assert [json.loads(line)["reason"] for line in lines] == [reason, reason]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, ["give one question", "--questions"]),
        (["Who?", "--questions", "q.txt"], 2, ["give one question", "--questions"]),
        ([""], 2, ["empty"]),
        (["Who?", "-k", "0"], 2, ["k must be at least 1", "not 0"]),
        (["Who?", "--mode", "sparse"], 2, ["sparse", "dense", "hybrid"]),
        (["Who?", "--filter", "lang"], 2, ["'lang'", "no operator", "'lang=en'"]),
        (["Who?", "--index", "nowhere"], 1, ["nowhere", "odqa index"]),
        (["--questions", "nowhere.txt"], 2, ["nowhere.txt", "does not exist"]),
    ],
)
def test_bad_requests_are_refused(arguments: list[str], code: int, words: list[str]) -> None:
    result = search(*arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert all(word in result.stderr for word in words), result.stderr
    assert "Traceback" not in result.stderr


def test_an_unknown_field_lists_the_known_ones(work: Path) -> None:
    result = search("the river", "--index", "index", "--device", "cpu", "--filter", "language=en")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'language'" in result.stderr and "The fields are id, lang, source, title, year" in result.stderr
