"""The answers of the ``question-answering`` pipeline that transformers 5.3 removed, from the same logits.

Code that lost the pipeline changes one import: the arguments, the scores and the dicts are those of transformers
4's ``QuestionAnsweringPipeline``. Its score is softmax(start) x softmax(end) inside a window, which cannot be
compared between windows or passages; ``Reader.read`` gives scores that can.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odqa.errors import UsageError
from odqa.reader import decode
from odqa.reader.features import Window

if TYPE_CHECKING:
    from odqa.reader.model import Reader

Answer = dict[str, Any]


def answer(
    reader: Reader,
    *inputs: Any,
    question: str | Sequence[str] | None = None,
    context: str | Sequence[str] | None = None,
    top_k: int = 1,
    doc_stride: int | None = None,
    max_seq_len: int | None = None,
    max_answer_len: int = 15,
    max_question_len: int = 64,
    handle_impossible_answer: bool = False,
    align_to_words: bool = True,
    batch_size: int = 32,
) -> Answer | list[Any]:
    """Answer one question or many; see the pipeline's documentation in transformers 4.

    ``question`` and ``context`` are one text or lists (one question over several contexts, or several over one,
    are spread), or ``inputs`` are dicts with both keys. One question gives a dict, or with ``top_k`` > 1 a list of
    dicts ``{"score", "start", "end", "answer"}``; many give a list with one such result each. Raises UsageError
    for an empty question or context, or a limit below 1.
    """
    questions, contexts, many = _pairs(inputs, question, context)
    for name, value in (("top_k", top_k), ("max_answer_len", max_answer_len), ("max_question_len", max_question_len)):
        if value < 1:
            raise UsageError(f"{name} is {value}; it must be at least 1")
    max_length = min(max_seq_len or 384, reader.tokenizer.model_max_length)
    stride = doc_stride if doc_stride is not None else min(max_length // 2, 128)
    if stride >= max_length:
        raise UsageError(f"doc_stride ({stride}) is larger than max_seq_len ({max_length})")
    cut = [_cut_question(reader.tokenizer, text, max_question_len) for text in questions]
    found: list[list[Answer]] = [[] for _ in questions]
    null = [1e6] * len(questions)
    logits = reader._logits(cut, contexts, batch_size, max_length=max_length, stride=stride)
    for window, start, end in sorted(logits, key=lambda item: (item[0].pair, _begin(item[0]))):
        starts, ends, impossible = _probabilities(window, start, end)
        null[window.pair] = min(null[window.pair], impossible)
        text = contexts[window.pair]
        with np.errstate(divide="ignore"):
            pairs = decode.best_pairs(
                np.log(starts), np.log(ends), window.answerable, n_best=top_k, max_tokens=max_answer_len
            )
        for first, last, score in pairs:
            place = decode.trim(text, int(window.offsets[first, 0]), int(window.offsets[last, 1]))
            if align_to_words:
                place = _whole_words(text, *place)
            _add(found[window.pair], text, place, float(np.exp(score)))
    results: list[Any] = []
    for some, impossible in zip(found, null, strict=True):
        if handle_impossible_answer:
            some.append({"score": impossible, "start": 0, "end": 0, "answer": ""})
        best = sorted(some, key=lambda item: item["score"], reverse=True)[:top_k]
        results.append(best[0] if len(best) == 1 else best)
    return results if many else results[0]


def _pairs(inputs: tuple[Any, ...], question: Any, context: Any) -> tuple[list[str], list[str], bool]:
    if inputs:
        if len(inputs) == 2 and all(isinstance(item, str) for item in inputs):
            return _pairs((), inputs[0], inputs[1])
        given = list(inputs[0]) if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)) else list(inputs)
        if not all(isinstance(item, Mapping) and {"question", "context"} <= item.keys() for item in given):
            raise UsageError("give question= and context=, or dicts with the keys 'question' and 'context'")
        questions, contexts = ([str(item[key]) for item in given] for key in ("question", "context"))
        many = len(given) > 1 or isinstance(inputs[0], (list, tuple))
    else:
        if question is None or context is None:
            raise UsageError("give both question= and context=")
        questions = [question] if isinstance(question, str) else list(question)
        contexts = [context] if isinstance(context, str) else list(context)
        many = not (isinstance(question, str) and isinstance(context, str))
        if len(questions) == 1:
            questions *= len(contexts)
        elif len(contexts) == 1:
            contexts *= len(questions)
    if len(questions) != len(contexts):
        raise UsageError(f"{len(questions)} questions but {len(contexts)} contexts: give as many, or one of either")
    for name, texts in (("question", questions), ("context", contexts)):
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            raise UsageError(f"the {name} is empty; give a text")
    return questions, contexts, many


def _cut_question(tokenizer: Any, question: str, limit: int) -> str:
    """The question's first ``limit`` tokens, as a slice of it (the pipeline cut long questions, too)."""
    offsets = tokenizer(question.strip(), add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    return question.strip() if len(offsets) <= limit else question.strip()[: offsets[limit - 1][1]]


def _begin(window: Window) -> int:
    inside = window.offsets[window.answerable]
    return int(inside[0, 0]) if len(inside) else 0


def _probabilities(
    window: Window, start: decode.Array, end: decode.Array
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Softmax over the context's tokens and the null position, which competes but cannot be an answer."""
    competing = window.answerable.copy()
    competing[window.null] = True
    probabilities = []
    for logits in (start, end):
        exponentials = np.where(competing, np.exp(logits.astype(np.float64) - logits[competing].max()), 0.0)
        probabilities.append(exponentials / exponentials.sum())
    impossible = float(probabilities[0][window.null] * probabilities[1][window.null])
    return probabilities[0], probabilities[1], impossible


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span to the words it touches; a word is a run of letters and digits."""
    while 0 < start < end and text[start].isalnum() and text[start - 1].isalnum():
        start -= 1
    while start < end < len(text) and text[end - 1].isalnum() and text[end].isalnum():
        end += 1
    return start, end


def _add(found: list[Answer], text: str, place: tuple[int, int], score: float) -> None:
    """Add an answer, or its score to one of the same text in another place, as the pipeline did."""
    start, end = place
    for known in found:
        if known["answer"].lower() == text[start:end].lower():
            known["score"] += score
            return
    found.append({"score": score, "start": start, "end": end, "answer": text[start:end]})
