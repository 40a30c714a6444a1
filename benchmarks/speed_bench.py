"""What all steps of `speed.py` share: questions, ways of running odqa, processes that work off a job, tables.

Standard library alone, since memory is measured from here; see `speed_machine.py`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speed_machine import Spent, run

HERE = Path(__file__).parent
ROOT = HERE.parent
DEV = "squad_v2/dev-v2.0.json"
WARM_UP = 5  # Questions.
NAMES = ("backend", "threads", "exhaustive")


@dataclass(frozen=True, slots=True)
class Way:
    """A way of running odqa, and its options by the function or command that takes them."""

    name: str
    options: dict[str, dict[str, Any]]

    def flags(self, command: str) -> list[str]:
        """The options of a command as one types them."""
        given = self.options[command].items()
        return [word for name, value in given for word in (f"--{name}", str(value)) if word != "True"]


class Bench:
    """What all steps share: the options, the ways of running odqa, questions, and processes that work off a job."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.index: Path = options.index
        self.rounds: int = options.rounds
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
        self.ways = self._ways()

    def work(self, what: str, **job: Any) -> dict[str, Any]:
        """What `speed_work.py` finds in a process of its own."""
        return self.measured(what, **job)[0]

    def measured(self, what: str, program: Sequence[str | Path] = (), **job: Any) -> tuple[dict[str, Any], Spent]:
        """The same, with what the process cost; ``program`` is another one that takes a job."""
        with tempfile.TemporaryDirectory() as folder:
            given, result = Path(folder) / "job.json", Path(folder) / "result.json"
            reader = {"reader": self.options.reader}
            given.write_text(json.dumps(reader | job | {"what": what, "result": str(result)}, default=str))
            spent = run([*(program or (sys.executable, HERE / "speed_work.py")), given], self.environment)
            return json.loads(result.read_text()), spent

    def questions(self, count: int) -> list[dict[str, Any]]:
        """Questions of SQuAD v2 dev with contexts and references, always the same ones, in an order drawn once."""
        return self.work("draw", data=self.options.data / DEV, count=count)["questions"]

    def distinct(self, function: str) -> dict[str, dict[str, Any]]:
        """Name -> options of a function, for the ways that differ in them."""
        found: dict[str, dict[str, Any]] = {}
        for way in self.ways:
            if way.options[function] not in found.values():
                found[way.name] = way.options[function]
        return found

    def ask_command(self, way: Way, question: str) -> list[str | Path]:
        """`odqa ask` as a command."""
        ask = [sys.executable, "-m", "odqa", "ask", question, "--index", self.index, "-k", str(self.options.k)]
        return [*ask, "--reader", self.options.reader, *way.flags("odqa ask")]

    def asking(self, way: Way, k: int | None = None, index: Path | None = None) -> dict[str, Any]:
        """The part of a job that says how to ask."""
        return {
            "index": index or self.index,
            "k": k or self.options.k,
            "open": way.options["Pipeline.open"],
            "ask": way.options["Pipeline.ask_many"],
            "counted": "exhaustive" in self.known["Pipeline.ask_many"],
        }

    def _ways(self) -> list[Way]:
        """Every backend that was named, and each again with all passages read, where that is asked for.

        Raises SystemExit for an option that no function has.
        """
        options = self.options
        self.known = self.work("options", names=NAMES)
        wanted = {"backend": options.backend, "threads": options.threads, "exhaustive": options.exhaustive}
        for name, value in wanted.items():
            if value and not any(name in known for known in self.known.values()):
                raise SystemExit(f"this odqa has no {name} to choose")
        found = []
        for backend in options.backend.split(",") if options.backend else ("",):
            for exhaustive in (False, True) if options.exhaustive else (False,):
                values = {"backend": backend, "threads": options.threads, "exhaustive": exhaustive}
                name = ", ".join(filter(None, (backend or "odqa", "exhaustive" if exhaustive else "")))
                taken = {of: {key: values[key] for key in known if values[key]} for of, known in self.known.items()}
                found.append(Way(name, taken))
        return found


# A step takes a Bench and gives what it measured and the lines of its table.
Result = tuple[dict[str, Any], list[str]]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """The lines of a Markdown table."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in (head, *rows)]
    return [lines[0], "|---" * len(head) + "|", *lines[1:]]
