"""``odqa ask``: parse, ask, print. Knows how to mark an answer in a terminal, and nothing of how it is found."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from odqa.cli.changes import FilterOption, parse_filters
from odqa.cli.common import command, print_json, print_lines, tell_fallback, track
from odqa.errors import UsageError
from odqa.types import Mode, Response


@command
def ask(
    question: Annotated[str | None, typer.Argument(help="The question, in quotes.")] = None,
    index: Annotated[
        Path | None, typer.Option(help="Index folder to answer from; indexes/default if not given.")
    ] = None,
    k: Annotated[int, typer.Option("-k", help="Passages of the index to read for a question.")] = 20,
    n: Annotated[int, typer.Option("-n", help="Answers to show at most.")] = 3,
    mode: Annotated[
        Mode, typer.Option(help="Find passages by their meaning (dense), by shared words (bm25), or by both.")
    ] = Mode.HYBRID,
    filter: FilterOption = None,
    reader: Annotated[
        str | None, typer.Option(help="Reader to use: a folder or a name; the shipped one if not given.")
    ] = None,
    ranking: Annotated[
        str | None,
        typer.Option(help="Rank answers by logit, null, softmax, prior or evidence; the best one fitted if not given."),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(help="Show answers that are at least so sure, from 0 to 1, in place of the fitted rule; 0: all."),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show what answers were ranked by, and how close no answer came.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    questions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Answer every question of this file, or of standard input for -: one a line, or JSONL with "
            "id and question. Prints JSONL in the same order.",
        ),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Answer from this file alone, or from standard input for -; needs no index."),
    ] = None,
) -> None:
    """Answer a question with exact spans of your documents, where they stand, and how sure the system is.

    That no answer is found is a proper result: the exit code is 0.

    Examples:
    odqa ask "Who designed the tower?" --index indexes/wiki

    odqa ask "Who wrote the report?" --index indexes/reports --filter "year>=2020" --filter lang=en

    odqa ask "How many days of vacation are there?" --context handbook.pdf

    odqa ask "Who designed the tower?" --min-confidence 0.8 --explain

    odqa ask --questions questions.jsonl --index indexes/wiki > answers.jsonl

    """
    from odqa.answering.inputs import check_question, read_context, read_questions
    from odqa.answering.pipeline import DEFAULT_INDEX, Pipeline, answer_from_context, check_confidence, check_count
    from odqa.answering.present import as_json
    from odqa.models import DEFAULT_READER

    if (question is None) == (questions is None):
        raise UsageError('give one question, as in: odqa ask "Who built it?", or a file of them with --questions')
    others = [("--questions", questions), ("--index", index), ("--filter", filter), ("--ranking", ranking)]
    other = next((name for name, value in others if value), None)
    if context is not None and other:
        raise UsageError(f"--context answers one question from one text, so it does not go with {other}")
    check_count("-k", k)
    check_count("-n", n)
    check_confidence(min_confidence)
    index = index or DEFAULT_INDEX
    reader = reader or DEFAULT_READER
    filters = parse_filters(filter)

    if questions is not None:
        asked = read_questions(questions)
        with Pipeline.open(index, mode=mode, reader=reader, ranking=ranking, device=device) as pipeline:
            tell_fallback(pipeline.retriever.fallback)
            texts = (text for _, text in asked)
            responses = pipeline.ask_many(texts, k=k, n=n, filters=filters, min_confidence=min_confidence)
            for (name, _), response in zip(asked, track(responses, "Answering", len(asked)), strict=True):
                print_json({"id": name, **as_json(response, explain)})
        return

    assert question is not None
    question = check_question(question)
    if context is not None:
        from odqa.reader.model import Reader

        documents, remarks = read_context(context)
        for remark in remarks:
            print(f"odqa: {remark}", file=sys.stderr)
        loaded = Reader.load(reader, device=device)
        response = answer_from_context(question, documents, loaded, n=n, min_confidence=min_confidence)
    else:
        with Pipeline.open(index, mode=mode, reader=reader, ranking=ranking, device=device) as pipeline:
            tell_fallback(pipeline.retriever.fallback)
            response = pipeline.ask(question, k=k, n=n, filters=filters, min_confidence=min_confidence)
    if json_output:
        print_json(as_json(response, explain))
    else:
        _print(response, explain)


def _print(response: Response, explain: bool) -> None:
    """Print for a person: the answer marked in reverse video where stdout is a terminal, in asterisks elsewhere."""
    from odqa.answering.present import as_lines

    styled = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
    print_lines(as_lines(response, ("\x1b[1;7m", "\x1b[0m") if styled else ("**", "**"), explain))
