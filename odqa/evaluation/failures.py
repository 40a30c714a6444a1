"""Judgements go in; what went wrong with them comes out, and an audit of the unanswerable questions."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest

from odqa.evaluation.judging import Judgement
from odqa.evaluation.report import Excerpt, Failures, Specimen

NOT_RETRIEVED = "not retrieved"
OUTRANKED = "retrieved and outranked"
WRONG_SPAN = "right passage, wrong span"
ABSTAINED = "wrongly abstained"
ANSWERED = "wrongly answered"
KINDS = (NOT_RETRIEVED, OUTRANKED, WRONG_SPAN, ABSTAINED, ANSWERED)
SHOWN = 20
CONFIDENT = 0.5  # From this confidence on an answer out of another passage may well be one.


def failure(one: Judgement, k: int) -> str | None:
    """What went wrong; None where the decision matches a reference exactly, or rightly abstains.

    An answerable question of which no gold passage was among the ``k`` best counts as not retrieved, whatever was then
    made of it; one that got no answer although one was, as wrongly abstained.
    """
    if one.given.exact_match == 1:
        return None
    if not one.answerable:
        return ANSWERED
    if not any(rank <= k for rank in one.query.gold_ranks()):
        return NOT_RETRIEVED
    if not one.answered:
        return ABSTAINED
    assert one.first is not None
    return WRONG_SPAN if any(place.passage.id in one.query.gold for place in one.first.places) else OUTRANKED


def failures(judgements: Sequence[Judgement], k: int) -> Failures:
    """How many decisions went wrong in which way, and the twenty most confident of them, by turns of each kind."""
    kinds: dict[str, list[Judgement]] = {kind: [] for kind in KINDS}
    for one in judgements:
        if (kind := failure(one, k)) is not None:
            kinds[kind].append(one)
    queues = [[(kind, one) for one in sorted(some, key=_confidence, reverse=True)] for kind, some in kinds.items()]
    turns = [pair for pair in chain.from_iterable(zip_longest(*queues)) if pair is not None]
    return Failures(
        counts={kind: len(some) for kind, some in kinds.items()},
        worst=tuple(specimen(one, kind) for kind, one in turns[:SHOWN]),
    )


def audit(judgements: Sequence[Judgement]) -> list[Judgement]:
    """The unanswerable questions that the corpus may answer after all, most confident first.

    A dataset calls a question unanswerable with respect to one paragraph. Those are listed whose first answer is in
    another passage, with a confidence of at least ``CONFIDENT``: a person has to check whether it is one.
    """
    found = [
        one
        for one in judgements
        if not one.answerable
        and one.first is not None
        and one.confidence >= CONFIDENT
        and all(place.passage.id not in one.query.own for place in one.first.places)
    ]
    return sorted(found, key=_confidence, reverse=True)


def specimen(one: Judgement, kind: str = "") -> Specimen:
    """A question in full."""
    first, example = one.first, one.query.example
    # An answer that only another passage has, or whose place is not known, marks nothing here.
    standing = (one for one in example.references if one.start >= 0 and example.context.startswith(one.text, one.start))
    gold = next(standing, None)
    return Specimen(
        id=one.id,
        question=one.query.question,
        expected=tuple(dict.fromkeys(reference.text for reference in example.references)),
        answer=first.text if first else "",
        given=one.answered,
        confidence=one.confidence,
        no_answer_probability=one.decision.no_answer_probability,
        document=first.passage.title or first.passage.document_id if first else "",
        passage=Excerpt(first.passage.text, first.span.start, first.span.end) if first else Excerpt("", 0, 0),
        gold_rank=min(one.query.gold_ranks(), default=None),
        gold=Excerpt(example.context, gold.start, gold.start + len(gold.text))
        if gold
        else Excerpt(example.context, 0, 0),
        kind=kind,
    )


def _confidence(one: Judgement) -> float:
    return one.decision.confidence
