"""Makes unanswerable questions out of answerable ones. Knows nothing of tokens or models.

Three simple kinds, after what a reader meets and what SQuAD 2.0 asks (Rajpurkar, Jia and Liang 2018, table 2):

``article``  the question over another paragraph of its article: the one that shares the most weight of words with it
``deleted``  the question over its paragraph without the sentence that answers it
``swapped``  a changed question over its paragraph: a name or a number of the question replaced by another one, a
             word by its opposite, or the verb negated

A context that still holds a reference answer's text is never used. What comes out is probably, not surely,
unanswerable: a few in a hundred still have an answer, which training bears.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from odqa.corpus.sentences import sentences
from odqa.types import Example

CANDIDATES = 3  # An article negative is drawn from this many best-matching paragraphs.

_OPPOSITES = (
    "first/last most/least more/less more/fewer before/after early/late earlier/later earliest/latest largest/smallest "
    "larger/smaller large/small biggest/smallest big/little highest/lowest higher/lower high/low longest/shortest "
    "longer/shorter long/short oldest/newest oldest/youngest older/younger old/new best/worst better/worse good/bad "
    "north/south northern/southern east/west eastern/western increase/decrease increased/decreased rise/fall win/lose "
    "won/lost begin/end began/ended start/stop started/stopped open/close opened/closed allow/forbid allowed/forbidden "
    "accept/reject accepted/rejected include/exclude included/excluded male/female men/women man/woman boys/girls "
    "father/mother son/daughter brother/sister king/queen husband/wife inside/outside internal/external public/private "
    "legal/illegal positive/negative major/minor majority/minority strong/weak hot/cold warm/cool rich/poor "
    "success/failure succeed/fail successful/unsuccessful created/destroyed buy/sell bought/sold arrive/leave "
    "support/oppose supported/opposed attack/defend ancient/modern common/rare easy/difficult fast/slow heavy/light "
    "left/right upper/lower above/below maximum/minimum max/min always/never many/few all/none common/uncommon "
    "gained/lost advantage/disadvantage like/dislike agree/disagree agreed/disagreed"
)
OPPOSITES: dict[str, list[str]] = defaultdict(list)
for _pair in _OPPOSITES.split():
    _left, _right = _pair.split("/")
    OPPOSITES[_left].append(_right)
    OPPOSITES[_right].append(_left)

_NAME = re.compile(r"[A-Z][\w'’&.-]*\w(?:\s+(?:of\s+(?:the\s+)?|the\s+|de\s+)?[A-Z][\w'’&.-]*\w)*")
_NUMBER = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w])")
_SENTENCE_START = re.compile(r"(?:^|[.!?]['\"”’)]?\s+)\Z")
_VERB = re.compile(r"\b(?:is|was|are|were|did|does|do|has|had|can|could|will|would|should)\b")
_NOT_NAMES = frozenset(
    "What Which Who Whom Whose When Where Why How In On At The A An Is Was Are Were Did Does Do Of For To From By With "
    "This That These Those It He She They We I There After Before During While As If".split()
)


def make_negatives(examples: Sequence[Example], ratio: float, seed: int) -> list[Example]:
    """Make about ``ratio`` unanswerable questions for each answerable one, half of them ``swapped``.

    Ids are the original's with ``-KIND`` behind. Where a kind cannot be made of a question, another one is tried;
    fewer come back where none can. The same examples, ratio and seed give the same questions.
    """
    chance = random.Random(seed)
    answerable = [example for example in examples if example.answerable]
    wanted = round(len(answerable) * ratio)
    rounds, rest = divmod(wanted, max(len(answerable), 1))
    drawn = answerable * rounds + chance.sample(answerable, rest)
    article = _article_maker(answerable, chance)
    makers: dict[str, Callable[[Example], Example | None]] = {
        "article": article,
        "deleted": delete_answer,
        "swapped": lambda example: swap(example, chance),
    }
    made: dict[str, Example] = {}
    for example in drawn:
        others = chance.sample(["article", "deleted"], 2)
        for kind in ["swapped", *others] if chance.random() < 0.5 else [*others, "swapped"]:
            key = f"{example.id}-{kind}"
            negative = makers[kind](example) if key not in made else None
            if negative is not None:
                made[key] = replace(negative, id=key, references=(), plausible=())
                break
    return list(made.values())


def delete_answer(example: Example) -> Example | None:
    """Take the sentences that hold an answer out of the context; None where too little would be left."""
    spans = list(sentences(example.context, 0, len(example.context)))
    kept = [
        (start, end)
        for start, end in spans
        if not any(start < r.start + len(r.text) and r.start < end for r in example.references)
    ]
    context = "".join(example.context[start:end] for start, end in kept).strip()
    if len(kept) < 2 or _holds_answer(context, example):
        return None
    return replace(example, context=context)


def swap(example: Example, chance: random.Random) -> Example | None:
    """Change one thing in the question so that its paragraph no longer answers it; None where nothing can be."""
    ways = chance.sample([_swap_name, _swap_number, _swap_opposite], 3)
    # A negation can be made of nearly every question: tried first too often, "not" alone would mean "no answer".
    for way in [_negate, *ways] if chance.random() < 0.15 else [*ways, _negate]:
        question = way(example, chance)
        if question is not None and question != example.question:
            return replace(example, question=question)
    return None


def _swap_name(example: Example, chance: random.Random) -> str | None:
    question = example.question
    names = [name for name in _names(question) if name.group() in example.context]
    if not names:
        return None
    name = chance.choice(names)
    answers = " ".join(reference.text for reference in example.references)
    words = len(name.group().split())
    others = sorted(
        {
            other.group()
            for other in _names(example.context)
            if other.group() not in question
            and other.group() not in answers
            and name.group() not in other.group()
            # Names of about the same number of words are more often of the same kind.
            and abs(len(other.group().split()) - words) <= 1
        }
    )
    return _put(question, name, chance.choice(others)) if others else None


def _swap_number(example: Example, chance: random.Random) -> str | None:
    numbers = list(_NUMBER.finditer(example.question))
    if not numbers:
        return None
    number = chance.choice(numbers)
    text = number.group()
    others = {other.group() for other in _NUMBER.finditer(example.context) if len(other.group()) == len(text)}
    others -= {text, *(reference.text for reference in example.references)}
    if others:
        return _put(example.question, number, chance.choice(sorted(others)))
    value = int(text) if text.isdigit() else 0
    return _put(example.question, number, str(value + chance.choice([1, 2, 5, 10, 20]))) if value else None


def _swap_opposite(example: Example, chance: random.Random) -> str | None:
    words = [word for word in re.finditer(r"[a-z]+", example.question) if word.group() in OPPOSITES]
    if not words:
        return None
    word = chance.choice(words)
    return _put(example.question, word, chance.choice(OPPOSITES[word.group()]))


def _negate(example: Example, chance: random.Random) -> str | None:
    verb = _VERB.search(example.question)
    if verb is None:
        return None
    word = verb.group()
    subject_next = re.match(r"\s+(?:the|a|an|it|he|she|they|[A-Z])", example.question[verb.end() :])
    if subject_next or chance.random() < 0.5:
        return _put(example.question, verb, {"can": "can't", "will": "won't"}.get(word, f"{word}n't"))
    return _put(example.question, verb, f"{word} {chance.choice(['not', 'never'])}")


def _names(text: str) -> list[re.Match[str]]:
    """Runs of capitalised words; one that begins a sentence counts only if it has more words than that first one."""
    return [
        match
        for match in _NAME.finditer(text)
        if match.group().split()[0] not in _NOT_NAMES
        and (" " in match.group() or not _SENTENCE_START.search(text, 0, match.start()))
    ]


def _put(text: str, match: re.Match[str], new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


def _holds_answer(context: str, example: Example) -> bool:
    lower = context.lower()
    return any(reference.text.lower() in lower for reference in example.references)


def _article_maker(examples: Sequence[Example], chance: random.Random) -> Callable[[Example], Example | None]:
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

    def make(example: Example) -> Example | None:
        paragraphs = by_title[example.title]
        scores = (matrices[example.title] @ vectorizer.transform([example.question]).T).toarray().ravel()
        ranked = [paragraphs[at] for at in (-scores).argsort(kind="stable")[: 4 * CANDIDATES]]
        others = [p for p in ranked if p != example.context and not _holds_answer(p, example)][:CANDIDATES]
        return replace(example, context=chance.choice(others)) if others else None

    return make
