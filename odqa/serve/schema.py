"""What requests and responses hold, as types that check the first and describe both in the OpenAPI document.

Responses are those of ``odqa ask --json`` and ``odqa search --json``; they are described here, and made in
``odqa.types``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from odqa.answering.question import DEFAULT_K, MAX_CHARACTERS
from odqa.types import BlockKind, Mode

MOST_READ = 100  # Passages that are read for a question at most: each one takes time.
MOST_FOUND = 1000  # Passages that are searched for.
MOST_ANSWERS = 100
MOST_FILTERS = 20
MOST_QUESTIONS = 1000  # Of a batch; the server's queue may hold fewer.
LONGEST = 4096  # Characters of an id or a name. Questions have a limit, and a message, of their own.
LONGEST_FILTER = 1000

QUESTION = "How many vacation days do I have?"

Text = Annotated[str, Field(max_length=LONGEST)]
Question = Annotated[
    str, Field(description=f"A question, of at most {MAX_CHARACTERS:,} characters.", examples=[QUESTION])
]
_Probability = Annotated[float, Field(ge=0, le=1)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Common(_Request):
    """What all questions have."""

    index: Annotated[
        Text | None, Field(description="The name of an index, as in /indexes; the first one if not given.")
    ] = None
    mode: Annotated[
        Mode,
        Field(strict=False, description="Find passages by meaning (dense), by shared words (bm25), or by both."),
    ] = Mode.HYBRID
    filters: Annotated[
        list[Annotated[str, Field(max_length=LONGEST_FILTER)]],
        Field(
            max_length=MOST_FILTERS,
            description="Only documents that match all of them: `lang=en`, `year>=2020`, `source~=*/policies/*`.",
        ),
    ] = []
    explain: Annotated[bool, Field(description="Add what answers or passages were ranked by.")] = False
    evidence: Annotated[
        bool, Field(description="Add `evidence`: the passages in full, with their places, headings and blocks.")
    ] = False


class _Asking(_Common):
    k: Annotated[int, Field(ge=1, le=MOST_READ, description="Passages to read for a question.")] = DEFAULT_K
    n: Annotated[int, Field(ge=1, le=MOST_ANSWERS, description="Answers to give at most.")] = 5
    min_confidence: Annotated[
        _Probability | None,
        Field(
            strict=False,
            description="Give the answers of at least this confidence, whatever the no-answer rule says; 0 gives all.",
        ),
    ] = None
    exhaustive: Annotated[
        bool, Field(description="Read all k passages, also where the first ones give an answer that is sure.")
    ] = False


class AskRequest(_Asking):
    """A question, and how it is asked."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"question": QUESTION, "n": 3}]})

    question: Question


class AskBatchRequest(_Asking):
    """Several questions, all asked alike."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"questions": [QUESTION, "Who approves leave?"], "filters": ["lang=en"]}]}
    )

    questions: Annotated[list[Question], Field(min_length=1, max_length=MOST_QUESTIONS)]


class SearchRequest(_Common):
    """A question whose passages are wanted, not its answers."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"question": "vacation days", "k": 3}]})

    question: Question
    k: Annotated[int, Field(ge=1, le=MOST_FOUND, description="Passages to give.")] = 10


class FeedbackRequest(_Request):
    """What somebody says of the answers to a question.

    ``start`` and ``end`` are where the answer ``text`` is in its ``document``: one that was given and is right or
    wrong, or the right one, which is missing. An empty place (``start`` equal to ``end``) with the verdict "right"
    says that there is no answer, and the passage there is the nearest one.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "question": QUESTION,
                    "verdict": "right",
                    "document": "handbook.md",
                    "start": 120,
                    "end": 126,
                    "text": "twenty",
                }
            ]
        }
    )

    question: Question
    verdict: Literal["right", "wrong", "missing"]
    index: Text | None = None
    document: Text | None = None
    start: Annotated[int | None, Field(ge=0, le=2**53)] = None
    end: Annotated[int | None, Field(ge=0, le=2**53)] = None
    text: Text = ""


class Origin(_Value):
    """A document, by what it is called and where it came from."""

    id: str
    title: str
    source: str


class Copy(_Value):
    """Where the answer stands in a copy of its passage."""

    document: Origin
    start: int
    end: int
    passage_id: str
    page: int | None


class Score(_Value):
    """One retriever's score of a passage, and its rank, counted from 1; null where none was computed so far down."""

    rank: int | None
    score: float


class Place(_Value):
    """A place where an answer was found, with what reader and retriever gave it. Only with `explain`."""

    document: str
    start: int
    end: int
    passage_id: str
    span_score: float
    null_score: float
    rank: int
    components: dict[str, Score]


class Block(_Value):
    """A stretch of a passage that people read as one. `labels` are the heads of the columns of a row."""

    start: int
    end: int
    kind: BlockKind
    labels: list[str]


class Page(_Value):
    """The number of a page that begins inside a passage, or on which it begins (`start` 0)."""

    start: int
    page: int


class Passage(_Value):
    """A slice of a document: `start` and `end` are offsets in it; those of `pages` and `blocks` are in the passage."""

    id: str
    document: Origin
    text: str
    start: int
    end: int
    headings: list[str]
    pages: list[Page]
    blocks: list[Block]


class Evidence(_Value):
    """A passage that was found, in full, with the copies of it."""

    rank: int
    score: float
    components: dict[str, Score]
    passage: Passage
    copies: list[Passage]


class Answer(_Value):
    """An answer: `text` is what stands from `start` to `end` in its document, and inside `passage`."""

    text: str
    confidence: float
    document: Origin
    start: int
    end: int
    passage: str
    passage_id: str
    page: int | None
    headings: list[str]
    mentions: int
    copies: list[Copy]
    score: float | None = None
    places: list[Place] | None = None


class Abstention(_Value):
    """The rule by which no answer is given, and how close it came. Only with `explain`."""

    rule: str
    value: float | None
    limit: float
    abstains: bool


class Response(_Value):
    """The object that `odqa ask --json` prints. No answers is a result: `reason` says where nothing was searched."""

    question: str
    answers: list[Answer]
    no_answer_probability: float
    passages_read: int
    timings: dict[str, float]
    reason: str
    ranking: str | None = None
    abstention: Abstention | None = None
    withheld: list[Answer] | None = None
    evidence: list[Evidence] | None = None


class Responses(_Value):
    """A response for each question, in the order of the questions."""

    responses: list[Response]


class HitCopy(_Value):
    """Another passage of the same text."""

    passage_id: str
    document: Origin


class Hit(_Value):
    """A passage that was found. Scores of one mode cannot be compared with those of another."""

    rank: int
    score: float
    text: str
    passage_id: str
    document: Origin
    copies: list[HitCopy]
    components: dict[str, Score] | None = None


class Hits(_Value):
    """The object that `odqa search --json` prints. `language` is that of the words that are searched for."""

    question: str
    hits: list[Hit]
    reason: str | None = None
    evidence: list[Evidence] | None = None
    language: str | None = None


class PassageWithNeighbours(_Value):
    """A passage, its number in its document (counted from 0), and the passages before and after it there."""

    index: str
    number: int
    passage: Passage
    before: list[Passage]
    after: list[Passage]


class DocumentText(_Value):
    """A document as the index has it: some of its passages, of `total`, from the one with the number `first` on.

    `text` is theirs, joined, and begins at the character `start` of the document: what stands from `a` to `b` in the
    document is `text[a - start : b - start]`. What no passage holds is white space in it.
    """

    index: str
    document: Origin
    metadata: dict[str, Any]
    first: int
    total: int
    start: int
    text: str
    passages: list[Passage]


class FieldValue(_Value):
    """A value and how many of the documents that were looked at have it."""

    value: str
    documents: int


class IndexField(_Value):
    """A field that filters can ask for. `complete` says that `values` are all that there are."""

    name: str
    documents: int
    values: list[FieldValue]
    complete: bool


class ServedIndex(_Value):
    """An index that is served. `problem` says where its folder cannot be opened anew: the old version goes on."""

    name: str
    documents: int
    passages: int
    bytes: int
    version: int
    changed: str
    encoder: str
    reader: str
    ranking: str
    language: str
    fields: list[IndexField]
    questions: list[str]
    problem: str


class ServedIndexes(_Value):
    """The indexes that are served; questions that name none are asked of `default`."""

    default: str
    indexes: list[ServedIndex]
    feedback: Annotated[bool, Field(description="Whether POST /feedback is there.")]


class Health(_Value):
    """Whether questions are answered."""

    status: Literal["ready", "stopping"]
    version: str
    indexes: list[str]


class Saved(_Value):
    """The id of what was saved."""

    id: str


class Fault(_Value):
    """What is wrong with a request, and where: a JSON pointer into its body, or the name of a parameter."""

    pointer: str
    detail: str


class Problem(_Value):
    """Why a request was refused or failed, as RFC 9457 has it; `detail` says what to do."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] | None = None
