"""A reader: questions and texts go in, spans and null scores come out, by a transformer with a span head.

Knows nothing of passages, indexes or ranking.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from odqa import model_configs
from odqa.arguments import check_count, check_text, check_texts
from odqa.checked import checked
from odqa.corpus.blocks import context_of
from odqa.errors import DataError, ModelError, UsageError
from odqa.files import read_json
from odqa.models import DEFAULT_READER, ResolvedModel, content_hash, resolve
from odqa.reader import decode
from odqa.reader.compat import QuestionAnswering
from odqa.reader.features import Window, check_question, lengths, pad, windows
from odqa.reader.units import units_of
from odqa.runtime.backend import Choice, choose
from odqa.runtime.export import graph_of, maker
from odqa.runtime.network import Inputs, Network, batches
from odqa.types import Backend, Reading, Span
from odqa.views import Context

SETTINGS_FILE = "reader.json"  # Beside the weights: what the reader was trained with and what was fitted after it.
MAX_ANSWER_WORDS = 30  # The longest span; BERT's own code for SQuAD counts as many tokens.
WINDOWS_AT_A_TIME = 4096  # Sorted by length together; bounds memory for a whole dataset.


class _Settings(BaseModel):
    """What a reader's settings file may hold. Beyond these limits confidence would be lost in rounding."""

    model_config = ConfigDict(strict=True)

    no_answer_threshold: Annotated[float, Field(ge=-1e6, le=1e6)]
    temperature: Annotated[float, Field(ge=1e-6, le=1e6)] = 1.0
    length_penalty: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    max_length: Annotated[int, Field(ge=1, le=model_configs.MOST_UNITS)]
    stride: Annotated[int, Field(ge=0, le=model_configs.MOST_UNITS)]


class Reader(QuestionAnswering):
    """Finds answer spans in texts.

    Called like the ``question-answering`` pipeline that transformers 5.3 removed, it returns the same dicts;
    :meth:`read` is its own interface.

    >>> reader = Reader.load()
    >>> text = "The Louvre is in Paris."
    >>> answer = reader(question="Where is the Louvre?", context=text)
    >>> sorted(answer)
    ['answer', 'end', 'score', 'start']
    >>> answer["answer"] == text[answer["start"] : answer["end"]]
    True
    """

    workers = 1  # Processes that read at the same time.

    def __init__(
        self,
        network: Network,
        tokenizer: Any,
        *,
        name: str,
        no_answer_threshold: float = 0.0,
        temperature: float = 1.0,
        length_penalty: float = 0.0,
        max_length: int = 384,
        stride: int = 128,
        folder: Path | None = None,
    ) -> None:
        """Wrap a network that gives start and end logits; ``Reader.load`` makes one of a model's folder.

        ``tokenizer`` is a fast one of transformers, or a :class:`odqa.runtime.tokens.FastTokenizer`.
        """
        self.network = network
        self.tokenizer = tokenizer
        self.name = name
        self.folder = folder
        self.no_answer_threshold = no_answer_threshold
        self.temperature = temperature
        self.length_penalty = length_penalty
        self.max_length, self.stride = lengths(tokenizer, max_length, stride)

    @classmethod
    def load(
        cls,
        name: str | Path = DEFAULT_READER,
        *,
        device: str = "auto",
        dtype: str = "auto",
        backend: str | None = None,
    ) -> Reader:
        """Load a reader by folder, shipped name or hub id.

        ``device`` is auto, cpu, cuda or another torch device; ``dtype`` is auto, float32, bfloat16 or float16: the
        precision of what is computed (auto: bfloat16 where the hardware has it); ``backend`` is auto, openvino or
        torch. On a CPU OpenVINO computes, by a graph that is made of the model the first time that it is loaded; torch
        elsewhere, and where a model cannot be made into one. Raises ModelError where the model is missing or has no
        question-answering head, UsageError for a device that is not available and for a backend that is none.
        """
        resolved = resolve(name)
        settings = read_settings(resolved.folder)
        network, tokenizer = _network(resolved, choose(device, backend, dtype), dtype)
        return cls(network, tokenizer, name=resolved.name, folder=resolved.folder, **settings)

    @property
    def precision(self) -> str:
        """What its logits depend on besides its files: the library that computes and in which precision."""
        return f"{self.network.backend}-{self.network.precision}"

    @property
    def content_hash(self) -> str:
        """The SHA-256 (hex) of all that its scores depend on: the model's files, its windows, its length penalty.

        The hash of a large file is remembered, so that this is fast. Raises ModelError for a reader that was not loaded
        from a folder.
        """
        if self.folder is None:
            raise ModelError(f"{self.name} was not loaded from a folder, so it has no files to be known by")
        settings = f"{self.max_length}\0{self.stride}\0{self.length_penalty!r}"
        return hashlib.sha256(f"{content_hash(self.folder)}\0{settings}".encode()).hexdigest()

    def check_question(self, question: str) -> None:
        """Raise UsageError where a question is so long that it leaves no room for any context."""
        check_question(self.tokenizer, question, max_length=self.max_length, stride=self.stride)

    def read(
        self,
        questions: Sequence[str],
        contexts: Sequence[str | Context],
        *,
        n_best: int = 20,
        batch_size: int = 32,
        progress: Callable[[int], None] | None = None,
    ) -> list[Reading]:
        """Read each question against its own context; one Reading a pair, in order.

        Span offsets are characters of the context; a span holds whole words and is within one block of a context.
        ``progress`` is called with the number of windows done since its last call. An answer wins where ``span.score
        - null_score > no_answer_threshold``; the scores are less the reader's ``length_penalty`` for each word after
        a span's first. Raises UsageError for a limit below 1, for what is no list of texts, for lists of different
        lengths, and for a question that leaves no room for its context.
        """
        questions, read = checked_pairs(questions, contexts, n_best=n_best, batch_size=batch_size)
        units = cache(units_of)  # One context is often read for many questions.
        found: list[list[tuple[list[Span], float]]] = [[] for _ in questions]
        for window, start, end in self.logits(questions, read, batch_size, progress):
            context = read[window.pair]
            spans = decode.spans_of(
                window,
                units(context),
                context.text,
                start,
                end,
                n_best=n_best,
                max_units=MAX_ANSWER_WORDS,
                length_penalty=self.length_penalty,
            )
            found[window.pair].append((spans, float(start[window.null] + end[window.null])))
        return [decode.join(some, n_best) for some in found]

    def logits(
        self,
        questions: Sequence[str],
        contexts: Sequence[str | Context],
        batch_size: int = 32,
        progress: Callable[[int], None] | None = None,
        **shape: int,
    ) -> Iterator[tuple[Window, decode.Array, decode.Array]]:
        """Give every window with its start and end logits, each (window.length,) float32, in no fixed order.

        ``shape`` may set another ``max_length`` and ``stride`` than the reader's. Raises UsageError as ``read`` does.
        """
        questions, read = checked_pairs(questions, contexts, batch_size=batch_size)
        cut = {"max_length": self.max_length, "stride": self.stride} | shape
        waiting: list[Window] = []
        for window in windows(self.tokenizer, questions, read, **cut):
            waiting.append(window)
            if len(waiting) == WINDOWS_AT_A_TIME:
                yield from self._run(waiting, batch_size, progress)
                waiting = []
        yield from self._run(waiting, batch_size, progress)

    def _run(
        self, waiting: list[Window], batch_size: int, progress: Callable[[int], None] | None
    ) -> Iterator[tuple[Window, decode.Array, decode.Array]]:
        network, lengths = self.network, [window.length for window in waiting]
        rows = batches(lengths, network.batch_tokens, rows=batch_size, least=network.streams)
        cut = [[waiting[at] for at in batch] for batch in rows]
        for some, (starts, ends) in zip(cut, self._computed(cut), strict=True):
            for row, window in enumerate(some):
                if not np.isfinite([starts[row, : window.length], ends[row, : window.length]]).all():
                    raise ModelError(
                        f"the reader {self.name} gives logits that are not finite: its weights are damaged; use "
                        "another reader"
                    )
                yield window, starts[row, : window.length], ends[row, : window.length]
            if progress:
                progress(len(some))

    def _computed(self, cut: Sequence[Sequence[Window]]) -> Iterator[tuple[decode.Array, ...]]:
        """The start and end logits of each batch, each (windows, padded length)."""
        inputs: Iterator[Inputs] = (pad(self.tokenizer, some) for some in cut)
        try:
            yield from self.network.run(inputs)
        # A token without an embedding, an input that the model has no place for, or no memory for the batch.
        except (RuntimeError, IndexError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(
                f"the reader {self.name} fails on its input ({model_configs.reason(error)}): its configuration, "
                "weights and tokenizer do not fit together, or memory is short; use another one, or smaller batches"
            ) from error


def checked_pairs(
    questions: Sequence[str], contexts: Sequence[str | Context], **counts: int
) -> tuple[list[str], list[Context]]:
    """The questions, and what is read for each.

    Raises UsageError for what is no list of texts (a context may be a Context as well), for lists of different lengths,
    and for one of the ``counts``, by its name, that is no whole number of at least 1.
    """
    for name, count in counts.items():
        check_count(name, count)
    remedy = "give two lists, a context for each question"
    asked = [check_text("question", question) for question in check_texts("questions", questions, remedy)]
    texts: Iterable[str | Context] = check_texts("contexts", contexts, remedy)
    read = [context_of(one if isinstance(one, Context) else check_text("context", one)) for one in texts]
    if len(asked) != len(read):
        raise UsageError(f"{len(asked)} questions but {len(read)} contexts: each question needs its own")
    return asked, read


def _network(model: ResolvedModel, choice: Choice, dtype: str) -> tuple[Network, Any]:
    """The model as it runs, and its tokenizer."""
    if choice.backend is Backend.OPENVINO and (graph := graph_of(model, "reader", maker("odqa.reader.graph"))):
        return graph.network(choice.precision), graph.tokenizer
    from odqa.reader.weights import torch_network

    return torch_network(model.folder, choice.device, dtype)


def read_settings(folder: Path) -> dict[str, Any]:
    """The reader's own settings (threshold, temperature, length penalty, window length, stride) from its folder.

    Defaults where the folder has none; a temperature of 1 and a penalty of 0, which change nothing, where none was
    fitted. Raises ModelError, naming the file, for settings that are broken or senseless.
    """
    path = folder / SETTINGS_FILE
    if not path.is_file():
        return {}
    remedy = "correct it (set temperature to 1 and length_penalty to 0: both change nothing), or train it again"
    try:
        settings: _Settings = checked(_Settings, read_json(path, remedy), str(path), remedy)
    except DataError as error:
        raise ModelError(str(error)) from None
    return settings.model_dump()
