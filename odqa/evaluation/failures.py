"""Tells what went wrong with a question, and audits the unanswerable ones. Knows no score but exact match."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, zip_longest
from typing import Any

from odqa.evaluation.judging import Judged

NOT_RETRIEVED = "not retrieved"
OUTRANKED = "retrieved and outranked"
WRONG_SPAN = "right passage, wrong span"
ABSTAINED = "wrongly abstained"
ANSWERED = "wrongly answered"
SHOWN = 20
SURE = 0.5  # A confidence from which an answer out of another passage may well be one.


def failure(one: Judged, k: int) -> str | None:
    """What went wrong; None where the decision matches a reference exactly, or rightly abstains.

    An answerable question of which no gold passage was among the ``k`` best counts as not retrieved, whatever was then
    made of it; one that got no answer although one was, as wrongly abstained.
    """
    if one.given.exact_match == 1:
        return None
    if not one.answerable:
        return ANSWERED
    if not any(rank <= k for rank in one.searched.gold_ranks()):
        return NOT_RETRIEVED
    if not one.answered:
        return ABSTAINED
    assert one.first is not None
    return WRONG_SPAN if any(place.passage.id in one.searched.gold for place in one.first.places) else OUTRANKED


def failures(judged: Sequence[Judged], k: int) -> dict[str, Any]:
    """How many decisions went wrong in which way, and the twenty that were surest of it, by turns of each kind."""
    kinds: dict[str, list[Judged]] = {kind: [] for kind in (NOT_RETRIEVED, OUTRANKED, WRONG_SPAN, ABSTAINED, ANSWERED)}
    for one in judged:
        if (kind := failure(one, k)) is not None:
            kinds[kind].append(one)
    queues = [[(kind, one) for one in sorted(some, key=_sureness, reverse=True)] for kind, some in kinds.items()]
    turns = [pair for pair in chain.from_iterable(zip_longest(*queues)) if pair is not None]
    return {
        "counts": {kind: len(some) for kind, some in kinds.items()},
        "worst": [{"kind": kind, **_case(one)} for kind, one in turns[:SHOWN]],
    }


def audit(judged: Sequence[Judged]) -> list[Judged]:
    """The unanswerable questions that the corpus may answer after all, surest first.

    A dataset calls a question unanswerable of one paragraph. Those are listed whose first answer stands in another
    passage, with a confidence of at least ``SURE``: a person has to look whether it is one.
    """
    found = [
        one
        for one in judged
        if not one.answerable
        and one.first is not None
        and one.confidence >= SURE
        and all(place.passage.id not in one.searched.own for place in one.first.places)
    ]
    return sorted(found, key=_sureness, reverse=True)


def audited(candidates: Sequence[Judged]) -> dict[str, Any]:
    """The candidates of the audit as plain values: how many, and the first twenty."""
    return {"count": len(candidates), "candidates": [_case(one) for one in candidates[:SHOWN]]}


def _sureness(one: Judged) -> float:
    return one.confidence if one.answered else one.decision.no_answer_probability


def _case(one: Judged) -> dict[str, Any]:
    first, example = one.first, one.searched.example
    gold = example.references[0] if example.references else None
    return {
        "id": one.id,
        "question": one.searched.question,
        "expected": list(dict.fromkeys(reference.text for reference in example.references)),
        "answer": first.text if first else "",
        "given": one.answered and first is not None,
        "confidence": one.confidence,
        "no_answer_probability": one.decision.no_answer_probability,
        "document": first.passage.title or first.passage.document_id if first else "",
        "passage": first.passage.text if first else "",
        "span": [first.span.start, first.span.end] if first else [0, 0],
        "gold_rank": min(one.searched.gold_ranks(), default=None),
        "gold": {"context": example.context, "span": [gold.start, gold.start + len(gold.text)] if gold else [0, 0]},
    }
