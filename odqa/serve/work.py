"""Questions that came together and how they are asked in; Responses and hits out, from the indexes that are served."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from odqa.answering.question import Ask, nothing_to_search
from odqa.index.filters import Filter
from odqa.serve.found import Found
from odqa.serve.indexes import Indexes
from odqa.types import Mode, Response


@dataclass(frozen=True, slots=True)
class Asking:
    """Of which index questions are asked, and how: those with equal ones are read together."""

    index: str
    mode: Mode
    ask: Ask


@dataclass(frozen=True, slots=True)
class Searching:
    """In which index passages are searched, and how."""

    index: str
    mode: Mode
    k: int
    filters: tuple[Filter, ...]


def answers(
    indexes: Indexes, seen: Callable[[str, Response], None] = lambda index, response: None
) -> Callable[[Asking, list[str]], Sequence[Response]]:
    """The work of a Batcher that answers questions; ``seen`` is told of each Response, and of which index it is."""

    def work(how: Asking, questions: list[str]) -> list[Response]:
        with indexes.use(how.index) as version:
            responses = list(version.pipeline(how.mode).respond(questions, how.ask, batch=len(questions)))
        for response in responses:
            seen(how.index, response)
        return responses

    return work


def searches(indexes: Indexes) -> Callable[[Searching, list[str]], Sequence[Found]]:
    """The work of a Batcher that searches for passages."""

    def work(how: Searching, questions: list[str]) -> list[Found]:
        with indexes.use(how.index) as version:
            retriever = version.pipeline(how.mode).retriever
            reason = nothing_to_search(retriever.index, how.filters)
            language = str(version.index.manifest.keywords.get("language", ""))
            found = [[] for _ in questions] if reason else retriever.search(questions, how.k, how.filters)
        return [Found(tuple(hits), reason, language) for hits in found]

    return work
