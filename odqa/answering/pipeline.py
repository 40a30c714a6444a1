"""A question goes in, a Response comes out, from an index or from a text alone, which is an index with one hit.

Knows the order of the steps and none of their insides.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Self

from odqa.addresses import Address, address_of
from odqa.answering import fit_file
from odqa.answering.candidates import Candidates
from odqa.answering.deciders import Decider
from odqa.answering.question import Ask, check_question, check_share, nothing_to_search
from odqa.answering.ranking import check_ranking
from odqa.answering.steps import Decided, decide
from odqa.arguments import check_count, check_texts
from odqa.closing import Closing
from odqa.corpus.blocks import blocks_of
from odqa.errors import UsageError
from odqa.index.copies import merge_copies
from odqa.index.filters import Filters, parsed
from odqa.models import DEFAULT_READER
from odqa.types import DEFAULT_INDEX, Document, Hit, Mode, Passage, Reading, Response
from odqa.views import context_of_passage, plain

if TYPE_CHECKING:
    from odqa.index.retriever import Retriever
    from odqa.reader.model import Reader

SPANS_PER_PASSAGE = 5  # Few: a passage that answers has few good spans, and the others only take probability.
SPANS_PER_CONTEXT = 20  # A given text is one long passage with room for many answers.
STAGES = ("encode", "search", "read", "rank")
_HALF = re.compile("[\ud800-\udfff]")  # Of a surrogate pair.


class Pipeline(Closing):
    """An open index, a reader, and what decides on the answers. Use it as a context manager, or close it.

    ``decider`` None is the reader's own rule.
    """

    def __init__(self, retriever: Retriever, reader: Reader, decider: Decider | None = None) -> None:
        self.retriever = retriever
        self.reader = reader
        self.decider = decider or fit_file.reader_rule(reader)
        self._closed = False

    @classmethod
    def open(
        cls,
        index: str | Address = DEFAULT_INDEX,
        *,
        mode: Mode | str = Mode.HYBRID,
        reader: str | Path = DEFAULT_READER,
        encoder: str | Path | None = None,
        ranking: str | None = None,
        answerable: float | None = None,
        device: str = "auto",
        backend: str | None = None,
    ) -> Self:
        """Open an index and load the models; ``encoder`` None means the one the index was built with.

        ``mode`` says how passages are found: ``hybrid``, ``dense``, or ``bm25``, which needs no encoder. ``ranking`` is
        one of :data:`odqa.answering.ranking.RANKINGS`; None means the best one that was fitted. ``answerable`` is the
        share of your questions (0 to 1, exclusive) that you expect the documents to answer; None means half.
        ``backend`` is auto, openvino or torch; see :meth:`odqa.reader.model.Reader.load`. Raises
        IndexFolderError for a missing or damaged index or another encoder, ModelError for a model that cannot be
        found or does not fit, UsageError for a mode, a ranking or a device that does not exist, and for such a share.
        """
        from odqa.index.retriever import Retriever
        from odqa.reader.model import Reader

        index = address_of(index)
        check_ranking(ranking)
        check_share(answerable)
        retriever = Retriever.open(index, mode=mode, encoder=encoder, device=device, backend=backend)
        try:
            loaded = Reader.load(reader, device=device, backend=backend)
            fit = fit_file.load(loaded, index)
            return cls(retriever, loaded, fit_file.decider(loaded, fit, ranking, answerable))
        except BaseException:
            retriever.close()
            raise

    def ask(
        self,
        question: str,
        *,
        k: int = 20,
        n: int = 5,
        filters: Filters = (),
        min_confidence: float | None = None,
        exhaustive: bool = False,
    ) -> Response:
        """The ``n`` best answers out of the ``k`` best passages (all of them where the index has fewer).

        Passages of the same text are read once and count once; see ``Answer.copies``. Where the first passages give an
        answer that the others would hardly change, which `odqa tune` has fitted, these are not read
        (``Response.passages_read``), unless ``exhaustive``.

        Only documents that match all ``filters`` are read, texts like ``year>=2020``; where none does, the Response has
        no answers, and the reason. ``min_confidence`` (0 to 1) gives the answers of at least that confidence, whatever
        the rule says; 0 forces one. Raises UsageError for a question that cannot be asked, for k or n below 1, for a
        confidence that is no probability, for a filter on a field that no document has, and when the pipeline is
        closed; OdqaError in a forked process when the models were loaded on a GPU.
        """
        return next(
            self.ask_many([question], k=k, n=n, filters=filters, min_confidence=min_confidence, exhaustive=exhaustive)
        )

    def ask_many(
        self,
        questions: Iterable[str],
        *,
        k: int = 20,
        n: int = 5,
        filters: Filters = (),
        min_confidence: float | None = None,
        exhaustive: bool = False,
        batch: int = 16,
    ) -> Iterator[Response]:
        """A Response for each question, in order; ``batch`` questions at a time are encoded and read together.

        The timings of a batch are shared out evenly over its questions. Raises UsageError as ``ask`` does,
        for a question when its turn comes.
        """
        return self.respond(questions, Ask(k, n, parsed(filters), min_confidence, exhaustive), batch)

    def respond(self, questions: Iterable[str], ask: Ask, batch: int = 16) -> Iterator[Response]:
        """A Response for each question, asked as ``ask`` says; see :meth:`ask_many`."""
        check_count("batch", batch)
        check_texts("questions", questions, "give a list, or ask one question with ask()")
        self._check_open()
        batch = min(batch, sys.maxsize)  # islice takes no more.
        return self._batches(iter(questions), ask, batch, nothing_to_search(self.retriever.index, ask.filters))

    def _batches(self, questions: Iterator[str], ask: Ask, batch: int, reason: str) -> Iterator[Response]:
        problem = None
        while problem is None:
            group, problem = _askable(islice(questions, batch), self.reader)
            if not group:
                break
            self._check_open()
            if reason:
                timings = _timings(dict.fromkeys(STAGES, 0.0), 1)
                yield from (Response(question, (), 1.0, timings, reason) for question in group)
            else:
                yield from self._answer(group, ask)
        if problem is not None:
            raise problem

    def _answer(self, questions: list[str], ask: Ask) -> list[Response]:
        seconds = dict.fromkeys(STAGES, 0.0)

        def read(some: Sequence[str], hits: Sequence[Sequence[Hit]]) -> list[list[Reading]]:
            with _timed(seconds, "read"):
                return _read(self.reader, some, hits, SPANS_PER_PASSAGE)

        with _timed(seconds, "encode"):
            vectors = self.retriever.encode(questions)
        with _timed(seconds, "search"):
            found = self.retriever.find(questions, vectors, ask.k, ask.filters)
        with _timed(seconds, "rank"):
            decided = decide(self.decider, questions, found, read, ask)
        seconds["rank"] -= seconds["read"]  # Which was a part of it.
        timings = _timings(seconds, len(questions))
        return [
            _respond(question, one, ask, timings, self.decider.name)
            for question, one in zip(questions, decided, strict=True)
        ]

    def in_mode(self, mode: Mode | str) -> Pipeline:
        """The same models and open files, finding passages in another mode; closed with this pipeline.

        Raises UsageError for an unknown mode, and where this one was not opened for all modes (``hybrid``).
        """
        from odqa.index.retriever import Retriever

        self._check_open()
        index = self.retriever.index.in_mode(mode)
        if index is self.retriever.index:
            return self
        encoder = None if index.mode is Mode.BM25 else self.retriever.encoder
        return Pipeline(Retriever(index, encoder), self.reader, self.decider)

    def close(self) -> None:
        """Close the index; the pipeline cannot be asked again."""
        self._closed = True
        self.retriever.close()

    def _check_open(self) -> None:
        if self._closed:
            raise UsageError(
                "the pipeline is closed: ask inside its with block, and take all answers of ask_many there, or open it "
                "again with odqa.Pipeline.open"
            )


def _askable(questions: Iterable[str], reader: Reader) -> tuple[list[str], UsageError | None]:
    """The questions up to the first that cannot be asked, or not read, and what is wrong with that."""
    checked: list[str] = []
    for question in questions:
        try:
            text = check_question(question)
            reader.check_question(text)
        except UsageError as error:
            return checked, error
        checked.append(text)
    return checked, None


def answer_from_context(
    question: str,
    context: str | Sequence[Document],
    reader: Reader,
    *,
    n: int = 5,
    min_confidence: float | None = None,
    answerable: float | None = None,
) -> Response:
    """The ``n`` best answers out of the given text or documents alone; each text is read once, whole, in windows.

    By the reader's own rule, which was fitted where a question comes with its text. ``min_confidence`` as in
    :meth:`Pipeline.ask`, ``answerable`` as in :meth:`Pipeline.open`. Half of a surrogate pair is U+FFFD in what is
    given back, as in an index. Raises UsageError for a question that cannot be asked, an empty context, two documents
    of one id, n below 1, a confidence that is no probability, and a share that is not between 0 and 1.
    """
    question = check_question(question)
    ask = Ask(n=n, min_confidence=min_confidence)
    documents = [Document("context", "", context, "")] if isinstance(context, str) else context
    if not isinstance(documents, Sequence) or not all(isinstance(document, Document) for document in documents):
        raise UsageError("the context is a text, or a list of odqa.Document")
    documents = [_well_formed(document) for document in documents]
    repeated = next((name for name, times in Counter(one.id for one in documents).items() if times > 1), None)
    if repeated is not None:
        raise UsageError(f"more than one text of the context has the id {repeated!r}; give each one its own")
    hits = [whole_document(document, number) for number, document in enumerate(documents, start=1)]
    if not any(plain(hit.passage.text).strip() for hit in hits):
        raise UsageError("the context is empty; give a text that may hold the answer")
    hits = merge_copies(hits)
    rule = fit_file.decider(reader, None, answerable=answerable)
    seconds: dict[str, float] = {}
    with _timed(seconds, "read"):
        (readings,) = _read(reader, [question], [hits], SPANS_PER_CONTEXT)
    with _timed(seconds, "rank"):
        decided = Decided(rule.decide(question, Candidates.of(hits, readings)), len(hits))
    return _respond(question, decided, ask, _timings(seconds, 1), rule.name)


def _well_formed(document: Document) -> Document:
    """The document with U+FFFD for halves of surrogate pairs, each for itself: offsets are those of what was given."""
    return replace(
        document,
        id=_HALF.sub("\ufffd", document.id),
        title=_HALF.sub("\ufffd", document.title),
        text=_HALF.sub("\ufffd", document.text),
        source=_HALF.sub("\ufffd", document.source),
    )


def whole_document(document: Document, rank: int = 1) -> Hit:
    """A document as the one passage that a search found: what a given text is to the steps after retrieval."""
    pages = tuple((part.start, part.page) for part in document.sections if part.page is not None)
    return Hit(
        Passage(
            document.id,
            document.id,
            document.title,
            document.text,
            0,
            document.source,
            pages=pages,
            blocks=blocks_of(document),
        ),
        0.0,
        rank,
    )


def _read(reader: Reader, questions: Sequence[str], found: Sequence[Sequence[Hit]], n_best: int) -> list[list[Reading]]:
    """The readings of every question's hits; all go to the reader at once, so that it can batch by length."""
    pairs = [(question, hit) for question, hits in zip(questions, found, strict=True) for hit in hits]
    texts = [context_of_passage(hit.passage) for _, hit in pairs]
    readings = iter(reader.read([question for question, _ in pairs], texts, n_best=n_best))
    return [list(islice(readings, len(hits))) for hits in found]


def _respond(question: str, decided: Decided, ask: Ask, timings: dict[str, float], ranking: str) -> Response:
    decision = decided.decision
    shown = decision.shown(ask.min_confidence, ask.n)
    return Response(
        question,
        shown,
        decision.no_answer_probability,
        timings,
        withheld=() if shown else decision.answers[: ask.n],
        ranking=ranking,
        abstention=decision.abstention,
        passages_read=decided.passages,
    )


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """A block whose seconds are added to those of a stage."""
    began = perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + perf_counter() - began


def _timings(seconds: Mapping[str, float], questions: int) -> dict[str, float]:
    """Seconds a question for each stage, of those of so many questions, and in total."""
    each = {stage: one / questions for stage, one in seconds.items()}
    return {**each, "total": sum(each.values())}
