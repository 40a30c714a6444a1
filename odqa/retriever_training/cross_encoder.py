"""A question and passages go in, what a cross-encoder makes of each pair comes out. Knows no index and no vectors.

A cross-encoder reads question and passage together, as the reader does, and gives one number for how well the passage
answers (Nogueira and Cho 2019, "Passage Re-ranking with BERT"): dearer than comparing vectors, and it sees more. An
encoder can learn from it; docs/decisions/no-reranker.md says why none orders what was found.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from odqa import model_configs
from odqa.device import pick_device
from odqa.errors import ModelError
from odqa.models import ResolvedModel, resolve
from odqa.types import Passage
from odqa.views import context_of_passage, heading_path, plain, view_of

BATCH = 32
_USUAL_LIMIT = 512  # Tokens of a pair, where a model states none.


class CrossEncoder:
    """A loaded cross-encoder."""

    def __init__(self, model: Any) -> None:
        """Wrap one of sentence-transformers; ``CrossEncoder.load`` makes one of a model's folder."""
        self._model = model
        self._limit = min(model.max_seq_length or _USUAL_LIMIT, _USUAL_LIMIT)

    @classmethod
    def load(cls, name: str | Path, device: str = "auto") -> CrossEncoder:
        """Load the cross-encoder called ``name``: a folder or a hub id, of sentence-transformers or transformers.

        Raises ModelError when it cannot be found, cannot be loaded, or gives more than one number for a pair,
        UsageError for a device that is not available.
        """
        return cls(_load(resolve(name), str(pick_device(device))))

    def scores(self, questions: Sequence[str], passages: Sequence[Passage]) -> list[float]:
        """The logit of each question and its passage, which is read below its title and headings."""
        import torch

        if not passages:
            return []
        pairs = [(plain(question), self._text(passage)) for question, passage in zip(questions, passages, strict=True)]
        found = self._model.predict(pairs, batch_size=BATCH, show_progress_bar=False, activation_fn=torch.nn.Identity())
        return [float(score) for score in found]

    def _text(self, passage: Passage) -> str:
        """What is read of a passage: its title and headings, a quarter of what is read at most, and its view."""
        context = context_of_passage(passage)
        return heading_path(context.path, self._limit // 4, self._offsets) + view_of(context).text

    def _offsets(self, text: str) -> list[tuple[int, int]]:
        found = self._model.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, truncation=False)
        return list(found["offset_mapping"])


def _load(found: ResolvedModel, device: str) -> Any:
    from odqa.runtime.quiet import quiet

    with quiet():
        try:
            import sentence_transformers

            model_configs.check(found.folder)
            model = sentence_transformers.CrossEncoder(
                str(found.folder), device=device, local_files_only=True, trust_remote_code=False
            )
        # Damaged weights, configurations and tokenizers surface as a dozen unrelated types of error.
        except Exception as error:
            raise ModelError(
                f"{found.folder} cannot be loaded as a cross-encoder: {model_configs.reason(error)}; name one of "
                "sentence-transformers"
            ) from None
    if model.num_labels != 1:
        raise ModelError(
            f"{found.name} gives {model.num_labels} numbers for a question and a passage, not one score; name a "
            "cross-encoder that was trained to rank passages"
        )
    if not getattr(model.tokenizer, "is_fast", False):
        raise ModelError(f"the cross-encoder {found.name} has no fast tokenizer (tokenizer.json); name another")
    return model
