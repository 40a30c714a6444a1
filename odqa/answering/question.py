"""A question and what goes with it in, checked, before any model is loaded. Knows no model and opens no index."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from odqa.arguments import check_count, check_probability, check_text
from odqa.errors import UsageError
from odqa.index.filters import Filter, Filters, parsed
from odqa.text import UNSEEN

if TYPE_CHECKING:
    from odqa.index.interface import OpenIndex

MAX_CHARACTERS = 1000
DEFAULT_K = 20
_SPACES = str.maketrans("\t\n\r", "   ")


@dataclass(frozen=True, slots=True)
class Ask:
    """How a question is asked: the ``n`` best answers out of the ``k`` best passages that match all ``filters``.

    All of them are read where it is to be ``exhaustive``; else no more than it takes to be sure enough.

    ``min_confidence`` (0 to 1) gives the answers that are at least so confident, whatever the rule says; 0 forces one,
    None leaves it to the rule. Raises UsageError for k or n below 1, and for a confidence that is no probability.
    """

    k: int = DEFAULT_K
    n: int = 5
    filters: tuple[Filter, ...] = ()
    min_confidence: float | None = None
    exhaustive: bool = False

    def __post_init__(self) -> None:
        check_count("k", self.k)
        check_count("n", self.n)
        if self.min_confidence is not None:
            check_probability("confidence", self.min_confidence)


def check_share(answerable: float | None) -> None:
    """Raise UsageError for a share of the questions with an answer that is not between 0 and 1; None is half."""
    if answerable is None:
        return
    check_probability("share of questions that have an answer", answerable)
    if not 0 < answerable < 1:
        raise UsageError(
            f"the share of questions that have an answer is {answerable:g}: it must be between 0 and 1, since nothing "
            "would have to be decided; `odqa ask --min-confidence 0` gives every question an answer"
        )


def check_question(question: str) -> str:
    """The question, stripped, with tabs and line breaks as spaces.

    Raises UsageError for one that is no text, empty or of invisible characters alone, longer than 1,000 characters, or
    holds control characters or halves of surrogate pairs, which no text has: they come from bytes that are not UTF-8.
    """
    text = tidy(check_text("question", question))
    for at, character in enumerate(text):
        if unicodedata.category(character) in {"Cc", "Cs"}:
            raise UsageError(
                f"the question holds the control character U+{ord(character):04X} at position {at + 1}; "
                "remove it and ask again"
            )
    if all(unicodedata.category(character) in UNSEEN for character in text):
        raise UsageError('the question is empty; ask something, as in: odqa ask "Who built the tower?"')
    if len(text) > MAX_CHARACTERS:
        raise UsageError(
            f"the question has {len(text):,} characters, the limit is {MAX_CHARACTERS:,}; shorten it, or give the "
            "text it quotes as a context"
        )
    return text


def tidy(question: str) -> str:
    """The question as it is asked: stripped, with tabs and line breaks as spaces."""
    return question.translate(_SPACES).strip()


def nothing_to_search(index: OpenIndex, filters: Filters) -> str:
    """Why a search with ``filters`` finds nothing whatever is asked, or the empty text where it may find something.

    Raises UsageError for a filter on a field that no document has.
    """
    filters = parsed(filters)
    if not filters or index.matching(filters):
        return ""
    return f"no document matches {' and '.join(map(str, filters))}"
