"""``odqa search``: a question, or a file of them, in; the best passages on stdout. Knows no reader and no answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from odqa.answering.question import Ask, check_question, nothing_to_search
from odqa.cli.common import command, tell_fallback
from odqa.cli.inputs import read_questions
from odqa.cli.options import (
    AUTO,
    DeviceOption,
    FilterOption,
    IndexOption,
    JsonOption,
    ModeOption,
    QuestionsOption,
    parse_filters,
)
from odqa.cli.output import note, print_json, print_marked
from odqa.cli.progress import status, track
from odqa.errors import UsageError
from odqa.types import DEFAULT_INDEX, Hit, Mode

if TYPE_CHECKING:
    from odqa.index.retriever import Retriever

BATCH = 64  # Questions that are encoded together.


@command
def search(
    query: Annotated[str | None, typer.Argument(help="What to look for: a question or words, in quotes.")] = None,
    index: IndexOption = DEFAULT_INDEX,
    k: Annotated[int, typer.Option("-k", help="Passages to show for a question.")] = 10,
    mode: ModeOption = Mode.HYBRID,
    filters: FilterOption = None,
    device: DeviceOption = AUTO,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the rank and the score that each component gives.")
    ] = False,
    json_output: JsonOption = False,
    questions: QuestionsOption = None,
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
    if (query is None) == (questions is None):
        raise UsageError('give one question, as in: odqa search "vacation days", or a file of them with --questions')
    how = Ask(k=k, filters=parse_filters(filters))
    pairs = read_questions(questions) if questions is not None else [(1, check_question(str(query)))]
    from odqa.answering.precheck import precheck

    precheck(index, filters=how.filters)

    with status("Loading the encoder…"):
        from odqa.index.retriever import Retriever

        opened = Retriever.open(index, mode=mode, device=device)
    from odqa.reports.answers_json import hits_as_json

    with opened as retriever:
        tell_fallback(retriever.fallback)
        reason = nothing_to_search(retriever.index, how.filters)
        if reason and not (json_output or questions is not None):
            note(reason)
        if questions is None:
            (hits,) = retriever.search([pairs[0][1]], how.k, how.filters)
            if json_output:
                print_json(hits_as_json(pairs[0][1], hits, explain, reason))
            else:
                _print(hits, pairs[0][1], retriever, explain)
            return
        batches = [pairs[start : start + BATCH] for start in range(0, len(pairs), BATCH)]
        for batch in track(batches, "Searching", len(batches)):
            found = retriever.search([text for _, text in batch], how.k, how.filters)
            for (name, text), hits in zip(batch, found, strict=True):
                print_json({"id": name, **hits_as_json(text, hits, explain, reason)})


def _print(hits: Sequence[Hit], question: str, retriever: Retriever, explain: bool) -> None:
    """Print hits for a person, the words of the question marked where the terminal can."""
    from odqa.reports.answers_text import INDENT, hits_as_lines
    from odqa.retrieval.words import Analyzer

    analyzer = Analyzer(str(retriever.index.manifest.keywords.get("language", "")))
    print_marked(lambda mark: hits_as_lines(hits, question, analyzer, mark, explain=explain), ("", ""), INDENT)
