"""An example goes in, the same question over a context that does not answer it comes out. Knows no kind by name."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from odqa.corpus.sentences import sentences
from odqa.training.negatives.words import NUMBER, names
from odqa.types import Example, Passage

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder

CANDIDATES = 3  # A context is drawn from this many best-matching ones.
DEPTH = 12  # How many of the best-matching contexts are looked at for those.

Maker = Callable[[Example, random.Random], Example | None]


def delete_answer(example: Example) -> Example | None:
    """Take the sentences that hold an answer out of the context; None where too little would be left."""
    spans = list(sentences(example.context, 0, len(example.context)))
    kept = [
        (start, end)
        for start, end in spans
        if not any(start < r.start + len(r.text) and r.start < end for r in example.references)
    ]
    context = "".join(example.context[start:end] for start, end in kept).strip()
    if len(kept) < 2 or holds_answer(context, example):
        return None
    return replace(example, context=context)


def holds_answer(context: str, example: Example) -> bool:
    """Whether a reference answer's text is in the context, in upper or lower case."""
    lower = context.lower()
    return any(reference.text.lower() in lower for reference in example.references)


def article_maker(examples: Sequence[Example]) -> Maker:
    """A function that puts a question over a paragraph of the same article that looks as if it answered it."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    places = sorted({_place(example) for example in examples})
    by_title: dict[str, list[_Place]] = defaultdict(list)
    for place in places:
        by_title[place.title].append(place)
    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english", dtype=np.float32)
    analyze = vectorizer.build_analyzer()
    if not any(analyze(place.context) for place in places):
        return lambda example, chance: None  # Without a word to share no paragraph looks as if it answered.
    vectorizer.fit([place.context for place in places])
    matrices = {title: vectorizer.transform([place.context for place in some]) for title, some in by_title.items()}

    def make(example: Example, chance: random.Random) -> Example | None:
        paragraphs = by_title[example.title]
        scores = (matrices[example.title] @ vectorizer.transform([example.question]).T).toarray().ravel()
        ranked = [paragraphs[at] for at in (-scores).argsort(kind="stable")[:DEPTH]]
        return _moved(example, [place for place in ranked if not place.answers(example)], chance)

    return make


def retrieved_maker(
    examples: Sequence[Example], drawn: Sequence[Example], load_encoder: Callable[[], Encoder] | None = None
) -> Maker:
    """A function that puts a drawn question over a context, of any article, that the retriever ranks high.

    The context must hold a number where the answer has one, and a new name where the answer is one: a plausible
    distractor. All contexts of ``examples`` and all drawn questions are encoded at once.
    """
    from odqa.retrieval.encoder import Encoder

    places = sorted({_place(example) for example in examples})
    questions = sorted({example.question for example in drawn})
    ranked: dict[str, list[int]] = {}
    if questions:
        encoder = (load_encoder or Encoder.load)()
        passages = [
            Passage(str(at), str(at), place.title, place.context, 0, headings=place.headings)
            for at, place in enumerate(places)
        ]
        vectors = encoder.encode_passages(passages)
        for begin in range(0, len(questions), 1024):
            some = questions[begin : begin + 1024]
            scores = encoder.encode_queries(some) @ vectors.T
            best = (-scores).argsort(axis=1, kind="stable")[:, :DEPTH].tolist()
            ranked.update(zip(some, best, strict=True))

    def make(example: Example, chance: random.Random) -> Example | None:
        fitting = (places[at] for at in ranked[example.question])
        others = [place for place in fitting if not place.answers(example) and _distracts(place.context, example)]
        return _moved(example, others, chance)

    return make


class _Place(NamedTuple):
    """A context and what stands above it: a question that moves there is read below the new place's headings."""

    title: str
    headings: tuple[str, ...]
    context: str

    def answers(self, example: Example) -> bool:
        """Whether this is the example's own context, or holds one of its answers."""
        return self.context == example.context or holds_answer(self.context, example)


def _place(example: Example) -> _Place:
    return _Place(example.title, example.headings, example.context)


def _moved(example: Example, others: Sequence[_Place], chance: random.Random) -> Example | None:
    """The example at one of the best ``CANDIDATES`` of the other places; None where there is none."""
    return replace(example, **chance.choice(others[:CANDIDATES])._asdict()) if others else None


def _distracts(context: str, example: Example) -> bool:
    """Whether the context has something of the shape of the answer: a number, or a name that is not in the question."""
    answer = example.references[0].text
    if NUMBER.search(answer):
        return NUMBER.search(context) is not None
    if answer[:1].isupper():
        return any(name.group() not in example.question for name in names(context))
    return True
