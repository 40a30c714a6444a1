"""``odqa tune``: parse, fit, tell. Knows no ranking's formula."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odqa.cli.common import command, print_json, progress_of_stages, tell_fallback
from odqa.errors import UsageError
from odqa.types import Mode

if TYPE_CHECKING:
    from odqa.answering.fitted import Fit


@command
def tune(
    dataset: Annotated[
        str,
        typer.Option(help="Questions with their answers: a SQuAD-format .json, .jsonl or .parquet file, or hub id."),
    ],
    index: Annotated[Path | None, typer.Option(help="Index folder; indexes/default if not given.")] = None,
    split: Annotated[str | None, typer.Option(help="Split of a hub dataset; validation if not given.")] = None,
    reader: Annotated[
        str | None, typer.Option(help="Reader to fit for: a folder or a name; the shipped one if not given.")
    ] = None,
    mode: Annotated[Mode, typer.Option(help="How passages will be found: dense, bm25 or hybrid.")] = Mode.HYBRID,
    k: Annotated[
        str, typer.Option("-k", help="Numbers of passages that must all work, separated by commas.")
    ] = "5,20,50",
    limit: Annotated[int | None, typer.Option(min=1, help="Use the first N questions only.")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            help="Write the fit to this file; if not given, into the index folder, where `odqa ask` finds it."
        ),
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder that remembers what was read; the user's cache if not given.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    batch_size: Annotated[int, typer.Option(min=1, help="Windows read at once.")] = 32,
    json_output: Annotated[bool, typer.Option("--json", help="Print what was fitted as one JSON object.")] = False,
) -> None:
    """Fit how answers are ranked, how sure they are, and when to give none, on questions whose answers are known.

    The questions should be about the documents of the index, and be neither what the reader was trained on nor what
    you will report on. Unanswerable ones may be among them; each answerable one is also asked without the passages
    that answer it. Nothing is read twice: a run that was stopped goes on where it was.

    Examples:

    odqa tune --index indexes/docs --dataset questions.json

    odqa tune --index indexes/docs --dataset questions.json --reader runs/mine --output runs/mine/ranking.json

    """
    from odqa.answering.fitted import own_file, write
    from odqa.answering.pipeline import DEFAULT_INDEX
    from odqa.evaluation.pipeline import sources
    from odqa.evaluation.readings import Readings
    from odqa.evaluation.report import check_examples
    from odqa.evaluation.tuning import tune as fit_all
    from odqa.index.retriever import Retriever
    from odqa.models import DEFAULT_READER
    from odqa.reader.model import Reader
    from odqa.squad import load_examples

    ks = _numbers(k)
    if output and not output.resolve().parent.is_dir():
        raise UsageError(f"--output {output}: there is no folder {output.resolve().parent}; make it first")
    examples = load_examples(dataset, split)[:limit]
    check_examples(examples, dataset)
    folder = index or DEFAULT_INDEX
    with Retriever.open(folder, mode=mode, device=device) as retriever:
        tell_fallback(retriever.fallback)
        loaded = Reader.load(reader or DEFAULT_READER, device=device)
        with Readings(loaded, cache, batch_size) as readings, progress_of_stages() as tell:
            fit = fit_all(examples, retriever, readings, ks=ks, told=sources(dataset), progress=tell)
        path = output or own_file(folder, loaded)
    path.parent.mkdir(exist_ok=True)
    write(path, fit)
    if json_output:
        print_json({"file": str(path), "default": fit.default, **fit.record})
    else:
        print(_table(fit))
        print(f"\nThe ranking {fit.default} was best and is what `odqa ask` uses now; all of them are in {path}")


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(number) for number in text.split(",")}))
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
    widths = [max(len(line[column]) for line in [head, *rows]) + 2 for column in range(len(head))]
    lines = ["".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in [head, *rows]]
    counts = ", ".join(f"{count:,} {kind}" for kind, count in fit.record["cases"].items())
    return "\n".join(
        [f"{fit.record['questions']:,} questions; cases: {counts}; held out in folds by context", "", *lines]
    )
