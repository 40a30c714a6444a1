"""A text, a question's context or a passage goes in; the Context that a reader reads comes out."""

from __future__ import annotations

from odqa.types import Example, Passage
from odqa.views import Context


def context_of(text: str | Context) -> Context:
    """A text without title and headings; what is a context already stays as it is."""
    return text if isinstance(text, Context) else Context(text)


def context_of_example(example: Example) -> Context:
    """A question's context below its title and headings. Wikipedia's titles, as SQuAD has them, are without spaces."""
    return Context(example.context, (example.title.replace("_", " "), *example.headings))


def context_of_passage(passage: Passage) -> Context:
    """A passage below its title and headings."""
    return Context(passage.text, (passage.title, *passage.headings), passage.blocks)
