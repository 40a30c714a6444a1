"""Every file that odqa wrote and reads again, with something unusual in one of its places: it is read or refused.

What is read is used, too, so that nothing passes that fails later. No other exception than an OdqaError is let through.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odqa.answering import fit_file
from odqa.answering.calibrator import FEATURES, Calibrator
from odqa.answering.deciders import FittedRule, ReaderRule
from odqa.answering.fit_file import Fit
from odqa.answering.ranking import RANKINGS, Weights
from odqa.errors import DataError, OdqaError, UsageError
from odqa.evaluation.compare import compare
from odqa.evaluation.predictions import read_predictions
from odqa.evaluation.readings import Readings
from odqa.evaluation.report import read_report
from odqa.files import write_json
from odqa.models import DEFAULT_READER, resolve
from odqa.reader.model import read_settings
from odqa.squad import load_examples
from odqa.training.prepare import _record_of
from odqa.training.recipe import make_recipe, read_recipe
from odqa.types import Reading, Span
from tests import hostile
from tests.evaluation.made import example as made_example
from tests.evaluation.made import over_index
from tests.reports.reports import report

often = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))

CASE = over_index(
    made_example("q", "Paris is in France", ["Paris"]),
    [("Paris is in France", {"Paris": 3.0, "France": -1.0}), ("Berlin is in Germany", {"Berlin": 1.0})],
)
ZEROS = (0.0,) * len(FEATURES)
CALIBRATOR = Calibrator(ZEROS, (1.0,) * len(FEATURES), ((1.0, *ZEROS[1:]), ZEROS, ZEROS), (0.0, 0.0, 0.0))
FIT = Fit(
    "hash",
    "evidence",
    {name: FittedRule(name, Weights(0.7, 0.1, 0.3), CALIBRATOR, 0.5) for name in RANKINGS},
    {"questions": 3, "dataset": "dev.json", "held_out": {}},
)
SETTINGS = {"no_answer_threshold": 1.5, "temperature": 2.0, "length_penalty": 0.1, "max_length": 96, "stride": 24}
ROW = {
    "id": "q",
    "title": "Paris",
    "context": "Paris is in France",
    "question": "Where?",
    "answers": {"text": ["France"], "answer_start": [12]},
    "is_impossible": False,
    "plausible_answers": {"text": [], "answer_start": []},
}
SQUAD = {
    "data": [
        {
            "title": "Paris",
            "paragraphs": [
                {
                    "context": "Paris is in France",
                    "qas": [
                        {
                            "id": "q",
                            "question": "Where?",
                            "is_impossible": False,
                            "answers": [{"text": "France", "answer_start": 12}],
                            "plausible_answers": [],
                        }
                    ],
                }
            ],
        }
    ]
}


def is_probability(*values: float) -> bool:
    return all(0 <= value <= 1 + 1e-9 for value in values)


def use_settings(folder: Path) -> None:
    (folder / "x").replace(folder / "reader.json")
    found = read_settings(folder)
    candidates = CASE.candidates(CASE.query.hits)
    decision = ReaderRule(found["no_answer_threshold"], found["temperature"]).decide("Where?", candidates)
    assert is_probability(decision.no_answer_probability, *(answer.confidence for answer in decision.answers))


def use_fit(folder: Path) -> None:
    fit = fit_file.read(folder / "x")
    for rule in fit.rankings.values():
        decision = rule.decide("Where?", CASE.candidates(CASE.query.hits))
        assert is_probability(decision.no_answer_probability, *(answer.confidence for answer in decision.answers))
    write_json(folder / "again", dict(fit.record))


def use_report(folder: Path) -> None:
    found = read_report(folder / "x")
    other = report()
    try:
        result = compare(found, other)
    except DataError:
        return
    assert all(row.a is None or math.isfinite(row.a) for row in result.scores)


def use_record(folder: Path) -> None:
    (folder / "x").replace(folder / "run.json")
    record = _record_of(folder)
    assert record is not None
    write_json(folder / "again", record.to_json())


def use_dataset(suffix: str) -> Callable[[Path], None]:
    def use(folder: Path) -> None:
        (folder / "x").replace(folder / f"x{suffix}")
        for one in load_examples(folder / f"x{suffix}"):
            assert isinstance(one.question, str)
            assert isinstance(one.title, str)

    return use


def use_predictions(folder: Path) -> None:
    assert all(isinstance(text, str) for text in read_predictions(folder / "x").values())


def run_json() -> dict[str, Any]:
    """The record of the shipped reader, as that of a second stage with a teacher."""
    found: dict[str, Any] = json.loads((resolve(DEFAULT_READER).folder / "run.json").read_text())
    return {**found, "base_run": found, "teacher": {"name": "large", "sha256": "ab" * 32, "run": found}}


FILES: dict[str, tuple[Callable[[], Any], Callable[[Path], None]]] = {
    "reader.json": (lambda: SETTINGS, use_settings),
    "ranking.json": (lambda: json.loads(json.dumps(as_written(FIT))), use_fit),
    "report.json": (lambda: json.loads(json.dumps(report().as_json())), use_report),
    "run.json": (run_json, use_record),
    "dataset.json": (lambda: SQUAD, use_dataset(".json")),
    "dataset.jsonl": (lambda: ROW, use_dataset(".jsonl")),
    "predictions.json": (lambda: {"q": "Paris", "p": ""}, use_predictions),
}


def as_written(fit: Fit) -> Any:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        fit_file.write(Path(folder) / "x", fit)
        return json.loads((Path(folder) / "x").read_text())


@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
@often
def test_a_file_with_any_changed_value_is_used_or_refused(tmp_path: Path, name: str, data: st.DataObject) -> None:
    make, use = FILES[name]
    (tmp_path / "x").write_text(data.draw(hostile.mutations(make())), encoding="utf-8")
    try:
        use(tmp_path)
    except OdqaError as error:
        assert len(str(error)) < 2_000
        assert str(tmp_path) in str(error)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "9" * 5_000, "NaN", "1e400", "", "null", "3", '"x"']
)
def test_a_file_that_is_something_else_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / "x").write_text(text, encoding="utf-8")
    if not text and name == "dataset.jsonl":
        return  # No questions.
    with pytest.raises(OdqaError, match=str(tmp_path)):
        FILES[name][1](tmp_path)


def test_the_files_are_used_as_they_are(tmp_path: Path) -> None:
    for make, use in FILES.values():
        (tmp_path / "x").write_text(json.dumps(make()), encoding="utf-8")
        use(tmp_path)


TOML = st.sampled_from(
    [
        *("1", "-1", "0", "1.5", "true", '"x"', "nan", "-nan", "inf", "-inf", "1e400", "9" * 400, "9" * 5_000, "[]"),
        *("[" * 300 + "]" * 300, "[" * 20_000, "{a = " * 300 + "1" + "}" * 300, "[nan, 1]", "[0, 1e400]", "{}"),
        *(f"[0, {'9' * 400}]", "[" + "1, " * 10_000 + "]", "4294967296", "1_000_000_000", "1979-05-27", '["\\u001b"]'),
    ]
)
SETTINGS_OF_A_RECIPE = (
    *("epochs", "batch_size", "accumulate", "learning_rate", "warmup", "weight_decay", "max_gradient_norm", "dropout"),
    *(
        "token_dropout",
        "frozen_layers",
        "base_weight",
        "max_length",
        "stride",
        "precision",
        "save_every",
        "seed",
        "track",
    ),
    *(
        "plausible_answers",
        "distill_weight",
        "distill_temperature",
        "base",
        "distill",
        "keep",
        "train",
        "eval",
        "other",
    ),
)
SETTINGS_OF_A_SOURCE = ("path", "sha256", "part", "keep", "limit", "negatives", "negatives_ratio", "license", "other")


@given(st.sampled_from(SETTINGS_OF_A_RECIPE), st.sampled_from(SETTINGS_OF_A_SOURCE), TOML, st.booleans())
@often
def test_a_recipe_with_any_value_is_one_or_refused(
    tmp_path: Path, name: str, inside: str, value: str, in_source: bool
) -> None:
    path = tmp_path / "recipe.toml"
    source = "[[train]]\n" + ("" if in_source and inside == "path" else 'path = "owner/data"\n')
    path.write_text(f"{source}{inside} = {value}" if in_source else f"{name} = {value}\n{source}")
    try:
        recipe = make_recipe(read_recipe(path))
    except OdqaError as error:
        assert len(str(error)) < 2_000
    else:
        json.dumps(recipe.max_length, allow_nan=False)
        assert recipe.epochs * recipe.batch_size <= 10**8
        assert 0 <= recipe.seed < 2**32
        assert is_probability(*recipe.train[0].part)


@pytest.mark.parametrize("suffix", [".json", ".jsonl", ".parquet"])
def test_a_dataset_is_a_regular_file(tmp_path: Path, suffix: str) -> None:
    pipe, device = tmp_path / f"pipe{suffix}", tmp_path / f"zero{suffix}"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        with pytest.raises(UsageError, match="dataset file"):
            load_examples(path)


def test_predictions_are_a_regular_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(UsageError, match="not a regular file"):
            read_predictions(path)


def test_a_dataset_that_grows_as_fast_as_it_is_read_has_an_end(tmp_path: Path) -> None:
    path, stop = tmp_path / "x.jsonl", threading.Event()
    line = json.dumps(ROW) + "\n"
    path.write_text(line * 2_000)

    def grow() -> None:
        with path.open("a") as stream:
            while not stop.is_set():
                stream.write(line * 100)
                stream.flush()
                stop.wait(0.001)

    growing = threading.Thread(target=grow)
    growing.start()
    try:
        found = load_examples(path)
    except DataError:
        found = []  # The last line was being written.
    finally:
        stop.set()
        growing.join()
    assert len(found) <= path.stat().st_size // len(line)


def parquet(path: Path, rows: int, text: str) -> Path:
    import pyarrow
    import pyarrow.parquet

    answers = [{"text": ["x"], "answer_start": [0]}] * rows
    columns = {"id": ["q"] * rows, "context": [text] * rows, "question": ["?"] * rows, "answers": answers}
    pyarrow.parquet.write_table(pyarrow.table(columns), path, compression="zstd")
    return path


def test_equal_texts_of_a_small_parquet_file_are_one_text(tmp_path: Path) -> None:
    """A dictionary holds it once: a copy for each row would turn kilobytes into gigabytes."""
    text = "x" * 1_000
    found = load_examples(parquet(tmp_path / "x.parquet", 5_000, text))
    assert len(found) == 5_000
    assert found[-1].context == text
    assert len({id(one.context) for one in found}) < 100


def test_a_small_parquet_file_of_very_many_values_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "x.parquet"
    pyarrow.parquet.write_table(pyarrow.table({"answers": [[0] * 1_000_000]}), path, compression="zstd")
    monkeypatch.setattr("odqa.squad.SURELY_UNPACKED", 1_000)
    with pytest.raises(DataError, match=r"x\.parquet: its .* bytes unpack to 1,000,000"):
        load_examples(path)


@given(st.data())
@settings(often, max_examples=40)
def test_a_damaged_parquet_file_is_refused(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "x.parquet"
    if not path.exists():
        parquet(path, 50, "x is here")
    content = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "y.parquet").write_bytes(content)
    try:
        load_examples(tmp_path / "y.parquet")
    except OdqaError as error:
        assert "y.parquet" in str(error)


class Whole:
    """A reader that finds the whole text."""

    precision = "torch-float32"
    content_hash = "f" * 64
    workers = 1

    def read(self, questions: list[str], texts: list[str], n_best: int, **_: object) -> list[Reading]:
        return [Reading((Span(0, len(context.text), 1.0),), 0.0, 1) for context in texts]


def row_of(folder: Path) -> tuple[Path, sqlite3.Connection]:
    with Readings(Whole(), folder) as readings:  # type: ignore[arg-type]
        readings.read([("Where?", "In Paris.")], 5)
        return readings.path, sqlite3.connect(readings.path)


def packed(windows: int, null: float, *spans: tuple[int, int, float]) -> bytes:
    kind = np.dtype([("start", "<u4"), ("end", "<u4"), ("score", "<f4")])
    return (
        np.array([windows], "<u4").tobytes() + np.array([null], "<f4").tobytes() + np.array(list(spans), kind).tobytes()
    )


@pytest.mark.parametrize(
    "value",
    [
        *(None, 5, "text", b"", b"short", packed(1, 0.0)[:-1], packed(1, 0.0, (0, 9, 1.0))[:-1]),
        *(packed(1, math.nan, (0, 9, 1.0)), packed(1, 0.0, (0, 9, math.inf)), packed(1, 0.0, (0, 10, 1.0))),
        *(packed(1, 0.0, (5, 4, 1.0)), packed(1, 0.0, (2**31, 2**32 - 1, 1.0))),
    ],
)
def test_a_remembered_reading_that_can_be_none_is_refused(tmp_path: Path, value: object) -> None:
    path, database = row_of(tmp_path)
    with database:
        database.execute("UPDATE readings SET value = ?", (value,))
    database.close()
    with Readings(Whole(), tmp_path) as readings, pytest.raises(DataError, match=path.name):  # type: ignore[arg-type]
        readings.read([("Where?", "In Paris.")], 5)


def test_a_file_of_readings_that_would_compute_for_ever_is_refused(tmp_path: Path) -> None:
    path, database = row_of(tmp_path)
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS key, i AS value FROM n"
    with database:
        database.execute("DROP TABLE readings")
        database.execute(f"CREATE VIEW readings AS {endless}")
    database.close()
    with pytest.raises(DataError, match=path.name):
        Readings(Whole(), tmp_path)  # type: ignore[arg-type]


def test_a_pipe_in_place_of_remembered_readings_is_refused(tmp_path: Path) -> None:
    path, database = row_of(tmp_path)
    database.close()
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(DataError, match="not a regular file"):
        Readings(Whole(), tmp_path)  # type: ignore[arg-type]


def test_half_of_a_surrogate_pair_comes_back_from_a_written_dataset(tmp_path: Path) -> None:
    from odqa.squad import write_examples

    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps(ROW | {"question": "W\ud800?"}) + "\n")
    examples = load_examples(path)
    write_examples(tmp_path / "y.jsonl", examples)
    assert load_examples(tmp_path / "y.jsonl") == examples
