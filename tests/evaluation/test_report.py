"""The report over five questions that can be counted by hand, and over a real run of the tiny reader."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.errors import DataError
from odqa.evaluation.report import evaluate, format_report, score
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
    # country 3 1/3, mayor 2 1/3.
    assert score(EXAMPLES, PREDICTIONS, forced=FORCED, score_differences=DIFFERENCES) == {
        "dataset": {"questions": 5, "answerable": 3, "unanswerable": 2},
        "rouge1_f1": pytest.approx((1 + 1 / 2 + 0 + 1 + 0) / 5),
        "rouge1_f1_answerable": pytest.approx((1 + 1 / 2 + 0) / 3),
        "rouge1_f1_answerable_forced": pytest.approx((1 + 1 / 2 + 1) / 3),
        "exact_match": pytest.approx(2 / 5),
        "f1": pytest.approx((1 + 1 / 3 + 0 + 1 + 0) / 5),
        "has_answer": {"exact_match": pytest.approx(1 / 3), "f1": pytest.approx((1 + 1 / 3) / 3)},
        "no_answer": {"accuracy": 0.5},
        "best_threshold": {"f1": pytest.approx((3 + 1 / 3) / 5), "threshold": -2.0},
        "seconds": None,
        "windows_per_second": None,
    }


def test_what_predictions_alone_cannot_tell_is_null():
    report = score(EXAMPLES, PREDICTIONS)
    assert report["rouge1_f1_answerable_forced"] is None
    assert report["best_threshold"] == {"f1": None, "threshold": None}
    assert report["f1"] == pytest.approx((1 + 1 / 3 + 1) / 5)
    json.dumps(report, allow_nan=False)


def test_without_unanswerable_questions_their_score_is_null():
    report = score(EXAMPLES[:3], PREDICTIONS)
    assert report["no_answer"] == {"accuracy": None}
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


def test_the_table_is_aligned_and_names_what_it_counts():
    report = score(EXAMPLES, PREDICTIONS, forced=FORCED, score_differences=DIFFERENCES)
    report["seconds"], report["windows_per_second"] = 1234.56, 78.4
    assert format_report(report).splitlines() == [
        "5 questions: 3 answerable, 2 unanswerable",
        "",
        "                        all  answerable  answer forced",
        "ROUGE-1 F1            0.500       0.500          0.833",
        "exact match           0.400       0.333              -",
        "token F1              0.467       0.444              -",
        "",
        "no-answer accuracy    0.500",
        "best-threshold F1     0.667   answering where null - best span <= -2.000",
        "seconds             1,234.6   78.4 windows a second",
    ]


def test_the_table_shows_a_dash_for_what_was_not_measured():
    table = format_report(score(EXAMPLES[:3], PREDICTIONS)).splitlines()
    assert table[3].split() == ["ROUGE-1", "F1", "0.500", "0.500", "-"]
    assert table[-2].split() == ["no-answer", "accuracy", "-"]
    assert table[-1].split() == ["best-threshold", "F1", "-"]


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
    timed = {"seconds": report["seconds"], "windows_per_second": report["windows_per_second"]}
    assert report == expected | timed
    assert report["seconds"] > 0
    assert sum(windows) == round(report["seconds"] * report["windows_per_second"]) == len(EXAMPLES)


def test_a_broken_dataset_is_refused_before_anything_is_read(reader):
    windows: list[int] = []
    with pytest.raises(DataError, match="twice"):
        evaluate([*EXAMPLES, EXAMPLES[0]], reader, windows.append)
    assert windows == []
