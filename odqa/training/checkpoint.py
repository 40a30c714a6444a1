"""A run's state goes to disk and comes back: one whole checkpoint or the one before it. Knows no loss and no data."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError

from odqa.errors import OdqaError, UsageError
from odqa.files import read_json, write_json
from odqa.training.recipe import differences

STATE_FILE = "state.json"
CURRENT, FRESH, OLD = "checkpoint", "checkpoint.new", "checkpoint.old"
SCRATCH = (CURRENT, FRESH, OLD, "best")  # What only an unfinished run needs.


@dataclass(slots=True)
class State:
    """Where a run is: the next batch of an epoch, the optimiser steps done, the evaluations so far.

    ``tokens`` counts those of the windows with their padding. ``inputs`` are the SHA-256 of the files that the run
    reads. ``losses`` holds the mean loss of each stretch between checkpoints' log points, for the record.
    """

    recipe: dict[str, Any]
    epoch: int = 0
    batch: int = 0
    step: int = 0
    seconds: float = 0.0
    windows: int = 0
    evaluations: list[dict[str, Any]] = field(default_factory=list)
    losses: list[tuple[int, float]] = field(default_factory=list)
    tokens: int = 0
    inputs: dict[str, str] = field(default_factory=dict)


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
        write_json(fresh / STATE_FILE, asdict(state), indent=None)
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


def load_state(checkpoint: Path, recipe: Mapping[str, Any], inputs: Mapping[str, str]) -> State:
    """Read the state of a checkpoint, with ``inputs`` as the hashes of the files that are read from now on.

    Raises UsageError, with the differences, where another recipe made it, or naming the file where one of its inputs
    has changed since.
    """
    state = State(**read_json(checkpoint / STATE_FILE, f"remove {checkpoint} and train again"))
    changed = differences(state.recipe, recipe)
    if changed:
        raise UsageError(
            f"{checkpoint} is of another recipe ({'; '.join(changed)}); resume with the same settings, or give "
            "another --output"
        )
    for name, before in state.inputs.items():
        now = inputs.get(name)
        if now != before:
            is_now = f"now has {now[:12]}…" if now else "is no longer there"
            raise UsageError(
                f"{name} is not what {checkpoint} was trained with: its SHA-256 was {before[:12]}… and it {is_now}; "
                "put it back as it was, or give another --output"
            )
    state.inputs = dict(inputs)
    return state


def check_output(output: Path, *, resume: bool) -> None:
    """Raise UsageError where ``output`` cannot hold a run; an unfinished one may be there with ``resume``."""
    if output.is_file():
        raise UsageError(f"{output} is a file; give a folder as --output")
    if not output.is_dir() or not any(output.iterdir()):
        return
    if find(output):
        if not resume:
            raise UsageError(f"{output} holds an unfinished run; add --resume, or give another --output")
    elif all(path.name in SCRATCH for path in output.iterdir()):
        return  # A run was killed before its first checkpoint.
    elif (output / "config.json").exists():
        raise UsageError(f"{output} holds a finished model; give another --output")
    elif not resume:
        raise UsageError(f"{output} is not empty and holds no run of ours; give another --output")


@contextmanager
def room_for(output: Path) -> Iterator[None]:
    """Turn a full disk into one line: safetensors and torch raise errors of their own, tokenizers a bare Exception."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, OSError | RuntimeError | SafetensorError) and type(error) is not Exception:
            raise
        kept = find(output)
        remedy = "make room and run again with --resume" if kept else "make room and run again"
        raise OdqaError(f"{output}: the model cannot be written ({reason(error)}); {remedy}") from None


def remove(output: Path) -> None:
    """Remove what only an unfinished run needs."""
    for name in SCRATCH:
        shutil.rmtree(output / name, ignore_errors=True)


def reason(error: Exception) -> str:
    """The first line of what an error of the file system, or of a library that wrote to it, says."""
    return str(getattr(error, "strerror", None) or str(error).strip() or type(error).__name__).splitlines()[0]
