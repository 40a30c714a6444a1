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

from odqa.reader.units import UNSPACED
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


def words_of(view: str) -> set[str]:
    """The words of a view, in lower case."""
    return set(WORDS.findall(view.lower()))
