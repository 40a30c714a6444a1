"""An example goes in, its question with one thing changed comes out, so that the context no longer answers it.

Every way to do so gives a new question, or None where it cannot change it; what it replaces is drawn by ``chance``.
A new question may have got a word of a reference answer: :func:`tells_answer` finds those, for the caller to refuse.
Knows no kind by name and no model.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence

from odqa.corpus.sentences import sentences
from odqa.training.negatives.words import NUMBER, OPPOSITES, STOP, VERB, WORD, Usage, bare_words, names
from odqa.types import Example

_PREPOSITIONS = frozenset("in at on of by from to for with during after before about under against into".split())
_PREFIXES = ("un", "in", "il", "im", "ir", "dis")
_PHRASE_END = re.compile(
    r"\W*$|['’]s|,| (?:of|in|on|at|for|to|from|by|with|is|was|are|were|has|had|did|does|that|which)\b"
)
_PHRASE = re.compile(
    r"(?<!\w)(?:in|during|after|before|by|at|from|under|within|according to|outside of) (?:the )?"
    r"(?:[A-Z][\w'’-]+(?: (?:of (?:the )?)?[A-Z][\w'’-]+)*|(?:1\d|20)\d\d)(?![\w'’-])"
)
_DIGITS = 100  # A longer number is left alone: nothing is counted so far, and Python reads no more than 4,300 digits.


def tells_answer(question: str, example: Example) -> bool:
    """Whether a question has a word of one of the example's answers that the example's own question has not."""
    added = bare_words(question) - bare_words(example.question)
    return not added.isdisjoint(bare_words(_answers(example)))


def swap_name(example: Example, chance: random.Random) -> str | None:
    """Replace a name that the context holds by another of its names, of about as many words."""
    question = example.question
    found = [name for name in names(question) if name.group() in example.context]
    if not found:
        return None
    name = chance.choice(found)
    answers = _answers(example)
    words = len(name.group().split())
    others = sorted(
        {
            other.group()
            for other in names(example.context)
            if other.group() not in question
            and other.group() not in answers
            and name.group() not in other.group()
            # Names of about the same number of words are more often of the same kind.
            and abs(len(other.group().split()) - words) <= 1
        }
    )
    return _put(question, name, chance.choice(others)) if others else None


def swap_name_alike(example: Example, chance: random.Random) -> str | None:
    """Replace a name by another one that the context uses as the question uses the first.

    Both after the same preposition ("in Paris": a place), or both after none; both before a word in lower case or
    both not; both of one word or both of several; and never a name by one that shares a word with it.
    """
    question, answers = example.question, _answers(example)
    found = names(question)
    for name in chance.sample(found, len(found)):
        manner, own = _manner(question, name), set(name.group().split())
        others = sorted(
            {
                other.group()
                for other in names(example.context)
                if _manner(example.context, other) == manner
                and own.isdisjoint(other.group().split())
                and other.group() not in question
                and other.group() not in answers
            }
        )
        if others:
            return _put(question, name, chance.choice(others))
    return None


def swap_name_part(example: Example, chance: random.Random) -> str | None:
    """Replace one word of a name of several words by a word out of another name of the context."""
    question, answers = example.question, _answers(example)
    parts = [
        (name.start() + part.start(), name.start() + part.end())
        for name in names(question)
        if " " in name.group()
        for part in re.finditer(r"[A-Z][\w'’-]*\w", name.group())
    ]
    others: list[str] = sorted(
        {
            word
            for name in names(example.context)
            for word in re.findall(r"[A-Z][\w'’-]*\w", name.group())
            if word not in question and word not in answers
        }
    )
    if not parts or not others:
        return None
    start, end = chance.choice(parts)
    return question[:start] + chance.choice(others) + question[end:]


def swap_number(example: Example, chance: random.Random) -> str | None:
    """Replace a number by one of the context that is as long, or move a whole number a little."""
    numbers = list(NUMBER.finditer(example.question))
    if not numbers:
        return None
    number = chance.choice(numbers)
    text = number.group()
    answers = bare_words(_answers(example))
    others = {other.group() for other in NUMBER.finditer(example.context) if len(other.group()) == len(text)} - {text}
    fitting = sorted(other for other in others if bare_words(other).isdisjoint(answers))
    if fitting:
        return _put(example.question, number, chance.choice(fitting))
    value = int(text) if text.isdigit() and len(text) <= _DIGITS else 0
    return _put(example.question, number, str(value + chance.choice([1, 2, 5, 10, 20]))) if value else None


def swap_opposite(example: Example, chance: random.Random) -> str | None:
    """Replace a word by its opposite."""
    words = [word for word in re.finditer(r"[a-z]+", example.question) if word.group() in OPPOSITES]
    if not words:
        return None
    word = chance.choice(words)
    return _put(example.question, word, chance.choice(OPPOSITES[word.group()]))


def add_prefix(example: Example, chance: random.Random, usage: Usage) -> str | None:
    """Turn a word into its opposite by un-, in- (il-, im-, ir-) or dis-, where the texts at hand know the opposite.

    A word that nobody writes would tell the reader that the question was made.
    """
    found = [
        (word, prefix + word.group())
        for word in WORD.finditer(example.question)
        if word.group().islower() and len(word.group()) > 4 and word.group() not in STOP
        for prefix in _PREFIXES
        if usage.knows(prefix + word.group())
    ]
    return _put(example.question, *chance.choice(found)) if found else None


def negate(example: Example, chance: random.Random) -> str | None:
    """Negate the first auxiliary verb: "n't" where its subject follows, else also "not" or "never"."""
    verb = VERB.search(example.question)
    if verb is None:
        return None
    word = verb.group()
    subject_next = re.match(r"\s+(?:the|a|an|it|he|she|they|[A-Z])", example.question[verb.end() :])
    if subject_next or chance.random() < 0.5:
        return _put(example.question, verb, {"can": "can't", "will": "won't"}.get(word, f"{word}n't"))
    return _put(example.question, verb, f"{word} {chance.choice(['not', 'never'])}")


def exclude(example: Example, chance: random.Random, usage: Usage) -> str | None:
    """Replace a content word by one of the context that is used like it: a thing that the context says of another.

    The paper's mutual exclusion, as far as words go: "When was the *game* released?" over a context that dates the
    game and names its *soundtrack*.
    """
    question = example.question
    taken = {word.lower() for word in WORD.findall(f"{question} {_answers(example)}")}
    inside = {word for word in WORD.findall(example.context) if word.islower() and len(word) > 3}
    others = sorted(inside - taken - STOP)
    words = [word for word in WORD.finditer(question) if word.group().islower() and len(word.group()) > 3]
    # Only the last word of a phrase: verbs and adjectives have synonyms in the context more often than nouns do.
    words = [word for word in words if word.group() not in STOP and _PHRASE_END.match(question, word.end())]
    for word in chance.sample(words, len(words)):
        text = word.group()
        fitting = [other for other in usage.alike(text, others) if _stem(other) != _stem(text)]
        if fitting:
            return _put(question, word, chance.choice(fitting))
    return None


class Conditions:
    """Adds to a question a condition that its context does not speak of in its answer.

    ``phrases`` are the adverbials with a name or a year ("in Paris", "before 1905") of an article's contexts.
    """

    def __init__(self, examples: Sequence[Example]) -> None:
        self.phrases: dict[str, list[str]] = defaultdict(list)
        for title, context in sorted({(example.title, example.context) for example in examples}):
            self.phrases[title] += [match.group() for match in _PHRASE.finditer(context)]

    def add(self, example: Example, chance: random.Random) -> str | None:
        """The question under a condition out of another sentence of its context, or out of another context."""
        context, question = example.context, example.question
        said = " ".join(
            context[start:end]
            for start, end in sentences(context, 0, len(context))
            if any(start < r.start + len(r.text) and r.start < end for r in example.references)
        )
        near = [match.group() for match in _PHRASE.finditer(context)]
        pools = [near, self.phrases[example.title]]
        if chance.random() < 0.5:
            pools.reverse()
        for pool in pools:
            # The condition's last word, its name or year, must be new to the question and to the answer's sentence.
            fitting = [p for p in pool if p.split()[-1] not in f"{said} {question} {_answers(example)}"]
            if fitting:
                phrase = chance.choice(fitting)
                if chance.random() < 0.25:
                    return f"{phrase[0].upper()}{phrase[1:]}, {_lower_first(question)}"
                body = question.rstrip()
                mark = body[-1] if body.endswith(("?", ".")) else ""
                return f"{body[: len(body) - len(mark)].rstrip()} {phrase}{mark}"
        return None


def _answers(example: Example) -> str:
    return " ".join(reference.text for reference in example.references)


def _manner(text: str, name: re.Match[str]) -> tuple[str, bool, bool]:
    """How a text uses a name: the preposition before it, if a word in lower case follows, if it is one word."""
    before = WORD.findall(text[: name.start()][-24:])
    last = before[-2].lower() if len(before) > 1 and before[-1].lower() == "the" else (before or [""])[-1].lower()
    follows = re.match(r"['’]s\b|\s[a-z]", text[name.end() :]) is not None
    return last if last in _PREPOSITIONS else "", follows, " " not in name.group()


def _put(text: str, match: re.Match[str], new: str) -> str:
    return text[: match.start()] + new + text[match.end() :]


def _stem(word: str) -> str:
    """Enough of a word to tell it from another one: five letters, or four of a short word."""
    return word[: 5 if len(word) > 6 else 4]


def _lower_first(question: str) -> str:
    """The question as it goes on after a comma: a first word that is not a name loses its capital."""
    first = question.split(maxsplit=1)[0] if question.strip() else ""
    return question[0].lower() + question[1:] if first.lower() in STOP else question
