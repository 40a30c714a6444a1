"""The answers of the ``question-answering`` pipeline that transformers 5.3 removed, from the same logits.

Code that lost the pipeline changes one import: the arguments, the scores and the dicts are those of the
``QuestionAnsweringPipeline`` of transformers 4.57, the last of version 4. Its score is softmax(start) x softmax(end)
inside a window, added up over equal texts, which cannot be compared between windows or passages; ``Reader.read``
gives scores that can. One thing differs: an answer never begins or ends with white space.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from odqa.errors import UsageError
from odqa.reader import decode
from odqa.reader.features import Window

Answer: TypeAlias = dict[str, Any]
Words: TypeAlias = dict[tuple[int, int], tuple[int, int]]
Logits: TypeAlias = Callable[..., Iterator[tuple[Window, decode.Array, decode.Array]]]


def answer(
    tokenizer: Any,
    logits: Logits,
    /,
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

    ``tokenizer`` and ``logits`` are those of an ``odqa.Reader``; the other arguments are the pipeline's.
    ``question`` and ``context`` are one text or lists (one question over several contexts, or several over one,
    are spread), or ``inputs`` are dicts with both keys. One question, in a list or not, gives a dict, or with
    ``top_k`` > 1 a list of dicts ``{"score", "start", "end", "answer"}``; many give a list with one such result
    each. ``max_question_len`` has no effect, as it had none with a fast tokenizer. Raises UsageError for an empty
    question or context, a question that leaves no room for its context, or a limit below 1.
    """
    questions, contexts = _pairs(inputs, question, context)
    for name, value in (("top_k", top_k), ("max_answer_len", max_answer_len), ("max_question_len", max_question_len)):
        if value < 1:
            raise UsageError(f"{name} is {value}; it must be at least 1")
    max_length = min(max_seq_len or 384, tokenizer.model_max_length)
    stride = doc_stride if doc_stride is not None else min(max_length // 2, 128)
    if not 0 <= stride < max_length:
        raise UsageError(f"doc_stride is {stride}; it must be from 0 to less than max_seq_len ({max_length})")
    # Spans that widen to the same words are added up, so the pipeline took more of them than it was asked for.
    n_best = 2 * top_k + 10 if align_to_words else top_k
    text = ""
    words: Words = {}
    found: list[list[Answer]] = [[] for _ in questions]
    null = [1e6] * len(questions)
    windows = logits(questions, contexts, batch_size, max_length=max_length, stride=stride)
    for window, start, end in sorted(windows, key=lambda item: (item[0].pair, _begin(item[0]))):
        inside = window.offsets[:, 0] >= 0
        starts, ends, impossible = _probabilities(window, inside, start, end)
        null[window.pair] = min(null[window.pair], impossible)
        if align_to_words and contexts[window.pair] != text:
            words = _words(tokenizer, contexts[window.pair])
        text = contexts[window.pair]
        with np.errstate(divide="ignore"):
            pairs = decode.best_pairs(np.log(starts), np.log(ends), inside, n_best=n_best, max_tokens=max_answer_len)
        for first, last, score in pairs:
            (begin, _), (_, after) = (_widened(window, token, words) for token in (first, last))
            begin, after = decode.trim(text, begin, after)
            if begin < after:
                _add(found[window.pair], text[begin:after], begin, float(np.exp(score)))
    if handle_impossible_answer:
        for some, impossible in zip(found, null, strict=True):
            some.append({"score": impossible, "start": 0, "end": 0, "answer": ""})
    results = [_best(some, top_k) for some in found]
    return results if len(results) > 1 else results[0]


def _pairs(inputs: tuple[Any, ...], question: Any, context: Any) -> tuple[list[str], list[str]]:
    if inputs:
        if len(inputs) == 2 and all(isinstance(item, str) for item in inputs):
            return _pairs((), inputs[0], inputs[1])
        given = list(inputs[0]) if len(inputs) == 1 and isinstance(inputs[0], (list, tuple)) else list(inputs)
        if not all(isinstance(item, Mapping) and {"question", "context"} <= item.keys() for item in given):
            raise UsageError("give question= and context=, or dicts with the keys 'question' and 'context'")
        questions, contexts = ([item[key] for item in given] for key in ("question", "context"))
    else:
        if question is None or context is None:
            raise UsageError("give both question= and context=")
        questions = list(question) if isinstance(question, (list, tuple)) else [question]
        contexts = list(context) if isinstance(context, (list, tuple)) else [context]
        if len(questions) == 1:
            questions *= len(contexts)
        elif len(contexts) == 1:
            contexts *= len(questions)
    if len(questions) != len(contexts):
        raise UsageError(f"{len(questions)} questions but {len(contexts)} contexts: give as many, or one of either")
    for name, texts in (("question", questions), ("context", contexts)):
        if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
            raise UsageError(f"the {name} is empty; give a text")
    return questions, contexts


def _begin(window: Window) -> int:
    inside = window.offsets[window.answerable]
    return int(inside[0, 0]) if len(inside) else 0


def _probabilities(
    window: Window, inside: NDArray[np.bool_], start: decode.Array, end: decode.Array
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Softmax over the context's tokens and the null position, which competes but cannot be an answer."""
    competing = inside.copy()
    competing[window.null] = True
    probabilities = []
    for logits in (start, end):
        exponentials = np.where(competing, np.exp(logits.astype(np.float64) - logits[competing].max()), 0.0)
        probabilities.append(exponentials / exponentials.sum())
    impossible = float(probabilities[0][window.null] * probabilities[1][window.null])
    return probabilities[0], probabilities[1], impossible


def _words(tokenizer: Any, text: str) -> Words:
    """For the characters of each token those of its word; what a word is, the tokenizer says before it cuts it up."""
    encoding = tokenizer(text, add_special_tokens=False).encodings[0]
    begins: dict[int, int] = {}
    ends: dict[int, int] = {}
    for word, (begin, end) in zip(encoding.word_ids, encoding.offsets, strict=True):
        begins.setdefault(word, begin)
        ends[word] = end
    return {
        place: (begins[word], ends[word])
        for word, place in zip(encoding.word_ids, encoding.offsets, strict=True)
        if word is not None
    }


def _widened(window: Window, token: int, words: Words) -> tuple[int, int]:
    """The characters of a token's word, or its own where it belongs to none."""
    begin, end = (int(at) for at in window.offsets[token])
    return words.get((begin, end), (begin, end))


def _best(found: list[Answer], top_k: int) -> Answer | list[Answer]:
    """The answers of the largest score, best first; a single one stands alone."""
    best = sorted(found, key=lambda item: item["score"], reverse=True)[:top_k]
    return best[0] if len(best) == 1 else best


def _add(found: list[Answer], answer: str, start: int, score: float) -> None:
    """Add an answer, or its score to one of the same text in another place, as the pipeline did."""
    for known in found:
        if known["answer"].lower() == answer.lower():
            known["score"] += score
            return
    found.append({"score": score, "start": start, "end": start + len(answer), "answer": answer})
