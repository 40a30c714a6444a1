"""A recipe's datasets go in, questions with the text that answers them come out, each as a pair. Makes no passages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from odqa.checked import checked
from odqa.errors import DataError, UsageError
from odqa.evaluation.places import place
from odqa.files import read_json_lines
from odqa.index.retriever import Retriever
from odqa.squad import OwnQuestion, load_questions, with_contexts
from odqa.training import data
from odqa.training.inputs import MOST_PLACES
from odqa.training.recipe import Source
from odqa.types import Document, Example, Reference, Section

_ANSWER = {"answer", "answers"}  # The keys of a question whose answer is looked for in an index.
_REMEDY = 'give each line a "question" and the "passage" that answers it, both texts'


@dataclass(frozen=True, slots=True)
class Pair:
    """A question and where its passage is: in ``document``, or, where that is None, in the run's index already.

    The context of ``example`` is the document's text, or the passage's; its references are answers, those that are in
    other passages alone with a start of -1, of which there are none where nobody has marked one. A question that nobody
    asked is ``made``: a text of the documents themselves.
    """

    example: Example
    document: Document | None = None
    made: bool = False


@dataclass(frozen=True, slots=True)
class Read:
    """The pairs of some datasets. ``sources`` has the ids of the questions that came without a context.

    ``unanswerable`` counts the questions that were left out because nothing answers them.
    """

    pairs: list[Pair]
    sources: dict[str, str]
    unanswerable: int


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of a file of questions and passages. Other keys are comments, but for an answer's (:func:`_rows`)."""

    question: str
    passage: str
    title: str | None = None
    headings: tuple[str, ...] | None = None


def read(sources: Sequence[Source], index: str, seed: int, tell: Callable[[str], None]) -> Read:
    """Read every dataset; ``index`` is the folder in which the answers of questions without a context are looked for.

    ``tell`` is called with remarks on questions. Raises UsageError for a dataset that is missing and for a question
    without a context where there is no index, DataError for one in no known format, and where nothing is left.
    """
    named: dict[str, str] = {}
    placed_at: dict[str, tuple[Reference, ...]] = {}
    unanswerable = 0

    def questions(path: str, split: str | None) -> list[Example]:
        nonlocal unanswerable
        if _has_passages(path):
            return [replace(one, id=f"{path}: {one.id}") for one in _rows(Path(path))]
        read = load_questions(path, split)
        found = [
            one
            for one in read
            if (isinstance(one, OwnQuestion) and one.answers) or (isinstance(one, Example) and one.answerable)
        ]
        unanswerable += len(read) - len(found)
        if not index or not any(isinstance(one, OwnQuestion) for one in found):
            return [replace(one, id=f"{path}: {one.id}") for one in with_contexts(found)]
        with Retriever.open(index) as retriever:
            placed = place(found, retriever, most=MOST_PLACES)
        for remark in placed.remarks:
            tell(remark)
        named.update({f"{path}: {id}": source for id, source in placed.sources.items()})
        placed_at.update({f"{path}: {one.id}": one.references for one in placed.examples})
        return [replace(one, id=f"{path}: {one.id}") for one in placed.examples]

    examples, _ = data.gather(sources, seed, read=questions)
    pairs = [
        # What is repaired is told by the context alone, and would lose the answers that other passages have.
        Pair(replace(one, references=placed_at[one.id])) if one.id in named else Pair(one, document_of(one))
        for one in examples
    ]
    return Read(pairs, named, unanswerable)


def document_of(example: Example) -> Document:
    """A question's context as a document of its own. Wikipedia's titles, as SQuAD has them, are without spaces."""
    sections = (Section(0, example.headings),) if example.headings else ()
    return Document(example.id, example.title.replace("_", " "), example.context, sections=sections)


def _has_passages(path: str) -> bool:
    """Whether a file's first row has a passage and no answer, and so all have to be such."""
    file = Path(path)
    if file.suffix.lower() != ".jsonl" or not file.is_file():
        return False
    first = next(_lines(file), None)
    # What people said at a server has the context, and "passage" is its id; what `odqa questions` wrote has an answer.
    others = {"context", *_ANSWER}
    return first is not None and isinstance(first[1], dict) and "passage" in first[1] and not others & first[1].keys()


def _rows(path: Path) -> Iterator[Example]:
    for number, value in _lines(path):
        where = f"{path}: line {number}"
        row: _Row = checked(_Row, value, where, _REMEDY)
        if isinstance(value, dict) and (answer := _ANSWER & value.keys()):
            raise DataError(
                f"{where}: it has {min(answer)!r}, and the first line has none; put questions with answers, which "
                "are looked for in an index, into a file of their own"
            )
        question, passage = row.question.strip(), row.passage
        if not question or not passage.strip():
            raise DataError(f"{where}: an empty {'passage' if question else 'question'}; {_REMEDY}")
        yield Example(f"line {number}", question, passage, (), title=row.title or "", headings=row.headings or ())


def _lines(path: Path) -> Iterator[tuple[int, object]]:
    try:
        yield from read_json_lines(path, _REMEDY)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
