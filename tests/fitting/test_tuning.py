"""Every ranking fitted over an index: on which trials, with what record, and what cannot be fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from odqa.answering.deciders import PROBABILITY, Decision
from odqa.answering.fit_file import Fit
from odqa.answering.ranking import RANKINGS
from odqa.errors import DataError, UsageError
from odqa.evaluation.cases import Dataset
from odqa.evaluation.readings import Readings
from odqa.fitting.ranking import Trial
from odqa.fitting.tuning import grouped, held_out, held_out_by, trials_of, tune
from odqa.index.retriever import Retriever
from odqa.types import Abstention, Answer, Example, Mode, Reference
from tests.answering.hits import place
from tests.evaluation.made import example, over_index

PASSAGES = [("The Spree.", {"Spree": 1.0}), ("The Seine.", {"Seine": 2.0}), ("A lake.", {"lake": 3.0})]


def seen(trials: Sequence[Trial]) -> list[tuple[str, list[str]]]:
    return [(one.kind, [hit.passage.id for hit in one.candidates.hits]) for one in trials]


def test_an_answerable_question_is_tried_with_and_without_its_gold_passages() -> None:
    case = over_index(example("which", "By the Seine.", ["Seine"]), PASSAGES, gold=[2])
    found = trials_of(case, 2)
    assert seen(found) == [("answerable", ["p1", "p2"]), ("absent", ["p1", "p3"])]
    assert {(one.references, one.group) for one in found} == {(("Seine",), "By the Seine.")}


def test_what_was_not_found_among_the_first_is_absent() -> None:
    case = over_index(example("which", "By the Seine.", ["Seine"]), PASSAGES, gold=[2])
    assert seen(trials_of(case, 1)) == [("absent", ["p1"]), ("absent", ["p1"])]


def test_an_unanswerable_question_is_tried_once() -> None:
    case = over_index(example("which", "By the Seine."), PASSAGES, own=[2])
    assert seen(trials_of(case, 2)) == [("unanswerable", ["p1", "p2"])]


@pytest.mark.parametrize(
    ("contexts", "by"),
    [
        ("abcde", "context"),
        ("aaabcd", "question"),
        ("aaabcde", "context"),
        ("aaaabcd", "question"),
        ("aaaa", "question"),
    ],
)
def test_one_context_that_has_most_questions_is_not_held_out_as_a_whole(contexts: str, by: str) -> None:
    examples = [replace(example("which", context, ["Seine"]), id=str(at)) for at, context in enumerate(contexts)]
    assert held_out_by(examples) == by
    case = over_index(examples[0], PASSAGES, gold=[2])
    groups = {grouped(case, trial, by).group for trial in trials_of(case, 2)}
    assert groups == {"a" if by == "context" else "0"}


def test_what_is_held_out_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    (trial, _), (other,) = (
        trials_of(over_index(example("which", "Paris.", answers), PASSAGES, gold=[1]), 1) for answers in (["Paris"], [])
    )
    absent = Trial(trial.question, trial.candidates, trial.references, "absent", trial.group)

    def decision(right: bool, confidence: float, none: float) -> Decision:
        answer = Answer("Paris" if right else "Rome", confidence, 0.0, (place(0, 5, 1.0),))
        return Decision((answer,), none, Abstention(PROBABILITY, none, 0.5))

    # Half of the weight is on the answerable one, a quarter on each other. The last is wrongly answered, and so sure of
    # it that it seems more answerable than the first.
    made = [decision(True, 0.9, 0.1), decision(False, 0.2, 0.8), decision(False, 0.7, 0.05)]
    assert held_out(made, [trial, other, absent]) == {
        "f1": pytest.approx(1 / 2 + 1 / 4),
        "forced_f1": 1.0,
        "auroc": {"unanswerable": 1.0, "absent": 0.0},
        "calibration_error": pytest.approx(0.1 / 2 + 0.2 / 4 + 0.7 / 4),
        "risk_coverage_area": pytest.approx((0 + 1 / 2 + 2 / 3) / 3),
        "coverage": pytest.approx(3 / 4),
    }


def test_a_fit_holds_every_ranking_and_names_the_best(fit: Fit, readings: Readings) -> None:
    assert set(fit.rankings) == set(RANKINGS)
    held = fit.record["held_out"]
    assert held[fit.default]["f1"] == max(row["f1"] for row in held.values())
    assert fit.reader == readings.reader.content_hash
    # Eleven answerable questions are asked with and without their passages, three unanswerable ones once; at two k.
    assert sum(fit.record["cases"].values()) == 2 * (2 * 11 + 3)
    assert fit.record["cases"]["unanswerable"] == 2 * 3
    assert fit.record["k"] == [2, 4]


def test_questions_that_no_passage_answers_cannot_be_fitted(
    retrievers: dict[Mode, Retriever], readings: Readings
) -> None:
    nothing = [Example("x", "who built the tower", "A text of no use.", (Reference("nothing of it", 0),))]
    with pytest.raises(DataError, match="right answer to none"):
        tune(Dataset(nothing), retrievers[Mode.HYBRID], readings, ks=(2,))
    for ks in ((0,), (5, -1), ()):
        with pytest.raises(UsageError, match="at least 1"):
            tune(Dataset(nothing), retrievers[Mode.HYBRID], readings, ks=ks)
