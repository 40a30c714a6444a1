"""``odqa tune``: questions with their answers and an index in; a fitted ranking out. Knows no ranking's formula."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odqa.cli.common import command, tell_fallback
from odqa.cli.defaults import setting
from odqa.cli.options import (
    AUTO,
    BATCH_SIZE,
    MODELS,
    BatchSizeOption,
    DeviceOption,
    IndexOption,
    JsonOption,
    LimitOption,
    ModeOption,
    ReaderOption,
    SplitOption,
)
from odqa.cli.output import landed, print_json, print_lines
from odqa.cli.progress import progress_of_stages, status
from odqa.cli.tables import columns
from odqa.errors import UsageError
from odqa.files import check_writable
from odqa.models import DEFAULT_READER
from odqa.reports.tables import aligned
from odqa.reports.visible import visible
from odqa.types import DEFAULT_INDEX, Mode

if TYPE_CHECKING:
    from odqa.answering.fit_file import Fit


@command
def tune(
    dataset: Annotated[
        str,
        typer.Option(help="Questions with their answers: a SQuAD-format .json, .jsonl or .parquet file, or hub id."),
    ],
    index: IndexOption = DEFAULT_INDEX,
    split: SplitOption = None,
    reader: ReaderOption = DEFAULT_READER,
    mode: ModeOption = Mode.HYBRID,
    k: Annotated[
        str, typer.Option("-k", help="Numbers of passages that must all work, separated by commas.")
    ] = "5,20,50",
    limit: LimitOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write the fit to this file; if not given, into the index folder, where `odqa ask` finds it."
        ),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder of cached readings; the user's cache if not given.", rich_help_panel=MODELS),
    ] = None,
    device: DeviceOption = AUTO,
    batch_size: BatchSizeOption = BATCH_SIZE,
    json_output: JsonOption = False,
) -> None:
    """Fit how answers are ranked, their confidence, and when to give none, on questions whose answers are known.

    The questions should be about the documents of the index, and be neither what the reader was trained on nor what
    you will report on. Unanswerable ones may be among them; each answerable one is also asked without the passages
    that answer it. Nothing is read twice: a run that was stopped continues from there.

    Examples:

    odqa tune --index indexes/docs --dataset questions.json

    odqa tune --index indexes/docs --dataset questions.json --reader runs/mine --output runs/mine/ranking.json

    """
    from odqa.answering.fit_file import keep, write
    from odqa.answering.precheck import precheck
    from odqa.evaluation.cases import Dataset
    from odqa.evaluation.readings import Readings
    from odqa.fitting.tuning import tune as fit_all
    from odqa.index.retriever import Retriever
    from odqa.reader.model import Reader
    from odqa.squad import load_examples

    ks = _numbers(k)
    if output:
        check_writable(output, "the fit")
    questions = Dataset.of(load_examples(dataset, split)[:limit], dataset)
    precheck(index, reader=reader)
    with Retriever.open(index, mode=mode, device=device) as retriever:
        tell_fallback(retriever.fallback)
        with status("Loading the reader…"):
            loaded = Reader.load(reader, device=device)
        with Readings(loaded, cache or setting("cache", None), batch_size) as readings, progress_of_stages() as tell:
            fit = fit_all(questions, retriever, readings, ks=ks, progress=tell)
    if output:
        write(output, fit)
    path = output or keep(index, loaded, fit)
    with landed(f"the fit is in {path}"):
        if json_output:
            print_json({"file": str(path), "default": fit.default, **fit.record})
            return
        used = f"The ranking {fit.default} was best and is what `odqa ask` uses now; all of them are in {path}"
        print_lines([_table(fit), "", *_reading(fit), visible(used)])


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({min(int(number), sys.maxsize) for number in text.split(",")}))
    except ValueError:
        raise UsageError(f"-k takes whole numbers separated by commas, as in 5,20,50, not {text!r}") from None


def _table(fit: Fit) -> str:
    kinds = sorted({kind for row in fit.record["held_out"].values() for kind in row["auroc"]})
    head = ["ranking", "F1", "forced", *(f"AUROC {kind}" for kind in kinds), "cal. error", "coverage"]
    rows = [
        [
            name + (" *" if name == fit.default else ""),
            f"{row['f1']:.3f}",
            f"{row['forced_f1']:.3f}",
            *("-" if row["auroc"].get(kind) is None else f"{row['auroc'][kind]:.3f}" for kind in kinds),
            f"{row['calibration_error']:.3f}",
            f"{row['coverage']:.3f}",
        ]
        for name, row in fit.record["held_out"].items()
    ]
    counts = ", ".join(f"{count:,} {kind}" for kind, count in fit.record["cases"].items())
    about = f"{fit.record['questions']:,} questions; cases: {counts}; held out in folds by context"
    return f"{about}\n\n{aligned([head, *rows], width=columns())}"


def _reading(fit: Fit) -> Iterator[str]:
    """What reading no more than it takes saves and costs by the best ranking; nothing where all is read."""
    enough = fit.get(None).enough
    if enough is None:
        return
    least = f" of at least {enough.confidence:.0%} confidence" if enough.confidence else ""
    k = max(fit.record["k"])
    yield f"Of {k:,} passages the first {enough.passages} are enough where they give an answer{least}:"
    head = ["", "passages read", "same decision", "change of confidence"]
    rows = [
        [kind, f"{row['passages']:.1f}", f"{row['same']:.3f}", f"{row['confidence_change']:.3f}"]
        for kind, row in fit.record["reading"][fit.default].items()
    ]
    yield from ("", aligned([head, *rows], width=columns()), "")
