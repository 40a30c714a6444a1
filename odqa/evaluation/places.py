"""Questions without contexts and an open index go in; Examples, each with a passage that holds its answer, come out.

An answer is looked for in every passage, as :mod:`odqa.evaluation.mentions` says: with the same case of its letters
where it stands so anywhere, else in any. Of the passages that hold one, the context is the one that the index gives
first for the question; so is the first passage of all where there is no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from odqa.answering.question import tidy
from odqa.errors import DataError
from odqa.evaluation.mentions import Phrase, words_of
from odqa.index.interface import OpenIndex
from odqa.index.lookup import all_rows
from odqa.index.retriever import Retriever
from odqa.squad import OwnQuestion
from odqa.types import Example, Hit, Passage, Reference
from odqa.views import plain

DEPTH = 100  # Hits among which the context is sought first.
AT_ONCE = 256  # Questions that are searched for, and passages that are looked through, at a time.
COUNTED = 1000  # Passages that hold an answer are counted up to here.
SHOWN = 20  # Lines of one kind that a report has.


@dataclass(frozen=True, slots=True)
class Placed:
    """Questions with their contexts. ``sources`` has the ids of those that came without, with the source they name.

    ``remarks`` say, line by line, which answers are nowhere and which are in several passages.
    """

    examples: list[Example]
    sources: dict[str, str] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Sought:
    """An answer of a question, and what was found of it: by text, so that copies of a passage are one."""

    phrase: Phrase
    text: str
    source: str
    exact: dict[int, int] = field(default_factory=dict)
    alike: dict[int, int] = field(default_factory=dict)

    @property
    def found(self) -> dict[int, int]:
        return self.exact or self.alike

    def is_in(self, view: str) -> bool:
        return self.phrase.is_in(view, exact=bool(self.exact))


def place(
    questions: Sequence[Example | OwnQuestion],
    retriever: Retriever,
    *,
    most: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> Placed:
    """Find the answers of all questions that came without a context; the others stay as they are.

    A question is left out where none of its answers is in the index or, with ``most``, where one is in more passages
    of different texts than that. ``progress`` is called with the number of passages looked through since its last call.
    Raises DataError where no question is left.
    """
    own = [one for one in questions if isinstance(one, OwnQuestion)]
    if not own:
        return Placed([one for one in questions if isinstance(one, Example)])
    sought = {id(one): [_Sought(Phrase(text), text, one.source) for text in one.answers] for one in own}
    _look_through(retriever, [some for each in sought.values() for some in each], progress)
    report = _Report(retriever.index.address.name, most)
    kept = [one for one in own if report.keeps(one, sought[id(one)])]
    contexts = dict(zip(map(id, kept), _contexts(kept, sought, retriever), strict=True))
    examples = []
    for one in questions:
        if isinstance(one, Example):
            examples.append(one)
        elif id(one) in contexts:
            examples.append(_example(one, sought[id(one)], contexts[id(one)]))
    if not examples:
        raise DataError(f"no question can be used: {'; '.join(report.lines()[:3])}")
    return Placed(examples, {one.id: one.source for one in kept}, report.lines())


def is_from(passage: Passage, source: str) -> bool:
    """Whether a passage is of the document or file that ``source`` names, by its path, the end of that, or its id."""
    return (
        not source or source in (passage.source, passage.document_id) or _slashes(passage.source).endswith(f"/{source}")
    )


def _slashes(path: str) -> str:
    return path.replace("\\", "/")


def _look_through(retriever: Retriever, sought: Sequence[_Sought], progress: Callable[[int], None] | None) -> None:
    """Note for each answer the passages of the index that hold it."""
    anchored: dict[str, list[_Sought]] = {}
    free = []
    for one in sought:
        if one.phrase.anchor is None:
            free.append(one)
        else:
            anchored.setdefault(one.phrase.anchor, []).append(one)
    for rows in all_rows(retriever.index, AT_ONCE):
        for row, passage in retriever.index.fetch(rows).items():
            view = plain(passage.text)
            likely = [one for word in anchored.keys() & words_of(view) for one in anchored[word]]
            for one in (*likely, *free):
                if is_from(passage, one.source):
                    _note(one, view, row)
        if progress:
            progress(len(rows))


def _note(one: _Sought, view: str, row: int) -> None:
    """Keep the row where the answer is in its passage, unless there are enough."""
    if len(one.exact) > COUNTED or not one.phrase.is_in(view, exact=False):
        return
    key = hash(" ".join(view.split()))
    if one.phrase.is_in(view, exact=True):
        one.exact.setdefault(key, row)
        one.alike.clear()
    elif not one.exact and len(one.alike) <= COUNTED:
        one.alike.setdefault(key, row)


class _Report:
    """What is said of the questions, a few lines of each kind."""

    def __init__(self, index: str, most: int | None) -> None:
        self._index = index
        self._most = most
        self._nowhere: list[str] = []
        self._several: list[str] = []

    def keeps(self, question: OwnQuestion, sought: Sequence[_Sought]) -> bool:
        """Whether a question can be used; notes what there is to say of it."""
        usable = not sought or any(one.found for one in sought)
        left = "its other answers count" if usable else "the question is left out"
        within = f"{self._index}, {question.source}" if question.source else self._index
        for one in sought:
            if not one.found:
                self._nowhere.append(
                    f"{question.where}: {_short(one.text)} is nowhere in {within}; {left}. Write it letter for letter "
                    "as a document has it"
                )
            elif len(one.found) > 1:
                usable &= self._take(question, one)
        return usable

    def _take(self, question: OwnQuestion, one: _Sought) -> bool:
        number = len(one.found)
        count = f"{number:,}" if number <= COUNTED else f"more than {COUNTED:,}"
        said = f"{question.where}: {_short(one.text)} is in {count} passages"
        if self._most is None:
            self._several.append(f"{said}; each of them counts as right")
            return True
        if number <= self._most:
            self._several.append(f"{said}; the one that is found first for the question is taken")
            return True
        self._several.append(
            f"{said}, more than {self._most:,}; the question is left out. A longer answer, or its source, tells which"
        )
        return False

    def lines(self) -> list[str]:
        """All that is said, what is nowhere first."""
        return [*_some(self._nowhere), *_some(self._several)]


def _some(lines: Sequence[str]) -> list[str]:
    more = len(lines) - SHOWN
    return [*lines[:SHOWN], *([f"… and {more:,} more lines like the last one"] if more > 0 else [])]


def _contexts(
    questions: Sequence[OwnQuestion], sought: dict[int, list[_Sought]], retriever: Retriever
) -> Iterator[Passage | None]:
    """The passage to read for each question; None for one without answers for which nothing is found."""
    for start in range(0, len(questions), AT_ONCE):
        some = questions[start : start + AT_ONCE]
        for one, hits in zip(some, retriever.search([tidy(each.question) for each in some], DEPTH), strict=True):
            yield _context(one, sought[id(one)], hits, retriever.index)


def _context(question: OwnQuestion, sought: Sequence[_Sought], hits: Sequence[Hit], index: OpenIndex) -> Passage | None:
    found = (
        passage for hit in hits for passage in (hit.passage, *hit.copies) if is_from(passage, question.source)
    )  # fmt: skip
    held = [one for one in sought if one.found]
    for passage in found:
        view = plain(passage.text)
        if not sought or any(one.is_in(view) for one in held):
            return passage
    if not held:
        return None
    row = next(iter(held[0].found.values()))
    return index.fetch([row])[row]


def _example(question: OwnQuestion, sought: Sequence[_Sought], passage: Passage | None) -> Example:
    """The question over a passage. References that are not in it have the text that was written, and no place (-1)."""
    context = passage.text if passage else ""
    references = []
    for one in sought:
        spans = one.phrase.spans(context, exact=bool(one.exact)) if one.found else []
        references += [Reference(context[start:end], start) for start, end in spans] or [Reference(one.text, -1)]
    return Example(
        question.id,
        question.question,
        context,
        tuple(references),
        title=passage.title if passage else "",
        headings=passage.headings if passage else (),
    )


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else f"{text[:59]}…")
