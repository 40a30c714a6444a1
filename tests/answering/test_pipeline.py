"""The pipeline whole, with tiny models that know nothing: the machinery is tested, never the quality."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from odqa.answering.deciders import Enough, ReaderRule
from odqa.answering.fit_file import write
from odqa.answering.pipeline import Pipeline, answer_from_context
from odqa.errors import IndexFolderError, ModelError, UsageError
from odqa.index.build import build_index
from odqa.index.filters import parse
from odqa.reader.model import Reader
from odqa.types import Document, Reading, Response, Section
from tests.answering.conftest import reader_with
from tests.answering.fits import fit

QUESTIONS = [
    "who built the tower",
    "where is the museum",
    "what orbits the earth",
    "what is in the museum",
    "how many days has the moon",
]


@pytest.fixture(scope="module")
def pipeline(index_folder: Path, eager_reader: Path) -> Iterator[Pipeline]:
    with Pipeline.open(index_folder, reader=eager_reader, device="cpu") as opened:
        yield opened


@pytest.fixture(scope="module")
def reader(eager_reader: Path) -> Reader:
    return Reader.load(eager_reader, device="cpu")


def texts(response: Response) -> list[str]:
    return [answer.text for answer in response.answers]


def test_answers_are_slices_of_their_documents(pipeline: Pipeline, corpus: Path) -> None:
    response = pipeline.ask(QUESTIONS[0], n=50)
    assert response.question == QUESTIONS[0]
    assert len({answer.passage.document_id for answer in response.answers}) == 3
    for answer in response.answers:
        assert answer.passage.text[answer.span.start : answer.span.end] == answer.text
        source = Path(answer.passage.source)
        if source.suffix == ".txt":
            assert source.read_text(encoding="utf-8")[answer.start : answer.end] == answer.text
    total = sum(answer.confidence for answer in response.answers) + response.no_answer_probability
    assert total == pytest.approx(1)


def test_the_seconds_of_every_stage_are_told(pipeline: Pipeline) -> None:
    timings = pipeline.ask(QUESTIONS[0]).timings
    assert list(timings) == ["encode", "search", "read", "rank", "total"]
    assert all(seconds >= 0 for seconds in timings.values())
    assert timings["total"] == pytest.approx(math.fsum(list(timings.values())[:-1]))


def test_k_beyond_the_index_reads_all_of_it(pipeline: Pipeline) -> None:
    count = len(pipeline.retriever.index)
    assert texts(pipeline.ask(QUESTIONS[0], k=10_000, n=50)) == texts(pipeline.ask(QUESTIONS[0], k=count, n=50))


def test_k_1_reads_one_passage_and_n_1_shows_one_answer(pipeline: Pipeline) -> None:
    assert len({answer.passage.id for answer in pipeline.ask(QUESTIONS[0], k=1, n=50).answers}) == 1
    assert len(pipeline.ask(QUESTIONS[0], n=1).answers) == 1


@pytest.mark.parametrize("batch", [2, 5, 100])
def test_many_questions_are_answered_in_order_as_one_by_one(pipeline: Pipeline, batch: int) -> None:
    one_by_one = [pipeline.ask(question, k=3, n=3) for question in QUESTIONS]
    together = list(pipeline.ask_many(QUESTIONS, k=3, n=3, batch=batch))
    assert [response.question for response in together] == QUESTIONS
    for response, alone in zip(together, one_by_one, strict=True):
        assert texts(response) == texts(alone)
        assert response.no_answer_probability == pytest.approx(alone.no_answer_probability, abs=1e-3)


def test_many_questions_are_taken_a_batch_at_a_time(pipeline: Pipeline) -> None:
    taken = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(QUESTIONS[len(taken) % len(QUESTIONS)])
            yield taken[-1]

    responses = pipeline.ask_many(endless(), k=2, n=1, batch=4)
    assert taken == []
    next(responses)
    assert len(taken) == 4


def test_a_batch_may_be_larger_than_any_list(pipeline: Pipeline) -> None:
    (response,) = pipeline.ask_many(QUESTIONS[:1], k=1, n=1, batch=10**30)
    assert response.question == QUESTIONS[0]


@pytest.mark.parametrize("bad", ["", "who " * 240 + "?"], ids=["empty", "too long to be read"])
def test_the_questions_before_a_bad_one_are_answered(pipeline: Pipeline, bad: str) -> None:
    responses = pipeline.ask_many([*QUESTIONS[:2], bad, QUESTIONS[2]], k=3, n=1)
    assert [next(responses).question for _ in range(2)] == QUESTIONS[:2]
    with pytest.raises(UsageError, match="question"):
        next(responses)


def test_two_texts_of_one_id_are_refused(pipeline: Pipeline) -> None:
    documents = [Document("1", "", "The tower is in Paris.", ""), Document("1", "", "The moon is far.", "")]
    with pytest.raises(UsageError, match="more than one text of the context has the id '1'"):
        answer_from_context("where is the tower", documents, pipeline.reader)


def test_no_more_is_read_than_it_takes(pipeline: Pipeline) -> None:
    count = len(pipeline.retriever.index)
    rule = fit(threshold=1.0, enough=Enough(1, 0.0)).get(None)
    less = Pipeline(pipeline.retriever, pipeline.reader, rule)
    first = less.ask(QUESTIONS[0], n=1)
    assert (first.passages_read, len({one.passage.id for one in first.answers})) == (1, 1)
    assert texts(first) == texts(Pipeline(pipeline.retriever, pipeline.reader, rule).ask(QUESTIONS[0], k=1, n=1))
    assert less.ask(QUESTIONS[0], n=50).passages_read == count  # One passage has no fifty answers.
    exhaustive = less.ask(QUESTIONS[0], n=1, exhaustive=True)
    all_read = Pipeline(pipeline.retriever, pipeline.reader, replace(rule, enough=None)).ask(QUESTIONS[0], n=1)
    assert exhaustive.passages_read == all_read.passages_read == pipeline.ask(QUESTIONS[0]).passages_read == count
    assert texts(exhaustive) == texts(all_read)
    many = list(less.ask_many(QUESTIONS, n=1, batch=2))
    assert [one.passages_read for one in many] == [1] * len(QUESTIONS)
    assert list(many[0].timings) == ["encode", "search", "read", "rank", "total"]
    assert all(seconds >= 0 for seconds in many[0].timings.values())
    assert less.ask(QUESTIONS[0], filters="title=none").passages_read == 0


def test_no_questions_no_responses(pipeline: Pipeline) -> None:
    assert list(pipeline.ask_many([])) == []


def test_no_answer_is_a_proper_result(index_folder: Path, silent_reader: Path) -> None:
    with Pipeline.open(index_folder, reader=silent_reader, device="cpu") as silent:
        response = silent.ask(QUESTIONS[0])
    assert response.answers == ()
    assert response.no_answer_probability == pytest.approx(1)


def test_only_documents_that_match_all_filters_are_read(pipeline: Pipeline) -> None:
    filters = [parse("title!=moon"), parse("source~=*.txt")]
    response = pipeline.ask(QUESTIONS[0], k=1, n=50, filters=filters)
    assert {answer.passage.title for answer in response.answers} == {"louvre"}
    assert response.reason == ""
    total = sum(answer.confidence for answer in response.answers) + response.no_answer_probability
    assert total == pytest.approx(1)
    (same,) = pipeline.ask_many(QUESTIONS[:1], k=1, n=50, filters=filters)
    assert texts(same) == texts(response)


def test_where_no_document_matches_there_is_no_answer_and_a_reason(pipeline: Pipeline) -> None:
    filters = [parse("title=moon"), parse("source~=*.md")]
    responses = list(pipeline.ask_many(QUESTIONS, filters=filters, batch=2))
    assert [response.question for response in responses] == QUESTIONS
    for response in responses:
        assert (response.answers, response.no_answer_probability) == ((), 1.0)
        assert response.reason == "no document matches title=moon and source~=*.md"
        assert list(response.timings) == ["encode", "search", "read", "rank", "total"]
    with pytest.raises(UsageError, match="empty"):
        pipeline.ask("", filters=filters)


def test_filters_may_be_texts_one_or_several(pipeline: Pipeline) -> None:
    wanted = pipeline.ask(QUESTIONS[0], n=50, filters=[parse("title!=moon"), parse("source~=*.txt")])
    assert texts(pipeline.ask(QUESTIONS[0], n=50, filters=["title!=moon", parse("source~=*.txt")])) == texts(wanted)
    (response,) = pipeline.ask_many(QUESTIONS[:1], filters="title=none")
    assert response.reason == "no document matches title=none"
    assert pipeline.retriever.search(QUESTIONS[:1], 5, "title=none") == [[]]
    for wrong in ("title", 3, [3]):
        with pytest.raises(UsageError, match="filter"):
            pipeline.ask(QUESTIONS[0], filters=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda pipeline: pipeline.ask("who", k="5"), "k must be a whole number, not the text '5'"),
        (lambda pipeline: pipeline.ask("who", n=2.5), "n must be a whole number"),
        (lambda pipeline: pipeline.ask("who", min_confidence="0.5"), "confidence must be a number from 0 to 1"),
        (lambda pipeline: pipeline.ask(["who"]), "a question is a text, not"),
        (lambda pipeline: pipeline.ask(None), "a question is a text, not None"),
        (lambda pipeline: pipeline.ask_many("Hi"), "questions are a list of texts, not the text 'Hi'; give a list"),
        (lambda pipeline: pipeline.ask_many(None), "questions are a list of texts, not None"),
        (lambda pipeline: list(pipeline.ask_many([3])), "a question is a text, not 3"),
        (lambda pipeline: pipeline.ask_many(["who"], batch="4"), "batch must be a whole number"),
        (lambda pipeline: pipeline.retriever.search("who", 5), "questions are a list of texts"),
        (lambda pipeline: pipeline.retriever.search(["who"], "5"), "k must be a whole number"),
        (lambda pipeline: Pipeline.open(["index"]), "the index is named by its path, not by"),
        (lambda pipeline: answer_from_context("who", ["text"], pipeline.reader), "context is a text, or a list of"),
    ],
)
def test_what_is_of_the_wrong_kind_is_refused_in_words(
    pipeline: Pipeline, ask: Callable[[Pipeline], object], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        ask(pipeline)


@pytest.mark.parametrize("mode", ["hybrid", "dense", "bm25"])
def test_a_closed_pipeline_says_so(index_folder: Path, eager_reader: Path, mode: str) -> None:
    with Pipeline.open(index_folder, reader=eager_reader, mode=mode, device="cpu") as pipeline:
        late = pipeline.ask_many(QUESTIONS, batch=2)
        vectors = pipeline.retriever.encode(QUESTIONS)
        next(late), next(late)
    for ask in (lambda: pipeline.ask(QUESTIONS[0]), lambda: pipeline.ask_many(QUESTIONS), lambda: next(late)):
        with pytest.raises(UsageError, match=r"the pipeline is closed: .* open it again with odqa\.Pipeline\.open"):
            ask()
    for search in (
        lambda: pipeline.retriever.find(QUESTIONS, vectors, 5),
        lambda: pipeline.retriever.find(QUESTIONS, vectors, 5, "title=x"),
    ):
        with pytest.raises(UsageError, match=r"was closed, and can be read no more; open its index again"):
            search()
    pipeline.close()


def test_a_filter_on_an_unknown_field_is_refused_at_once(pipeline: Pipeline) -> None:
    with pytest.raises(UsageError, match="no document has the field 'lang'"):
        pipeline.ask_many(QUESTIONS, filters=[parse("lang=en")])


@pytest.mark.parametrize(
    ("counts", "message"),
    [({"k": 0}, "k must be at least 1, not 0"), ({"n": -1}, "n must be at least 1, not -1"), ({"batch": 0}, "batch")],
)
def test_counts_below_1_are_refused_at_once(pipeline: Pipeline, counts: dict[str, int], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        pipeline.ask_many(QUESTIONS, **counts)


@pytest.mark.parametrize(("question", "message"), [("", "empty"), ("x" * 10_000, "10,000"), ("\x07", r"U\+0007")])
def test_a_bad_question_is_refused(pipeline: Pipeline, reader: Reader, question: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        pipeline.ask(question)
    with pytest.raises(UsageError, match=message):
        answer_from_context(question, "The tower is in Paris.", reader)


def test_a_missing_index_names_the_command_that_makes_one(tmp_path: Path, eager_reader: Path) -> None:
    with pytest.raises(IndexFolderError, match="odqa index"):
        Pipeline.open(tmp_path / "nowhere", reader=eager_reader)


def test_another_encoder_is_refused(index_folder: Path, eager_reader: Path, tmp_path: Path) -> None:
    from tests import tiny

    other = tiny.make_encoder(tmp_path / "other", seed=1)
    with pytest.raises(IndexFolderError, match="odqa index"):
        Pipeline.open(index_folder, reader=eager_reader, encoder=other, device="cpu")


def test_words_alone_need_no_encoder(index_folder: Path, eager_reader: Path) -> None:
    with Pipeline.open(index_folder, mode="bm25", reader=eager_reader, device="cpu") as pipeline:
        assert pipeline.retriever.encoder is None
        response = pipeline.ask("what orbits the earth")
        assert {answer.passage.title for answer in response.answers} == {"moon"}
        nothing = pipeline.ask("zebra")
    assert (nothing.answers, nothing.no_answer_probability) == ((), 1.0)


def test_what_was_fitted_decides_or_the_ranking_that_is_named(
    index_folder: Path, tiny_reader: Path, tmp_path: Path
) -> None:
    folder = reader_with(0.0, tiny_reader, tmp_path / "reader")
    with Pipeline.open(index_folder, reader=folder, device="cpu") as plain:
        assert plain.decider == ReaderRule(0.0, 1.0)
        assert plain.ask(QUESTIONS[0]).ranking == "the reader's own"
        some = fit(plain.reader.content_hash)
    with pytest.raises(UsageError, match=r"nothing was fitted.*odqa tune"):
        Pipeline.open(index_folder, reader=folder, ranking="logit", device="cpu")
    write(folder / "ranking.json", some)
    for name in (None, "logit"):
        with Pipeline.open(index_folder, reader=folder, ranking=name, device="cpu") as fitted:
            assert fitted.decider == some.get(name)
            assert fitted.ask(QUESTIONS[0]).ranking == (name or some.default)


def test_a_reader_without_a_head_is_refused(index_folder: Path, tiny_base: Path) -> None:
    with pytest.raises(ModelError, match="no question-answering head"):
        Pipeline.open(index_folder, reader=tiny_base, device="cpu")


def test_a_context_alone(reader: Reader) -> None:
    text = "The tower was built by Gustave. " * 40  # Several windows.
    response = answer_from_context("who built the tower", text, reader, n=4)
    assert 1 <= len(response.answers) <= 4
    for answer in response.answers:
        assert text[answer.start : answer.end] == answer.text
    assert list(response.timings) == ["read", "rank", "total"]


def test_the_reader_s_temperature_moves_confidence_alone(
    pipeline: Pipeline, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "no_answer_threshold", 0.0)

    def asked(temperature: float) -> list[Response]:
        monkeypatch.setattr(reader, "temperature", temperature)
        return [
            Pipeline(pipeline.retriever, reader).ask(QUESTIONS[0], n=50),
            answer_from_context(QUESTIONS[0], "The tower was built by Gustave.", reader, n=50),
        ]

    for before, after in zip(asked(1.0), asked(8.0), strict=True):
        assert after.abstention == before.abstention
        assert sorted(texts(after)) == sorted(texts(before))
        assert after.no_answer_probability != pytest.approx(before.no_answer_probability, rel=1e-3)


def test_documents_as_context_keep_source_and_page(reader: Reader) -> None:
    pages = (Section(0, page=1), Section(33, page=2))
    documents = [
        Document("a", "A", "The museum is in Paris by a river. The tower is in Paris.", "a.pdf", {}, pages),
        Document("b", "B", "The moon orbits the earth.", "b.txt"),
    ]
    response = answer_from_context("where is the tower", documents, reader, n=50)
    assert {answer.passage.source for answer in response.answers} == {"a.pdf", "b.txt"}
    for answer in response.answers:
        document = next(d for d in documents if d.id == answer.passage.document_id)
        assert document.text[answer.start : answer.end] == answer.text
        assert answer.page == (None if document.id == "b" else 1 + (answer.start >= 33))


@pytest.mark.parametrize("context", ["", " \n", "\u200b", []])
def test_an_empty_context_is_refused(reader: Reader, context: str | list[Document]) -> None:
    with pytest.raises(UsageError, match="context is empty"):
        answer_from_context("who", context, reader)


def test_half_a_surrogate_pair_of_a_context_is_given_back_as_in_an_index(reader: Reader) -> None:
    half = "\ud83d"
    text = f"The tower {half}\ude00 is in Paris{half}."
    document = Document(f"a{half}", f"A{half}", text, f"a{half}.txt", {}, (Section(0), Section(21, page=2)))
    for context in (text, [document]):
        response = answer_from_context("where is the tower", context, reader, n=50)
        response.to_json(explain=True).encode()
        for answer in response.answers:
            assert answer.passage.text == "The tower \ufffd\ufffd is in Paris\ufffd."
            # Each half for itself, so that offsets are those of the text that was given.
            assert answer.text.replace("\ufffd", "") == re.sub("[\ud800-\udfff]", "", text[answer.start : answer.end])
    assert {answer.passage.source for answer in response.answers} == {"a\ufffd.txt"}


def test_a_context_needs_neither_faiss_nor_sentence_transformers(eager_reader: Path) -> None:
    program = (
        "import sys\n"
        "from odqa.answering.pipeline import answer_from_context\n"
        "from odqa.reader.model import Reader\n"
        f"answer_from_context('who', 'The tower is in Paris.', Reader.load({str(eager_reader)!r}, device='cpu'))\n"
        "assert not {'faiss', 'sentence_transformers'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_copies_are_read_once_and_change_no_answer(
    corpus: Path, eager_reader: Path, tiny_encoder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odqa.runtime.openvino_library.has_bfloat16", lambda: False)
    answers = {}
    for count in (1, 12):
        folder = tmp_path / str(count)
        for number in range(count):
            # Under the same title, which is a part of what is searched.
            shutil.copytree(corpus, folder / "texts" / f"{number:02}")
        # Of these words alone: BM25 knows how many passages hold a word.
        build_index([folder / "texts"], folder / "index", encoder=str(tiny_encoder), device="cpu")
        with Pipeline.open(folder / "index", reader=eager_reader, mode="dense", device="cpu") as opened:
            read, plain = [], opened.reader.read

            def noted(questions: list[str], contexts: list[str], **options: object) -> list[Reading]:
                read.extend(contexts)  # noqa: B023
                return plain(questions, contexts, **options)  # noqa: B023

            monkeypatch.setattr(opened.reader, "read", noted)
            response = opened.ask(QUESTIONS[0], k=3, n=50)
        assert len(read) == len(set(read)) == 3
        answers[count] = [(one.text, pytest.approx(one.confidence), one.mentions) for one in response.answers]
        for one in response.answers:
            assert len(one.copies) == (count - 1) * one.mentions
            assert all(copy.text == one.text for copy in one.copies)
            assert len({one.passage.document_id, *(copy.passage.document_id for copy in one.copies)}) == count
    assert answers[1] == answers[12]


def test_documents_of_the_same_text_are_one_context(reader: Reader) -> None:
    text = "The Louvre is a museum in Paris."
    alone = answer_from_context("where is it", [Document("a", "A", text)], reader, n=50)
    twice = answer_from_context(
        "where is it", [Document("a", "A", text), Document("b", "B", f" {text}\n")], reader, n=50
    )
    assert [(one.text, one.confidence) for one in twice.answers] == [
        (one.text, one.confidence) for one in alone.answers
    ]
    assert [[copy.passage.document_id for copy in one.copies] for one in twice.answers] == [
        ["b"] * one.mentions for one in alone.answers
    ]
