"""``odqa eval``: a dataset, and a reader or its predictions, in; a report out. Knows no metric."""

from __future__ import annotations

import random
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from odqa.answering.question import DEFAULT_K
from odqa.cli import complete
from odqa.cli.common import MODELS, command
from odqa.cli.defaults import given_or_set, setting
from odqa.cli.eval_index import Models, Request, reading, run
from odqa.cli.language import LanguageOption, tell_language
from odqa.cli.options import (
    AUTO,
    BATCH_SIZE,
    EXHAUSTIVE,
    BatchSizeOption,
    DeviceOption,
    JsonOption,
    LimitOption,
    RayOption,
    SplitOption,
    index_address,
)
from odqa.cli.output import landed, note, print_json, print_lines
from odqa.cli.progress import progress_of_stages
from odqa.errors import UsageError
from odqa.files import check_writable
from odqa.types import Mode

Q = TypeVar("Q")

if TYPE_CHECKING:
    from odqa.evaluation.reader import Evaluation
    from odqa.types import Example

WHOLE = "With --index"  # The group of the options that go with it.


@command
def evaluate(
    dataset: Annotated[
        str,
        typer.Option(
            help="Hub id, or a SQuAD-format .json, .jsonl or .parquet file; with --index, questions and answers."
        ),
    ] = "rajpurkar/squad_v2",
    split: SplitOption = None,
    reader: Annotated[
        str | None,
        typer.Option(
            help="Reader to run: a folder or a name; the shipped one if not given.",
            autocompletion=complete.readers,
            rich_help_panel=MODELS,
        ),
    ] = None,
    index: Annotated[
        Any,
        typer.Option(
            metavar="INDEX",
            parser=index_address,
            help="Ask the questions of this index instead: retrieval, reading and ranking.",
            autocompletion=complete.indexes,
        ),
    ] = None,
    k: Annotated[
        int | None, typer.Option("-k", help=f"Passages to read for a question. [{DEFAULT_K}]", rich_help_panel=WHOLE)
    ] = None,
    mode: Annotated[
        Mode | None, typer.Option(help="Find passages by dense, bm25 or hybrid search. [hybrid]", rich_help_panel=WHOLE)
    ] = None,
    ranking: Annotated[
        str | None,
        typer.Option(
            help="Rank by logit, null, softmax, prior or evidence; the best one fitted if not given.",
            rich_help_panel=WHOLE,
        ),
    ] = None,
    answerable: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Decide as if so many of the questions (0 to 1) had an answer; half if not given.",
            rich_help_panel=WHOLE,
        ),
    ] = None,
    ablate: Annotated[
        bool,
        typer.Option("--ablate", help="Compare all rankings in all modes at k 5, 20 and -k.", rich_help_panel=WHOLE),
    ] = False,
    exhaustive: Annotated[bool, typer.Option("--exhaustive", help=EXHAUSTIVE, rich_help_panel=WHOLE)] = False,
    report: Annotated[
        Path | None,
        typer.Option(help="Write report.html, report.md and report.json into this folder.", rich_help_panel=WHOLE),
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(help="Folder of cached readings; the user's cache if not given.", rich_help_panel=WHOLE),
    ] = None,
    limit: LimitOption = None,
    sample: Annotated[
        int | None, typer.Option(min=1, help="Score N questions drawn at random, always the same ones.")
    ] = None,
    predictions: Annotated[
        Path | None,
        typer.Option(help="Score this JSON file of question id -> answer text instead of running a reader."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Write the reader's predictions to this file, in the same format.")
    ] = None,
    language: LanguageOption = None,
    json_output: JsonOption = False,
    device: DeviceOption = AUTO,
    ray: RayOption = None,
    batch_size: BatchSizeOption = BATCH_SIZE,
) -> None:
    """Score a reader, a predictions file, or a whole index, on a question-answering dataset.

    Reports ROUGE-1 F1, exact match and token F1 over all questions and over the answerable ones, the accuracy of
    abstaining, the F1 that the best threshold would reach, and how far the reader's confidence can be trusted. All
    scores run from 0 to 1, each with its 95% bootstrap interval. A question that the predictions file lacks counts
    as wrong.

    With --index every question is asked of the index, and the report shows side by side what the reader makes of the
    gold passage, how often retrieval finds it, and what the whole pipeline answers. Readings are cached: a run that was
    stopped continues from there, and another ranking takes minutes. There a line of a .jsonl file may be as short as
    {"question": "who built it", "answer": "Gustave"}: odqa questions writes such a file to fill in.

    Examples:

    odqa eval --dataset questions.jsonl --index indexes/docs --report reports/docs

    odqa eval --dataset dev-v2.0.json --reader models/mine --output mine.json

    odqa eval --dataset dev-v2.0.json --predictions mine.json --json

    odqa eval --dataset xquad.vi.json --language vi --reader models/multilingual

    """
    from odqa.evaluation.cases import check_examples
    from odqa.evaluation.languages import DEFAULT, check_language
    from odqa.evaluation.predictions import id_warnings, read_predictions, write_predictions
    from odqa.evaluation.reader import score_predictions
    from odqa.reports.reader import format_reader
    from odqa.squad import load_examples, load_questions

    asked: dict[str, object] = {"-k": k, "--mode": mode, "--ranking": ranking, "--ablate": ablate}
    whole = asked | {"--answerable": answerable, "--exhaustive": exhaustive, "--report": report, "--cache": cache}
    if index is None:
        if alone := next((name for name, value in whole.items() if not (value is None or value is False)), None):
            raise UsageError(f"{alone} goes with --index, which asks the questions of an index; name one")
    elif predictions or output:
        other = "--predictions" if predictions else "--output"
        raise UsageError(f"{other} is for the reader alone and does not go with --index; leave one of them out")
    if limit and sample:
        raise UsageError("--limit takes the first questions and --sample draws some; give only one")
    if predictions and (reader or output or ray):
        other = "--reader" if reader else "--output" if output else "--ray"
        raise UsageError(f"{other} goes with running a reader and --predictions does not run one; give only one")
    if output:
        check_writable(output, "predictions", dataset)
    scored_as = check_language(language or DEFAULT)
    given = read_predictions(predictions) if predictions else None
    reader = reader or (None if predictions else setting("reader", None))
    if index is not None:
        questions = load_questions(dataset, split)
        check_examples(questions, dataset)
        tell_language(questions, language)
        k = min(setting("k", DEFAULT_K) if k is None else k, sys.maxsize)
        mode = mode or setting("mode", Mode.HYBRID)
        drawn = _draw(questions, limit, sample)
        answerable = given_or_set(answerable, "answerable")
        request = Request(drawn, dataset, scored_as, index, mode, k, ranking, answerable, ablate, exhaustive)
        models = Models(reader, device, ray, batch_size)
        run(request, models, report=report, cache=cache or setting("cache", None), json=json_output)
        return
    examples = load_examples(dataset, split)
    check_examples(examples, dataset)
    tell_language(examples, language)
    chosen = _draw(examples, limit, sample)
    if predictions is None or given is None:
        evaluation = _read(chosen, Models(reader, device, ray, batch_size), scored_as)
        found = evaluation.report
    else:
        ids = [example.id for example in chosen]
        for warning in id_warnings(given, ids, {example.id for example in examples}, predictions):
            note(f"warning: {warning}")
        found = score_predictions(chosen, given, scored_as)
    done: AbstractContextManager[None] = nullcontext()
    try:
        if output:
            write_predictions(output, evaluation.predictions)
            done = landed(f"the predictions are in {output}")
    finally:  # A full disk must not cost the user the report as well.
        with done:
            if json_output:
                print_json(found.as_json())
            else:
                print_lines([format_reader(found)])


def _draw(questions: list[Q], limit: int | None, sample: int | None) -> list[Q]:
    """The first questions, or so many drawn at random, always the same ones, in the order of the dataset."""
    if sample is None or sample >= len(questions):
        return questions[:limit]
    return [questions[at] for at in sorted(random.Random(0).sample(range(len(questions)), sample))]


def _read(examples: list[Example], models: Models, language: str) -> Evaluation:
    from odqa.evaluation.reader import evaluate

    with reading(models) as reader, progress_of_stages() as tell:
        done = 0

        def advance(windows: int) -> None:
            # A long context has several windows, and how many is known only once it was cut: the total grows.
            nonlocal done
            done += windows
            tell("Reading", windows, max(done, len(examples)))

        return evaluate(examples, reader, advance, batch_size=models.batch_size, language=language)
