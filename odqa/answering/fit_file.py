"""What was fitted for a reader goes into a file, ``ranking.json``, and comes back as the rules that decide by it.

The file belongs to one reader: its scores are on that reader's scale. It lies in the reader's own folder, for every
index, or as ``rankings/READER.json`` in an index folder, for that index, which takes precedence.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odqa.answering.calibrator import Calibrator
from odqa.answering.deciders import Decider, FittedRule, ReaderRule
from odqa.answering.ranking import RANKINGS, Weights, check_ranking
from odqa.errors import DataError, ModelError, UsageError
from odqa.files import read_json, write_json
from odqa.index import layout

if TYPE_CHECKING:
    from odqa.reader.model import Reader

FORMAT = 1
FILE = "ranking.json"
REMEDY = "fit it again: odqa tune --index FOLDER --dataset FILE"


@dataclass(frozen=True, slots=True)
class Fit:
    """Every ranking as it was fitted for one reader, ``reader`` being its hash, and the name of the best of them.

    ``record`` tells of the data it was fitted on and what it reached there, as plain values.
    """

    reader: str
    default: str
    rankings: Mapping[str, FittedRule]
    record: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str | None) -> FittedRule:
        """The ranking of that name, the best one for None. Raises UsageError for another name."""
        check_ranking(name)
        return self.rankings[name or self.default]


def decider(reader: Reader, fit: Fit | None, ranking: str | None = None) -> Decider:
    """What decides over an index: the ranking of that name, the best one fitted for None, or the reader's own rule.

    Raises UsageError for a name that no ranking has, and for any name where nothing was fitted.
    """
    check_ranking(ranking)
    if fit is not None:
        return fit.get(ranking)
    if ranking is not None:
        raise UsageError(
            f"nothing was fitted for {reader.name}, which the ranking {ranking!r} needs; run `odqa tune` with "
            "questions whose answers are known, or leave --ranking out"
        )
    return reader_rule(reader)


def reader_rule(reader: Reader) -> ReaderRule:
    """The rule by a reader's own threshold and temperature."""
    return ReaderRule(reader.no_answer_threshold, reader.temperature)


def own_file(index: Path, reader: Reader) -> Path:
    """Where an index folder keeps what was fitted for a reader."""
    return index / layout.RANKINGS / f"{reader.content_hash[:16]}.json"


def load(reader: Reader, index: Path | None = None) -> Fit | None:
    """What was fitted for a reader on this index, or else what came with the reader; None where nothing was.

    Raises ModelError for a file that is broken, and for one that was fitted for another reader.
    """
    if reader.folder is None:
        return None
    files = [*([own_file(index, reader)] if index else []), reader.folder / FILE]
    path = next((file for file in files if file.is_file()), None)
    if path is None:
        return None
    fit = read(path)
    if fit.reader != reader.content_hash:
        raise ModelError(
            f"{path} was fitted for another reader ({fit.reader[:12]}) than {reader.name} "
            f"({reader.content_hash[:12]}), or for other windows or another penalty; {REMEDY}, or remove it"
        )
    return fit


def keep(index: Path, reader: Reader, fit: Fit) -> Path:
    """Write a fit into an index folder, whole or not at all, and return the file; no link in the folder is followed.

    Raises IndexFolderError where there is one.
    """
    path = own_file(index, reader)
    layout.check_kinds(index)
    path.parent.mkdir(exist_ok=True)
    write(path, fit, follow=False)
    return path


def write(path: Path, fit: Fit, *, follow: bool = True) -> None:
    """Write a fit, whole or not at all. Where ``path`` is a link, to where it leads, unless ``follow`` is false."""
    value = {
        "format": FORMAT,
        "reader": fit.reader,
        "default": fit.default,
        "rankings": {
            name: {"weights": one.weights._asdict(), "threshold": one.threshold, "calibrator": one.calibrator.as_json()}
            for name, one in fit.rankings.items()
        },
        "record": fit.record,
    }
    write_json(path, value, follow=follow)


def read(path: Path) -> Fit:
    """Read a fit. Raises ModelError, naming the file, where it is damaged or of a later version."""
    try:
        value = read_json(path, REMEDY)
        if value["format"] > FORMAT:
            raise ValueError(f"it has format {value['format']}, this odqa reads format {FORMAT}")
        rankings = {
            name: FittedRule(
                name,
                Weights(**{key: float(number) for key, number in one["weights"].items()}),
                Calibrator.from_json(one["calibrator"]),
                float(one["threshold"]),
            )
            for name, one in value["rankings"].items()
        }
        fit = Fit(str(value["reader"]), str(value["default"]), rankings, dict(value["record"]))
        if set(rankings) != set(RANKINGS) or fit.default not in rankings:
            raise ValueError(f"it must hold the rankings {', '.join(RANKINGS)}, and name one of them as the default")
        if not all(one.weights.temperature > 0 for one in rankings.values()):
            raise ValueError("a temperature must be above 0")
        if not all(math.isfinite(number) for one in rankings.values() for number in (*one.weights, one.threshold)):
            raise ValueError("its numbers must be finite")
    except DataError as error:
        raise ModelError(str(error)) from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is not a fitted ranking ({type(error).__name__}: {error}); {REMEDY}") from None
    return fit
