"""The command line as it is started, at the price of one start: each command runs in a fork of a process that has it.

Only ``odqa.cli`` is imported in that process, as in every new one before its command is known; more where a test says
so, for commands of which what they import is not what is tested.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

_PROGRAM = """
import atexit, importlib, json, os, sys
from odqa.cli import main
for name in sys.argv[1:]:
    importlib.import_module(name)
for line in sys.stdin:
    asked = json.loads(line)
    child = os.fork()
    if child == 0:
        break
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
else:
    sys.exit()
os.chdir(asked["cwd"])
for stream, name in enumerate(asked["streams"]):
    os.dup2(os.open(name, os.O_RDWR | os.O_CREAT | os.O_TRUNC), stream)
os.environ.update(asked["environment"])
sys.argv = ["odqa", *asked["arguments"]]
atexit.register(lambda: open(asked["modules"], "w").write(" ".join(sys.modules)))
main()
"""


@dataclass(frozen=True, slots=True)
class Done:
    """What a command said, its exit code, and the names of all modules that were imported in the end."""

    returncode: int
    stdout: str
    stderr: str
    modules: frozenset[str]


class Started:
    """A process in which the command line is imported."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process = process
        self._folder = folder

    def run(self, *arguments: str, cwd: Path, environment: Mapping[str, str] | None = None) -> Done:
        out, err, modules = (self._folder / name for name in ("out", "err", "modules"))
        modules.write_text("")
        asked = {
            "arguments": arguments,
            "cwd": str(cwd),
            "environment": dict(environment or {}),
            "streams": [os.devnull, str(out), str(err)],
            "modules": str(modules),
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        code = int(self._process.stdout.readline())
        return Done(code, out.read_text("utf-8"), err.read_text("utf-8"), frozenset(modules.read_text().split()))


@contextmanager
def started(*imported: str, environment: Mapping[str, str] = os.environ) -> Iterator[Started]:
    """A process in that environment, which has imported the modules named ``imported``, too."""
    environment = {**environment, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", _PROGRAM, *imported]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with TemporaryDirectory() as folder, subprocess.Popen(command, env=environment, text=True, **pipes) as process:
        try:
            yield Started(process, Path(folder))
        finally:
            process.kill()  # Or it would be waited for as long as a command that hangs.
