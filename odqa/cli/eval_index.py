"""``odqa eval --index``: a dataset and an index in; a report out. Knows no metric and no layout."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from odqa.addresses import Address
from odqa.cli.common import tell_fallback
from odqa.cli.output import landed, note, print_json, print_lines
from odqa.cli.progress import progress_of_stages, status
from odqa.cli.tables import columns
from odqa.cluster.join import check_address
from odqa.errors import UsageError
from odqa.files import unwritable
from odqa.reports.visible import visible
from odqa.types import Mode

if TYPE_CHECKING:
    from odqa.reader.model import Reader
    from odqa.squad import OwnQuestion
    from odqa.types import Example


@dataclass(frozen=True, slots=True)
class Request:
    """What to evaluate: the questions, what they were read from, and how the index is asked."""

    questions: Sequence[Example | OwnQuestion]
    dataset: str
    language: str
    index: Address
    mode: Mode
    k: int
    ranking: str | None
    answerable: float | None
    ablate: bool
    exhaustive: bool


@dataclass(frozen=True, slots=True)
class Models:
    """What reads, and where: a reader's name (None for the shipped one), a device, and the address of a Ray cluster."""

    reader: str | None
    device: str
    ray: str | None
    batch_size: int

    @property
    def here(self) -> str:
        """The device of this process, of which a cluster's workers do not have to have one like it."""
        return "cpu" if self.ray else self.device


@contextmanager
def reading(models: Models) -> Iterator[Reader]:
    """The reader, here or on a cluster."""
    from odqa.models import DEFAULT_READER
    from odqa.reader.model import Reader
    from odqa.reader.spread import spread

    if models.ray:
        check_address(models.ray)
    with status("Loading the reader…"):
        loaded = Reader.load(models.reader or DEFAULT_READER, device=models.here)
    with spread(loaded, models.ray, models.device) as reader:
        yield reader


def run(request: Request, models: Models, *, report: Path | None, cache: Path | None, json: bool) -> None:
    """Evaluate, print a table, or with ``json`` the report without the questions' own scores, and write ``report``."""
    from odqa.answering import fit_file
    from odqa.answering.precheck import precheck
    from odqa.answering.question import check_share
    from odqa.evaluation.cases import Dataset
    from odqa.evaluation.pipeline import EvaluationSettings, evaluate_pipeline
    from odqa.evaluation.places import place
    from odqa.evaluation.readings import Readings, folder_of
    from odqa.index.retriever import Retriever
    from odqa.models import DEFAULT_READER
    from odqa.reports.folder import HTML, write_report
    from odqa.reports.pipeline import format_pipeline

    if report is not None:
        _check_folder(report)
    if models.ray:
        check_address(models.ray)
    cache = folder_of(cache)  # Before a model is loaded.
    check_share(request.answerable)
    precheck(request.index, reader=models.reader or DEFAULT_READER, ranking=request.ranking)
    with ExitStack() as stack:
        modes = tuple(Mode) if request.ablate else (request.mode,)
        retrievers = {
            mode: stack.enter_context(Retriever.open(request.index, mode=mode, device=models.here)) for mode in modes
        }
        tell_fallback(retrievers[request.mode].fallback)
        with status("Looking for the answers…"):
            placed = place(request.questions, retrievers[request.mode])
        for remark in placed.remarks:
            note(remark)
        loaded = stack.enter_context(reading(models))
        fit = fit_file.load(loaded, request.index)
        readings = stack.enter_context(Readings(loaded, cache, models.batch_size))
        tell = stack.enter_context(progress_of_stages())
        setting = EvaluationSettings(
            request.k, fit, request.ranking, request.language, request.ablate, request.exhaustive, request.answerable
        )
        data = Dataset.of(placed.examples, request.dataset, placed.sources)
        if fit is not None and fit.record.get("sha256") == data.sha256 != "":
            note("the ranking was fitted on these very questions: it scores better on them than it will on others")
        found = evaluate_pipeline(data, retrievers, request.mode, readings, setting, tell)
    done: AbstractContextManager[None] = nullcontext()
    try:
        if report is not None:
            write_report(report, found)
            done = landed(f"the report is in {report}")
    finally:  # A full disk must not cost the user the scores as well.
        with done:
            if json:
                print_json({name: value for name, value in found.as_json().items() if name != "scores"})
            else:
                print_lines([format_pipeline(found, columns())])
    if report is not None and not json:
        print_lines(["", f"The report is in {visible(str(report / HTML))}"])


def _check_folder(report: Path) -> None:
    """Raise UsageError where the folder of a report cannot be made, so that this is said before hours of work."""
    if report.exists() and not report.is_dir():
        raise UsageError(f"--report {report} is a file; name a folder")
    if nearest := unwritable(report):
        raise UsageError(f"--report {report} cannot be made: {nearest} cannot be written to; name another folder")
