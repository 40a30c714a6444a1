"""What a search found for a question: the noun that server and client share."""

from __future__ import annotations

from dataclasses import dataclass

from odqa.types import Hit


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of a question.

    ``reason`` says why nothing was searched, and ``language`` is that of the index's keywords.
    """

    hits: tuple[Hit, ...]
    reason: str = ""
    language: str = ""
