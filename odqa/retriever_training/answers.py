"""A reader goes in; what its first answers are worth, out of what was found for each question, comes out.

The answers are those of `odqa ask`: out of as many passages, by the ranking that was fitted for the index or the
reader, or by the reader's own rule. What was read is kept in the user's cache, as by `odqa eval`, so that what is found
before a training and after it is read once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from odqa.answering import fit_file
from odqa.answering.deciders import Decider
from odqa.answering.question import DEFAULT_K
from odqa.evaluation.cases import Query, read
from odqa.evaluation.judging import Judge
from odqa.evaluation.languages import LANGUAGES
from odqa.evaluation.readings import Readings
from odqa.text import base_language
from odqa.training.watch import at_each_tenth

if TYPE_CHECKING:
    from odqa.reader.model import Reader

OTHER = "other"  # The rules for a language that has none of its own.


@dataclass(frozen=True, slots=True)
class Answerer:
    """A reader, what decides on its answers, and the language by whose rules they are scored."""

    reader: Reader
    decider: Decider
    language: str

    def worth(self, queries: Sequence[Query], tell: Callable[[str], None]) -> list[float]:
        """The ROUGE-1 F1 of the first answer, given or withheld, to each question that has a reference.

        ``tell`` is called now and then with how far it has come. Raises DataError where the cache cannot be used.
        """
        asked = [one for one in queries if one.example.answerable]
        with Readings(self.reader) as readings:
            cases = read(asked, DEFAULT_K, readings, _told(tell), removed=False)
        judge = Judge(self.decider, self.language)
        return [round(one.forced.rouge1_f1, 6) for one in judge.judge(cases, DEFAULT_K)]


def load(name: str, index: str, language: str, device: str) -> Answerer | None:
    """The reader called ``name``, and what was fitted for it and the folder ``index``, if any; None for no name.

    ``language`` is the code of an index. Raises ModelError for a reader that cannot be loaded.
    """
    if not name:
        return None
    from odqa.reader.model import Reader

    reader = Reader.load(name, device=device)
    code = base_language(language)
    decider = fit_file.decider(reader, fit_file.load(reader, Path(index) if index else None))
    return Answerer(reader, decider, code if code in LANGUAGES else OTHER)


def _told(tell: Callable[[str], None]) -> Callable[[int, int], None]:
    """What says, at each tenth, how many passages were read; it hears how many since it heard last."""
    say = at_each_tenth(lambda done, total: tell(f"read {done:,} of {total:,} passages, to compare answers"))
    read = 0

    def show(count: int, total: int) -> None:
        nonlocal read
        read += count
        say(read, total)

    return show
