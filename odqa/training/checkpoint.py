"""A run's state on disk: one whole checkpoint or the one before it, never half of one. Knows no loss and no data."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from odqa.errors import OdqaError, UsageError
from odqa.training.recipe import differences

STATE_FILE = "state.json"
CURRENT, FRESH, OLD = "checkpoint", "checkpoint.new", "checkpoint.old"
SCRATCH = (CURRENT, FRESH, OLD, "best")  # What only an unfinished run needs.


@dataclass(slots=True)
class State:
    """Where a run is: the next batch of an epoch, the optimiser steps done, the evaluations so far.

    ``losses`` holds the mean loss of each stretch between checkpoints' log points, for the card.
    """

    recipe: dict[str, Any]
    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    windows: int = 0
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    losses: list[tuple[int, float]] = field(default_factory=list)


def save(output: Path, state: State, write: Callable[[Path], None]) -> None:
    """Replace the checkpoint of ``output``; ``write`` puts models and optimiser into the folder it is given.

    The old checkpoint is there until the new one is whole. Raises OdqaError where the disk is full, the old one
    being kept.
    """
    fresh, current, old = (output / name for name in (FRESH, CURRENT, OLD))
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        write(fresh)
        (fresh / STATE_FILE).write_text(json.dumps(asdict(state)), encoding="utf-8")
    # torch reports a full disk as a RuntimeError, safetensors as an error of its own.
    except (OSError, RuntimeError, SafetensorError) as error:
        shutil.rmtree(fresh, ignore_errors=True)
        kept = find(output)
        raise OdqaError(
            f"{output}: the checkpoint of step {state.step} cannot be written ({reason(error)}); "
            + (f"{kept} is kept: make room" if kept else "none had been written before: make room, or save elsewhere")
            + " and run again with --resume"
        ) from None
    # A kill between two renames may have left the last checkpoint as the old one: it stays until the new one is there.
    if current.exists():
        shutil.rmtree(old, ignore_errors=True)
        current.rename(old)
    fresh.rename(current)
    shutil.rmtree(old, ignore_errors=True)


def find(output: Path) -> Path | None:
    """The folder of the last whole checkpoint; None where there is none."""
    for name in (CURRENT, OLD):
        if (output / name / STATE_FILE).is_file():
            return output / name
    return None


def load_state(checkpoint: Path, recipe: dict[str, Any]) -> State:
    """The state of a checkpoint. Raises UsageError, with the differences, where another recipe made it."""
    content = json.loads((checkpoint / STATE_FILE).read_text(encoding="utf-8"))
    changed = differences(content["recipe"], json.loads(json.dumps(recipe)))
    if changed:
        raise UsageError(
            f"{checkpoint} is of another recipe ({'; '.join(changed)}); resume with the same settings, or give "
            "another --output"
        )
    return State(**content)


def remove(output: Path) -> None:
    """Remove what only an unfinished run needs."""
    for name in SCRATCH:
        shutil.rmtree(output / name, ignore_errors=True)


def reason(error: Exception) -> str:
    """The first line of what an error of the file system, or of a library that wrote to it, says."""
    return str(getattr(error, "strerror", None) or str(error).strip() or type(error).__name__).splitlines()[0]
