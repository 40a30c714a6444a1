"""What was fitted for a reader goes into a file, ``ranking.json``, and comes back as the rules that decide by it.

The file belongs to one reader: its scores are on that reader's scale. It lies in the reader's own folder, for every
index, or as ``rankings/READER.json`` in an index folder, or beside an index in a Milvus, for that index, which takes
precedence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from odqa.addresses import Address, MilvusAddress
from odqa.answering.calibrator import Calibrator
from odqa.answering.deciders import Decider, Enough, FittedRule, ReaderRule
from odqa.answering.question import check_share
from odqa.answering.ranking import RANKINGS, Weights, check_ranking
from odqa.checked import checked
from odqa.errors import DataError, ModelError, UsageError
from odqa.files import parse_json, read_json, write_json
from odqa.index import layout

if TYPE_CHECKING:
    from odqa.index.milvus.store import MilvusStore
    from odqa.reader.model import Reader

FORMAT = 1
FILE = "ranking.json"
REMEDY = "fit it again: odqa tune --index FOLDER --dataset FILE"


class _Weights(BaseModel):
    """Within these limits no score of a place is lost in rounding."""

    model_config = ConfigDict(strict=True, extra="forbid")

    temperature: Annotated[float, Field(ge=1e-6, le=1e6)] = 1.0
    dense: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    bm25: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0


class _Enough(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid")

    passages: Annotated[int, Field(ge=1)]
    confidence: Annotated[float, Field(ge=0, le=1)]


class _Rule(BaseModel):
    """Where it says nothing of what is ``enough``, all passages are read."""

    model_config = ConfigDict(strict=True)

    weights: _Weights
    threshold: float
    calibrator: dict[str, Any]
    enough: _Enough | None = None


class _Record(BaseModel):
    """What a report says of a fit; there may be more."""

    model_config = ConfigDict(strict=True, extra="allow")

    questions: Annotated[int, Field(ge=0)] = 0
    dataset: str | None = None


class _File(BaseModel):
    """The layout of the file."""

    model_config = ConfigDict(strict=True)

    format: Annotated[int, Field(ge=1, le=FORMAT)]
    reader: str
    default: str
    rankings: dict[str, _Rule]
    record: _Record


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


def decider(reader: Reader, fit: Fit | None, ranking: str | None = None, answerable: float | None = None) -> Decider:
    """What decides over an index: the ranking of that name, the best one fitted for None, or the reader's own rule.

    ``answerable`` is the share of the questions that is expected to have an answer; None leaves it at half, which is
    what everything is fitted at. Raises UsageError for a name that no ranking has, for any name where nothing was
    fitted, and for a share that is not between 0 and 1.
    """
    check_ranking(ranking)
    check_share(answerable)
    found = _rule(reader, fit, ranking)
    return found if answerable is None else found.expecting(float(answerable))


def _rule(reader: Reader, fit: Fit | None, ranking: str | None) -> Decider:
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


def has_own(index: Path) -> bool:
    """Whether an index folder keeps what was fitted for any reader. Raises OSError where it may not be looked into."""
    return any(layout.is_ranking_file(path.name) for path in layout.entries(index / layout.RANKINGS))


def note_of(reader: Reader) -> str:
    """What the fit for a reader is called beside an index in a Milvus."""
    return f"ranking {reader.content_hash[:16]}"


def used_file(reader: Reader, index: Address | None = None) -> Path | MilvusAddress | None:
    """The file that :func:`load` reads, or the index in a Milvus that has it beside it; None where nothing was fitted.

    Raises IndexFolderError where a Milvus does not answer.
    """
    if reader.folder is None:
        return None
    if isinstance(index, MilvusAddress):
        if _in_milvus(index).note(note_of(reader)) is not None:
            return index
        index = None
    files = [*([own_file(index, reader)] if index else []), reader.folder / FILE]
    return next((file for file in files if file.is_file()), None)


def load(reader: Reader, index: Address | None = None) -> Fit | None:
    """What was fitted for a reader on this index, or else what came with the reader; None where nothing was.

    Raises ModelError for a file that is broken, and for one that was fitted for another reader.
    """
    path = used_file(reader, index)
    if path is None:
        return None
    fit = _read_note(path, reader) if isinstance(path, MilvusAddress) else read(path)
    if fit.reader != reader.content_hash:
        raise ModelError(
            f"{path} was fitted for another reader ({fit.reader[:12]}) than {reader.name} "
            f"({reader.content_hash[:12]}), or for other windows or another penalty; {REMEDY}, or remove it"
        )
    return fit


def is_same(one: Path | MilvusAddress, other: Path | MilvusAddress) -> bool:
    """Whether two fits are at the same place."""
    if isinstance(one, Path) and isinstance(other, Path):
        return one.resolve() == other.resolve()
    return one == other


def keep(index: Address, reader: Reader, fit: Fit) -> Path | MilvusAddress:
    """Write a fit into an index folder, whole or not at all, and return the file; no link in the folder is followed.

    That for an index in a Milvus is kept beside it, and its address returned. Raises IndexFolderError where there is a
    link, or no Milvus answers.
    """
    if isinstance(index, MilvusAddress):
        _in_milvus(index).keep(note_of(reader), json.dumps(_values(fit), ensure_ascii=False))
        return index
    path = own_file(index, reader)
    layout.check_kinds(index)
    path.parent.mkdir(exist_ok=True)
    write(path, fit, follow=False)
    return path


def write(path: Path, fit: Fit, *, follow: bool = True) -> None:
    """Write a fit, whole or not at all. Where ``path`` is a link, to where it leads, unless ``follow`` is false."""
    write_json(path, _values(fit), follow=follow)


def _values(fit: Fit) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "reader": fit.reader,
        "default": fit.default,
        "rankings": {
            name: {
                "weights": one.weights._asdict(),
                "threshold": one.threshold,
                "calibrator": one.calibrator.as_json(),
                "enough": one.enough and {"passages": one.enough.passages, "confidence": one.enough.confidence},
            }
            for name, one in fit.rankings.items()
        },
        "record": fit.record,
    }


def read(path: Path) -> Fit:
    """Read a fit. Raises ModelError, naming the file, where it is damaged or of a later version."""
    try:
        return _fit(read_json(path, REMEDY), str(path))
    except DataError as error:
        raise ModelError(str(error)) from None


def _read_note(index: MilvusAddress, reader: Reader) -> Fit:
    """The fit that is kept beside an index in a Milvus. Raises ModelError where it is damaged."""
    where = f"{index} ({note_of(reader)})"
    try:
        return _fit(parse_json(_in_milvus(index).note(note_of(reader)) or "", where, REMEDY), where)
    except DataError as error:
        raise ModelError(str(error)) from None


def _in_milvus(index: MilvusAddress) -> MilvusStore:
    from odqa.index.milvus.store import MilvusStore

    return MilvusStore(index)


def _fit(content: Any, path: str) -> Fit:
    """The fit of a file's content. Raises DataError, and ModelError where it is not of all rankings."""
    found = content.get("format") if isinstance(content, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise DataError(f"{path}: it has format {found}, this odqa reads format {FORMAT}; {REMEDY}")
    value: _File = checked(_File, content, path, REMEDY)
    rankings = {
        name: FittedRule(
            name,
            Weights(**one.weights.model_dump()),
            _calibrator(one.calibrator, path),
            one.threshold,
            Enough(**one.enough.model_dump()) if one.enough else None,
        )
        for name, one in value.rankings.items()
    }
    if set(rankings) != set(RANKINGS) or value.default not in rankings:
        wanted = f"it must hold the rankings {', '.join(RANKINGS)}, and name one of them as the default"
        raise ModelError(f"{path} is not a fitted ranking ({wanted}); {REMEDY}")
    return Fit(value.reader, value.default, rankings, value.record.model_dump(exclude_unset=True))


def _calibrator(value: Mapping[str, Any], path: str) -> Calibrator:
    try:
        return Calibrator.from_json(value)
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise DataError(
            f"{path} is not a fitted ranking ({type(error).__name__} in a calibrator: {error}); {REMEDY}"
        ) from None
