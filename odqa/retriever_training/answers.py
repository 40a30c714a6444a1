"""A reader goes in; what its first answers are worth, out of what was found for each question, comes out.

The answers are those of `odqa ask`: out of the first passages, by the ranking that was fitted for the reader, or by its
own rule. What was read is remembered as `odqa eval` remembers it, so that passages that are found before a training and
after it are read once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeAlias

from odqa.answering import fit_file
from odqa.evaluation.cases import Query, read
from odqa.evaluation.judging import Judge
from odqa.evaluation.readings import Readings

TOLD = 10  # How often it is told how far the reader has come.

Worth: TypeAlias = Callable[[Sequence[Query]], list[float]]
"""Gives the ROUGE-1 F1 of the first answer, given or withheld, of every question that has a reference."""


@contextmanager
def answering(name: str, device: str, language: str, depth: int, tell: Callable[[str], None]) -> Iterator[Worth | None]:
    """What the answers of the reader called ``name`` are worth, out of ``depth`` passages; None for no name.

    ``tell`` is called now and then with how far it has come. Raises ModelError for a reader that cannot be loaded.
    """
    if not name:
        yield None
        return
    from odqa.reader.model import Reader

    reader = Reader.load(name, device=device)
    judge = Judge(fit_file.decider(reader, fit_file.load(reader)), language)
    with Readings(reader) as readings:

        def worth(queries: Sequence[Query]) -> list[float]:
            asked = [one for one in queries if one.example.answerable]
            cases = read(asked, depth, readings, _told(tell), removed=False)
            return [round(one.forced.rouge1_f1, 6) for one in judge.judge(cases, depth)]

        yield worth


def _told(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    """What says, at each tenth, how many passages were read."""
    done = said = 0

    def show(count: int, total: int) -> None:
        nonlocal done, said
        done += count
        if (tenth := TOLD * done // max(1, total)) > said:
            said = tenth
            tell(f"read {done:,} of {total:,} passages, to compare answers")

    return show
