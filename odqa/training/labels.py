"""Examples and windows go in; repaired answer offsets and the token positions of answers come out. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from odqa.reader.decode import trim
from odqa.reader.features import Window
from odqa.types import Example, Reference

REACH = 20  # Characters an answer's start may be off and still be believed; datasets in the wild are off by 1 to 3.


@dataclass(frozen=True, slots=True)
class Repairs:
    """What was done to a dataset's offsets."""

    kept: int
    repaired: int
    dropped: int


def repair(examples: Iterable[Example], *, plausible: bool = False) -> tuple[list[Example], Repairs]:
    """Correct answer starts that are a few characters off; drop examples whose answers are not in the context.

    A reference is looked for at its start, then at the nearest place within ``REACH`` characters, then, where the
    context holds its text exactly once, there. A question keeps those references that were found. With ``plausible``
    so does an unanswerable question its plausible answers; where none is found it is a good unanswerable one still.
    """
    kept: list[Example] = []
    repaired = dropped = 0
    for example in examples:
        references, moved = _located(example.context, example.references)
        if example.answerable and not references:
            dropped += 1
            continue
        if plausible and not example.answerable:
            found, moved = _located(example.context, example.plausible)
            example = replace(example, plausible=found)
        repaired += moved
        kept.append(replace(example, references=references, question=example.question.strip()))
    return kept, Repairs(len(kept) - repaired, repaired, dropped)


def with_plausible(example: Example) -> Example:
    """Let an unanswerable question's plausible answers count as its answers (a weak label, off by default)."""
    return replace(example, references=example.plausible) if not example.answerable else example


def tightened(references: Iterable[Reference], windows: Sequence[Window]) -> tuple[Reference, ...]:
    """The references with their ends moved inward to characters that a token of the context covers.

    Tokenizers drop spaces, accents and invisible characters, and so may the view of the text, which leaves an answer
    without a token at its edge. ``windows`` are all those of one context: in one alone such a character looks like one
    behind the window's end. A reference of which no token covers anything is left out.
    """
    offsets = np.concatenate([window.offsets[window.answerable] for window in windows])
    begins, ends = offsets[:, 0], offsets[:, 1]
    found = []
    for reference in references:
        start, end = reference.start, reference.start + len(reference.text)
        first = max(start, int(begins[ends > start].min(initial=end)))
        last = min(end, int(ends[begins < end].max(initial=start)))
        if first < last:
            found.append(Reference(reference.text[first - start : last - start], first))
    return tuple(found)


def spans(window: Window, references: Iterable[Reference]) -> tuple[tuple[int, int], ...]:
    """The (first, last) tokens of the references that are whole in this window; where none is, the null position twice.

    Each once, by their place. The ends of the references are characters of tokens (see :func:`tightened`).
    """
    found = {span for reference in references if (span := _span(window, reference))}
    return tuple(sorted(found)) or ((window.null, window.null),)


def _span(window: Window, reference: Reference) -> tuple[int, int] | None:
    begins, ends = window.offsets[:, 0], window.offsets[:, 1]
    inside = window.answerable
    first = np.flatnonzero(inside & (ends > reference.start))
    last = np.flatnonzero(inside & (begins < reference.start + len(reference.text)))
    if not len(first) or not len(last) or first[0] > last[-1]:
        return None
    # The first token must reach back to the answer's start and the last one to its end: else this window cuts it.
    whole = begins[first[0]] <= reference.start and ends[last[-1]] >= reference.start + len(reference.text)
    return (int(first[0]), int(last[-1])) if whole else None


def _located(context: str, references: Iterable[Reference]) -> tuple[tuple[Reference, ...], bool]:
    """The references that were found in the context, and whether one of them stands elsewhere than it says."""
    found = [(reference, _find(context, reference)) for reference in references]
    whole = tuple(place for _, place in found if place is not None)
    return whole, any(place is not None and place != reference for reference, place in found)


def _find(context: str, reference: Reference) -> Reference | None:
    begin, end = trim(reference.text, 0, len(reference.text))
    text, start = reference.text[begin:end], reference.start + begin
    if not text:
        return None
    if start >= 0 and context.startswith(text, start):
        return Reference(text, start)
    # Below 0 ``find`` would count from the context's end.
    low, high = max(0, start - REACH), max(0, start + REACH + len(text))
    places = []
    at = context.find(text, low, high)
    while at >= 0:
        places.append(at)
        at = context.find(text, at + 1, high)
    if places:
        return Reference(text, min(places, key=lambda place: (abs(place - start), place)))
    return Reference(text, context.find(text)) if context.count(text) == 1 else None
