"""A short run that two processes make together, whole and broken off: ``python -m tests.training.two_processes``."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import accelerate

from odqa.training.recipe import Recipe, Source
from odqa.training.train import train
from odqa.training.watch import SilentWatcher


class Watcher(SilentWatcher):
    """A watcher for a run whose progress nobody follows."""


class Stopping(Watcher):
    """Asks the run to stop at a step."""

    def __init__(self, at: int) -> None:
        self.at = at

    def step(self, done: int, total: int, loss: float, windows_per_second: float) -> None:
        """Interrupt this process at that step."""
        if done == self.at:
            os.kill(os.getpid(), signal.SIGINT)


def settings(train_file: Path, base: Path) -> dict[str, Any]:
    """A recipe of 6 steps: 12 windows, batches of 2, two to a step, two epochs, with dropout."""
    return {
        "train": (Source(str(train_file)),),
        "base": str(base),
        "max_length": 64,
        "stride": 16,
        "epochs": 2,
        "batch_size": 2,
        "accumulate": 2,
        "learning_rate": 1e-3,
        "precision": "float32",
        "save_every": 100,
    }


def uneven(train_file: Path, base: Path, teacher: Path) -> Recipe:
    """That recipe with 10 windows and a teacher: of five batches two processes read one twice, to have as many each."""
    return Recipe(**settings(train_file, base) | {"train": (Source(str(train_file), limit=10),)}, distill=str(teacher))


def main(train_file: Path, base: Path, teacher: Path, folder: Path) -> None:
    """Train ``folder``/whole without a break, and ``folder``/broken with one, of which ``left`` keeps what it left."""
    accelerate.Accelerator.end_training = lambda self: None  # It would part the processes after the first run.
    recipe = uneven(train_file, base, teacher)
    train(recipe, folder / "whole", Watcher(), device="cpu")
    try:
        train(recipe, folder / "broken", Stopping(3), device="cpu")
    except KeyboardInterrupt:
        pass
    else:
        raise SystemExit("it did not stop")
    if os.environ["RANK"] == "0":
        shutil.copytree(folder / "broken", folder / "left")
    train(recipe, folder / "broken", Watcher(), resume=True, device="cpu")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
