"""``odqa search``: parse, search, print. Knows how hits look in a terminal, and nothing of how they are found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from odqa.cli.changes import FilterOption, parse_filters
from odqa.cli.common import command, print_json, print_lines, tell_fallback, track
from odqa.errors import UsageError
from odqa.types import Mode

BATCH = 64  # Questions that are encoded together.


@command
def search(
    query: Annotated[str | None, typer.Argument(help="What to look for: a question or words, in quotes.")] = None,
    index: Annotated[Path | None, typer.Option(help="Index folder to search; indexes/default if not given.")] = None,
    k: Annotated[int, typer.Option("-k", help="Passages to show for a question.")] = 10,
    mode: Annotated[
        Mode, typer.Option(help="Find passages by their meaning (dense), by shared words (bm25), or by both.")
    ] = Mode.HYBRID,
    filter: FilterOption = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:1, mps, ...")] = "auto",
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the rank and the score that each component gives.")
    ] = False,
    json_output: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    questions: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Search for every question of this file, or of standard input for -: one a line, or JSONL with "
            "id and question. Prints JSONL in the same order.",
        ),
    ] = None,
) -> None:
    """Show the passages that fit a question best, with their scores, without reading them.

    Scores of one mode cannot be compared with those of another: they are cosines, BM25 scores, or the mean of both,
    each counted in standard deviations.

    Examples:
    odqa search "vacation days" --index indexes/handbook

    odqa search "vacation days" --index indexes/handbook --mode bm25 -k 3

    odqa search "vacation days" --index indexes/handbook --filter "source~=*/policies/*"

    odqa search --questions questions.jsonl --index indexes/wiki -k 100 > hits.jsonl

    """
    from odqa.answering.inputs import check_question, read_questions
    from odqa.answering.pipeline import DEFAULT_INDEX, check_count, nothing_to_search
    from odqa.answering.present import hits_as_json, hits_as_lines
    from odqa.index.retriever import Retriever

    if (query is None) == (questions is None):
        raise UsageError('give one question, as in: odqa search "vacation days", or a file of them with --questions')
    check_count("-k", k)
    asked = [(1, check_question(query))] if query is not None else read_questions(str(questions))
    filters = parse_filters(filter)
    with Retriever.open(index or DEFAULT_INDEX, mode=mode, device=device) as retriever:
        tell_fallback(retriever.fallback)
        reason = nothing_to_search(retriever.index, filters)
        if reason and not (json_output or questions is not None):
            print(f"odqa: {reason}", file=sys.stderr)
        batches = [asked[start : start + BATCH] for start in range(0, len(asked), BATCH)]
        for batch in track(batches, "Searching", len(batches)):
            found = retriever.search([text for _, text in batch], k, filters)
            for (name, text), hits in zip(batch, found, strict=True):
                if questions is not None:
                    print_json({"id": name, **hits_as_json(text, hits, explain, reason)})
                elif json_output:
                    print_json(hits_as_json(text, hits, explain, reason))
                else:
                    print_lines(hits_as_lines(hits, explain))
