"""``--language``: the language of answers, by whose rules they are compared, and a hint where none was named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from odqa.cli.output import note

if TYPE_CHECKING:
    from odqa.squad import OwnQuestion
    from odqa.types import Example

LanguageOption = Annotated[
    str | None,
    typer.Option(help="Language of the answers: en, vi, de, es, ar, zh or other; en if not given."),
]


def tell_language(questions: Sequence[Example | OwnQuestion], language: str | None) -> None:
    """Say which language the answers may be in, where none was named."""
    from odqa.evaluation.languages import language_hint
    from odqa.squad import texts_of

    if language is None and (hint := language_hint(text for one in questions for text in texts_of(one))):
        note(f"hint: {hint}")
