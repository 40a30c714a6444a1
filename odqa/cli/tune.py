"""``odqa tune``: questions with their answers and an index in; a fitted ranking out. Knows no ranking's formula."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from odqa.addresses import Address
from odqa.cli.common import MODELS, command, tell_fallback
from odqa.cli.defaults import setting
from odqa.cli.language import LanguageOption, tell_language
from odqa.cli.options import (
    AUTO,
    BATCH_SIZE,
    BatchSizeOption,
    DeviceOption,
    IndexOption,
    JsonOption,
    LimitOption,
    ModeOption,
    ReaderOption,
    SplitOption,
)
from odqa.cli.output import landed, note, print_json, print_lines
from odqa.cli.progress import progress_of_stages, status
from odqa.cli.tables import columns
from odqa.errors import ModelError, UsageError
from odqa.files import check_writable
from odqa.models import DEFAULT_READER
from odqa.reports.tables import aligned
from odqa.reports.visible import visible
from odqa.types import DEFAULT_INDEX, Mode

if TYPE_CHECKING:
    from odqa.answering.deciders import Decider
    from odqa.answering.fit_file import Fit
    from odqa.reader.model import Reader


@command
def tune(
    dataset: Annotated[
        str,
        typer.Option(
            help="Questions with their answers: .jsonl, or a SQuAD-format .json, .jsonl or .parquet file, or a hub id."
        ),
    ],
    index: IndexOption = DEFAULT_INDEX,
    split: SplitOption = None,
    reader: ReaderOption = DEFAULT_READER,
    mode: ModeOption = Mode.HYBRID,
    k: Annotated[
        str, typer.Option("-k", help="Numbers of passages that must all work, separated by commas.")
    ] = "5,20,50",
    limit: LimitOption = None,
    language: LanguageOption = None,
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

    A line of a .jsonl file may be as short as {"question": "who built it", "answer": "Gustave"}: the answer is looked
    for in the index. odqa questions writes such a file to fill in.

    The questions should be about the documents of the index, and be neither what the reader was trained on nor what
    you will report on. Unanswerable ones may be among them; each answerable one is also asked without the passages
    that answer it. Nothing is read twice: a run that was stopped continues from there.

    Examples:

    odqa tune --index indexes/docs --dataset questions.jsonl

    odqa tune --index indexes/docs --dataset questions.jsonl --reader runs/mine --output runs/mine/ranking.json

    """
    from odqa.answering.fit_file import is_same, keep, used_file, write
    from odqa.answering.precheck import precheck
    from odqa.evaluation.cases import Dataset, check_examples
    from odqa.evaluation.languages import DEFAULT, check_language
    from odqa.evaluation.places import place
    from odqa.evaluation.readings import Readings, folder_of
    from odqa.fitting.tuning import tune as fit_all
    from odqa.index.retriever import Retriever
    from odqa.reader.model import Reader
    from odqa.reports.tuning import believe, few
    from odqa.squad import load_questions

    ks = _numbers(k)
    if output:
        check_writable(output, "the fit", dataset)
    elif isinstance(index, Path) and index.is_dir() and not os.access(index, os.W_OK):
        raise UsageError(f"the fit cannot be put into {index}, which cannot be written to; name a file with --output")
    scored_as = check_language(language or DEFAULT)
    cache = folder_of(cache or setting("cache", None))  # Before a model is loaded.
    questions = load_questions(dataset, split)[:limit]
    check_examples(questions, dataset)
    tell_language(questions, language)
    precheck(index, reader=reader)
    with Retriever.open(index, mode=mode, device=device) as retriever:
        tell_fallback(retriever.fallback)
        with status("Looking for the answers…"):
            placed = place(questions, retriever)
        for remark in placed.remarks:
            note(remark)
        with status("Loading the reader…"):
            loaded = Reader.load(reader, device=device)
        before, known = _before(loaded, index)
        data = Dataset.of(placed.examples, dataset, placed.sources)
        with Readings(loaded, cache, batch_size) as readings, progress_of_stages() as tell:
            fit = fit_all(data, retriever, readings, ks=ks, language=scored_as, before=before, progress=tell)
    if output:
        write(output, fit)
    path = output or keep(index, loaded, fit)
    if warning := few(len(data.examples)):
        note(f"warning: {warning}")
    used = used_file(loaded, index)
    with landed(f"the fit is in {path}"):
        if json_output:
            in_use = used is not None and is_same(used, path)
            print_json({"file": str(path), "used": in_use, "default": fit.default, **fit.record})
            return
        told = believe(fit.record["gain"], same_questions=known == data.sha256 != "")
        print_lines([_table(fit), "", *told, "", *_reading(fit), visible(_where(fit, path, used, index, loaded))])


def _before(reader: Reader, index: Address) -> tuple[Decider, str | None]:
    """What decides over the index until now, and the SHA-256 of the questions that it was fitted on, if any."""
    from odqa.answering import fit_file

    try:
        fit = fit_file.load(reader, index)
    except ModelError:  # A broken fit, or one for another reader: fitting anew is what mends it.
        fit = None
    return fit_file.decider(reader, fit), fit.record.get("sha256") if fit else None


def _where(fit: Fit, path: Address, used: Address | None, index: Address, reader: Reader) -> str:
    """Where the fit is, and whether ``odqa ask`` uses it, which reads what is at ``used``."""
    from odqa.answering.fit_file import FILE, is_same

    said = f"The ranking {fit.default} was best; all of them are in {path}."
    if used is not None and is_same(used, path):
        return f"{said} `odqa ask` uses it now over {index} with the reader {reader.name}."
    own = f"the fit in {used}" if used else "the reader's own rule"
    mine = Path(reader.name).is_dir()  # Not a reader that was installed, into whose folder nobody should write.
    folder = f" For every index, it has to be {Path(reader.name) / FILE}." if mine else ""
    return f"{said} `odqa ask` does not read that file: it uses {own}. For {index}, tune without --output.{folder}"


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
    about = f"{fit.record['questions']:,} questions; cases: {counts}; held out in folds by {fit.record['held_out_by']}"
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
