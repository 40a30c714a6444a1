"""What a finished run leaves: weights, tokenizer, the reader's settings, the run's record and the model card."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from odqa import __version__
from odqa.reader.model import SETTINGS_FILE
from odqa.training.card import card
from odqa.training.checkpoint import State
from odqa.training.hardware import utilisation
from odqa.training.inputs import Taken, data_hashes
from odqa.training.labels import Repairs
from odqa.training.recipe import Recipe, as_dict
from odqa.training.tuning import Tuning

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Finished:
    """All that is known of a finished run.

    ``base_run`` is the record of the run that made the base, ``teacher`` says what was distilled (its name, its
    ``sha256`` and the record of the run that made it, ``run``), each None where there is none. ``taken`` has an entry
    for each training source.
    """

    recipe: Recipe
    base: str
    base_run: dict[str, Any] | None
    teacher: dict[str, Any] | None
    state: State
    repairs: Repairs
    taken: tuple[Taken, ...]
    tuned: Tuning
    hardware: dict[str, Any]
    flops_per_token: int


def write(output: Path, model: Any, tokenizer: Any, finished: Finished) -> None:
    """Write the folder; ``config.json``, which makes it a model, comes last."""
    import torch

    recipe = finished.recipe
    if recipe.save_precision == "float16":
        model = model.to(torch.float16)
    model.config.name_or_path = ""
    tokenizer.save_pretrained(str(output))
    settings = {
        "no_answer_threshold": finished.tuned.threshold,
        "temperature": finished.tuned.temperature,
        "length_penalty": finished.tuned.length_penalty,
        "max_length": recipe.max_length,
        "stride": recipe.stride,
    }
    _write_json(output / SETTINGS_FILE, settings)
    record = describe(finished)
    _write_json(output / RUN_FILE, record)
    (output / "README.md").write_text(card(record), encoding="utf-8")
    model.save_pretrained(str(output))


def describe(finished: Finished) -> dict[str, Any]:
    """The run's record: recipe, hashes of its data, versions, counts, speed, losses and metrics, as plain values.

    ``seconds`` are those of training alone, without evaluations and checkpoints. ``mfu`` is the model FLOPs
    utilisation (:mod:`odqa.training.hardware`), None where it is not known.
    """
    recipe, state, hardware = finished.recipe, finished.state, finished.hardware
    share = utilisation(hardware, finished.flops_per_token, state.tokens, state.seconds)
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "base": finished.base_run["base"] if finished.base_run else finished.base,
        "base_run": finished.base_run,
        "teacher": finished.teacher,
        "recipe": as_dict(recipe),
        "data_sha256": data_hashes(recipe, state.inputs),
        "versions": {"odqa": __version__, "python": platform.python_version()}
        | {name: version(name) for name in ("torch", "transformers", "tokenizers", "accelerate")},
        "taken": [asdict(one) for one in finished.taken],
        "questions": sum(one.answerable + one.unanswerable for one in finished.taken),
        "answerable": sum(one.answerable for one in finished.taken),
        "offsets": asdict(finished.repairs),
        "steps": state.step,
        "windows": state.windows,
        "tokens": state.tokens,
        "seconds": round(state.seconds, 1),
        "windows_per_second": round(state.windows / state.seconds, 2) if state.seconds else None,
        "hardware": hardware,
        "flops_per_token": finished.flops_per_token,
        "mfu": None if share is None else round(share, 4),
        "losses": state.losses,
        "evaluations": state.evaluations,
        "no_answer_threshold": finished.tuned.threshold,
        "temperature": finished.tuned.temperature,
        "length_penalty": finished.tuned.length_penalty,
        "tuning": finished.tuned.record,
    }


def read_run(folder: Path) -> dict[str, Any]:
    """The record that a finished run left in its folder."""
    content: dict[str, Any] = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    return content


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
