"""Runs a command of odqa as one would type it, for the benchmarks that are made of commands."""

from __future__ import annotations

import shlex
import subprocess
import sys


def run(*arguments: object) -> None:
    """Run an odqa command, and show it as one would type it."""
    words = [str(argument) for argument in arguments]
    print(f"\n$ odqa {shlex.join(words)}", flush=True)
    subprocess.run([sys.executable, "-m", "odqa", *words], check=True)
