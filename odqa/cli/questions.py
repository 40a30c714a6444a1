"""``odqa questions``: an index in; passages out, as lines to fill in for eval, tune and the training commands."""

from __future__ import annotations

import json
from pathlib import Path
from shlex import quote
from typing import Annotated

import typer

from odqa.cli.common import command
from odqa.cli.options import IndexOption
from odqa.cli.output import landed, print_json, print_lines
from odqa.errors import UsageError
from odqa.files import check_writable, whole
from odqa.reports.visible import visible
from odqa.types import DEFAULT_INDEX

SUFFIX = ".jsonl"


@command
def questions(
    index: IndexOption = DEFAULT_INDEX,
    n: Annotated[int, typer.Option("--n", "-n", min=1, help="Passages to write questions for.")] = 20,
    output: Annotated[
        str, typer.Option(help="Write them to this new .jsonl file; - for standard output.")
    ] = "questions.jsonl",
    seed: Annotated[int, typer.Option(help="Seed of what is drawn: another one gives other passages.")] = 0,
) -> None:
    """Write a file of passages of an index, to fill in questions that they answer.

    Each line has a passage of another document, as far as there are so many. Write a question and its answer, letter
    for letter as in the passage, between the quotation marks; copy the line for a second one. Where nothing in the
    index answers your question, put "answers": [] for "answer": "". Lines without a question are left out.

    Examples:

    odqa questions --index indexes/docs --n 100

    odqa questions --index indexes/docs --seed 1 --output more.jsonl

    """
    from odqa.index.sample import sample_passages

    path = None if output == "-" else Path(output)
    if path is not None:
        if path.suffix.lower() != SUFFIX:
            raise UsageError(f"--output {output}: the questions are lines of JSON; give it the suffix {SUFFIX}, or -")
        check_writable(path, "questions")
        if path.exists() or path.is_symlink():
            raise UsageError(f"{output} is there already, perhaps with your questions in it; name another file")
    rows = [
        {"question": "", "answer": "", "source": one.source, "passage": one.text}
        for one in sample_passages(index, n, seed)
    ]
    if path is None:
        for row in rows:
            print_json(row)
        return
    with whole(path) as unfinished, unfinished.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    with landed(f"the passages are in {output}"):
        fewer = f" (the index has no more than these {len(rows):,})" if len(rows) < n else ""
        print_lines(
            [
                visible(f"{len(rows):,} passages are in {output}{fewer}. Fill in questions and answers, then:"),
                visible(f"  odqa eval --index {quote(str(index))} --dataset {quote(str(output))}"),
            ]
        )
