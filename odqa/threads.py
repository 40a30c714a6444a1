"""How many threads this process computes on. Imports none of the libraries that do."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from odqa.errors import UsageError

_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # Of a container: microseconds of CPU time in each period, "max" for no limit.
_asked: int | None = None


def limit(number: int) -> None:
    """Compute on ``number`` threads from now on; those of torch and FAISS, too, where they are loaded already.

    On no more than there are processors: more are never faster, and torch ends the process where the system refuses it
    one. Raises UsageError for a number below 1.
    """
    global _asked
    if number < 1:
        raise UsageError(f"threads is {number}; it must be at least 1")
    _asked = number = _possible(number)
    for variable in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):  # Read by libraries as they load.
        os.environ[variable] = str(number)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(number)
    if faiss := sys.modules.get("faiss"):
        faiss.omp_set_num_threads(number)


def count() -> int:
    """The number that was asked for, here or by OMP_NUM_THREADS; else the processors that this process may use.

    A container's limit counts.
    """
    given = os.environ.get("OMP_NUM_THREADS", "")
    return _asked or (_possible(int(given)) if given.isdecimal() and int(given) else _allowed())


def _possible(number: int) -> int:
    return min(number, os.cpu_count() or 1)


def _allowed() -> int:
    try:
        processors = len(os.sched_getaffinity(0))
    except AttributeError:  # Only Linux has it.
        processors = os.cpu_count() or 1
    try:
        quota, period = _QUOTA.read_text(encoding="ascii").split()
        return max(1, min(processors, round(int(quota) / int(period))))
    except (OSError, ValueError):
        return processors
