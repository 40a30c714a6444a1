"""Answers a question from an index, or from a text alone. Knows the order of the steps and none of their insides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import TYPE_CHECKING, Self

from odqa.answering.inputs import check_question
from odqa.answering.ranking import rank
from odqa.errors import UsageError
from odqa.models import DEFAULT_READER
from odqa.types import Answer, Document, Hit, Mode, Passage, Reading, Response

if TYPE_CHECKING:
    from odqa.index.filters import Filter
    from odqa.index.retriever import Retriever
    from odqa.index.search import Index
    from odqa.reader.model import Reader

DEFAULT_INDEX = Path("indexes/default")
SPANS_PER_PASSAGE = 5  # Few: a passage that answers has few good spans, and the others only take probability.
SPANS_PER_CONTEXT = 20  # A given text is one long passage with room for many answers.
STAGES = ("encode", "search", "read", "rank")
_NO_TIME = (0.0,) * (len(STAGES) + 1)


class Pipeline:
    """An open index that can be searched, and a reader. Use it as a context manager, or close it."""

    def __init__(self, retriever: Retriever, reader: Reader) -> None:
        self.retriever = retriever
        self.reader = reader

    @classmethod
    def open(
        cls,
        index: str | Path = DEFAULT_INDEX,
        *,
        mode: Mode | str = Mode.HYBRID,
        reader: str | Path = DEFAULT_READER,
        encoder: str | Path | None = None,
        device: str = "auto",
    ) -> Self:
        """Open an index folder and load the models; ``encoder`` None means the one the index was built with.

        ``mode`` says how passages are found: ``hybrid``, ``dense``, or ``bm25``, which needs no encoder. Raises
        IndexFolderError for a missing or damaged index or another encoder, ModelError for a model that cannot be
        found or does not fit, UsageError for a mode or a device that there is not.
        """
        from odqa.index.retriever import Retriever
        from odqa.reader.model import Reader

        retriever = Retriever.open(index, mode=mode, encoder=encoder, device=device)
        try:
            return cls(retriever, Reader.load(reader, device=device))
        except BaseException:
            retriever.close()
            raise

    def ask(self, question: str, *, k: int = 20, n: int = 5, filters: Sequence[Filter] = ()) -> Response:
        """The ``n`` best answers out of the ``k`` best passages (all of them where the index has fewer).

        Only documents that match all ``filters`` are read; where none does, the Response has no answers, and the
        reason. Raises UsageError for a question that cannot be asked, for k or n below 1, and for a filter on a field
        that no document has.
        """
        return next(self.ask_many([question], k=k, n=n, filters=filters))

    def ask_many(
        self,
        questions: Iterable[str],
        *,
        k: int = 20,
        n: int = 5,
        filters: Sequence[Filter] = (),
        batch: int = 16,
    ) -> Iterator[Response]:
        """A Response for each question, in order; ``batch`` questions at a time are encoded and read together.

        The timings of a batch are shared out evenly over its questions. Raises UsageError as ``ask`` does.
        """
        for name, value in (("k", k), ("n", n), ("batch", batch)):
            check_count(name, value)
        reason = nothing_to_search(self.retriever.index, filters)
        return self._batches(iter(questions), k, n, filters, batch, reason)

    def _batches(
        self, questions: Iterator[str], k: int, n: int, filters: Sequence[Filter], batch: int, reason: str
    ) -> Iterator[Response]:
        while group := [check_question(question) for question in islice(questions, batch)]:
            if reason:
                yield from (Response(question, (), 1.0, _timings(STAGES, _NO_TIME, 1), reason) for question in group)
            else:
                yield from self._answer(group, k, n, filters)

    def _answer(self, questions: list[str], k: int, n: int, filters: Sequence[Filter]) -> list[Response]:
        marks = [perf_counter()]
        vectors = self.retriever.encode(questions)
        marks.append(perf_counter())
        found = self.retriever.index.search(questions, k, vectors, filters)
        marks.append(perf_counter())
        readings = _read(self.reader, questions, found, SPANS_PER_PASSAGE)
        marks.append(perf_counter())
        ranked = [_rank(self.reader, hits, read, n) for hits, read in zip(found, readings, strict=True)]
        marks.append(perf_counter())
        timings = _timings(STAGES, marks, len(questions))
        return [
            Response(question, answers, no_answer, timings)
            for question, (answers, no_answer) in zip(questions, ranked, strict=True)
        ]

    def close(self) -> None:
        """Close the index; the pipeline cannot be asked again."""
        self.retriever.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def answer_from_context(question: str, context: str | Sequence[Document], reader: Reader, *, n: int = 5) -> Response:
    """The ``n`` best answers out of the given text or documents alone; each is read whole, in windows.

    Raises UsageError for a question that cannot be asked, an empty context, and n below 1.
    """
    question = check_question(question)
    check_count("n", n)
    documents = [Document("context", "", context, "")] if isinstance(context, str) else context
    hits = [Hit(_whole(document), 0.0, number) for number, document in enumerate(documents, start=1)]
    if not any(hit.passage.text.strip() for hit in hits):
        raise UsageError("the context is empty; give a text that may hold the answer")
    marks = [perf_counter()]
    (readings,) = _read(reader, [question], [hits], SPANS_PER_CONTEXT)
    marks.append(perf_counter())
    answers, no_answer = _rank(reader, hits, readings, n)
    marks.append(perf_counter())
    return Response(question, answers, no_answer, _timings(("read", "rank"), marks, 1))


def nothing_to_search(index: Index, filters: Sequence[Filter]) -> str:
    """Why a search with ``filters`` finds nothing whatever is asked, or the empty text where it may find something.

    Raises UsageError for a filter on a field that no document has.
    """
    if not filters or index.matching(filters):
        return ""
    return f"no document matches {' and '.join(map(str, filters))}"


def check_count(name: str, value: int) -> None:
    """Raise UsageError for a count below 1."""
    if value < 1:
        raise UsageError(f"{name} must be at least 1, not {value}")


def _read(reader: Reader, questions: Sequence[str], found: Sequence[Sequence[Hit]], n_best: int) -> list[list[Reading]]:
    """The readings of every question's hits; all go to the reader at once, so that it can batch by length."""
    pairs = [(question, hit) for question, hits in zip(questions, found, strict=True) for hit in hits]
    texts = [hit.passage.text for _, hit in pairs]
    readings = iter(reader.read([question for question, _ in pairs], texts, n_best=n_best))
    return [list(islice(readings, len(hits))) for hits in found]


def _rank(reader: Reader, hits: Sequence[Hit], readings: Sequence[Reading], n: int) -> tuple[tuple[Answer, ...], float]:
    """Rank with the reader's own threshold and temperature."""
    return rank(hits, readings, no_answer_threshold=reader.no_answer_threshold, temperature=reader.temperature, n=n)


def _whole(document: Document) -> Passage:
    """The document as one passage."""
    pages = tuple((part.start, part.page) for part in document.sections if part.page is not None)
    return Passage(document.id, document.id, document.title, document.text, 0, document.source, (), pages)


def _timings(stages: Sequence[str], marks: Sequence[float], questions: int) -> dict[str, float]:
    """Seconds a question for each stage between two marks, and in total."""
    seconds = [(after - before) / questions for before, after in pairwise(marks)]
    return {**dict(zip(stages, seconds, strict=True)), "total": sum(seconds)}
