r"""A text that is looked for, and another text, go in; the places where it stands there come out. Pure.

It stands where its whole words do, in the view that models read (:mod:`odqa.views`), whatever white space is between
them. In scripts without spaces any of its characters may touch others.

>>> [span for span in Phrase("twenty days").spans("All have twenty\n days, Twenty days.", exact=True)]
[(9, 21)]
>>> Phrase("day").spans("twenty days", exact=False)
[]
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from odqa.reader.units import UNSPACED
from odqa.text import normalize_answer
from odqa.views import Context, plain, view_of

_UNSPACED = UNSPACED.pattern[1:-1]
_LETTER = rf"[^\W{_UNSPACED}]"  # Of a script with spaces between words.
WORDS = re.compile(rf"{_LETTER}+")


class Phrase:
    """A text to be found, as whole words. ``anchor`` is the longest of them, in lower case, or None without any.

    Where the anchor is not among the :func:`words_of` a view, the text is not in it.
    """

    def __init__(self, text: str) -> None:
        view = plain(text).strip()
        words = words_of(view)
        self.anchor = max(words, key=lambda word: (len(word), word), default=None)
        pattern = r"\s+".join(map(re.escape, view.split()))
        before = rf"(?<!{_LETTER})" if re.match(_LETTER, view) else ""
        after = rf"(?!{_LETTER})" if re.match(_LETTER, view[-1:]) else ""
        # A text of invisible characters alone stands nowhere.
        self._exact = re.compile(f"{before}{pattern}{after}" if pattern else r"(?!)")
        self._alike = re.compile(self._exact.pattern, re.IGNORECASE)

    def is_in(self, view: str, *, exact: bool) -> bool:
        """Whether it stands in a view; ``exact`` with the same case of all letters."""
        return bool((self._exact if exact else self._alike).search(view))

    def spans(self, text: str, *, exact: bool) -> list[tuple[int, int]]:
        """Where it stands in a text, as offsets in that text, in order."""
        view = view_of(Context(text))
        found = (self._exact if exact else self._alike).finditer(view.text)
        return [(int(view.begins[match.start()]), int(view.ends[match.end() - 1])) for match in found]


def holds(text: str, answers: Sequence[str]) -> bool:
    """Whether one of the answers stands in a text, in whatever case: as it is, or without articles and signs.

    The second is SQuAD's normalisation (:func:`odqa.text.normalize_answer`), which alone would not find an answer that
    touches other signs than spaces (``8080`` in ``localhost:8080``) or is in a script without spaces. An answer of
    which that leaves nothing is in no text.

    >>> holds("It listens on localhost:8080.", ["8080"]), holds("東京は日本の首都です。", ["日本"])
    (True, True)
    >>> holds("He saw the old Globe.", ["old, globe"]), holds("He saw globes.", ["globe"])
    (True, False)
    """
    normalised = {answer: some for answer in answers if (some := normalize_answer(answer))}
    padded = f" {normalize_answer(text)} "
    if any(f" {some} " in padded for some in normalised.values()):
        return True
    view = _view(text)
    return any(_phrase(answer).is_in(view, exact=False) for answer in normalised)


def words_of(view: str) -> set[str]:
    """The words of a view, in lower case."""
    return set(WORDS.findall(view.lower()))


_view = lru_cache(maxsize=1024)(plain)  # One passage is found for many questions,
_phrase = lru_cache(maxsize=1024)(Phrase)  # and one answer looked for in many passages.
