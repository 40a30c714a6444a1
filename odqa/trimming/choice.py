"""A vocabulary and texts go in, the tokens to keep come out, and how many tokens of texts change by that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa.pretraining.texts import place
from odqa.runtime.tokens import untouched
from odqa.trimming import texts
from odqa.trimming.tokenizer import encoded
from odqa.trimming.vocabulary import Vocabulary

HELD_OUT = 0.05  # Share of the texts by which it is told how other texts fare.


@dataclass(frozen=True, slots=True)
class Choice:
    """The tokens to keep, in ascending order, and the share of tokens that change: of the texts, and of others.

    ``changed_elsewhere`` is that of texts held out: by the tokens of all others alone. None where there are none.
    """

    kept: list[int]
    changed: float
    changed_elsewhere: float | None


def choose(vocabulary: Vocabulary, backend: Any, spool: Path, fixed: set[int], least: int) -> Choice:
    """Keep ``fixed`` and what the texts use at least ``least`` times, with all that they need.

    ``backend`` is the vocabulary's tokenizer; it neither cuts texts off nor pads them.
    """
    used, held_used, begun = Counter[int](), Counter[int](), set[int]()
    for batch in texts.read(spool):
        for text, encoding in zip(batch, encoded(backend, batch), strict=True):
            (held_used if _is_held_out(text) else used).update(encoding.ids)
            if vocabulary.unknown in encoding.ids:
                begun |= vocabulary.begun_in(text, encoding)

    def keep(counts: Counter[int]) -> list[int]:
        return vocabulary.closed(fixed | begun | {number for number, count in counts.items() if count >= least})

    kept, of_others = keep(used + held_used), keep(used)
    after, estimate = (untouched(vocabulary.cut(some)) for some in (kept, of_others))
    own, elsewhere = Counter[str](), Counter[str]()
    for batch in texts.read(spool):
        own += _changes(backend, after, kept, batch)
        elsewhere += _changes(backend, estimate, of_others, list(filter(_is_held_out, batch)))
    told = elsewhere["all"] and used
    return Choice(kept, own["changed"] / max(1, own["all"]), elsewhere["changed"] / elsewhere["all"] if told else None)


def _is_held_out(text: str) -> bool:
    return place(text) < HELD_OUT


def _changes(before: Any, after: Any, kept: Sequence[int], batch: Sequence[str]) -> Counter[str]:
    """How many tokens some texts have (``all``), and how many of them are ``changed`` in the tokenizer ``after``."""
    found = Counter[str]()
    for old, new in zip(encoded(before, batch), encoded(after, batch), strict=True):
        found["all"] += len(old.ids)
        ids = [kept[number] for number in new.ids]
        if ids != old.ids:
            placed = Counter(zip(ids, new.offsets, strict=True))
            found["changed"] += (Counter(zip(old.ids, old.offsets, strict=True)) - placed).total()
    return found
