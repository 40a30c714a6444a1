"""An example goes in, the same question over a context that does not answer it comes out. Knows no kind by name."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

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

    contexts = sorted({(example.title, example.context) for example in examples})
    by_title: dict[str, list[str]] = defaultdict(list)
    for title, context in contexts:
        by_title[title].append(context)
    vectorizer = TfidfVectorizer(sublinear_tf=True, stop_words="english", dtype=np.float32)
    if contexts:
        vectorizer.fit([context for _, context in contexts])
    matrices = {title: vectorizer.transform(paragraphs) for title, paragraphs in by_title.items()}

    def make(example: Example, chance: random.Random) -> Example | None:
        paragraphs = by_title[example.title]
        scores = (matrices[example.title] @ vectorizer.transform([example.question]).T).toarray().ravel()
        ranked = [paragraphs[at] for at in (-scores).argsort(kind="stable")[:DEPTH]]
        others = [p for p in ranked if p != example.context and not holds_answer(p, example)][:CANDIDATES]
        return replace(example, context=chance.choice(others)) if others else None

    return make


def retrieved_maker(
    examples: Sequence[Example], drawn: Sequence[Example], load_encoder: Callable[[], Encoder] | None = None
) -> Maker:
    """A function that puts a drawn question over a context, of any article, that the retriever ranks high.

    The context must hold a number where the answer has one, and a new name where the answer is one: a plausible
    distractor. All contexts of ``examples`` and all drawn questions are encoded at once.
    """
    from odqa.retrieval.encoder import Encoder

    contexts = sorted({example.context for example in examples})
    questions = sorted({example.question for example in drawn})
    ranked: dict[str, list[int]] = {}
    if questions:
        encoder = (load_encoder or Encoder.load)()
        passages = [Passage(str(at), str(at), "", context, 0) for at, context in enumerate(contexts)]
        vectors = encoder.encode_passages(passages)
        for begin in range(0, len(questions), 1024):
            some = questions[begin : begin + 1024]
            scores = encoder.encode_queries(some) @ vectors.T
            best = (-scores).argsort(axis=1, kind="stable")[:, :DEPTH].tolist()
            ranked.update(zip(some, best, strict=True))

    def make(example: Example, chance: random.Random) -> Example | None:
        fitting = (contexts[at] for at in ranked[example.question])
        others = [
            context
            for context in fitting
            if context != example.context and not holds_answer(context, example) and _distracts(context, example)
        ][:CANDIDATES]
        return replace(example, context=chance.choice(others)) if others else None

    return make


def _distracts(context: str, example: Example) -> bool:
    """Whether the context has something of the shape of the answer: a number, or a name that is not in the question."""
    answer = example.references[0].text
    if NUMBER.search(answer):
        return NUMBER.search(context) is not None
    if answer[:1].isupper():
        return any(name.group() not in example.question for name in names(context))
    return True
