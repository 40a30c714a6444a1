"""``odqa eval --index``: open, evaluate, print, write the report. Knows no metric and no layout."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from odqa.cli.common import print_json, progress_of_stages, tell_fallback
from odqa.errors import UsageError
from odqa.types import Example, Mode


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be evaluated: the dataset's name and questions, and how the index is asked."""

    dataset: str
    examples: list[Example]
    language: str
    index: Path
    mode: Mode
    k: int
    ranking: str | None
    ablate: bool


def run(
    asked: Asked,
    *,
    reader: str | None,
    report: Path | None,
    cache: Path | None,
    device: str,
    batch_size: int,
    json: bool,
) -> None:
    """Evaluate, print a table, or with ``json`` the report without the questions' own scores, and write ``report``."""
    from odqa.answering import fitted
    from odqa.evaluation.pipeline import Setting, evaluate_pipeline, sources
    from odqa.evaluation.readings import Readings
    from odqa.index.retriever import Retriever
    from odqa.models import DEFAULT_READER
    from odqa.reader.model import Reader
    from odqa.reports.folder import write_report
    from odqa.reports.pipeline import format_pipeline

    fitted.check_ranking(asked.ranking)
    if report is not None and report.exists() and not report.is_dir():
        raise UsageError(f"--report {report} is a file; name a folder")
    with ExitStack() as stack:
        modes = tuple(Mode) if asked.ablate else (asked.mode,)
        retrievers = {
            mode: stack.enter_context(Retriever.open(asked.index, mode=mode, device=device)) for mode in modes
        }
        tell_fallback(retrievers[asked.mode].fallback)
        loaded = Reader.load(reader or DEFAULT_READER, device=device)
        fit = fitted.load(loaded, asked.index)
        if fit is None and asked.ranking is not None:
            raise UsageError(f"nothing was fitted for {loaded.name}, so there is no ranking to name; run `odqa tune`")
        readings = stack.enter_context(Readings(loaded, cache, batch_size))
        tell = stack.enter_context(progress_of_stages())
        setting = Setting(asked.k, fit, asked.ranking, asked.language, asked.ablate)
        found = sources(asked.dataset) | evaluate_pipeline(
            asked.examples, retrievers, asked.mode, readings, setting, tell
        )
    if report is not None:
        write_report(report, found)
    if json:
        print_json({name: value for name, value in found.items() if name != "scores"})
    else:
        print(format_pipeline(found))
        if report is not None:
            print(f"\nThe report is in {report / 'report.html'}")
