"""odqa make-negatives through the real entry point."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.squad import load_examples, write_examples
from odqa.types import Example, Reference
from tests.training.conftest import examples


def odqa(*arguments: object):
    return CliRunner().invoke(app, ["make-negatives", *map(str, arguments)])


@pytest.fixture
def data(tmp_path):
    path = tmp_path / "data.jsonl"
    write_examples(path, examples())
    return path


def test_questions_are_shown_beside_those_they_were_made_of(data):
    result = odqa(data, "--kinds", "negation,deleted", "--seed", 1)
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("7 unanswerable questions of 8 answerable ones\n")  # One has no verb to negate.
    assert "\nnegation (" in result.stdout
    assert "  What is the capital of France?\n  → What isn't the capital of France?\n" in result.stdout


def test_they_are_written_for_the_other_commands(data, tmp_path):
    output = tmp_path / "made.jsonl"
    result = odqa(data, "--kinds", "negation", "--ratio", 0.5, "--output", output, "--json")
    assert result.exit_code == 0, result.stderr
    made = load_examples(output)
    assert json.loads(result.stdout) == {"questions": 8, "negatives": 4, "kinds": {"negation": 4}}
    assert len(made) == 4
    assert all(one.id.endswith("-negation") and not one.answerable and one.plausible for one in made)


def test_a_limit_draws_some(data):
    result = odqa(data, "--kinds", "negation", "--limit", 3, "--json")
    assert json.loads(result.stdout)["questions"] == 3


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--kinds", "negations"), "--kinds: no such kind of negatives: 'negations'; known: negation, antonym"),
        (("--kinds", ","), "--kinds names none; known: negation, antonym"),
        (("--ratio", 0), "--ratio is 0.0; it must be above 0 and at most 100"),
        (("--ratio", "1e300"), "--ratio is 1e+300; it must be above 0 and at most 100"),
        (("--ratio", "nan"), "--ratio is nan; it must be above 0 and at most 100"),
        (("--limit", -1), "--limit is -1; it must be at least 0"),
        (("--output", "made.json"), "--output made.json: the questions are written as JSON lines"),
        (("--output", "nowhere/made.jsonl"), "cannot write the questions to nowhere/made.jsonl: there is no folder"),
    ],
    ids=str,
)
def test_what_cannot_be_done_is_refused_as_usage(data, flags, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = odqa(data, *flags)
    assert result.exit_code == 2
    assert said in result.stderr


def test_an_original_is_the_one_that_was_changed_though_another_has_its_id(data, tmp_path):
    path = tmp_path / "same.jsonl"
    write_examples(path, [replace(one, id="0") for one in load_examples(data)])
    said = odqa(path, "--kinds", "negation,").stdout
    assert said == odqa(data, "--kinds", "negation").stdout
    assert "  What is the capital of France?\n  → What isn't the capital of France?\n" in said


def test_contexts_without_a_word_to_compare(tmp_path):
    path = tmp_path / "data.jsonl"
    write_examples(path, [Example("a", "How many?", "It is 5.", (Reference("5", 6),))])
    result = odqa(path, "--kinds", "article")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "0 unanswerable questions of 1 answerable ones\n"


def test_a_file_without_an_answerable_question(tmp_path):
    path = tmp_path / "data.jsonl"
    write_examples(path, [one for one in examples() if not one.answerable])
    result = odqa(path)
    assert result.exit_code == 1
    assert f"{path}: no question in it is answerable" in result.stderr


def test_the_questions_that_are_read_are_not_written_over(data):
    before = data.read_bytes()
    result = odqa(data, "--output", data)
    assert result.exit_code == 2 and "is what is read; choose another name" in result.stderr
    assert data.read_bytes() == before


def test_answers_that_are_not_in_their_contexts_are_counted(tmp_path):
    path = tmp_path / "data.jsonl"
    write_examples(path, [replace(one, context="Nothing.") for one in examples() if one.answerable])
    assert "dropped: their answers are not in their contexts), so no" in odqa(path).stderr


def test_what_was_there_stays_where_nothing_can_be_made(data, tmp_path):
    output = tmp_path / "made.jsonl"
    output.write_text("mine")
    assert odqa(tmp_path / "none.json", "--output", output).exit_code == 2
    assert output.read_text() == "mine"
