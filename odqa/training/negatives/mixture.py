"""Answerable examples, a ratio and kinds go in; about that many unanswerable examples for each come out."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

from odqa.training.negatives.contexts import Search, among_contexts, article_maker, delete_answer, retrieved_maker
from odqa.training.negatives.kinds import RETRIEVED, check_kinds
from odqa.training.negatives.questions import (
    Conditions,
    add_prefix,
    exclude,
    negate,
    swap_name,
    swap_name_alike,
    swap_name_part,
    swap_number,
    swap_opposite,
    tells_answer,
)
from odqa.training.negatives.words import Usage
from odqa.types import Example

Maker = Callable[[Example, random.Random], Example | None]
Way = Callable[[Example, random.Random], str | None]
_KIND = re.compile(r"-([a-z]+)(?:-[0-9]+)?$")  # At the end of a made question's id.
Pair = tuple[Example, Example]  # A made question and the one that it was made of.


def make_negatives(
    examples: Sequence[Example],
    ratio: float,
    seed: int,
    kinds: Sequence[str] = ("simple",),
    *,
    search: Search | None = None,
) -> list[Example]:
    """Make about ``ratio`` unanswerable questions for each answerable one: those of :func:`make_pairs`."""
    return [negative for negative, _ in make_pairs(examples, ratio, seed, kinds, search=search)]


def make_pairs(
    examples: Sequence[Example],
    ratio: float,
    seed: int,
    kinds: Sequence[str] = ("simple",),
    *,
    search: Search | None = None,
) -> list[Pair]:
    """Make about ``ratio`` unanswerable questions for each answerable one, each beside the one it was made of.

    Each kind is drawn as often as it is named in ``kinds``. Where it cannot be made of a question another one is tried;
    fewer come back where none can. Of one question each kind is made once, ``retrieved`` as often as it is drawn, over
    a passage of its own. Ids are the original's with ``-KIND`` after it, and from the second on a number; the answers
    of a changed question are its plausible ones. The same arguments give the same questions. ``search`` finds the
    passages of ``retrieved`` (default: the default encoder does, among the contexts of ``examples``). Raises UsageError
    for an unknown kind.
    """
    chance = random.Random(seed)
    kinds = check_kinds(kinds, "negatives")
    answerable = [example for example in examples if example.answerable]
    wanted = round(len(answerable) * ratio)
    rounds, rest = divmod(wanted, max(len(answerable), 1))
    drawn = list(range(len(answerable))) * rounds + chance.sample(range(len(answerable)), rest)
    makers = _makers(kinds, answerable, [answerable[at] for at in drawn], search)
    pairs: list[Pair] = []
    often = Counter[tuple[int, str]]()  # By the question's place: those of several files may share their ids.
    for at in drawn:
        example = answerable[at]
        for kind in _order(kinds, chance):
            before = often[at, kind]
            negative = makers[kind](example, chance) if not before or kind == RETRIEVED else None
            if negative is not None:
                plausible = example.references if negative.context == example.context else ()
                name = f"{example.id}-{kind}{f'-{before + 1}' * bool(before)}"
                pairs.append((replace(negative, id=name, references=(), plausible=plausible), example))
                often[at, kind] += 1
                break
    return pairs


def kind_of(made: Example) -> str:
    """The kind of a made question, by its id."""
    found = _KIND.search(made.id)
    if not found:
        raise ValueError(f"{made.id!r} is not the id of a made question")
    return found[1]


def swap(example: Example, chance: random.Random) -> Example | None:
    """Change a name, a number or a word of the question, or now and then negate it; None where nothing can be."""
    ways = chance.sample([swap_name, swap_number, swap_opposite], 3)
    # A negation can be made of nearly every question: tried first too often, "not" alone would mean "no answer".
    return _first([negate, *ways] if chance.random() < 0.15 else [*ways, negate])(example, chance)


def _order(kinds: Sequence[str], chance: random.Random) -> Sequence[str]:
    """The kinds to try for one question, a drawn one first."""
    if tuple(kinds) != ("simple",):
        return list(dict.fromkeys(chance.sample(kinds, len(kinds))))
    others = chance.sample(["article", "deleted"], 2)
    return ["swapped", *others] if chance.random() < 0.5 else [*others, "swapped"]


def _makers(
    kinds: Sequence[str],
    answerable: Sequence[Example],
    drawn: Sequence[Example],
    search: Search | None,
) -> dict[str, Maker]:
    """What the kinds need is prepared once, and only for the kinds that are wanted."""
    makers: dict[str, Maker] = {
        "swapped": swap,
        "negation": _first([negate]),
        "entity": _shuffled([swap_name_alike, swap_name_part]),
        "number": _first([swap_number]),
        "deleted": lambda example, chance: delete_answer(example),
    }
    if "exclusion" in kinds or "antonym" in kinds:
        usage = Usage(sorted({example.context for example in answerable}))
        makers["exclusion"] = _first([lambda example, chance: exclude(example, chance, usage)])
        prefix: Way = lambda example, chance: add_prefix(example, chance, usage)  # noqa: E731
        makers["antonym"] = _shuffled([swap_opposite, prefix])
    if "condition" in kinds:
        makers["condition"] = _first([Conditions(answerable).add])
    if "article" in kinds or "simple" in kinds:
        makers["article"] = article_maker(answerable)
    if RETRIEVED in kinds:
        makers[RETRIEVED] = retrieved_maker(drawn, search or among_contexts(answerable))
    return makers


def _first(ways: Sequence[Way]) -> Maker:
    """The first way that changes the question and puts no word of an answer into it."""

    def make(example: Example, chance: random.Random) -> Example | None:
        for way in ways:
            question = way(example, chance)
            if question not in (None, example.question) and not tells_answer(question, example):
                return replace(example, question=question)
        return None

    return make


def _shuffled(ways: Sequence[Way]) -> Maker:
    return lambda example, chance: _first(chance.sample(ways, len(ways)))(example, chance)
