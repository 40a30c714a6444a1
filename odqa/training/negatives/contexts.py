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
    by_title: dict[str, list[Place]] = defaultdict(list)
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
        others = [place for place in ranked if not place.answers(example)]
        return chance.choice(others[:CANDIDATES]).under(example) if others else None

    return make


def retrieved_maker(drawn: Sequence[Example], search: Search) -> Maker:
    """A function that puts a drawn question over a passage that is found for it and does not answer it.

    The passage must hold a number where the answer has one, and a new name where the answer is one: a plausible
    distractor. A question that is drawn again goes over another passage. All drawn questions are searched for at once.
    """
    sought = list({_key(example): example for example in drawn}.values())
    found = dict(zip(map(_key, sought), search(sought), strict=True)) if sought else {}
    taken: dict[tuple[str, str], set[Place]] = defaultdict(set)

    def make(example: Example, chance: random.Random) -> Example | None:
        before = taken[_key(example)]
        fitting = (place for place in found[_key(example)] if place not in before and not place.answers(example))
        others = [place for place in fitting if _distracts(place.context, example)]
        if not others:
            return None
        place = chance.choice(others[:CANDIDATES])
        before.add(place)
        return place.under(example)

    return make


def among_contexts(examples: Sequence[Example], load_encoder: Callable[[], Encoder] | None = None) -> Search:
    """A search among the contexts of ``examples``, of any article, by the encoder that ``load_encoder`` gives.

    Without it by the default one.
    """

    def search(drawn: Sequence[Example]) -> list[list[Place]]:
        from odqa.retrieval.encoder import Encoder

        places = sorted({_place(example) for example in examples})
        questions = sorted({example.question for example in drawn})
        encoder = (load_encoder or Encoder.load)()
        passages = [
            Passage(str(at), str(at), place.title, place.context, 0, headings=place.headings)
            for at, place in enumerate(places)
        ]
        vectors = encoder.encode_passages(passages)
        ranked: dict[str, list[int]] = {}
        for begin in range(0, len(questions), 1024):
            some = questions[begin : begin + 1024]
            scores = encoder.encode_queries(some) @ vectors.T
            best = (-scores).argsort(axis=1, kind="stable")[:, :DEPTH].tolist()
            ranked.update(zip(some, best, strict=True))
        return [[places[at] for at in ranked[example.question]] for example in drawn]

    return search


class Place(NamedTuple):
    """A context, and the title and headings that stand above it."""

    title: str
    headings: tuple[str, ...]
    context: str

    def answers(self, example: Example) -> bool:
        """Whether this is the example's own context, or holds one of its answers."""
        return self.context == example.context or holds_answer(self.context, example)

    def under(self, example: Example) -> Example:
        """The example's question over this context, below this one's title and headings.

        Each where the example has them, too: else that anything stands there would mean "no answer".
        """
        title, headings = example.title and self.title, example.headings and self.headings
        return replace(example, context=self.context, title=title, headings=headings)


# Of each question, what else it could be read over, best first.
Search = Callable[[Sequence[Example]], list[list[Place]]]


def _place(example: Example) -> Place:
    return Place(example.title, example.headings, example.context)


def _key(example: Example) -> tuple[str, str]:
    return example.question, example.context


def _distracts(context: str, example: Example) -> bool:
    """Whether the context has something of the shape of the answer: a number, or a name that is not in the question."""
    answer = example.references[0].text
    if NUMBER.search(answer):
        return NUMBER.search(context) is not None
    if answer[:1].isupper():
        return any(name.group() not in example.question for name in names(context))
    return True
