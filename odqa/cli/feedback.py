"""``odqa feedback``: a file that a server wrote in; what people asked, and what was right, out. Knows no server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from odqa.cli.common import command
from odqa.cli.options import JsonOption
from odqa.cli.output import print_json, print_lines

if TYPE_CHECKING:
    from odqa.serve.feedback import Asked, Feedback

SHOWN = 20
_QUESTION, _ANSWER = 50, 30  # Characters that are shown of each.


@command
def feedback(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file that odqa serve --feedback FILE writes.")],
    most: Annotated[
        int, typer.Option("-n", min=1, help="Questions to show at most, the last ones; --json has all.")
    ] = SHOWN,
    json_output: JsonOption = False,
) -> None:
    """Show what people asked a server, which answers they called right or wrong, and what they missed.

    The file is a dataset too: odqa eval, odqa tune and odqa train-reader read the questions in it whose answer
    somebody confirmed or marked, or of which somebody confirmed that they have none.

    Examples:

    odqa feedback feedback.jsonl

    odqa feedback feedback.jsonl --json

    odqa eval --dataset feedback.jsonl --index indexes/work

    """
    from odqa.serve.feedback import by_question, read

    records = list(read(file))
    questions = by_question(records)
    if json_output:
        print_json({"file": str(file), **_counts(records, questions), "asked": [asdict(one) for one in questions]})
    else:
        print_lines(_lines(records, questions, most))


def _counts(records: Sequence[Feedback], questions: Sequence[Asked]) -> dict[str, Any]:
    return {
        "records": len(records),
        "questions": len(questions),
        **{name: sum(getattr(one, name) for one in questions) for name in ("right", "wrong", "missing")},
        "marked": sum(one.marked for one in questions),
        "none": sum(one.none for one in questions),
        "labelled": sum(record.labelled for record in records),
    }


def _lines(records: Sequence[Feedback], questions: Sequence[Asked], most: int) -> Iterator[str]:
    from odqa.reports.tables import aligned
    from odqa.reports.visible import brief

    if not records:
        yield "Nobody has said anything yet."
        return
    counts = _counts(records, questions)
    yield (
        f"questions: {counts['questions']:,} · judgements: {counts['records']:,}, of them {counts['right']:,} right, "
        f"{counts['wrong']:,} wrong, {counts['missing']:,} missing"
    )
    yield (
        f"marked by hand: {counts['marked']:,} · rightly no answer: {counts['none']:,} · "
        f"usable as questions of a dataset: {counts['labelled']:,}"
    )
    yield ""
    rows: list[tuple[str, ...]] = [("last", "question", "answer", "right", "wrong", "missing")]
    for one in questions[:most]:
        answer = " / ".join(one.answers) or ("(none)" if one.none else "-")
        numbers = (str(number) if number else "" for number in (one.right, one.wrong, one.missing))
        rows.append((one.last[:10], brief(one.question, _QUESTION), brief(answer, _ANSWER), *numbers))
    yield aligned(rows, left=3)
    if len(questions) > most:
        yield f"… {len(questions) - most:,} more; -n {len(questions)} shows all"
