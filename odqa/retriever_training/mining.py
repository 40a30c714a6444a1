"""Questions, their passages and an index go in; passages that look right and are not come out: hard negatives.

They are searched for as ``odqa search`` searches, by meaning and by words. What may answer the question after all is
left out: a piece of its own text, a passage that holds a text of its answer or says a made question, and one whose
cosine comes too close to that of the right passage (the share of the positive's score of Moreira et al. 2024,
"NV-Retriever", section 3.1).
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from odqa.answering.question import tidy
from odqa.errors import DataError
from odqa.evaluation.cases import is_piece
from odqa.evaluation.mentions import holds
from odqa.index.retriever import Retriever
from odqa.retrieval.hybrid import DENSE
from odqa.retriever_training.cloze import says
from odqa.retriever_training.questions import Pair
from odqa.types import Hit, Passage

DEPTH = 50  # Hits that are looked at.
HARDEST = 10  # Of those that are left, how many of the first are drawn from.
AT_ONCE = 256
TRIES = 50  # Passages of other questions that are tried where the hits give too few.


def mine(
    pairs: Sequence[Pair], positives: Sequence[Passage], retriever: Retriever, count: int, margin: float, seed: str
) -> list[list[Passage]]:
    """``count`` negatives for each pair, whose right passage is in ``positives``, drawn at random by ``seed``.

    Where a search gives too few, other pairs' passages fill up. Raises DataError, naming the question, where all of
    them may answer it.
    """
    chance = random.Random(seed)
    found: list[list[Passage]] = []
    for at in range(0, len(pairs), AT_ONCE):
        some, right = pairs[at : at + AT_ONCE], positives[at : at + AT_ONCE]
        questions = [tidy(pair.example.question) for pair in some]
        vectors = retriever.encode(questions)
        assert vectors is not None
        hits = retriever.find(questions, vectors, DEPTH)
        cosines = _cosines(vectors, right, hits, retriever)
        for pair, cosine, mine_hits in zip(some, cosines, hits, strict=True):
            allowed = eligible(pair, mine_hits, cosine, margin)[: max(HARDEST, count)]
            chosen = chance.sample(allowed, min(count, len(allowed)))
            found.append(_filled(chosen, pair, positives, count, chance))
    return found


def eligible(pair: Pair, hits: Sequence[Hit], cosine: float, margin: float) -> list[Passage]:
    """The passages of the hits, in their order, that do not answer the pair's question, as far as can be told.

    ``cosine`` is that of the question and its right passage.
    """
    most = cosine - (1 - margin) * abs(cosine)
    return [hit.passage for hit in hits if hit.components[DENSE].score <= most and _is_wrong(pair, hit.passage)]


def _is_wrong(pair: Pair, passage: Passage) -> bool:
    example = pair.example
    answers = [one.text for one in example.references]
    return not (is_piece(passage.text, example.context) or holds(passage.text, answers) or says(pair, passage))


def _cosines(
    vectors: NDArray[np.float32], right: Sequence[Passage], hits: Sequence[Sequence[Hit]], retriever: Retriever
) -> list[float]:
    """The cosine of each question and its right passage; where that was not found, it is encoded."""
    known = [
        next((hit.components[DENSE].score for hit in found if hit.passage.id == passage.id), None)
        for passage, found in zip(right, hits, strict=True)
    ]
    missing = [at for at, cosine in enumerate(known) if cosine is None]
    assert retriever.encoder is not None
    encoded = retriever.encoder.encode_passages([right[at] for at in missing])
    computed = dict(zip(missing, np.einsum("ij,ij->i", encoded, vectors[missing]).tolist(), strict=True))
    return [computed[at] if cosine is None else cosine for at, cosine in enumerate(known)]


def _filled(
    chosen: list[Passage], pair: Pair, others: Sequence[Passage], count: int, chance: random.Random
) -> list[Passage]:
    for _ in range(TRIES):
        if len(chosen) == count:
            return chosen
        one = chance.choice(others)
        if one not in chosen and _is_wrong(pair, one):
            chosen = [*chosen, one]
    # In a handful of passages the same ones have to do more than once.
    wrong = chosen or [one for one in others if _is_wrong(pair, one)]
    if not wrong:
        raise DataError(
            f"{pair.example.id}: all {len(others):,} passages of the run hold its answer or are pieces of its text, so "
            "there is no wrong one to tell from the right one; leave the question out, or give more texts"
        )
    return [*chosen, *(chance.choice(wrong) for _ in range(count - len(chosen)))]
