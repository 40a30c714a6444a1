"""The report over five questions that can be counted by hand, and over a real run of the tiny reader."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.pipeline import answer_from_context
from odqa.errors import DataError, UsageError
from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.report import evaluate, reliability, score
from odqa.types import Example, Reference

CONTEXT = "Paris is the capital of France. The river in Paris is the Seine."


def example(key: str, *answers: str) -> Example:
    return Example(key, f"{key}?", CONTEXT, tuple(Reference(text, CONTEXT.index(text)) for text in answers))


EXAMPLES = [
    example("capital", "Paris"),
    example("river", "the Seine", "Seine"),
    example("country", "France"),
    example("mayor"),
    example("king"),
]
PREDICTIONS = {"capital": "Paris", "river": "river in Paris is the Seine", "country": "", "mayor": "", "king": "Paris"}
FORCED = PREDICTIONS | {"country": "France", "mayor": "France"}
DIFFERENCES = {"capital": -5.0, "king": -1.0, "river": -2.0, "mayor": 3.0, "country": 2.0}


def test_every_number_of_the_report_by_hand():
    # River: normalised, 1 of "river in paris is seine"'s 5 tokens and of 1: F1 2/6; as "the Seine", ROUGE has 2 of 6
    # and of 2: 4/8. The threshold: abstaining everywhere gives 2 points; capital 3, river 3 1/3, king 2 1/3,
    # country 3 1/3, mayor 2 1/3. Of the six pairs of an unanswerable and an answerable question, king beats capital
    # and river, and mayor all three.
    report = score(EXAMPLES, PREDICTIONS, forced=FORCED, score_differences=DIFFERENCES)
    del report["intervals"]
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
        "best_threshold": {"f1": pytest.approx((3 + 1 / 3) / 5), "threshold": -2.0},
        "auroc": pytest.approx(5 / 6),
        "calibration": None,
        "seconds": None,
        "windows_per_second": None,
    }


def test_the_intervals_are_those_of_the_scores_behind_each_number():
    river, part = 1 / 2, 1 / 3
    assert score(EXAMPLES, PREDICTIONS, forced=FORCED)["intervals"] == {
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


def test_english_is_scored_as_ever_and_is_the_default():
    gold = [Example("a", "?", "Été à Paris", (Reference("Été", 0),)), *EXAMPLES]
    predictions = PREDICTIONS | {"a": "the été"}
    report = score(gold, predictions, forced=predictions, score_differences=DIFFERENCES)
    assert report == score(gold, predictions, forced=predictions, score_differences=DIFFERENCES, language="en")
    assert report["has_answer"]["exact_match"] == 2 / 4
    assert report["rouge1_f1_answerable"] == (2 / 3 + 1 + 1 / 2) / 4  # "the", "t" of "été"; the reference is "t"


def test_another_language_is_scored_by_its_own_rules():
    gold = [Example("a", "?", "Der Fluss in Köln ist der Rhein.", (Reference("der Rhein", 22),))]
    german, other = (score(gold, {"a": "Rhein"}, language=language) for language in ("de", "other"))
    assert (german["language"], german["exact_match"], german["rouge1_f1"]) == ("de", 1.0, pytest.approx(2 / 3))
    assert (other["language"], other["exact_match"], other["f1"]) == ("other", 0.0, pytest.approx(2 / 3))
    with pytest.raises(UsageError, match="the language 'tlh' is not known"):
        score(gold, {}, language="tlh")


def test_what_predictions_alone_cannot_tell_is_null():
    report = score(EXAMPLES, PREDICTIONS)
    assert report["rouge1_f1_answerable_forced"] is None
    assert report["best_threshold"] == {"f1": None, "threshold": None}
    assert report["auroc"] is report["calibration"] is report["intervals"]["rouge1_f1_answerable_forced"] is None
    assert report["f1"] == pytest.approx((1 + 1 / 3 + 1) / 5)
    json.dumps(report, allow_nan=False)


def test_without_unanswerable_questions_their_score_is_null():
    report = score(EXAMPLES[:3], PREDICTIONS)
    assert report["no_answer"] == {"accuracy": None}
    assert report["auroc"] is report["intervals"]["no_answer_accuracy"] is None
    assert report["has_answer"] == {"exact_match": report["exact_match"], "f1": report["f1"]}


def test_without_answerable_questions_their_scores_are_null():
    report = score(EXAMPLES[3:], PREDICTIONS, forced=FORCED)
    assert report["has_answer"] == {"exact_match": None, "f1": None}
    assert report["rouge1_f1_answerable"] is report["rouge1_f1_answerable_forced"] is None
    assert report["rouge1_f1"] == report["no_answer"]["accuracy"] == 0.5


def test_a_missing_prediction_is_wrong_even_on_an_unanswerable_question():
    report = score(EXAMPLES, {"capital": "Paris", "stranger": "Paris"})
    assert report["exact_match"] == report["f1"] == report["rouge1_f1"] == pytest.approx(1 / 5)
    assert report["no_answer"]["accuracy"] == 0.0


@given(st.sets(st.sampled_from(["Paris", "Seine", "", "the", "France."]), min_size=1), st.randoms())
def test_the_whole_is_the_weighted_mean_of_its_parts(texts, random):
    predictions = {item.id: random.choice(sorted(texts)) for item in EXAMPLES}
    report = score(EXAMPLES, predictions)
    for key in ("exact_match", "f1"):
        parts = 3 * report["has_answer"][key] + 2 * report["no_answer"]["accuracy"]
        assert report[key] == pytest.approx(parts / 5)


def test_two_questions_with_one_id_are_refused_with_their_places():
    with pytest.raises(DataError, match=r"'capital' occurs twice, at questions 1 and 6; .* give every question its"):
        score([*EXAMPLES, EXAMPLES[0]], PREDICTIONS)


def test_no_questions_are_refused():
    with pytest.raises(DataError, match="no questions"):
        score([], PREDICTIONS)


def test_a_question_without_a_span_is_the_least_answerable_of_all():
    report = score(EXAMPLES, FORCED, forced=FORCED, score_differences={"capital": 9.0, "river": 8.0, "country": 9.5})
    assert report["auroc"] == 1.0


@pytest.fixture(scope="module")
def reader(tiny_reader):
    from odqa.reader.model import Reader

    return Reader.load(str(tiny_reader), device="cpu")


def test_a_reader_is_scored_on_what_it_reads(reader):
    windows: list[int] = []
    result = evaluate(EXAMPLES, reader, windows.append, batch_size=2)
    report = result.report
    assert list(result.predictions) == list(result.forced) == [item.id for item in EXAMPLES]
    assert all(text and text in CONTEXT for text in result.forced.values())
    for key, text in result.predictions.items():
        answers = -result.score_differences[key] > reader.no_answer_threshold
        assert text == (result.forced[key] if answers else "")
    expected = score(EXAMPLES, result.predictions, forced=result.forced, score_differences=result.score_differences)
    known = {key: report[key] for key in ("seconds", "windows_per_second", "calibration")}
    assert report == expected | known
    assert report["seconds"] > 0
    assert sum(windows) == round(report["seconds"] * report["windows_per_second"]) == len(EXAMPLES)


@pytest.mark.parametrize(("threshold", "temperature"), [(0.0, 1.0), (-1000.0, 3.0), (1000.0, 0.5), (1.0, 2.0)])
def test_confidence_is_that_of_asking_with_the_context(reader, monkeypatch, threshold, temperature):
    monkeypatch.setattr(reader, "no_answer_threshold", threshold)
    monkeypatch.setattr(reader, "temperature", temperature)
    result = evaluate(EXAMPLES, reader)
    for item in EXAMPLES:
        response = answer_from_context(item.question, item.context, reader, n=100)
        said = {answer.text: answer.confidence for answer in response.answers}
        prediction = result.predictions[item.id]
        assert bool(prediction) == bool(said)
        # The best place, with all that say the same; several weak places may say another thing with more probability.
        expected = said[prediction] if said else response.no_answer_probability
        confidence = result.outcomes[item.id].candidates.confidence(threshold, temperature)
        assert confidence == pytest.approx(expected, abs=1e-4)


def test_calibration_is_reported_before_fitting_and_with_the_reader_s_settings(reader, monkeypatch):
    monkeypatch.setattr(reader, "no_answer_threshold", 1000.0)
    monkeypatch.setattr(reader, "temperature", 500.0)
    result = evaluate(EXAMPLES, reader)
    calibration = result.report["calibration"]
    assert calibration["before"] == reliability(result.outcomes.values(), 0.0, 1.0)
    assert calibration["before"]["threshold"] == 0.0
    assert calibration["after"] == reliability(result.outcomes.values(), 1000.0, 500.0)
    # It never answers, which is right for two of five, in an order of its own.
    assert 0 <= calibration["after"]["expected_calibration_error"] <= 1
    assert 0 <= calibration["after"]["risk_coverage_area"] <= 1
    assert [item.right_if_abstained for item in result.outcomes.values()] == [False] * 3 + [True] * 2
    assert all(math.isfinite(value) for column in calibration.values() for value in column.values())


def test_an_unknown_language_is_refused_before_anything_is_read(reader):
    windows: list[int] = []
    with pytest.raises(UsageError, match="tlh"):
        evaluate(EXAMPLES, reader, windows.append, language="tlh")
    assert windows == []


def test_a_broken_dataset_is_refused_before_anything_is_read(reader):
    windows: list[int] = []
    with pytest.raises(DataError, match="twice"):
        evaluate([*EXAMPLES, EXAMPLES[0]], reader, windows.append)
    assert windows == []
