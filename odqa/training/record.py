"""A finished run goes in, its record comes out: all that is known of it, typed here and as JSON in ``run.json``."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from odqa import __version__
from odqa.checked import checked
from odqa.files import read_json
from odqa.training.checkpoint import State
from odqa.training.hardware import Hardware, utilisation
from odqa.training.inputs import Inputs, SourceCount, data_files
from odqa.training.labels import Repairs
from odqa.training.names import inputs as named_inputs
from odqa.training.names import name_of, shortened, told
from odqa.training.recipe import Recipe
from odqa.training.tuning import Tuning

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What there is to say of any finished run, whatever was trained.

    ``recipe`` and ``sha256``, the hashes of the files that were read and of the models, are by the names of
    :mod:`odqa.training.names`. ``tokens`` are those read in all epochs, with their padding, ``seconds`` those of
    training alone, without evaluations and checkpoints. ``mfu`` is the model FLOPs utilisation
    (:mod:`odqa.training.hardware`), None where it is not known. ``losses`` are (step, mean loss).
    """

    created: str
    recipe: dict[str, Any]
    sha256: dict[str, str]
    versions: dict[str, str]
    steps: int
    tokens: int
    seconds: float
    hardware: Hardware
    flops_per_token: int
    mfu: float | None
    losses: list[tuple[int, float]]
    evaluations: list[dict[str, Any]]

    def to_json(self) -> dict[str, Any]:
        """The record as plain values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class TeacherRecord:
    """What was distilled: the teacher as the record calls it, its content's SHA-256, its own record if it has one."""

    name: str
    sha256: str
    run: RunRecord | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """All that is known of a finished run. What has a default is missing in the records of older versions.

    ``base`` is the model that the first of its stages started from, ``base_run`` the record of the stage before.
    ``recipe`` is as it was written, so an older one lacks newer settings; paths in it are names, as
    :mod:`odqa.training.names` gives them. ``data_sha256`` are the hashes of the data by these names. ``taken`` has an
    entry for each training source. ``tokens`` are those read, with their padding, ``seconds`` those of training alone,
    without evaluations and checkpoints. ``mfu`` is the model FLOPs utilisation (:mod:`odqa.training.hardware`), None
    where it is not known. ``tuning`` is the record of :class:`odqa.training.tuning.Tuning`, as plain values.
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
    """What a run's end says of itself, by the names of the fields of :class:`Facts`: all but recipe and hashes."""
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
    named, hashes = named_inputs(recipe, {path: inputs.hashes[path] for path in data_files(recipe, inputs.hashes)})
    base_run = _without_folders(ancestors.base_run)
    return RunRecord(
        **facts(state, hardware, flops_per_token),
        base=base_run.base if base_run else name_of(ancestors.base),
        base_run=base_run,
        teacher=_teacher_without_folders(ancestors.teacher),
        recipe=named,
        data_sha256=hashes,
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


def _without_folders(record: RunRecord | None) -> RunRecord | None:
    """An older record, which may hold paths of its maker's disk, as one is made now."""
    if record is None:
        return None
    name = shortened(record.data_sha256)
    return replace(
        record,
        base=name_of(record.base),
        base_run=_without_folders(record.base_run),
        teacher=_teacher_without_folders(record.teacher),
        recipe=told(record.recipe, Recipe, name),
        data_sha256={name(path): digest for path, digest in record.data_sha256.items()},
    )


def _teacher_without_folders(teacher: TeacherRecord | None) -> TeacherRecord | None:
    if teacher is None:
        return None
    return replace(teacher, name=shortened(())(teacher.name), run=_without_folders(teacher.run))


def read_record(folder: Path) -> RunRecord | None:
    """The record that a run left in a reader's folder; None where the folder has none.

    Raises DataError, naming the file, where it is not such a record.
    """
    path = folder / RUN_FILE
    if not path.is_file():
        return None
    remedy = "it is not the record of a run; put that back, or remove the file"
    return RunRecord.from_json(read_json(path, remedy), str(path), remedy)
