"""What a run makes before its first step goes in, and comes out until it is finished: index, first places, negatives.

A run that is resumed from a checkpoint takes up what it made before: nothing is encoded or searched for twice.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from odqa.checked import checked
from odqa.errors import DataError
from odqa.files import read_json, write_json
from odqa.retriever_training.scores import Found
from odqa.training.output import PREPARED

_INDEX, _DONE, _ROUND = "index", "before.json", "round-{}.json"
_REMEDY = "remove the folder and train again"


@dataclass(frozen=True, slots=True)
class Mined:
    """The ids of the negatives of each pair in a round and, with a teacher, what it made of its passages."""

    negatives: list[list[str]]
    scores: list[list[float]]


def index_of(output: Path) -> Path:
    """Where the index of the run in ``output`` is."""
    return output / PREPARED / _INDEX


def is_made(output: Path) -> bool:
    """Whether a run has left what :func:`make` writes."""
    return (output / PREPARED / _DONE).is_file()


def make(output: Path, build: Callable[[Path], None], first: Callable[[Path], Mapping[str, Found]]) -> None:
    """Write the run's index, by ``build``, and what the held-out questions find in it at first.

    Raises what these two do.
    """
    folder = output / PREPARED
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        build(folder / _INDEX)
        found = {name: asdict(one) for name, one in first(folder / _INDEX).items()}
        write_json(folder / _DONE, found)  # Last: where it is, all is made.
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):
            output.rmdir()  # Where it is empty.
        raise


def before(output: Path, questions: int, answered: int) -> dict[str, Found]:
    """What so many held-out questions found before, and what so many answers were worth where there are any.

    Raises DataError where the file is damaged.
    """
    path = output / PREPARED / _DONE
    read = checked(dict[str, list[int] | Found], read_json(path, _REMEDY), str(path), _REMEDY)
    # Before answers were compared, the places stood alone.
    found = {name: one if isinstance(one, Found) else Found(one) for name, one in read.items()}
    for name, one in found.items():
        worth = one.rouge1_f1
        if len(one.places) != questions or min(one.places, default=1) < 1 or len(worth) not in (0, answered):
            raise DataError(f"{path}: {name!r} has not what {questions:,} questions found; {_REMEDY}")
        if not all(0 <= value <= 1 for value in worth):
            raise DataError(f"{path}: {name!r} has a ROUGE-1 F1 that is none; {_REMEDY}")
    return found


def round_of(output: Path, number: int, pairs: int, make_round: Callable[[], Mined], *, scored: int) -> Mined:
    """What was mined in a round of so many ``pairs``; by ``make_round``, and kept, where it was not yet.

    Of the first ``scored`` of them there are scores. Raises DataError where what was kept is of other pairs.
    """
    path = output / PREPARED / _ROUND.format(number)
    if not path.is_file():
        mined = make_round()
        write_json(path, {"negatives": mined.negatives, "scores": mined.scores}, indent=None)
        return mined
    found: Mined = checked(Mined, read_json(path, _REMEDY), str(path), _REMEDY)
    if (len(found.negatives), len(found.scores)) != (pairs, scored):
        raise DataError(
            f"{path}: it has negatives of {len(found.negatives):,} pairs and scores of {len(found.scores):,}, and "
            f"there are {pairs:,} and {scored:,}; {_REMEDY}"
        )
    return found


def remove(output: Path) -> None:
    """Remove it: the run is finished."""
    shutil.rmtree(output / PREPARED, ignore_errors=True)
