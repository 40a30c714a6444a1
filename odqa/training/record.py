"""A finished run goes in, its record comes out: all that is known of it, typed here and as JSON in ``run.json``."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from odqa import __version__
from odqa.checked import checked
from odqa.files import read_json
from odqa.training.checkpoint import State
from odqa.training.hardware import Hardware, utilisation
from odqa.training.inputs import Inputs, SourceCount, data_hashes
from odqa.training.labels import Repairs
from odqa.training.recipe import Recipe, as_dict
from odqa.training.tuning import Tuning

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class TeacherRecord:
    """What was distilled: the teacher as the recipe names it, its content's SHA-256, its own record if it has one."""

    name: str
    sha256: str
    run: RunRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """All that is known of a finished run. What has a default is missing in the records of older versions.

    ``base`` is the model that the first of its stages started from, ``base_run`` the record of the stage before.
    ``recipe`` is as it was written, so an older one lacks newer settings. ``data_sha256`` are the hashes of the data by
    file name or path. ``taken`` has an entry for each training source. ``tokens`` are those read, with their padding,
    ``seconds`` those of training alone, without evaluations and checkpoints. ``mfu`` is the model FLOPs utilisation
    (:mod:`odqa.training.hardware`), None where it is not known. ``tuning`` is the record of
    :class:`odqa.training.tuning.Tuning`, as plain values.
    """

    created: str
    base: str
    base_run: RunRecord | None = None
    teacher: TeacherRecord | None = None
    recipe: dict[str, Any]
    data_sha256: dict[str, str]
    versions: dict[str, str]
    taken: tuple[SourceCount, ...] = ()
    questions: int
    answerable: int
    offsets: Repairs
    steps: int
    windows: int
    tokens: int = 0
    seconds: float
    windows_per_second: float | None
    hardware: Hardware | None = None
    flops_per_token: int | None = None
    mfu: float | None = None
    losses: list[Any]
    evaluations: list[dict[str, Any]]
    no_answer_threshold: float
    temperature: float = 1.0
    length_penalty: float = 0.0
    tuning: dict[str, Any]

    @property
    def stages(self) -> list[RunRecord]:
        """The runs that made the reader, the first one first and this one last."""
        return [*(self.base_run.stages if self.base_run else []), self]

    @classmethod
    def from_json(cls, content: object, where: str, remedy: str) -> RunRecord:
        """The record that :meth:`to_json` wrote, or that an older version did; what is not known here is left out.

        Raises DataError, from ``where`` to ``remedy``, for anything else.
        """
        record: RunRecord = checked(cls, content, where, remedy)
        return record

    def to_json(self) -> dict[str, Any]:
        """The record as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Ancestors:
    """Where a run started: the base's name and record, and its teacher with its own, None where there is none."""

    base: str
    base_run: RunRecord | None = None
    teacher: TeacherRecord | None = None


def facts(
    state: State,
    hardware: Hardware,
    flops_per_token: int,
    libraries: Sequence[str] = ("torch", "transformers", "tokenizers", "accelerate"),
) -> dict[str, Any]:
    """What there is to say of any finished run, whatever was trained, by the names of a record's fields."""
    share = utilisation(hardware, flops_per_token, state.tokens, state.seconds)
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": {"odqa": __version__, "python": platform.python_version()}
        | {name: version(name) for name in libraries},
        "steps": state.step,
        "tokens": state.tokens,
        "seconds": round(state.seconds, 1),
        "hardware": hardware,
        "flops_per_token": flops_per_token,
        "mfu": None if share is None else round(share, 4),
        "losses": state.losses,
        "evaluations": state.evaluations,
    }


def make_record(
    recipe: Recipe,
    inputs: Inputs,
    ancestors: Ancestors,
    state: State,
    tuned: Tuning,
    hardware: Hardware,
    flops_per_token: int,
) -> RunRecord:
    """The record of a run that has just been finished."""
    return RunRecord(
        **facts(state, hardware, flops_per_token),
        base=ancestors.base_run.base if ancestors.base_run else ancestors.base,
        base_run=ancestors.base_run,
        teacher=ancestors.teacher,
        recipe=as_dict(recipe),
        data_sha256=data_hashes(recipe, inputs.hashes),
        taken=inputs.counts,
        questions=sum(one.answerable + one.unanswerable for one in inputs.counts),
        answerable=sum(one.answerable for one in inputs.counts),
        offsets=inputs.repairs,
        windows=state.windows,
        windows_per_second=round(state.windows / state.seconds, 2) if state.seconds else None,
        no_answer_threshold=tuned.threshold,
        temperature=tuned.temperature,
        length_penalty=tuned.length_penalty,
        tuning=tuned.record,
    )


def read_record(folder: Path) -> RunRecord | None:
    """The record that a run left in a reader's folder; None where the folder has none.

    Raises DataError, naming the file, where it is not such a record.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        return None
    remedy = "it is not the record of a run; put that back, or remove the file"
    return RunRecord.from_json(read_json(path, remedy), str(path), remedy)
