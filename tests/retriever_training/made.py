"""Twenty-four questions over twelve paragraphs, and what is asked of a run's folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from odqa.types import Example, Reference
from tests.training.heard import Recorder, equal

PLACES = ("tower", "museum", "river", "city", "earth", "moon")
MAKERS = ("engineer", "painting")


def examples() -> list[Example]:
    """Two questions a paragraph, and one that nothing answers."""
    found = []
    for number, place in enumerate(PLACES):
        for maker in MAKERS:
            context = (
                f"The {place} of the {maker} was built in {number + 20} days. It has the light of {place} {maker}."
            )
            for question, answer in (
                (f"how many days has the {place} of the {maker}", f"{number + 20} days"),
                (f"which light has the {place} {maker}", f"light of {place} {maker}"),
            ):
                reference = Reference(answer, context.index(answer))
                id = f"{place}-{maker}-{answer}"
                found.append(Example(id, question, context, (reference,), title=place, headings=(maker,)))
    return [*found, Example("none", "who has remote work", found[0].context, ())]


def record_of(folder: Path) -> dict[str, object]:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def check_resumed(run: Callable[..., Path], recipe: object, folder: Path, at: int) -> None:
    """A run that was interrupted at a step and resumed ends with the weights and the files of one that was not."""
    broken, whole = folder / "broken", folder / "whole"
    run(recipe, whole)
    with pytest.raises(KeyboardInterrupt):
        run(recipe, broken, Recorder(at))
    assert not (broken / "config.json").exists()
    watcher = Recorder()
    run(recipe, broken, watcher, resume=True)
    assert any(f"resumed at step {at} " in note for note in watcher.notes)
    assert equal(broken, whole)
    assert record_of(broken)["comparisons"] == record_of(whole)["comparisons"]
    assert {path.name for path in broken.iterdir()} == {path.name for path in whole.iterdir()}


def rows(path: Path, *values: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in values), encoding="utf-8")
    return path


def telling(folder: Path, where: Path) -> list[str]:
    """The files of a folder that name the folder ``where``."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in files if str(where).encode() in path.read_bytes()]
