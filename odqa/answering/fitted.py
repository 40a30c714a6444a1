"""A ranking with what was fitted for it, applied to a question, and the file that keeps it. Fits nothing itself.

The file, ``ranking.json``, belongs to one reader: its scores are on that reader's scale. It stands in the reader's own
folder, for every index, or as ``rankings/READER.json`` in an index folder, for that index, which comes first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from odqa.answering import calibrator as calibration
from odqa.answering.calibrator import Calibrator, shares
from odqa.answering.decision import Decision, nothing
from odqa.answering.places import by_text, find
from odqa.answering.ranking import RANKINGS, Evidence, Weights, answer_scores, gather, place_scores
from odqa.errors import ModelError, UsageError
from odqa.files import whole
from odqa.types import Abstention, Answer, Hit, Place, Reading

if TYPE_CHECKING:
    from odqa.reader.model import Reader

FORMAT = 1
FILE = "ranking.json"
FOLDER = "rankings"  # In an index folder.
RULE = "probability"
REMEDY = "fit it again: odqa tune --index FOLDER --dataset FILE"


@dataclass(frozen=True, slots=True)
class Found:
    """A question's places and groups of them, with the evidence: all that does not depend on the ranking."""

    places: tuple[Place, ...]
    groups: tuple[tuple[int, ...], ...]
    evidence: Evidence

    @classmethod
    def of(cls, hits: Sequence[Hit], readings: Sequence[Reading]) -> Found:
        """Find them in the readings of the hits, one for each, in order."""
        places = find(hits, readings)
        groups = by_text(places)
        return cls(tuple(places), tuple(map(tuple, groups)), gather(places, groups, hits, readings))


@dataclass(frozen=True, slots=True)
class FittedRanking:
    """A ranking's name, its weights, its calibrator, and the probability of "no answer" beyond which none is given."""

    name: str
    weights: Weights
    calibrator: Calibrator
    threshold: float

    def decide(self, question: str, hits: Sequence[Hit], found: Found) -> Decision:
        """All answers to a question, best first, with their confidence, and the probability that there is none."""
        if not found.places:
            return nothing(Abstention(RULE, 1.0, self.threshold))
        answers = ranked(self.name, self.weights, found)
        outcome = self.calibrator.outcome(calibration.features(question, answers, hits))
        sure = shares(outcome, [answer.score for answer in answers])
        return Decision(
            tuple(
                Answer(answer.text, confidence, answer.score, answer.places)
                for answer, confidence in zip(answers, sure, strict=True)
            ),
            outcome.none,
            Abstention(RULE, outcome.none, self.threshold),
        )


def ranked(name: str, weights: Weights, found: Found) -> list[Answer]:
    """The answers by the ranking ``name``, best first, without confidence; places of an answer best first."""
    scores = place_scores(name, found.evidence, weights)
    totals = answer_scores(name, scores, found.evidence.texts)
    answers = []
    # Stable: of equal scores the larger d comes first, as places do.
    for number in np.argsort(-totals, kind="stable").tolist():
        group = sorted(found.groups[number], key=lambda at: -scores[at])
        places = tuple(found.places[at] for at in group)
        answers.append(Answer(places[0].text, math.nan, float(totals[number]), places))
    return answers


@dataclass(frozen=True, slots=True)
class Fit:
    """Every ranking as it was fitted for one reader, ``reader`` being its hash, and the name of the best of them.

    ``record`` tells of the data it was fitted on and what it reached there, as plain values.
    """

    reader: str
    default: str
    rankings: Mapping[str, FittedRanking]
    record: Mapping[str, Any] = field(default_factory=dict)

    def get(self, name: str | None) -> FittedRanking:
        """The ranking of that name, the best one for None. Raises UsageError for another name."""
        check_ranking(name)
        return self.rankings[name or self.default]


def check_ranking(name: str | None) -> None:
    """Raise UsageError for a name that no ranking has."""
    if name is not None and name not in RANKINGS:
        raise UsageError(f"no such ranking: {name!r} ({', '.join(RANKINGS)})")


def own_file(index: Path, reader: Reader) -> Path:
    """Where an index folder keeps what was fitted for a reader."""
    return index / FOLDER / f"{reader.content_hash[:16]}.json"


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


def write(path: Path, fit: Fit) -> None:
    """Write a fit, whole or not at all."""
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
    with whole(path) as unfinished:
        unfinished.write_text(json.dumps(value, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def read(path: Path) -> Fit:
    """Read a fit. Raises ModelError, naming the file, where it is damaged or of a later version."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
        if value["format"] > FORMAT:
            raise ValueError(f"it has format {value['format']}, this odqa reads format {FORMAT}")
        rankings = {
            name: FittedRanking(
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
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ModelError(f"{path} is no fitted ranking ({type(error).__name__}: {error}); {REMEDY}") from None
    return fit
