"""A text -> its sentences, by sentencex, and the best place to cut one. Knows no tokens and no budget."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

WINDOW = 8_000  # Characters given to sentencex at once: it takes quadratic time on quotes that never close.
FARTHEST = 32  # Characters that a cut moves back at most to avoid splitting a grapheme.
JOINER = "\u200d"
# No space follows a full stop in Chinese and Japanese, and sentencex takes one before a digit for a part of a number.
BEFORE_DIGIT = re.compile(r"[。！？](?=\d)")
# Full stops that it takes for ends in a language, and that are none: those of titles and cities, those of centuries.
NOT_ENDS = {
    "vi": re.compile(r"\b(?:TP|Tp|PGS|GS|TS|ThS|BS|KS|LS)\. +"),
    "de": re.compile(r"\b\d{1,2}\. +(?=Jahr(?:hundert|tausend))"),
}


def sentences(text: str, start: int, end: int, language: str = "en") -> Iterator[tuple[int, int]]:
    """The sentences of ``text[start:end]`` as half-open spans that cover it without a gap.

    ``language`` is one of Wikipedia's codes (``en``, ``de``, ``zh``); an unknown one gets the rules of English. The
    time is proportional to the length of the text: a sentence longer than WINDOW characters is cut.

    >>> text = "Dr. Merrow built it. Who paid?"
    >>> [text[start:end] for start, end in sentences(text, 0, len(text))]
    ['Dr. Merrow built it. ', 'Who paid?']
    """
    from sentencex import get_sentence_boundaries

    not_ends = NOT_ENDS.get(language.partition("-")[0].lower())
    at = start
    while at < end:
        stop = min(at + WINDOW, end)
        # Halves of surrogate pairs become question marks, one for one: sentencex does not accept them.
        window = text[at:stop].encode("utf-8", "replace").decode("utf-8")
        found = get_sentence_boundaries(language, window)
        cut = {boundary["end_index"] for boundary in found} | {one.end() for one in BEFORE_DIGIT.finditer(window)}
        if not_ends:
            cut -= {one.end() for one in not_ends.finditer(window)}
        ends = sorted({at + end for end in cut} | {stop})
        if stop < end:
            # The end of the window is not the end of a sentence: the next window begins with this last sentence.
            ends = ends[:-1] or [break_point(text, at, stop)]
        for sentence_end in ends:
            yield at, sentence_end
            at = sentence_end


def break_point(text: str, low: int, high: int, candidates: Sequence[int] = ()) -> int:
    """The best position in (low, high] to cut at.

    After the last line break of the second half, else next to its last white space, else at the last of the
    ``candidates`` (sorted) that is not inside a grapheme, else before the last grapheme, else at ``high``.
    """
    middle = (low + high) // 2
    line_break = text.rfind("\n", middle, high) + 1
    if line_break > low:
        return line_break
    for at in range(high, middle, -1):
        if text[at - 1].isspace() or text[at : at + 1].isspace():
            return at
    for at in reversed(candidates):
        if middle < at <= high and not _is_joined(text, at):
            return at
    for at in range(high, max(low, high - FARTHEST), -1):
        if not _is_joined(text, at):
            return at
    return high


def _is_joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of ``at`` form one grapheme (the common rules of Unicode UAX 29)."""
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    return (
        unicodedata.category(after)[0] == "M"  # Combining marks, variation selectors.
        or JOINER in (before, after)
        or "\U0001f3fb" <= after <= "\U0001f3ff"  # Skin tones.
        or ("\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff")  # Flags.
        or "\u1160" <= after <= "\u11ff"  # The vowels and finals of decomposed Hangul.
    )
