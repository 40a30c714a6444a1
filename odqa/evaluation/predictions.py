"""Predictions come from a file and go into one, in SQuAD's format: one JSON object of question id -> text.

The empty text means that the question has no answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from odqa.errors import DataError, UsageError
from odqa.files import read_json, write_json

FORMAT = 'one JSON object of question id -> answer text ("" for no answer) is needed'
SHOWN = 3  # Ids named in a message before it says "and more".


def read_predictions(path: Path) -> dict[str, str]:
    """Read a predictions file. Raises UsageError where there is none, DataError with the place where it is wrong."""
    if not path.exists() or path.is_dir():
        raise UsageError(f"no such predictions file: {path}")
    content = read_json(path, FORMAT, _unique(path))
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds {_kind(content)}; {FORMAT}")
    for key, value in content.items():
        if not isinstance(value, str):
            raise DataError(f"{path}: the prediction of question {key!r} is {_kind(value)}, not a text; {FORMAT}")
    return content


def write_predictions(path: Path, predictions: Mapping[str, str]) -> None:
    """Write a predictions file whole or not at all: a file that was there stays as it was when writing fails."""
    write_json(path, predictions)


def id_warnings(
    predictions: Mapping[str, str], scored: Sequence[str], dataset: Collection[str], source: Path
) -> list[str]:
    """Say which predictions belong to no question and which questions have no prediction.

    ``scored`` are the ids that will be scored, ``dataset`` all ids of the dataset: a prediction for one that was
    left out on purpose is no mistake. Raises DataError where not one prediction belongs to the dataset, which is
    another dataset's file rather than a bad result.
    """
    known = set(dataset)
    unknown = [key for key in predictions if key not in known]
    missing = [key for key in scored if key not in predictions]
    if len(unknown) == len(predictions):
        raise DataError(
            f"{source}: none of its {len(predictions):,} question ids occurs in the dataset{_named(unknown)}; "
            "give the predictions that were made for this dataset"
        )
    warnings = []
    if unknown:
        warnings.append(
            f"{source}: ignoring {len(unknown):,} of its {len(predictions):,} ids (not in the dataset){_named(unknown)}"
        )
    if missing:
        warnings.append(
            f"{source}: no prediction for {len(missing):,} of {len(scored):,} questions (counted as wrong)"
            f"{_named(missing)}"
        )
    return warnings


def _named(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN:,} more" if len(ids) > SHOWN else ""
    return f": {', '.join(ids[:SHOWN])}{more}" if ids else ""


def _unique(path: Path) -> Any:
    """A hook for ``json.loads`` that refuses an object with the same key twice instead of keeping the last."""

    def build(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            twice = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
            raise DataError(f"{path}: {twice!r} occurs more than once as a key; each id needs one prediction")
        return found

    return build


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
