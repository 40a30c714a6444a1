"""The questions of `benchmarks/typed`: each has its page, and nothing that is trained on is tested on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from odqa.squad import OwnQuestion, load_questions

FOLDER = Path(__file__).parents[1] / "benchmarks" / "typed"
PAGES = json.loads((FOLDER / "pages.json").read_text(encoding="utf-8"))


def pages(name: str) -> set[str]:
    """The pages of a set as they are named in its corpus."""
    return {
        f"{package}/{Path(path).with_suffix('.txt').name if path.startswith('usr/share/man/') else path}"
        for package, paths in PAGES[name].items()
        for path in paths
    }


@pytest.mark.parametrize("name", list(PAGES))
def test_every_answerable_question_names_a_page_of_its_set(name: str) -> None:
    questions = load_questions(FOLDER / f"{name}.jsonl")
    assert all(isinstance(one, OwnQuestion) for one in questions)
    assert len({one.id for one in questions}) == len({one.question.lower() for one in questions}) == len(questions)
    assert {one.source for one in questions if one.answers} <= pages(name)
    assert 0.1 < sum(not one.answers for one in questions) / len(questions) < 0.2


def test_no_program_is_in_two_sets() -> None:
    assert len({program for some in PAGES.values() for program in some}) == sum(map(len, PAGES.values()))
