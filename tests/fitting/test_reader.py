"""A reader's settings, fitted on decisions that can be counted by hand, and what must hold for all of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from odqa.answering.candidates import Candidates
from odqa.answering.deciders import ReaderRule
from odqa.evaluation.cases import Case
from odqa.evaluation.judging import Judge, correctness
from odqa.evaluation.levels import level
from odqa.evaluation.metrics import token_f1
from odqa.fitting.reader import (
    PENALTIES,
    TEMPERATURES,
    Question,
    fit_length_penalty,
    fit_margin_threshold,
    fit_rule,
    fit_temperature,
)
from odqa.reader.model import Reader
from odqa.types import Hit, Reading, Span
from tests.answering.hits import hit, pairs
from tests.evaluation.made import own_context
from tests.training.conftest import examples

CONTEXT = "Paris lies on the Seine, Berlin on the Spree."


def one_place(margin: float, right: bool) -> Question:
    """A question whose only place, Paris, has that margin, and is right or not; no answer would be wrong."""
    candidates = Candidates.of([hit(0, 24)], [Reading((Span(0, 5, margin),), 0.0)])
    return "where?", candidates, ("Paris" if right else "Rome",)


def asked(rows: Sequence[tuple[str, str, float]]) -> list[Case]:
    """(reference or "", what the reader finds or "", its margin) of each question."""
    return [
        own_context(str(at), CONTEXT, [gold] if gold else [], {said: margin} if said else {})
        for at, (gold, said, margin) in enumerate(rows)
    ]


def test_the_temperature_by_hand() -> None:
    # Four answers with a margin of 2, three of them right: a confidence of 3/4 is the most likely, so 2 / T = log 3.
    some = [one_place(2.0, right) for right in (True, True, True, False)]
    assert fit_temperature(some, 0.0) == pytest.approx(2 / math.log(3), rel=1e-3)
    # So sure and so often wrong that even the highest temperature is too low; and the other way round.
    assert fit_temperature([one_place(9.0, right) for right in (True, False, False)], 0.0) == pytest.approx(
        20, rel=1e-3
    )
    assert fit_temperature(
        [one_place(9.0, True), one_place(0.01, False), *[one_place(0.3, True)] * 99], 0.0
    ) == pytest.approx(0.05, abs=0.05)


def test_what_is_right_is_right_by_the_rules_for_the_language() -> None:
    # "của" is what counts as an article in Vietnamese, and a word of the answer in English.
    rows = [("Paris", 2.0), ("Paris", 2.0), ("Seine", 2.0), ("Berlin", 2.0)]
    vietnamese = asked([("của Paris", said, margin) for said, margin in rows])
    assert fit_rule(vietnamese, "vi") == fit_rule(asked([("Paris", said, margin) for said, margin in rows]))
    assert fit_rule(vietnamese) != fit_rule(vietnamese, "vi")


@pytest.mark.parametrize("right", [[], [True], [False], [True, True], [False, False]])
def test_where_there_is_nothing_to_fit_the_temperature_is_1(right: list[bool]) -> None:
    assert fit_temperature([one_place(2.0, value) for value in right], 0.0) == 1.0


references = st.lists(st.sampled_from(["a", "b", "1", "a b"]), max_size=2)


@settings(max_examples=20)
@given(st.lists(st.tuples(pairs(), references), min_size=1, max_size=6), st.floats(-9, 9), st.floats(*TEMPERATURES))
def test_no_other_temperature_is_much_more_likely(
    rows: list[tuple[list[tuple[Hit, Reading]], list[str]]], threshold: float, temperature: float
) -> None:
    some = [("which?", Candidates.of(*zip(*found, strict=True)), answers) for found, answers in rows]

    def loss(value: float) -> float:
        confidence, correct = correctness(ReaderRule(threshold, value), some)
        return float(-np.log(np.maximum(np.where(correct, confidence, 1 - confidence), 1e-12)).mean())

    fitted = fit_temperature(some, threshold)
    assert TEMPERATURES[0] <= fitted <= TEMPERATURES[1]
    assert fitted == fit_temperature(some, threshold)
    assume(fitted != 1.0)
    assert loss(fitted) <= loss(1.0) + 0.05
    assert loss(fitted) <= loss(temperature) + 0.05


def test_the_threshold_is_halfway_to_the_next_question_and_the_temperature_is_fitted_with_it() -> None:
    # Paris and Seine are answered (margins 3 and 1); the unanswerable one at -2 and Spree at -4 are not.
    cases = asked([("Paris", "Paris", 3.0), ("Seine", "Seine", 1.0), ("", "Berlin", -2.0), ("Spree", "Berlin", -4.0)])
    assert fit_margin_threshold(cases) == -0.5
    # Above or below no answer: 3.5 and 1.5 (right), 1.5 (right), 3.5 (wrong).
    questions = [(case.query.question, case.candidates(case.query.hits), case.references) for case in cases]
    assert fit_rule(cases) == ReaderRule(-0.5, fit_temperature(questions, -0.5))
    assert fit_temperature(questions, -0.5) != pytest.approx(fit_temperature(questions, 0.0), rel=1e-2)


def test_where_all_are_to_be_answered_the_threshold_is_just_below_the_last() -> None:
    threshold = fit_margin_threshold(asked([("Paris", "Paris", 3.0), ("Seine", "Seine", -1.0)]))
    assert threshold < -1.0
    assert threshold == pytest.approx(-1.0)


@pytest.mark.parametrize("row", [("", "Paris", 3.0), ("Seine", "Paris", -0.5), ("Seine", "", 0.0)])
def test_where_answering_never_helps_nothing_is_fitted(row: tuple[str, str, float]) -> None:
    assert fit_rule(asked([row])) == ReaderRule(0.0, 1.0)


def test_the_threshold_is_that_of_the_answer_that_is_given() -> None:
    # Anna has the best place, but Bert's two have more probability together, and he is the right answer.
    context = "Anna met Bert, bert laughed."
    case = own_context("who", context, ["Bert"], {"Anna": 3.0, "Bert": 2.9, "bert": 2.8})
    assert fit_margin_threshold([case]) == np.nextafter(3.0, -np.inf)


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.sampled_from(["", "Paris", "Seine"]), st.sampled_from(["Paris", "Seine"]), st.integers(-30, 30)),
        min_size=1,
        max_size=10,
        unique_by=lambda row: row[2],
    )
)
def test_the_fitted_threshold_reaches_the_best_f1(rows: list[tuple[str, str, int]]) -> None:
    cases = asked([(gold, said, margin / 4) for gold, said, margin in rows])
    threshold = fit_margin_threshold(cases)
    scores = level(list(Judge(ReaderRule(threshold)).judge(cases, 1)))
    assert scores.best_threshold_f1 is not None
    abstaining = sum(not gold for gold, *_ in rows) / len(rows)
    assume(scores.best_threshold_f1 > abstaining)  # Else it is better never to answer.
    assert scores.f1 == pytest.approx(scores.best_threshold_f1)


def test_the_fitted_length_penalty_is_the_first_whose_best_spans_have_the_best_f1(tiny_reader: Path) -> None:
    some = [example for example in examples() if example.answerable]
    reader = Reader.load(tiny_reader, device="cpu", dtype="float32")
    scores = []
    for reader.length_penalty in PENALTIES:
        found = reader.read([one.question for one in some], [one.context for one in some], n_best=1)
        texts = [one.context[read.spans[0].start : read.spans[0].end] for one, read in zip(some, found, strict=True)]
        scores.append(
            sum(
                token_f1(text, [reference.text for reference in one.references])
                for text, one in zip(texts, some, strict=True)
            )
        )
    assert len(set(scores)) > 2, "the penalty makes a difference to this reader"
    assert fit_length_penalty(reader, examples()) == PENALTIES[scores.index(max(scores))]


def test_without_answers_there_is_no_length_to_fit(tiny_reader: Path) -> None:
    unanswerable = [example for example in examples() if not example.answerable]
    assert fit_length_penalty(Reader.load(tiny_reader, device="cpu"), unanswerable) == 0.0
