"""A run's state goes to disk and comes back: one whole checkpoint or the one before it. Knows no loss and no data.

A checkpoint is a folder. What is written last, ``files.json``, has the SHA-256 of every other file in it: where it is
there, the checkpoint was whole, and what was changed since then is found by its hash.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field
from safetensors import SafetensorError

from odqa.checked import checked
from odqa.errors import DataError, OdqaError, UsageError
from odqa.files import read_json, sha256, write_json
from odqa.training.recipe import Recipe, differences

STATE_FILE, FILES_FILE = "state.json", "files.json"
CURRENT, FRESH, OLD, BEST = "checkpoint", "checkpoint.new", "checkpoint.old", "best"
SCRATCH = (CURRENT, FRESH, OLD, BEST)  # What only an unfinished run needs.

_Count = Annotated[int, Field(ge=0)]
_Plain = str | bool | int | float | None
_Setting = _Plain | list[_Plain | dict[str, _Plain | list[_Plain]]]
_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(slots=True)
class State:
    """Where a run is: the next batch of an epoch, the optimiser steps done, the evaluations so far.

    ``tokens`` counts those of the windows with their padding. ``inputs`` are the SHA-256 of the files that the run
    reads. ``losses`` holds the mean loss of each stretch between checkpoints' log points, for the record. ``best`` is
    the SHA-256 of the weights of the best epoch so far, empty where none is kept, ``processes`` how many there are.
    """

    recipe: Mapping[str, _Setting]
    epoch: _Count = 0
    batch: _Count = 0
    step: _Count = 0
    seconds: Annotated[float, Field(ge=0)] = 0.0
    windows: _Count = 0
    evaluations: list[dict[str, int | float]] = field(default_factory=list)
    losses: list[tuple[int, float]] = field(default_factory=list)
    tokens: _Count = 0
    inputs: dict[str, str] = field(default_factory=dict)
    best: str = ""
    processes: Annotated[int, Field(gt=0)] = 1

    @property
    def best_epoch(self) -> int:
        """The number, from 1, of the first epoch of the best quality; 0 where none was evaluated."""
        return int(max(self.evaluations, key=quality)["epoch"]) if self.evaluations else 0


def quality(scores: Mapping[str, float]) -> float:
    """How good an epoch is by its scores, more being better: F1 where answers were scored, else a loss, negated."""
    return scores["f1"] if "f1" in scores else -scores["loss"]


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
        write_json(fresh / FILES_FILE, {path.name: sha256(path) for path in sorted(fresh.iterdir())})
    except (OSError, SafetensorError) as error:  # safetensors reports a full disk as an error of its own.
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
        if (output / name / FILES_FILE).is_file():
            return output / name
    return None


def verify(checkpoint: Path) -> None:
    """Raise DataError, naming the file, where one of the checkpoint's files is missing or not as it was written."""
    listed = checkpoint / FILES_FILE
    remedy = f"put it back, or remove {checkpoint} and train again"
    hashes: dict[str, str] = checked(dict[str, _Hash], read_json(listed, remedy), str(listed), remedy)
    if STATE_FILE not in hashes:
        raise DataError(f"{listed} lists no {STATE_FILE}; {remedy}")
    for name, wanted in hashes.items():
        if Path(name).name != name:
            raise DataError(f"{listed} names {name!r}, which is no file of the checkpoint; {remedy}")
        check_file(checkpoint / name, wanted, remedy)


def check_file(path: Path, wanted: str, remedy: str) -> None:
    """Raise DataError, ending with ``remedy``, where the file ``path`` is missing or has not the SHA-256 ``wanted``."""
    try:
        found = sha256(path)
    except (OSError, ValueError, UsageError) as error:  # ValueError: a name that no file can have.
        raise DataError(f"{path} cannot be read ({reason(error)}); {remedy}") from None
    if found != wanted:
        raise DataError(
            f"{path} was changed or cut short since it was written: its SHA-256 is {found[:12]}…, not {wanted[:12]}…; "
            f"{remedy}"
        )


def best_file(output: Path, state: State) -> Path:
    """Where the weights of the best epoch so far are kept: each epoch's in a file of its own, so that none is lost."""
    return output / BEST / f"epoch-{state.best_epoch}.safetensors"


def forget_worse(output: Path, state: State) -> None:
    """Remove the weights of epochs that no checkpoint calls the best one any more."""
    for path in (output / BEST).glob("*"):
        if path != best_file(output, state):
            path.unlink(missing_ok=True)


def load_state(
    checkpoint: Path, recipe: Mapping[str, Any], inputs: Mapping[str, str], processes: int = 1, kind: type = Recipe
) -> State:
    """Read the state of a checkpoint, with ``inputs`` as the hashes of the files that are read from now on.

    ``recipe`` is one of a ``kind``, as a dict.

    Raises UsageError, with the differences, where another recipe or another number of processes made it (the precision
    may be another), or naming the file where one of its inputs has changed since, and DataError where it is no such
    state.
    """
    path, remedy = checkpoint / STATE_FILE, f"remove {checkpoint} and train again"
    state: State = checked(State, read_json(path, remedy), str(path), remedy)
    if not all("epoch" in one and one.keys() & {"f1", "loss"} for one in state.evaluations):
        raise DataError(f"{path}: not the state of a run (an evaluation lacks its epoch, or f1 and loss); {remedy}")
    # Weights and optimiser are in float32 here, whatever was computed in: another machine may have another arithmetic.
    before, wanted = ({**settings, "precision": ""} for settings in (state.recipe, recipe))
    changed = differences(before, wanted, kind)
    if changed:
        raise UsageError(
            f"{checkpoint} is of another recipe ({'; '.join(changed)}); resume with the same settings, or give "
            "another --output"
        )
    if state.processes != processes:
        raise UsageError(
            f"{checkpoint} is of a run of {state.processes} process(es), and there are {processes} now; resume with as "
            "many, or give another --output"
        )
    for name, digest in state.inputs.items():
        now = inputs.get(name)
        if now != digest:
            is_now = f"now has {now[:12]}…" if now else "is no longer there"
            raise UsageError(
                f"{name} is not what {checkpoint} was trained with: its SHA-256 was {digest[:12]}… and it {is_now}; "
                "put it back as it was, or give another --output"
            )
    state.recipe, state.inputs = recipe, dict(inputs)
    return state


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
    """Remove what only an unfinished run needs; of a checkpoint first what makes it a whole one."""
    for name in SCRATCH:
        with suppress(OSError):
            (output / name / FILES_FILE).unlink()
        shutil.rmtree(output / name, ignore_errors=True)


def reason(error: Exception) -> str:
    """The first line of what an error of the file system, or of a library that wrote to it, says."""
    return str(getattr(error, "strerror", None) or str(error).strip() or type(error).__name__).splitlines()[0]
