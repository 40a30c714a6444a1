"""A trained model and its run's record go in, a reader's folder comes out, with its settings and its model card."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from odqa.files import write_json
from odqa.reader.model import SETTINGS_FILE
from odqa.runtime.quiet import quiet
from odqa.training.card import card
from odqa.training.recipe import Recipe
from odqa.training.record import RUN_FILE, RunRecord


def write(output: Path, model: Any, tokenizer: Any, recipe: Recipe, record: RunRecord) -> None:
    """Write the folder; ``config.json`` and the weights, which make it a model, come last."""
    import torch

    if recipe.save_precision == "float16":
        model = model.to(torch.float16)
    model.config.name_or_path = ""
    tokenizer.save_pretrained(str(output))
    settings = {
        "no_answer_threshold": record.no_answer_threshold,
        "temperature": record.temperature,
        "length_penalty": record.length_penalty,
        "max_length": recipe.max_length,
        "stride": recipe.stride,
    }
    write_json(output / SETTINGS_FILE, settings)
    write_json(output / RUN_FILE, record.to_json())
    (output / "README.md").write_text(card(record), encoding="utf-8")
    with quiet():
        model.save_pretrained(str(output))
