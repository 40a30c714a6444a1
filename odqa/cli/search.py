"""``odqa search``: a question, or a file of them, in; the best passages on stdout. Knows no reader and no answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Annotated, TypeAlias

import typer

from odqa.addresses import Address
from odqa.answering.question import Ask, check_question, nothing_to_search
from odqa.cli.common import command, tell_fallback
from odqa.cli.defaults import index_or_default, setting
from odqa.cli.inputs import read_questions
from odqa.cli.options import (
    AUTO,
    DeviceOption,
    FilterOption,
    IndexOrDefaultOption,
    JsonOption,
    ModeOption,
    QuestionsOption,
    parse_filters,
)
from odqa.cli.output import note, print_json, print_marked
from odqa.cli.progress import status, track
from odqa.cli.remote import UrlOption, client_of
from odqa.errors import UsageError
from odqa.serve.found import Found
from odqa.types import Mode

BATCH = 64  # Questions that are encoded together.

# What searches: questions and how they are asked.
Find: TypeAlias = Callable[[Iterable[str], Ask], Iterator[Found]]


@command
def search(
    query: Annotated[str | None, typer.Argument(help="What to look for: a question or words, in quotes.")] = None,
    index: IndexOrDefaultOption = None,
    k: Annotated[int, typer.Option("-k", help="Passages to show for a question.")] = 10,
    mode: ModeOption = Mode.HYBRID,
    filters: FilterOption = None,
    device: DeviceOption = AUTO,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show the rank and the score that each component gives.")
    ] = False,
    json_output: JsonOption = False,
    questions: QuestionsOption = None,
    url: UrlOption = None,
) -> None:
    """Show the passages that fit a question best, with their scores, without reading them.

    Scores of one mode cannot be compared with those of another: they are cosines, BM25 scores, or the mean of both,
    each counted in standard deviations.

    Examples:

    odqa search "vacation days" --index indexes/handbook

    odqa search "vacation days" --index indexes/handbook --mode bm25 -k 3

    odqa search "vacation days" --index indexes/handbook --filter "source~=*/policies/*"

    odqa search --questions questions.jsonl --index indexes/wiki -k 100 > hits.jsonl

    odqa search "vacation days" --url http://127.0.0.1:8265

    """
    if (query is None) == (questions is None):
        raise UsageError('give one question, as in: odqa search "vacation days", or a file of them with --questions')
    how = Ask(k=k, filters=parse_filters(filters))
    pairs = read_questions(questions) if questions is not None else [(1, check_question(str(query)))]
    from odqa.reports.answers_json import hits_as_json

    with (
        _local(index_or_default(index), mode, device, how) if url is None else _remote(url, index, mode, device) as find
    ):
        found = find((text for _, text in pairs), how)
        if questions is not None:
            for (name, text), one in zip(pairs, track(found, "Searching", len(pairs)), strict=True):
                print_json({"id": name, **hits_as_json(text, one.hits, explain, one.reason)})
        elif json_output:
            one = next(found)
            print_json(hits_as_json(pairs[0][1], one.hits, explain, one.reason))
        else:
            _print(next(found), pairs[0][1], explain)


@contextmanager
def _local(index: Address, mode: Mode, device: str, how: Ask) -> Iterator[Find]:
    """What searches an index here, by an encoder that is loaded first, once nothing is known to be wrong."""
    from odqa.answering.precheck import precheck

    precheck(index, filters=how.filters)
    with status("Loading the encoder…"):
        from odqa.index.retriever import Retriever

        opened = Retriever.open(index, mode=mode, device=device)
    with opened as retriever:
        tell_fallback(retriever.fallback)
        language = str(retriever.index.manifest.keywords.get("language", ""))

        def find(questions: Iterable[str], how: Ask) -> Iterator[Found]:
            reason = nothing_to_search(retriever.index, how.filters)
            waiting = iter(questions)
            while some := list(islice(waiting, BATCH)):
                for hits in retriever.search(some, how.k, how.filters):
                    yield Found(tuple(hits), reason, language)

        yield find


@contextmanager
def _remote(url: str, index: Address | None, mode: Mode, device: str) -> Iterator[Find]:
    """What searches by a server, which has its own encoder."""
    with client_of(url, [("--device", device != setting("device", AUTO))]) as client:
        name = None if index is None else str(index)
        yield lambda questions, how: (
            client.search(question, k=how.k, mode=mode, filters=how.filters, index=name) for question in questions
        )


def _print(found: Found, question: str, explain: bool) -> None:
    """Print hits for a person, the words of the question marked where the terminal can."""
    from odqa.reports.answers_text import INDENT, hits_as_lines
    from odqa.retrieval.words import Analyzer

    if found.reason:
        note(found.reason)
    analyzer = Analyzer(found.language)
    print_marked(lambda mark: hits_as_lines(found.hits, question, analyzer, mark, explain=explain), ("", ""), INDENT)
