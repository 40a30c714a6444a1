"""Judgements go in, scores by kind of question come out: what it asks, what answers it and how it was found."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from odqa.evaluation.judging import Judgement
from odqa.evaluation.metrics import mean
from odqa.evaluation.report import Slice

QUESTION_WORDS = ("what", "which", "who", "whom", "whose", "when", "where", "why", "how many", "how much", "how")
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = re.compile(rf"\b(?:1\d|20)\d\d\b|\b{_MONTH}\.? \d|\d(?:st|nd|rd|th) century|\b\d+s\b", re.IGNORECASE)
_NUMBER = re.compile(r"\d")
_NUMBER_WORDS = frozenset(
    "one two three four five six seven eight nine ten eleven twelve hundred thousand million billion half".split()
)
_WORD = re.compile(r"\w+")


def slices(judgements: Sequence[Judgement]) -> dict[str, tuple[Slice, ...]]:
    """Scores of the answerable questions by what they are like, largest slice first."""
    answerable = [one for one in judgements if one.answerable]
    found = {}
    for name, kind_of in kinds():
        groups: dict[str, list[Judgement]] = defaultdict(list)
        for one in answerable:
            groups[kind_of(one)].append(one)
        found[name] = tuple(
            Slice(
                name=group,
                questions=len(some),
                rouge1_f1=mean([one.given.rouge1_f1 for one in some]),
                rouge1_f1_forced=mean([one.forced.rouge1_f1 for one in some]),
                answered=mean([float(one.answered) for one in some]),
            )
            for group, some in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        )
    return found


def kinds() -> Iterator[tuple[str, Callable[[Judgement], str]]]:
    """What answerable questions are sorted by, and how: the name of a question's slice."""
    yield "question word", lambda one: question_word(one.query.question)
    yield "answer type", lambda one: answer_type(one.query.example.references[0].text)
    yield "answer length", lambda one: between(_words(one.query.example.references[0].text), (1, 2, 4, 8))
    yield "gold passage's rank", lambda one: gold_rank(one)
    yield "context length", lambda one: between(_words(one.query.example.context), (50, 100, 150, 200))


def question_word(question: str) -> str:
    """The first question word, with much and many; "other" where there is none."""
    words = _WORD.findall(question.lower())
    for at, word in enumerate(words):
        pair = " ".join(words[at : at + 2])
        if pair in QUESTION_WORDS:
            return pair
        if word in QUESTION_WORDS:
            return str(word)
    return "other"


def answer_type(text: str) -> str:
    """A date, another number, a name (all of its long words are capitalised), or a phrase."""
    if _DATE.search(text):
        return "date"
    words = _WORD.findall(text)
    if _NUMBER.search(text) or any(word.lower() in _NUMBER_WORDS for word in words):
        return "number"
    long = [word for word in words if len(word) > 3]
    return "name" if words and words[0][0].isupper() and all(word[0].isupper() for word in long) else "phrase"


def gold_rank(one: Judgement) -> str:
    """The rank of the first gold passage among the hits, as a range."""
    rank = min(one.query.gold_ranks(), default=None)
    if rank is None:
        return "not found"
    return "1" if rank == 1 else "2-5" if rank <= 5 else "6-20" if rank <= 20 else "21 and more"


def _words(text: str) -> int:
    return len(text.split())


def between(words: int, edges: tuple[int, ...]) -> str:
    """The range, of those that begin at the edges, in which a number of words is."""
    if words < edges[0]:
        return f"under {_counted(edges[0])}"
    for low, high in pairwise(edges):
        if words < high:
            return _counted(low) if high == low + 1 else f"{low}-{high - 1} words"
    return f"{edges[-1]} and more words"


def _counted(words: int) -> str:
    return f"{words} word" + "s" * (words != 1)
