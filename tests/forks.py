"""Runs programs that fork in a process of their own, which has a time limit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FORK = """
import multiprocessing, sys

def forked(work):
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join(60)
    hangs = child.is_alive()
    child.kill()
    assert not hangs, "the child hangs"
    assert child.exitcode == 0
"""


def run(program: str, *arguments: object, cwd: Path | None = None) -> str:
    """What a program says that forks; it has several threads to compute with, whatever the machine."""
    done = subprocess.run(
        [sys.executable, "-c", FORK + program, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=cwd,
        env={**os.environ, "OMP_NUM_THREADS": "2", "PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
