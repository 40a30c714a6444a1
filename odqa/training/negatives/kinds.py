"""The names of the kinds of made unanswerable questions go in, checked ones come out. Makes no question."""

from __future__ import annotations

import re
from collections.abc import Sequence

from odqa.arguments import meant
from odqa.errors import UsageError

QUESTION_KINDS = ("negation", "antonym", "entity", "number", "exclusion", "condition")
RETRIEVED = "retrieved"
CONTEXT_KINDS = ("article", RETRIEVED, "deleted")
KINDS = (*QUESTION_KINDS, *CONTEXT_KINDS)


def split_kinds(text: str, where: str) -> tuple[str, ...]:
    """The kinds that a text names, separated by commas or spaces. Raises UsageError where it names none."""
    kinds = tuple(filter(None, re.split(r"[\s,]+", text)))
    if not kinds:
        raise UsageError(f"{where} names none; known: {', '.join(KINDS)}, all")
    return kinds


def check_kinds(kinds: Sequence[str], where: str) -> tuple[str, ...]:
    """The kinds, ``all`` spelled out. Raises UsageError naming an unknown one."""
    for kind in kinds:
        if kind not in (*KINDS, "simple", "all"):
            known = f"known: {', '.join(KINDS)}, simple, all"
            guess = meant(kind, KINDS)
            raise UsageError(f"{where}: no such kind of negatives: {kind!r}; {known}{'; ' * bool(guess)}{guess}")
    return tuple(one for kind in kinds for one in (KINDS if kind == "all" else (kind,)))
