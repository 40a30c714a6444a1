"""What a finished run leaves: weights, tokenizer, the reader's settings, the run's record and the model card."""

from __future__ import annotations

import json
import platform
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from odqa import __version__
from odqa.reader.model import SETTINGS_FILE
from odqa.squad import file_hash
from odqa.training.checkpoint import State
from odqa.training.labels import Repairs
from odqa.training.recipe import Recipe, as_dict

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Finished:
    """All that is known of a finished run."""

    recipe: Recipe
    base: str
    state: State
    repairs: Repairs
    questions: int
    answerable: int
    threshold: float
    tuned: dict[str, float]


def write(output: Path, model: Any, tokenizer: Any, finished: Finished) -> None:
    """Write the folder; ``config.json``, which makes it a model, comes last."""
    import torch

    recipe = finished.recipe
    if recipe.save_precision == "float16":
        model = model.to(torch.float16)
    model.config.name_or_path = ""
    tokenizer.save_pretrained(str(output))
    settings = {
        "no_answer_threshold": finished.threshold,
        "max_length": recipe.max_length,
        "stride": recipe.stride,
    }
    _write_json(output / SETTINGS_FILE, settings)
    record = describe(finished)
    _write_json(output / RUN_FILE, record)
    (output / "README.md").write_text(card(record), encoding="utf-8")
    model.save_pretrained(str(output))


def describe(finished: Finished) -> dict[str, Any]:
    """The run's record: recipe, hashes of its data, versions, counts, losses and metrics, as plain values."""
    recipe, state = finished.recipe, finished.state
    paths = dict.fromkeys(source.path for source in (*recipe.train, *recipe.eval, *recipe.tune))
    files = [path for path in paths if Path(path).is_file()]
    names = Counter(Path(path).name for path in files)
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "base": finished.base,
        "recipe": as_dict(recipe),
        "data_sha256": {
            Path(path).name if names[Path(path).name] == 1 else path: file_hash(Path(path)) for path in files
        },
        "versions": {"odqa": __version__, "python": platform.python_version()}
        | {name: version(name) for name in ("torch", "transformers", "tokenizers", "accelerate")},
        "questions": finished.questions,
        "answerable": finished.answerable,
        "offsets": asdict(finished.repairs),
        "steps": state.step,
        "windows": state.windows,
        "seconds": round(state.seconds, 1),
        "windows_per_second": round(state.windows / state.seconds, 2) if state.seconds else None,
        "losses": state.losses,
        "evaluations": state.evaluations,
        "no_answer_threshold": finished.threshold,
        "tuning": finished.tuned,
    }


def card(record: dict[str, Any]) -> str:
    """The model card, in Markdown, from a run's record."""
    recipe = record["recipe"]
    sources = [
        (f"- `{source['path']}`, split {source['split']}" if source["split"] else f"- `{Path(source['path']).name}`")
        + (f", {source['keep']} questions" if source["keep"] != "all" else "")
        + (f", {source['limit']:,} drawn at random" if source["limit"] else "")
        + (
            f", {source['negatives']:g} made unanswerable questions for each answerable one"
            if source["negatives"]
            else ""
        )
        for source in recipe["train"]
    ]
    lines = [
        "---",
        "tags: [question-answering, extractive, odqa]",
        "---",
        "",
        "# An extractive reader trained by odqa",
        "",
        f"Base: `{record['base']}`. {record['questions']:,} training questions, {record['answerable']:,} of them "
        f"answerable; {record['offsets']['repaired']:,} had their answer offset repaired and "
        f"{record['offsets']['dropped']:,} were dropped.",
        "",
        "## Data",
        "",
        *sources,
        "",
        "## Recipe",
        "",
        *(
            f"- {name.replace('_', ' ')}: {recipe[name]}"
            for name in ("epochs", "batch_size", "learning_rate", "warmup", "weight_decay", "dropout", "max_length")
        ),
        f"- stride: {recipe['stride']}",
        f"- seed: {recipe['seed']}",
        f"- {record['steps']:,} steps over {record['windows']:,} windows, {record['windows_per_second']} a second",
        "",
        "## Numbers",
        "",
        f"No-answer threshold: {record['no_answer_threshold']:.4f} (start + end logit, answer against null).",
        "",
        *_table("After epoch", [(str(item["epoch"]), item) for item in record["evaluations"]]),
        *_table("Tuning data", [("", record["tuning"])] if record["tuning"] else []),
        "The versions of the libraries and the SHA-256 of every data file are in `run.json`.",
    ]
    return "\n".join(lines) + "\n"


def _table(first: str, rows: list[tuple[str, dict[str, float]]]) -> list[str]:
    if not rows:
        return []
    names = [name for name in rows[0][1] if name != "epoch"]
    lines = [f"| {first} | {' | '.join(name.replace('_', ' ') for name in names)} |", "|---" * (len(names) + 1) + "|"]
    lines += [f"| {label} | {' | '.join(f'{values[name]:.3f}' for name in names)} |" for label, values in rows]
    return [*lines, ""]


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_run(folder: Path) -> dict[str, Any]:
    """The record that a finished run left in its folder."""
    content: dict[str, Any] = json.loads((folder / RUN_FILE).read_text(encoding="utf-8"))
    return content
