"""A reader over five questions that can be counted by hand, the tiny reader really run, and files of predictions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.deciders import ReaderRule
from odqa.errors import DataError, UsageError
from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.cases import Case
from odqa.evaluation.reader import Evaluation, evaluate, evaluate_cases, score_predictions
from odqa.reader.model import Reader
from odqa.types import Example, Reference
from tests.evaluation.made import own_context

CONTEXT = "Paris is the capital of France. The river in Paris is the Seine."


def case(key: str, said: str, margin: float, *answers: str) -> Case:
    """A question, what the reader finds, with its margin, and what is right."""
    return own_context(key, CONTEXT, answers, {said: margin})


CASES = [
    case("capital", "Paris", 5.0, "Paris"),
    case("river", "river in Paris is the Seine", 2.0, "the Seine", "Seine"),
    case("country", "France", -2.0, "France"),
    case("mayor", "France", -3.0),
    case("king", "Paris", 1.0),
]
EXAMPLES = [one.query.example for one in CASES]
PREDICTIONS = {"capital": "Paris", "river": "river in Paris is the Seine", "country": "", "mayor": "", "king": "Paris"}


def test_every_number_of_the_report_by_hand() -> None:
    # River: normalised, 1 of "river in paris is seine"'s 5 tokens and of 1: F1 2/6; as "the Seine", ROUGE has 2 of 6
    # and of 2: 4/8. The threshold: abstaining everywhere gives 2 points; capital 3, river 3 1/3, king 2 1/3,
    # country 3 1/3, mayor 2 1/3. Of the six pairs of an answerable and an unanswerable question, capital and river beat
    # both, and country mayor alone.
    evaluation = evaluate_cases(CASES, ReaderRule())
    assert evaluation.predictions == PREDICTIONS
    report = evaluation.report.as_json()
    del report["intervals"], report["calibration"]
    assert report == {
        "dataset": {"questions": 5, "answerable": 3, "unanswerable": 2},
        "language": "en",
        "rouge1_f1": pytest.approx((1 + 1 / 2 + 0 + 1 + 0) / 5),
        "rouge1_f1_answerable": pytest.approx((1 + 1 / 2 + 0) / 3),
        "rouge1_f1_answerable_forced": pytest.approx((1 + 1 / 2 + 1) / 3),
        "exact_match": pytest.approx(2 / 5),
        "f1": pytest.approx((1 + 1 / 3 + 0 + 1 + 0) / 5),
        "has_answer": {"exact_match": pytest.approx(1 / 3), "f1": pytest.approx((1 + 1 / 3) / 3)},
        "no_answer": {"accuracy": 0.5},
        "best_threshold": {"f1": pytest.approx((3 + 1 / 3) / 5), "margin": 2.0},
        "auroc": pytest.approx(5 / 6),
        "seconds": None,
        "windows_per_second": None,
    }


def test_the_intervals_are_those_of_the_scores_under_each_number() -> None:
    river, part = 1 / 2, 1 / 3
    assert evaluate_cases(CASES, ReaderRule()).report.as_json()["intervals"] == {
        "level": 0.95,
        "rouge1_f1": pytest.approx(confidence_interval([1, river, 0, 1, 0])),
        "rouge1_f1_answerable": pytest.approx(confidence_interval([1, river, 0])),
        "rouge1_f1_answerable_forced": pytest.approx(confidence_interval([1, river, 1])),
        "exact_match": pytest.approx(confidence_interval([1, 0, 0, 1, 0])),
        "f1": pytest.approx(confidence_interval([1, part, 0, 1, 0])),
        "has_answer_exact_match": pytest.approx(confidence_interval([1, 0, 0])),
        "has_answer_f1": pytest.approx(confidence_interval([1, part, 0])),
        "no_answer_accuracy": pytest.approx(confidence_interval([1, 0])),
    }


def test_predictions_score_as_the_decisions_that_they_are_and_what_they_cannot_tell_is_null() -> None:
    report = score_predictions(EXAMPLES, PREDICTIONS).as_json()
    judged = evaluate_cases(CASES, ReaderRule()).report.as_json()
    unknown: dict[str, Any] = {
        "rouge1_f1_answerable_forced": None,
        "best_threshold": {"f1": None, "margin": None},
        "auroc": None,
        "calibration": None,
        "intervals": judged["intervals"] | {"rouge1_f1_answerable_forced": None},
    }
    assert report == judged | unknown
    json.dumps(report, allow_nan=False)


def test_what_there_are_no_questions_for_is_null() -> None:
    answerable = score_predictions(EXAMPLES[:3], PREDICTIONS).as_json()
    assert answerable["no_answer"] == {"accuracy": None}
    assert answerable["intervals"]["no_answer_accuracy"] is None
    assert answerable["has_answer"] == {"exact_match": answerable["exact_match"], "f1": answerable["f1"]}
    unanswerable = evaluate_cases(CASES[3:], ReaderRule()).report.as_json()
    assert unanswerable["has_answer"] == {"exact_match": None, "f1": None}
    assert unanswerable["rouge1_f1_answerable"] is unanswerable["rouge1_f1_answerable_forced"] is None
    assert unanswerable["auroc"] is None
    assert unanswerable["rouge1_f1"] == unanswerable["no_answer"]["accuracy"] == 0.5


def test_a_missing_prediction_is_wrong_even_on_an_unanswerable_question() -> None:
    scores = score_predictions(EXAMPLES, {"capital": "Paris", "stranger": "Paris"}).scores
    assert scores.exact_match == scores.f1 == scores.rouge1_f1 == pytest.approx(1 / 5)
    assert scores.no_answer_accuracy == 0.0


@given(st.lists(st.sampled_from(["Paris", "Seine", "", "the", "France."]), min_size=5, max_size=5))
def test_the_whole_is_the_weighted_mean_of_its_parts(texts: list[str]) -> None:
    scores = score_predictions(EXAMPLES, dict(zip(PREDICTIONS, texts, strict=True))).scores
    assert scores.exact_match == pytest.approx((3 * scores.has_answer_exact_match + 2 * scores.no_answer_accuracy) / 5)
    assert scores.f1 == pytest.approx((3 * scores.has_answer_f1 + 2 * scores.no_answer_accuracy) / 5)


def test_a_question_without_a_span_is_the_least_answerable_of_all() -> None:
    cases = [case("capital", "Paris", -9.0, "Paris"), own_context("mayor", CONTEXT, [], {})]
    scores = evaluate_cases(cases, ReaderRule()).report.scores
    assert (scores.auroc, scores.best_threshold_f1, scores.best_threshold_margin) == (1.0, 1.0, -9.0)


def test_each_language_is_scored_by_its_own_rules() -> None:
    german = [Example("a", "?", "Der Fluss in Köln ist der Rhein.", (Reference("der Rhein", 22),))]
    de, other = (score_predictions(german, {"a": "Rhein"}, language) for language in ("de", "other"))
    assert (de.language, de.scores.exact_match, de.scores.rouge1_f1) == ("de", 1.0, pytest.approx(2 / 3))
    assert (other.language, other.scores.exact_match, other.scores.f1) == ("other", 0.0, pytest.approx(2 / 3))
    # English is the default; of "été" ROUGE sees the t alone, as rouge-score does.
    french = [Example("a", "?", "Été à Paris", (Reference("Été", 0),))]
    scores = score_predictions(french, {"a": "the été"}).scores
    assert (scores.exact_match, scores.rouge1_f1) == (1.0, pytest.approx(2 / 3))
    with pytest.raises(UsageError, match="the language 'tlh' is not known"):
        score_predictions(german, {}, "tlh")


@pytest.fixture(scope="module")
def reader(tiny_reader: Path) -> Reader:
    return Reader.load(tiny_reader, device="cpu", dtype="float32")


def test_a_reader_is_scored_on_what_it_reads(reader: Reader) -> None:
    windows: list[int] = []
    result = evaluate(EXAMPLES, reader, windows.append, batch_size=2)
    report = result.report
    assert list(result.predictions) == [item.id for item in EXAMPLES]
    assert all(one.first and one.first.text in CONTEXT for one in result.judgements)
    assert report.scores.f1 == score_predictions(EXAMPLES, result.predictions).scores.f1
    assert report.seconds is not None and report.windows_per_second is not None
    assert report.seconds > 0
    assert sum(windows) == round(report.seconds * report.windows_per_second) == len(EXAMPLES)


def calibration(result: Evaluation) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = result.report.as_json()["calibration"]
    return found


def test_calibration_is_reported_before_fitting_and_with_the_reader_s_settings(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = calibration(evaluate(EXAMPLES, reader))
    assert plain["before"] == plain["after"]
    assert (plain["before"]["threshold"], plain["before"]["temperature"]) == (0.0, 1.0)
    monkeypatch.setattr(reader, "no_answer_threshold", 10000.0)
    monkeypatch.setattr(reader, "temperature", 2000.0)
    result = evaluate(EXAMPLES, reader)
    found = calibration(result)
    assert found["before"] == plain["before"]
    assert (found["after"]["threshold"], found["after"]["temperature"]) == (10000.0, 2000.0)
    # It never answers, which is right for two of five.
    sure = [one.decision.no_answer_probability for one in result.judgements]
    assert not any(one.answered for one in result.judgements)
    assert found["after"]["expected_calibration_error"] == pytest.approx(sum(sure) / 5 - 2 / 5)


@pytest.mark.parametrize(
    ("examples", "language", "error", "message"),
    [
        (EXAMPLES, "tlh", UsageError, "tlh"),
        ([*EXAMPLES, EXAMPLES[0]], "en", DataError, "twice"),
        ([], "en", DataError, "no questions"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_anything_is_read(
    reader: Reader, examples: list[Example], language: str, error: type[Exception], message: str
) -> None:
    windows: list[int] = []
    with pytest.raises(error, match=message):
        evaluate(examples, reader, windows.append, language=language)
    assert windows == []
    with pytest.raises(error, match=message):
        score_predictions(examples, PREDICTIONS, language)
