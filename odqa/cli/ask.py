"""``odqa ask``: a question, or a file of them, in; answers on stdout. Knows nothing of how an answer is found."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Annotated

import typer

from odqa.addresses import Address
from odqa.answering.question import DEFAULT_K, Ask, check_question, check_share
from odqa.cli.common import command, tell_fallback
from odqa.cli.defaults import given_or_set, index_or_default, setting
from odqa.cli.inputs import read_context, read_questions
from odqa.cli.options import (
    AUTO,
    EXHAUSTIVE,
    AnswerableOption,
    DeviceOption,
    FilterOption,
    IndexOrDefaultOption,
    JsonOption,
    ModeOption,
    QuestionsOption,
    RayOption,
    ReaderOption,
    parse_filters,
)
from odqa.cli.output import note, print_json, print_marked
from odqa.cli.progress import status, track
from odqa.cli.prompt import Check, Prompt, Respond, history
from odqa.cli.remote import UrlOption, client_of
from odqa.cluster.join import check_address
from odqa.errors import UsageError
from odqa.models import DEFAULT_READER
from odqa.types import Mode, Response

AT_ONCE = 16  # Questions that are sent to a server in one request, or that a reader reads together.
# What is said where there is no answer, and two things more where they have not been said by the user.
NEAREST = "`odqa search` shows the passages that are nearest to the question"
FORCED = "--min-confidence 0 shows what would have been the answer"
EXPECTED = "--answerable 0.9 expects nine of ten questions to have one"


@command
def ask(
    question: Annotated[str | None, typer.Argument(help="The question, in quotes.")] = None,
    index: IndexOrDefaultOption = None,
    k: Annotated[int, typer.Option("-k", help="Passages of the index to read for a question.")] = DEFAULT_K,
    n: Annotated[int, typer.Option("-n", help="Answers to show at most.")] = 3,
    exhaustive: Annotated[bool, typer.Option("--exhaustive", help=EXHAUSTIVE)] = False,
    mode: ModeOption = Mode.HYBRID,
    filters: FilterOption = None,
    reader: ReaderOption = DEFAULT_READER,
    ranking: Annotated[
        str | None,
        typer.Option(
            help="Rank answers by logit, null, softmax, prior or evidence; the best one that was fitted if not given."
        ),
    ] = None,
    min_confidence: Annotated[
        float | None,
        typer.Option(
            help="Show answers with at least this confidence (0 to 1), whatever the no-answer rule says; 0 shows all."
        ),
    ] = None,
    answerable: AnswerableOption = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Show what answers were ranked by, and how close it came to giving none."),
    ] = False,
    device: DeviceOption = AUTO,
    ray: RayOption = None,
    json_output: JsonOption = False,
    questions: QuestionsOption = None,
    context: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Answer from this file alone, or from standard input for -; needs no index."),
    ] = None,
    url: UrlOption = None,
) -> None:
    """Answer a question with exact spans of your documents, where each one is, and how confident the system is.

    Finding no answer is a valid result: the exit code is 0. An answer with less than a tenth of the first one's
    confidence is not shown; --explain, --json and --min-confidence leave out none.

    Without a question, at a terminal, one after another is asked and answered while the models stay loaded; :help lists
    what else can be typed there.

    Examples:

    odqa ask "Who designed the tower?" --index indexes/wiki

    odqa ask "Who wrote the report?" --index indexes/reports --filter "year>=2020" --filter lang=en

    odqa ask "How many days of vacation are there?" --context handbook.pdf

    odqa ask "Who designed the tower?" --min-confidence 0.8 --explain

    odqa ask "how to get rid of the last commit" --answerable 0.9

    odqa ask --questions questions.jsonl --index indexes/wiki > answers.jsonl

    odqa ask --questions questions.jsonl --index indexes/wiki --ray 10.0.0.1:6379 > answers.jsonl

    odqa ask "Who designed the tower?" --url http://127.0.0.1:8265

    """
    prompting = question is None and questions is None and context is None and _at_terminal()
    if not prompting and (question is None) == (questions is None):
        raise UsageError('give one question, as in: odqa ask "Who built it?", or a file of them with --questions')
    others = {
        "--questions": questions,
        "--index": index,
        "--filter": filters,
        "--ranking": ranking,
        "--exhaustive": exhaustive,
        "--url": url,
        "--ray": ray,
    }
    other = next((name for name, value in others.items() if value), None)
    if context is not None and other:
        raise UsageError(f"--context answers one question from one text, so it does not go with {other}")
    if ray is not None and (questions is None or url is not None):
        raise UsageError("--ray is for many questions: it goes with --questions, and with an index here")
    check_share(answerable)
    if url is None:  # A server has its own.
        answerable = given_or_set(answerable, "answerable")
    how = Ask(k, n, parse_filters(filters), min_confidence, exhaustive)
    everything = min_confidence is not None
    pairs = [] if prompting else read_questions(questions) if questions else [(1, check_question(str(question)))]
    if context is not None:
        response = _from_context(pairs[0][1], context, reader, answerable, how, device)
        _print(response, explain, json_output, everything)
        return

    if url is not None:
        opened = _remote(url, index, reader, ranking, answerable, device)
    else:
        first = Mode.HYBRID if prompting else mode
        opened = _local(index_or_default(index), first, reader, ranking, answerable, device, ray, how)
    with opened as (respond, check):
        if prompting:
            if how.filters:
                check(how.filters)

            def show(one: Response, why: bool) -> None:
                _print(one, explain or why, json_output, everything)

            with history():
                Prompt(respond, show, how, mode, check).run()
            return
        responses = respond((text for _, text in pairs), how, mode)
        if questions is None:
            response = next(responses)
            _print(response, explain, json_output, everything)
            if not (json_output or response.answers or response.reason):
                hints = [NEAREST] if everything else [NEAREST, FORCED]
                if not everything and answerable is None and url is None:
                    hints.append(EXPECTED)
                note("; ".join(hints))
            return
        for (name, _), response in zip(pairs, track(responses, "Answering", len(pairs)), strict=True):
            print_json({"id": name, **response.to_dict(explain)})


def _at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


@contextmanager
def _local(
    index: Address,
    mode: Mode,
    reader: str,
    ranking: str | None,
    answerable: float | None,
    device: str,
    ray: str | None,
    how: Ask,
) -> Iterator[tuple[Respond, Check]]:
    """What answers from an index here, by models that are loaded first, once nothing is known to be wrong.

    With ``ray`` texts are read on the cluster at that address.
    """
    from odqa.answering.precheck import precheck
    from odqa.index.stores import store_at

    precheck(index, filters=how.filters, reader=reader, ranking=ranking)
    if ray:
        check_address(ray)
    with status("Loading the models…"):
        from odqa.answering.pipeline import Pipeline
        from odqa.reader.spread import spread

        here = "cpu" if ray else device
        opened = Pipeline.open(index, mode=mode, reader=reader, ranking=ranking, answerable=answerable, device=here)
    with opened as local, spread(local.reader, ray, device) as reads:
        pipeline = Pipeline(local.retriever, reads, local.decider)
        tell_fallback(pipeline.retriever.fallback)
        at_once = AT_ONCE * reads.workers

        def respond(questions: Iterable[str], how: Ask, mode: Mode) -> Iterator[Response]:
            return pipeline.in_mode(mode).respond(questions, how, at_once)

        yield respond, store_at(index).check_fields


@contextmanager
def _remote(
    url: str, index: Address | None, reader: str, ranking: str | None, answerable: float | None, device: str
) -> Iterator[tuple[Respond, Check]]:
    """What answers by a server, which has its own models."""
    own = [
        ("--reader", reader != setting("reader", DEFAULT_READER)),
        ("--ranking", ranking is not None),
        ("--answerable", answerable is not None),
        ("--device", device != setting("device", AUTO)),
    ]
    name = None if index is None else str(index)
    with client_of(url, own) as client:

        def respond(questions: Iterable[str], how: Ask, mode: Mode) -> Iterator[Response]:
            waiting = iter(questions)
            while some := list(islice(waiting, AT_ONCE)):
                yield from client.ask_many(
                    some,
                    k=how.k,
                    n=how.n,
                    mode=mode,
                    filters=how.filters,
                    min_confidence=how.min_confidence,
                    exhaustive=how.exhaustive,
                    index=name,
                )

        yield respond, lambda filters: client.check_filters(filters, index=name)


def _from_context(
    question: str, context: str, reader: str, answerable: float | None, how: Ask, device: str
) -> Response:
    """Answer from a file or standard input; parts of it that cannot be used are reported on stderr."""
    from odqa.answering.pipeline import answer_from_context

    documents, remarks = read_context(context)
    for remark in remarks:
        note(remark)
    with status("Loading the reader…"):
        from odqa.reader.model import Reader

        loaded = Reader.load(reader, device=device)
    return answer_from_context(
        question, documents, loaded, n=how.n, min_confidence=how.min_confidence, answerable=answerable
    )


def _print(response: Response, explain: bool, json_output: bool, everything: bool = False) -> None:
    """Print one JSON object, or lines for a person, of which ``everything`` leaves out no answer."""
    if json_output:
        print_json(response.to_dict(explain))
        return
    from odqa.reports.answers_text import ASTERISKS, INDENT, as_lines

    print_marked(lambda mark: as_lines(response, mark, explain=explain, everything=everything), ASTERISKS, INDENT)
