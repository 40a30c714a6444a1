"""A run's output folder goes in; it is refused where it holds something else, and kept from other runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from odqa.errors import UsageError
from odqa.files import unwritable
from odqa.reports.loss_curve import FILE as LOSS_CURVE
from odqa.training.checkpoint import BEST, CURRENT, FILES_FILE, OLD, SCRATCH, find
from odqa.training.watch import is_first_process

PREPARED = "prepared"  # What a run has made of its data before its first step, where it does.
TRACKED = "odqa"  # The log of --track tensorboard.
_LOCK = ".lock"
_OF_BEST = re.compile(r"\.?epoch-\d+\.safetensors(\.\d+\.tmp)?")
_OF_LOSS = re.compile(rf"\.?{re.escape(LOSS_CURVE)}(\.\d+\.tmp)?")


@contextmanager
def alone(output: Path) -> Iterator[None]:
    """A block in which no other run writes to ``output``, which is made; it goes again where it stays empty.

    Of several processes of one run the first keeps others out. Raises UsageError where another run is there, and where
    the folder cannot be written to.
    """
    from filelock import FileLock, Timeout

    if output.is_file():
        raise UsageError(f"{output} is a file; give a folder as --output")
    if nearest := unwritable(output):
        raise UsageError(f"{output} cannot be made: {nearest} cannot be written to; give another --output")
    if not is_first_process():
        yield
        return
    made = not output.exists()
    output.mkdir(parents=True, exist_ok=True)
    lock = FileLock(output / _LOCK, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise UsageError(f"another run writes to {output}; wait until it has ended, or give another --output") from None
    try:
        yield
    finally:
        with suppress(OSError):
            (output / _LOCK).unlink()
        lock.release()
        if made:
            with suppress(OSError):  # It is not empty.
                output.rmdir()


def check(output: Path, *, resume: bool) -> None:
    """Raise UsageError where ``output`` cannot hold a run; an unfinished one may be there with ``resume``."""
    there = [path for path in output.iterdir() if path.name != _LOCK] if output.is_dir() else []
    if not there:
        return
    if find(output):
        if not resume:
            raise UsageError(f"{output} holds an unfinished run; add --resume, or give another --output")
    elif (output / "config.json").exists():
        raise UsageError(f"{output} holds a finished model; give another --output")
    elif broken := next((output / name for name in (CURRENT, OLD) if any((output / name).glob("*"))), None):
        raise UsageError(
            f"{broken} is no whole checkpoint, since it has no {FILES_FILE}: an earlier version of odqa wrote it, or "
            "that file is lost; go on with that version, or put the file back, or give another --output"
        )
    elif not all(map(_is_of_a_run, there)):
        raise UsageError(f"{output} is not empty and holds no run of ours; give another --output")


def _is_of_a_run(path: Path) -> bool:
    """Whether a run that was killed before its first checkpoint has made the file or folder."""
    if path.name == BEST:
        return all(_OF_BEST.fullmatch(one.name) for one in path.glob("*"))
    return path.name in (*SCRATCH, PREPARED, TRACKED) or _OF_LOSS.fullmatch(path.name) is not None
