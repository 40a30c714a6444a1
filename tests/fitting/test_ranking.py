"""Fitting on trials so few that what must come out can be counted, and on drawn ones for what must always hold."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.calibrator import FEATURES, Calibrator
from odqa.answering.candidates import Candidates
from odqa.answering.deciders import FittedRule
from odqa.answering.ranking import RANKINGS, Weights, place_scores
from odqa.errors import DataError
from odqa.fitting import ranking as module
from odqa.fitting.ranking import (
    Observation,
    Trial,
    check,
    crossed,
    fit_calibrator,
    fit_probability_threshold,
    fit_ranking,
    fit_weights,
    masses,
    observe,
    probabilities,
)
from odqa.types import Component, Hit, Passage, Reading, Span

NAMES = ("alpha", "beta", "gamma")
Said = tuple[str, float, float]


def trial(rows: Sequence[Said], right: str = "", kind: str = "answerable", group: str = "g") -> Trial:
    """A question whose hits say one text each, given as (text, span score, BM25 score); every null score is 0."""
    hits, readings = [], []
    for rank, (text, span, bm25) in enumerate(rows, start=1):
        components = {"dense": Component(0.5, rank), "bm25": Component(bm25, rank)}
        hits.append(Hit(Passage(f"p{rank}", f"d{rank}", "Title", text, 0), 1.0, rank, components))
        readings.append(Reading((Span(0, len(text), span),), 0.0))
    return Trial("who is it", Candidates.of(hits, readings), (right,) if right else (), kind, group)


def empty(kind: str = "unanswerable", right: str = "") -> Trial:
    hits = (Hit(Passage("p", "d", "Title", "alpha", 0), 1.0, 1),)
    return Trial("who is it", Candidates.of(hits, [Reading((), 0.0)]), (right,) if right else (), kind, "g")


def test_an_answer_is_right_by_the_rules_for_the_language() -> None:
    one = trial([("alpha", 1.0, 1.0)], right="của alpha")  # What counts as an article in Vietnamese.
    weights = Weights()
    assert (observe("null", weights, one).f1, observe("null", weights, one).outcome) == (pytest.approx(2 / 3), "other")
    one = replace(one, language="vi")
    assert (observe("null", weights, one).f1, observe("null", weights, one).outcome) == (1.0, "right")


def best_by_bm25(count: int = 30) -> list[Trial]:
    """The right text is that of the best BM25 passage; what the reader says is noise."""
    rng = random.Random(7)
    found = []
    for number in range(count):
        right = rng.choice(NAMES)
        rows = [(name, rng.gauss(0, 2), 3.0 if name == right else rng.choice([0.0, 1.0])) for name in NAMES]
        found.append(trial(rows, right, group=str(number)))
    return found


def best_by_margin(count: int = 30) -> list[Trial]:
    """The right text is nearly always that of the best margin; BM25 is noise."""
    rng = random.Random(7)
    found = []
    for number in range(count):
        right = rng.choice(NAMES)
        rows = [(name, rng.gauss(3.0 if name == right else 0.0, 1), rng.choice([0.0, 1.0, 3.0])) for name in NAMES]
        found.append(trial(rows, right, group=str(number)))
    return found


def mixed(groups: int = 12) -> list[Trial]:
    """For each paragraph a question that is answered by a margin of about 4, and one that is not, of about -2."""
    rng = random.Random(3)
    found = []
    for number in range(groups):
        right = rng.choice(NAMES)
        rows = [(name, rng.gauss(4.0 if name == right else -2.0, 1), 1.0) for name in NAMES]
        found.append(trial(rows, right, group=str(number)))
        found.append(trial([(name, rng.gauss(-2.0, 1), 1.0) for name in NAMES], "", "unanswerable", str(number)))
    return found


def row(outcome: str, margin: float, f1: float = 0.0) -> Observation:
    """A row of that outcome and margin; the cosine is unknown, as are those behind it."""
    values = dict.fromkeys(FEATURES, 1.0) | {"margin": margin, "dense": math.nan, "dense_behind": math.nan}
    return Observation(tuple(values[name] for name in FEATURES), f1, outcome)


def test_half_of_the_mass_is_on_the_answerable() -> None:
    # 8 trials: 4 on the four answerable; 4 on the others, 2 on the one that is absent and 2 on the three.
    kinds = ["answerable"] * 4 + ["absent"] + ["unanswerable"] * 3
    mass = masses([empty(kind) for kind in kinds])
    assert mass == pytest.approx([1, 1, 1, 1, 2, 2 / 3, 2 / 3, 2 / 3])


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["answerable"] * 3, [1, 1, 1]),
        (["absent"] * 2, [1, 1]),
        (["absent", "unanswerable", "unanswerable"], [3 / 2, 3 / 4, 3 / 4]),
    ],
)
def test_the_mass_is_all_on_what_there_is(kinds: list[str], expected: list[float]) -> None:
    assert masses([empty(kind) for kind in kinds]) == pytest.approx(expected)


def test_without_a_right_place_there_is_nothing_to_fit() -> None:
    wrong = trial([("alpha", 1.0, 0.0)], "beta")
    with pytest.raises(DataError, match="no question is answerable"):
        check([empty(), trial([("alpha", 1.0, 0.0)], "", "unanswerable")])
    with pytest.raises(DataError, match="index the documents"):
        check([wrong, empty("answerable", "alpha")])
    with pytest.raises(DataError, match="index the documents"):
        fit_ranking("null", [wrong])
    elsewhere = trial([("alpha", 1.0, 0.0)], "alpha", "absent")  # Right by chance, in another passage.
    with pytest.raises(DataError, match="index the documents"):
        check([elsewhere])
    check([wrong, trial([("The Alpha!", 1.0, 0.0)], "alpha")])


def test_the_temperature_by_hand() -> None:
    # The first place leads by 2, and is right in three of four: 2 / T = log 3.
    trials = [trial([("alpha", 5.0, 0.0), ("beta", 3.0, 0.0)], right) for right in ("alpha", "alpha", "alpha", "beta")]
    for name in ("logit", "null", "softmax"):
        assert fit_weights(name, trials) == (pytest.approx(2 / math.log(3), rel=1e-2), 0.0, 0.0)


def test_where_bm25_alone_tells_what_is_right_its_weight_is_large() -> None:
    trials = best_by_bm25()
    for name in ("prior", "evidence"):
        weights = fit_weights(name, trials)
        assert weights.bm25 > 1
        assert abs(weights.dense) < 0.2  # All cosines are equal.
        assert weights.temperature > 5  # What is noise counts little.
        assert all(observe(name, weights, one).outcome == "right" for one in trials)
    assert fit_weights("null", trials)[1:] == (0.0, 0.0)


def test_where_the_margin_tells_what_is_right_bm25_hardly_counts() -> None:
    trials = best_by_margin()
    weights = fit_weights("prior", trials)
    assert abs(weights.bm25) < 0.5
    assert weights.temperature < 2
    assert np.mean([observe("prior", weights, one).outcome == "right" for one in trials]) > 0.9


@pytest.mark.parametrize("make", [best_by_bm25, best_by_margin])
def test_fitted_weights_make_right_places_more_likely(make: Any) -> None:
    def likelihood(weights: Weights) -> float:
        total = 0.0
        for one in make():
            odds = np.exp(place_scores("prior", one.candidates.evidence, weights))
            right = np.array([place.text == one.references[0] for place in one.candidates.places])
            total += math.log(odds[right].sum() / odds.sum())
        return total

    found = fit_weights("prior", make())
    for other in (Weights(), Weights(2.0, 0.0, 0.5), Weights(found.temperature), Weights(1.0, 0.0, found.bm25)):
        assert likelihood(found) > likelihood(other)


def test_where_no_place_competes_the_weights_stay() -> None:
    # All places are right, or none is.
    trials = [trial([("alpha", 5.0, 0.0)], "alpha"), trial([("alpha", 5.0, 0.0)], "beta"), empty()]
    assert fit_weights("prior", trials) == Weights()


def test_what_a_trial_is_worth() -> None:
    rows = [("alpha one", 5.0, 0.0), ("beta", 3.0, 0.0)]
    worth = {
        right: observe("null", Weights(), trial(rows, right, kind))
        for right, kind in [("Alpha One", "answerable"), ("alpha two", "answerable"), ("gamma", "absent"), ("", "no")]
    }
    assert {right: (one.f1, one.outcome) for right, one in worth.items()} == {
        "Alpha One": (1.0, "right"),
        "alpha two": (0.5, "other"),
        "gamma": (0.0, "none"),
        "": (0.0, "none"),
    }
    for one in worth.values():
        assert one.features is not None
        assert one.features[FEATURES.index("margin")] == 5.0
    # A right answer is right even where it was thought absent.
    assert observe("null", Weights(), trial(rows, "alpha one", "absent")).outcome == "right"


def test_a_trial_without_places_is_none_unless_it_is_answerable() -> None:
    assert observe("null", Weights(), empty("unanswerable")) == Observation(None, 0.0, "none")
    assert observe("null", Weights(), empty("answerable", "alpha")) == Observation(None, 0.0, "other")


NONE = np.array([0.1, 0.3, 0.6, 0.9])


@pytest.mark.parametrize(
    ("f1", "kinds", "mass", "threshold"),
    [
        # Gains 1, 1/2, -1 and 1: as good after two as after four, and of equals the one that answers most.
        ([1.0, 0.5, 0.0, 1.0], "aaua", [1, 1, 1, 1], 0.95),
        # A loss of 1 and a gain of 1/2 at the end, worth 0.004 of F1 and 0.02 of it.
        ([1.0, 1.0, 0.0, 0.5], "aaua", [121, 1, 1, 1], 0.95),
        ([1.0, 1.0, 0.0, 0.5], "aaua", [21, 1, 1, 1], 0.45),
        ([1.0, 0.5, 0.0, 1.0], "aaua", [1, 1, 1, 2], 0.95),
        ([1.0, 0.5, 0.0, 1.0], "auua", [1, 1, 1, 1], 0.2),
        ([0.0, 0.0, 0.0, 0.0], "uuuu", [1, 1, 1, 1], 0.05),
        ([1.0, 1.0, 1.0, 1.0], "aaaa", [1, 1, 1, 1], 0.95),
        # An answer found where none was thought to be is worth as much as abstaining.
        ([1.0, 1.0, 1.0, 1.0], "aauu", [1, 1, 1, 1], 0.95),
    ],
)
def test_the_threshold_by_hand(f1: list[float], kinds: str, mass: list[float], threshold: float) -> None:
    some = [row("other", 0.0, value) for value in f1]
    trials = [empty("answerable" if kind == "a" else "unanswerable") for kind in kinds]
    assert fit_probability_threshold(NONE, some, trials, np.array(mass, dtype=float)) == pytest.approx(threshold)


def test_trials_of_one_probability_are_answered_together() -> None:
    some = [row("right", 0.0, 1.0), row("none", 0.0)]
    trials = [empty("answerable"), empty("unanswerable")]
    assert fit_probability_threshold(np.array([0.4, 0.4]), some, trials, np.array([1.0, 2.0])) == pytest.approx(0.2)
    assert fit_probability_threshold(np.array([0.4, 0.4]), some, trials, np.array([2.0, 1.0])) == pytest.approx(0.7)


@given(
    st.lists(
        st.tuples(st.integers(1, 20), st.sampled_from([0.0, 0.5, 1.0]), st.booleans(), st.integers(1, 3)),
        min_size=1,
        max_size=12,
    )
)
def test_no_other_threshold_is_better(rows: list[tuple[int, float, bool, int]]) -> None:
    none = np.array([twentieths / 20 for twentieths, *_ in rows])
    some = [row("other", 0.0, f1 * answerable) for _, f1, answerable, _ in rows]
    trials = [empty("answerable" if answerable else "unanswerable") for *_, answerable, _ in rows]
    mass = np.array([float(weight) for *_, weight in rows])
    gains = np.array([f1 if answerable else -1.0 for _, f1, answerable, _ in rows])

    def worth(threshold: float) -> float:
        return float((gains * mass)[none <= threshold].sum())

    fitted = fit_probability_threshold(none, some, trials, mass)
    assert 0 < fitted <= 1
    assert worth(fitted) == max(worth(threshold) for threshold in (0.0, *none))


@pytest.mark.parametrize("outcome", ["right", "other", "none"])
def test_where_there_is_one_outcome_it_is_sure(outcome: str) -> None:
    some = [row(outcome, margin) for margin in (-1.0, 0.0, 2.0)]
    found = probabilities(fit_calibrator(some, np.ones(3)), some)
    assert np.isfinite(found).all()
    assert (found[:, ("right", "other", "none").index(outcome)] > 0.99).all()


@pytest.mark.parametrize(
    ("low", "high", "absent"), [("none", "right", 1), ("none", "other", 0), ("other", "right", 2), ("right", "none", 1)]
)
def test_where_there_are_two_outcomes_the_third_is_hardly_possible(low: str, high: str, absent: int) -> None:
    some = [row(low, -2.0 + at / 10) for at in range(10)] + [row(high, 2.0 + at / 10) for at in range(10)]
    found = probabilities(fit_calibrator(some, np.ones(20)), some)
    assert np.isfinite(found).all()
    assert (found[:, absent] < 1e-3).all()
    assert [("right", "other", "none")[at] for at in found.argmax(axis=1)] == [low] * 10 + [high] * 10


def test_on_the_mean_an_outcome_is_as_probable_as_it_was_frequent() -> None:
    rng = random.Random(5)
    some = [row(outcome, rng.gauss(margin, 2)) for outcome, margin in [("right", 2), ("other", 0), ("none", -2)] * 20]
    mass = np.array([1.0, 2.0, 3.0] * 20)
    found = probabilities(fit_calibrator(some, mass), some)
    assert (found * mass[:, None]).sum(axis=0) / mass.sum() == pytest.approx([1 / 6, 2 / 6, 3 / 6], abs=1e-3)


def test_a_feature_that_is_never_known_or_never_differs_has_no_say() -> None:
    some = [row("right", 2.0), row("none", -2.0), Observation(None, 0.0, "none")]
    fitted = fit_calibrator(some, np.ones(3))
    moved = [FEATURES.index(name) for name in FEATURES if name != "margin"]
    assert np.array(fitted.weights)[:, moved] == pytest.approx(0.0)
    assert Calibrator.from_json(fitted.as_json()) == fitted


def test_where_there_was_no_place_none_is_sure() -> None:
    some = [row("right", 2.0), Observation(None, 0.0, "other")]
    calibrator = fit_calibrator(some, np.ones(2))
    assert probabilities(calibrator, some)[1].tolist() == [0.0, 0.0, 1.0]
    assert probabilities(calibrator, some[1:]).tolist() == [[0.0, 0.0, 1.0]]


@pytest.mark.parametrize("name", RANKINGS)
def test_what_is_fitted_answers_what_it_was_fitted_on(name: str) -> None:
    trials = mixed()
    fitted = fit_ranking(name, trials)
    assert (fitted.name, 0 < fitted.threshold < 1) == (name, True)
    for one in trials:
        decision = fitted.decide(one.question, one.candidates)
        assert decision.abstention.abstains == (one.kind != "answerable")
        assert [answer.text for answer in decision.shown(None, 1)] == list(one.references)


@pytest.mark.parametrize(("groups", "folds"), [(7, 3), (2, 5), (5, 5)])
def test_every_trial_is_decided_by_what_was_fitted_without_its_paragraph(
    monkeypatch: pytest.MonkeyPatch, groups: int, folds: int
) -> None:
    trials = mixed(groups)
    fits: list[tuple[set[str], FittedRule]] = []

    def spy(name: str, some: Sequence[Trial]) -> FittedRule:
        # Each fold has its own threshold: nothing is answered, then everything, and so on.
        fitted = replace(fit_ranking(name, some), threshold=float(len(fits) % 2))
        fits.append(({one.group for one in some}, fitted))
        return fitted

    monkeypatch.setattr(module, "fit_ranking", spy)
    decisions = crossed("null", trials, folds)
    assert len(fits) == min(groups, folds)
    assert len(decisions) == len(trials)
    for one, decision in zip(trials, decisions, strict=True):
        (rule,) = [rule for others, rule in fits if one.group not in others]  # It is held out once.
        assert decision == rule.decide(one.question, one.candidates)
    assert len({decision.abstention.limit for decision in decisions}) == 2
    assert all(len(others) >= groups - math.ceil(groups / folds) for others, _ in fits)


def test_where_no_other_is_answerable_all_are_fitted_on() -> None:
    """An answer that is absent may be said all the same, by another document."""
    rows = [("alpha", 3.0, 2.0), ("beta", 1.0, 1.0), ("gamma", 0.0, 0.0)]
    trials = [trial(rows, "alpha", group="A"), trial(rows[1:], "alpha", kind="absent", group="A")]
    trials += [trial(rows, "beta", kind="absent", group=group) for group in "BCDE"]
    assert len(crossed("null", trials)) == len(trials)


def test_where_the_others_are_too_few_all_are_fitted_on() -> None:
    trials = mixed(1)
    rule = fit_ranking("null", trials)
    assert crossed("null", trials) == [rule.decide(one.question, one.candidates) for one in trials]
