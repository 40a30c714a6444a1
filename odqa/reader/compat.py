"""The arguments of the ``question-answering`` pipeline that transformers 5.3 removed in; its answers out.

Code that lost the pipeline changes one import: the arguments and the dicts are those of the
``QuestionAnsweringPipeline`` of transformers 4.57, the last of version 4. What differs is in docs/python.md.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from numbers import Integral
from typing import Any, TypeAlias, TypedDict, TypeVar, Unpack, overload

from odqa.arguments import check_count
from odqa.errors import UsageError
from odqa.reader.compat_answers import Answer, Answers, Logits, Settings, answers
from odqa.reader.features import check_question
from odqa.text import UNSEEN
from odqa.views import plain

Texts: TypeAlias = str | Sequence[str]

T = TypeVar("T")
Pair: TypeAlias = tuple[str, str]

_HOW = "give question= and context=, or dicts with the keys 'question' and 'context'"
_PADDING = (None, True, False, "longest", "max_length", "do_not_pad")
# What shows nothing, control characters and those of private use. A tokenizer may make no token of them, nor of U+FFFD,
# so a context of these alone has no answer.
_TOKENLESS = UNSEEN | {"Cc", "Co"}


class Options(TypedDict, total=False):
    """The pipeline's options; None means the default of each.

    ``doc_stride`` (half a window, at most 128) and ``max_seq_len`` (384) count tokens, as ``max_answer_len`` (15) does.
    ``handle_impossible_answer`` (False) lets the empty answer compete, and ``align_to_words`` (True) widens answers to
    whole words. ``batch_size`` (32) windows are read at a time. ``padding``, ``max_question_len`` and ``num_workers``
    change no answer, and have no effect.
    """

    doc_stride: int | None
    max_seq_len: int | None
    max_answer_len: int | None
    max_question_len: int | None
    handle_impossible_answer: bool | None
    align_to_words: bool | None
    padding: bool | str | None
    batch_size: int | None
    num_workers: int | None


class AllOptions(Options, total=False):
    """Also how many answers a question gets, ``top_k`` (1), of which ``topk`` is an older name."""

    top_k: int | None
    topk: int | None


class QuestionAnswering:
    """What is called like the pipeline, by its ``tokenizer`` and its ``logits``: those of an ``odqa.Reader``."""

    tokenizer: Any
    logits: Logits

    @overload
    def __call__(self, question: str, context: str, /, **options: Unpack[Options]) -> Answer: ...
    @overload
    def __call__(self, *, question: str, context: str, **options: Unpack[Options]) -> Answer: ...
    @overload
    def __call__(self, *, question: str, context: str, **options: Unpack[AllOptions]) -> Answers: ...
    @overload
    def __call__(
        self, *, question: Texts, context: Texts, **options: Unpack[AllOptions]
    ) -> Answers | list[Answers]: ...
    @overload
    def __call__(self, inputs: Iterator[Any], /, **options: Unpack[AllOptions]) -> Iterator[Answers]: ...
    @overload
    def __call__(self, *inputs: Any, **options: Unpack[AllOptions]) -> Answers | list[Answers] | Iterator[Answers]: ...
    @overload
    def __call__(self, *, data: Any, **options: Unpack[AllOptions]) -> Answers | list[Answers] | Iterator[Answers]: ...

    def __call__(
        self,
        *inputs: Any,
        question: Texts | None = None,
        context: Texts | None = None,
        data: Any = None,
        X: Any = None,
        **options: Unpack[AllOptions],
    ) -> Answers | list[Answers] | Iterator[Answers]:
        """Answer one question or many, as ``pipeline("question-answering")`` of transformers 4 did.

        ``question`` and ``context`` are one text or lists (one question over several contexts, or several over one,
        are spread). Or ``inputs`` (``data`` and ``X`` are older names) are two texts, dicts with the keys ``question``
        and ``context``, one dict with lists of them, or objects with ``question_text`` and ``context_text``. One
        question, in a list or not, gives a dict; with ``top_k`` > 1 it gives a list of dicts, but a dict still where
        its context has no more than one answer. Many give a list with one such result each, and an iterator of
        questions gives an iterator of results. Raises UsageError for what is none of these, an empty question or
        context, a question that leaves no room for its context, or an option that makes no sense or does not exist; for
        a question of an iterator after the results of those before it.
        """
        if unknown := options.keys() - AllOptions.__annotations__:
            known = ", ".join(sorted(AllOptions.__annotations__))
            raise UsageError(f"there is no option {min(unknown)}= of a reader; there are {known}")
        settings = _settings(self.tokenizer, **options)
        others = [given for given in (data, X) if given is not None]
        if others:
            inputs = (*inputs, *others)
        if inputs and (question is not None or context is not None):
            raise UsageError("give question= and context=, or dicts with both, not both ways at once")
        if not inputs:
            pairs, listed = _spread(question, context), False
        elif len(inputs) == 2 and all(isinstance(item, str) for item in inputs):
            pairs, listed = _spread(*inputs), False
        else:
            given = inputs[0] if len(inputs) == 1 else inputs
            if isinstance(given, Iterator) or _is_map_style(given):
                items = given if isinstance(given, Iterator) else (given[at] for at in range(len(given)))
                return self._one_by_one(items, settings)
            pairs, listed = _pairs_of(given)
        results = self._answers(pairs, settings)
        return results if len(results) > 1 or listed else results[0]

    def _one_by_one(self, items: Iterator[Any], settings: Settings) -> Iterator[Answers]:
        numbered = enumerate(items, start=1)
        while True:
            pairs, problem = self._askable(islice(numbered, settings.batch_size), settings)
            if pairs:
                yield from self._answers(pairs, settings)
            if problem is not None:
                raise problem
            if not pairs:
                return

    def _askable(self, numbered: Iterable[tuple[int, Any]], settings: Settings) -> tuple[list[Pair], UsageError | None]:
        """The pairs of the inputs up to the first that cannot be answered, and what is wrong with that."""
        pairs: list[Pair] = []
        for number, item in numbered:
            try:
                some = _pairs(item, number)
                for question, _ in some:
                    check_question(self.tokenizer, question, max_length=settings.max_length, stride=settings.stride)
            except UsageError as error:
                return pairs, error
            pairs += some
        return pairs, None

    def _answers(self, pairs: Sequence[Pair], settings: Settings) -> list[Answers]:
        questions, contexts = zip(*pairs, strict=True)
        return answers(self.tokenizer, self.logits, questions, contexts, settings)


def _settings(
    tokenizer: Any,
    *,
    top_k: int | None = None,
    topk: int | None = None,
    doc_stride: int | None = None,
    max_seq_len: int | None = None,
    max_answer_len: int | None = None,
    max_question_len: int | None = None,
    handle_impossible_answer: bool | None = None,
    align_to_words: bool | None = None,
    padding: bool | str | None = None,
    batch_size: int | None = None,
    num_workers: int | None = None,
) -> Settings:
    """The options with their defaults. Raises UsageError for those that make no sense."""
    top_k = _given(top_k, _given(topk, 1))
    counts = {
        "top_k": top_k,
        "max_seq_len": _given(max_seq_len, 384),
        "max_answer_len": _given(max_answer_len, 15),
        "max_question_len": _given(max_question_len, 64),
        "batch_size": _given(batch_size, 32),
    }
    for name, value in counts.items():
        check_count(name, value)
    if not isinstance(padding, int | str | None) or padding not in _PADDING:  # An array compares with nothing.
        raise UsageError(f"padding is {padding!r}; it is one of True, False, 'longest', 'max_length' and 'do_not_pad'")
    max_length = min(counts["max_seq_len"], tokenizer.model_max_length)
    stride: Any = _given(doc_stride, min(max_length // 2, 128))
    if isinstance(stride, bool) or not isinstance(stride, Integral) or not 0 <= int(stride) < max_length:
        raise UsageError(
            f"doc_stride is {stride!r}; it must be a whole number from 0 to less than max_seq_len ({max_length})"
        )
    return Settings(
        # Those of numpy would overflow in sums, and are no JSON.
        top_k=int(top_k),
        stride=int(stride),
        max_length=int(max_length),
        max_answer_len=int(counts["max_answer_len"]),
        impossible=bool(handle_impossible_answer),
        whole_words=align_to_words is None or bool(align_to_words),
        batch_size=min(int(counts["batch_size"]), sys.maxsize),  # islice takes no more.
    )


def _given(value: T | None, default: T) -> T:
    return default if value is None else value


def _spread(question: object, context: object) -> list[Pair]:
    """A question for each context, a context for each question, or pairs of both."""
    if question is None or context is None:
        missing = "question" if question is None else "context"
        raise UsageError(f"the {missing} is missing: give both question= and context=, or a dict with both")
    questions = list(question) if isinstance(question, list | tuple) else [question]
    contexts = list(context) if isinstance(context, list | tuple) else [context]
    if len(questions) == 1:
        questions *= len(contexts)
    elif len(contexts) == 1:
        contexts *= len(questions)
    if len(questions) != len(contexts):
        raise UsageError(f"{len(questions)} questions but {len(contexts)} contexts: give as many, or one of either")
    if not questions:
        raise UsageError("there is no question: the list is empty")
    many = len(questions) > 1
    return [
        (_text("question", q, number if many else 0), _text("context", c, number if many else 0))
        for number, (q, c) in enumerate(zip(questions, contexts, strict=True), start=1)
    ]


def _pairs_of(given: Any) -> tuple[list[Pair], bool]:
    """The pairs of all inputs, and whether their answers are a list even where there is but one."""
    if isinstance(given, Mapping) or _is_example(given):
        pairs = _pairs(given, 0)
        return pairs, isinstance(given, Mapping) and not isinstance(given["question"], str)
    if isinstance(given, str | bytes) or not isinstance(given, Iterable):
        raise UsageError(f"{_HOW}, not {repr(given)[:80]} alone")
    items = list(given)
    if not items:
        raise UsageError("there is no question: the list is empty")
    many = len(items) > 1
    return list(chain.from_iterable(_pairs(item, at if many else 0) for at, item in enumerate(items, start=1))), False


def _pairs(item: Any, number: int) -> list[Pair]:
    """The pair of an input, or the pairs of one with lists; ``number`` counts inputs from 1, 0 is a sole one."""
    if _is_example(item):
        question, context = item.question_text, item.context_text
    elif isinstance(item, Mapping):
        if missing := [key for key in ("question", "context") if key not in item]:
            keys = ", ".join(map(repr, item)) or "none"
            raise UsageError(f"{_of('input', number)} has no {missing[0]!r} (its keys: {keys[:200]}); {_HOW}")
        question, context = item["question"], item["context"]
        if isinstance(question, list | tuple) or isinstance(context, list | tuple):
            return _spread(question, context)
    else:
        raise UsageError(f"{_of('input', number)} is {repr(item)[:80]} ({type(item).__name__}); {_HOW}")
    return [(_text("question", question, number), _text("context", context, number))]


def _text(name: str, value: object, number: int) -> str:
    if not isinstance(value, str):
        raise UsageError(f"{_of(name, number)} is no text but {repr(value)[:80]} ({type(value).__name__})")
    if all(unicodedata.category(one) in _TOKENLESS or one == "\ufffd" for one in plain(value)):
        raise UsageError(f"{_of(name, number)} is empty; give a text")
    return value


def _of(name: str, number: int) -> str:
    return f"{name} {number}" if number else f"the {name}"


def _is_example(item: object) -> bool:
    """Whether it is like transformers' ``SquadExample``."""
    return hasattr(item, "question_text") and hasattr(item, "context_text")


def _is_map_style(given: object) -> bool:
    """Whether it is a dataset of torch that has a length and items, and cannot be iterated over."""
    return not isinstance(given, Iterable) and hasattr(given, "__len__") and hasattr(given, "__getitem__")
