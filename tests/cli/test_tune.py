"""``odqa tune`` and what it changes: ``odqa ask`` and ``odqa eval --index`` with tiny models."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from tests.tiny.asked import Asked


@pytest.fixture(scope="module")
def tuned(asked: Asked, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    """The index of ``asked``, copied, with a fit of its own."""
    index = tmp_path_factory.mktemp("tuned") / "index"
    shutil.copytree(asked.index, index)
    copy = Asked(index, asked.dataset, asked.reader, asked.cache)
    result = run("tune", copy, "-k", "2,4", "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["file"].startswith(str(index / "rankings"))
    return copy


def run(verb: str, asked: Asked, *arguments: object):
    named = ["--index", asked.index, "--reader", asked.reader, "--device", "cpu"]
    if verb != "ask":
        named += ["--dataset", asked.dataset, "--cache", asked.cache]
    return CliRunner().invoke(app, [verb, *map(str, [*named, *arguments])])


def test_ask_uses_what_was_fitted_and_explains_it(tuned: Asked) -> None:
    found = json.loads(run("ask", tuned, "who built the tower", "--explain", "--json").stdout)
    assert found["ranking"] in ("logit", "null", "softmax", "prior", "evidence")
    assert found["abstention"]["rule"] == "probability"
    assert found["abstention"]["value"] == found["no_answer_probability"]
    answers = found["answers"] + found["withheld"]
    place = answers[0]["places"][0]
    assert place["components"]["dense"]["rank"] >= 1 and {"span_score", "null_score", "rank"} <= set(place)
    total = found["no_answer_probability"] + sum(answer["confidence"] for answer in answers)
    assert total <= 1 + 1e-9


def test_the_language_of_the_answers_is_known_and_kept(asked: Asked, tmp_path: Path) -> None:
    result = run("tune", asked, "--language", "klingon")
    assert result.exit_code == 2 and "'klingon' is not known" in result.stderr
    result = run("tune", asked, "--language", "vi", "-k", "2", "--output", tmp_path / "fit.json", "--json")
    assert json.loads(result.stdout)["language"] == "vi"


@pytest.mark.parametrize("question", ["who built the tower", "who painted the moon", "what did leonardo do"])
def test_the_more_have_an_answer_the_less_probable_is_none(
    tuned: Asked, question: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By Bayes' rule: odds of one to nine for having none, where it was one to one, are a ninth of what they were."""
    found = [
        json.loads(run("ask", tuned, question, "--exhaustive", "--json", *some).stdout)
        for some in ([], ["--answerable", 0.5], ["--answerable", 0.9], ["--answerable", 0.2])
    ]
    assert found[0]["no_answer_probability"] == found[1]["no_answer_probability"]
    odds = [one["no_answer_probability"] / (1 - one["no_answer_probability"]) for one in found]
    assert odds[2] == pytest.approx(odds[0] / 9, rel=0.01)
    assert odds[3] == pytest.approx(odds[0] * 4, rel=0.01)
    monkeypatch.setenv("ODQA_ANSWERABLE", "0.9")
    set_by = json.loads(run("ask", tuned, question, "--exhaustive", "--json").stdout)
    assert set_by["no_answer_probability"] == found[2]["no_answer_probability"]


def test_another_ranking_can_be_named(tuned: Asked) -> None:
    found = json.loads(run("ask", tuned, "who built the tower", "--ranking", "logit", "--explain", "--json").stdout)
    assert found["ranking"] == "logit"


def test_the_least_confidence_takes_the_place_of_the_rule(tuned: Asked) -> None:
    forced = json.loads(run("ask", tuned, "who built the tower", "--min-confidence", 0, "--json").stdout)
    assert forced["answers"]
    none = json.loads(run("ask", tuned, "who built the tower", "--min-confidence", 1, "--explain", "--json").stdout)
    assert not none["answers"] and none["withheld"]


def test_explained_lines_name_scores_and_the_rule(tuned: Asked) -> None:
    shown = run("ask", tuned, "who built the tower", "--explain").stdout
    assert "The probability that there is no answer is" in shown
    assert "span " in shown and "null " in shown and "dense " in shown and "bm25 " in shown


def test_what_is_enough_is_fitted_and_no_more_is_read(asked: Asked, tmp_path: Path) -> None:
    own = Asked(asked.index, asked.dataset, shutil.copytree(asked.reader, tmp_path / "reader"), asked.cache)
    file = own.reader / "ranking.json"
    result = run("tune", own, "-k", 6, "--output", file)
    assert result.exit_code == 0, result.stderr
    assert "Of 6 passages the first 5 are enough where they give an answer" in result.stdout
    assert "passages read" in result.stdout and "same decision" in result.stdout
    fitted = json.loads(file.read_text())
    assert {rule["enough"]["passages"] for rule in fitted["rankings"].values()} == {5}
    assert set(fitted["record"]["reading"]) == set(fitted["rankings"])
    # As if every question were to be answered, and any answer were enough.
    fitted["rankings"][fitted["default"]] |= {"threshold": 1.0, "enough": {"passages": 5, "confidence": 0.0}}
    file.write_text(json.dumps(fitted))
    asked_for = ("who built the tower", "-k", 6, "-n", 1)
    assert json.loads(run("ask", own, *asked_for, "--json").stdout)["passages_read"] == 5
    assert json.loads(run("ask", own, *asked_for, "--json", "--exhaustive").stdout)["passages_read"] == 6
    assert "Passages read: 5." in run("ask", own, *asked_for, "--explain").stdout
    assert json.loads(run("eval", own, "-k", 6, "--json").stdout)["passages_read"] < 6
    assert json.loads(run("eval", own, "-k", 6, "--json", "--exhaustive").stdout)["passages_read"] == 6


def test_where_there_is_no_more_to_read_nothing_is_said_of_it(asked: Asked, tmp_path: Path) -> None:
    result = run("tune", asked, "-k", 5, "--output", tmp_path / "ranking.json")
    assert result.exit_code == 0, result.stderr
    assert "enough" not in result.stdout
    assert {rule["enough"] for rule in json.loads((tmp_path / "ranking.json").read_text())["rankings"].values()} == {
        None
    }


def test_without_a_fit_a_named_ranking_is_refused(asked: Asked) -> None:
    result = run("ask", asked, "who built the tower", "--ranking", "logit")
    assert result.exit_code == 2
    assert "odqa tune" in result.stderr
    assert json.loads(run("ask", asked, "who built the tower", "--explain", "--json").stdout)["abstention"] == {
        "rule": "margin",
        "value": pytest.approx(0, abs=50),
        "limit": 0.0,
        "abstains": False,
    }


def test_a_fit_of_another_reader_is_refused(tuned: Asked, tmp_path: Path) -> None:
    index, other = tmp_path / "index", tmp_path / "reader"
    shutil.copytree(tuned.index, index)
    shutil.copytree(tuned.reader, other)
    (other / "reader.json").write_text('{"no_answer_threshold": 0, "max_length": 64, "stride": 16}')
    (fit,) = (index / "rankings").iterdir()
    shutil.copy(fit, other / "ranking.json")
    result = run("ask", Asked(index, tuned.dataset, other, tuned.cache), "who built the tower")
    assert result.exit_code == 1
    assert "another reader" in result.stderr and "odqa tune" in result.stderr


def test_the_fit_may_go_with_the_reader(asked: Asked, tmp_path: Path) -> None:
    reader = shutil.copytree(asked.reader, tmp_path / "reader")
    own = Asked(asked.index, asked.dataset, reader, asked.cache)
    result = run("tune", own, "-k", 2, "--output", reader / "ranking.json")
    assert result.exit_code == 0, result.stderr
    assert "ranking" in result.stdout and str(reader / "ranking.json") in result.stdout
    assert (
        json.loads(run("ask", own, "what boils", "--explain", "--json").stdout)["abstention"]["rule"] == "probability"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-k", "five"], "whole numbers"),
        (["-k", "0,5"], "at least 1"),
        (["--output", "nowhere/ranking.json"], "there is no folder"),
    ],
)
def test_what_cannot_be_tuned_is_refused(asked: Asked, arguments: list[str], message: str) -> None:
    result = run("tune", asked, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_questions_are_not_written_over(asked: Asked) -> None:
    before = asked.dataset.read_bytes()
    for command in ("tune", "eval"):
        named = ["--index", asked.index] if command == "tune" else []
        files = ["--dataset", asked.dataset, "--output", asked.dataset]
        done = CliRunner().invoke(app, [command, *map(str, [*named, *files])])
        assert done.exit_code == 2 and "is what is read; choose another name" in done.stderr
    assert asked.dataset.read_bytes() == before


def test_an_index_that_cannot_be_written_to_is_refused_before_anything_is_read(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(asked.index) and access(path, mode))
    result = run("tune", asked)
    assert result.exit_code == 2 and "name a file with --output" in result.stderr


def test_an_index_is_evaluated_in_parts(tuned: Asked, tmp_path: Path) -> None:
    result = run("eval", tuned, "-k", 3, "--report", tmp_path / "report", "--ablate")
    assert result.exit_code == 0, result.stderr
    for title in ("Three levels", "Retrieval of the gold passage", "What went wrong", "Rankings, modes and k"):
        assert title in result.stdout
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"report.html", "report.md", "report.json"}
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["dataset"] == "asked.json" and len(report["sha256"]) == 64
    assert "the ranking was fitted on these very questions" in result.stderr


def test_a_sample_is_always_the_same(tuned: Asked) -> None:
    first, second = (json.loads(run("eval", tuned, "-k", 2, "--sample", 5, "--json").stdout) for _ in range(2))
    assert first["questions"] == second["questions"] and first["questions"]["questions"] == 5
    assert "scores" not in first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-k", 0], "at least 1"),
        (["--ranking", "best"], "no such ranking"),
        (["--limit", 2, "--sample", 2], "only one"),
        (["--output", "x.json"], "does not go with --index"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(tuned: Asked, arguments: list[object], message: str) -> None:
    result = run("eval", tuned, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_options_of_an_index_need_one(asked: Asked) -> None:
    for k in ("5", "0"):
        result = CliRunner().invoke(app, ["eval", "--dataset", str(asked.dataset), "-k", k])
        assert result.exit_code == 2
        assert "goes with --index" in result.stderr
