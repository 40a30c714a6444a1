"""A reader's folder goes in, what OpenVINO's graph of it is made from comes out. Loads the model by torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from odqa.corpus.blocks import context_of
from odqa.reader.features import pad, windows
from odqa.reader.weights import load_model
from odqa.runtime.export import Made, NotExportable, check_tokens
from odqa.runtime.precision import exact_logits_in_graph
from odqa.runtime.tokens import FastTokenizer

# A model is tried on windows of different lengths.
_PAIRS = (
    ("Where is the Louvre?", "The Louvre is a museum in Paris."),
    (
        "How long is the river?",
        "The river rises in the hills west of the town, at about 420 metres above the sea, and runs for 88 km to the "
        "north. In 1911 its lower course was straightened, which lowered the ground water by more than two metres.",
    ),
    ("max_connections", "max_connections (integer): the most connections at once. The default is typically 100."),
)


def make(folder: Path) -> Made:
    """Load the reader and trace nothing yet. Raises ModelError as :func:`load_model` does, NotExportable for others."""
    model, tokenizer = load_model(folder, head_required=True)
    model.eval()
    if not getattr(tokenizer, "is_fast", False):
        raise NotExportable("its tokenizer is not a fast one")
    tokens = FastTokenizer.of(tokenizer)
    check_tokens(tokens, model)
    length = min(128, tokens.model_max_length)
    cut = windows(
        tokens,
        [question for question, _ in _PAIRS],
        [context_of(context) for _, context in _PAIRS],
        max_length=length,
        stride=length // 3,
    )
    trial = pad(tokens, list(cut))
    try:
        with torch.inference_mode():
            output = model(**{name: torch.from_numpy(values) for name, values in trial.items()})
    except Exception as error:  # A configuration that does not fit the weights; torch names it better.
        raise NotExportable(f"it fails on a trial: {type(error).__name__}") from None
    wanted = output.start_logits.numpy(), output.end_logits.numpy()
    exact_logits_in_graph(model)
    return Made(_Spans(model), tokens, {}, trial, wanted)


class _Spans(torch.nn.Module):
    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, inputs: dict[str, torch.Tensor]) -> tuple[torch.Tensor, torch.Tensor]:
        output = self.model(**inputs)
        return output.start_logits, output.end_logits
