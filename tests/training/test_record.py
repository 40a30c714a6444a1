"""The record of a run: made from what is known of it, written as JSON, and read again, an older one too."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from odqa.errors import DataError
from odqa.files import sha256
from odqa.models import DEFAULT_READER, resolve
from odqa.training.checkpoint import State
from odqa.training.hardware import Hardware
from odqa.training.inputs import Inputs, SourceCount
from odqa.training.labels import Repairs
from odqa.training.recipe import Source, make_recipe
from odqa.training.record import Ancestors, RunRecord, TeacherRecord, make_record, read_record
from odqa.training.tuning import Tuning

CPU = Hardware("cpu", "Some CPU", threads=2, processes=1)
STATE = State({}, step=1200, seconds=200.0, windows=34000, tokens=10_000_000, losses=[(100, 2.5)])


def record(train_file: Path, **changes: Any) -> RunRecord:
    sources = (
        Source(str(train_file), keep="answerable", limit=1500, negatives=("entity", "deleted")),
        Source("owner/name", split="train", license="CC BY-SA 4.0"),
    )
    known = {str(train_file): sha256(train_file), "owner/base": "cd" * 32, "models/teacher": "ab" * 32}
    counts = (SourceCount(1500, 750), SourceCount(20500, 11306))
    given = {
        "recipe": make_recipe({"train": sources, "dropout": 0.0}),
        "inputs": Inputs([], Repairs(34000, 56, 7), counts, [], [], known),
        "ancestors": Ancestors("owner/base"),
        "state": STATE,
        "tuned": Tuning(-1.25, 1.5, 0.25),
        "hardware": CPU,
        "flops_per_token": 63_000_000,
    }
    return make_record(**(given | changes))


def test_what_is_counted_and_what_is_hashed(train_file):
    made = record(train_file)
    assert made.data_sha256 == {train_file.name: sha256(train_file)}, "of data alone, not of base and teacher"
    assert (made.questions, made.answerable) == (34056, 22000)
    assert made.windows_per_second == 170.0
    assert (made.no_answer_threshold, made.temperature, made.length_penalty) == (-1.25, 1.5, 0.25)


def test_it_comes_back_from_json_with_its_stages_and_teachers(train_file):
    first = record(train_file, ancestors=Ancestors("owner/base", teacher=TeacherRecord("t", "ab" * 32)))
    teacher = TeacherRecord("models/teacher", "ab" * 32, record(train_file))
    second = record(train_file, ancestors=Ancestors("runs/first", first, teacher))
    written = json.loads(json.dumps(second.to_json(), allow_nan=False))
    again = RunRecord.from_json(written, "run.json", "")
    assert json.loads(json.dumps(again.to_json())) == written
    assert again.stages[0].teacher == first.teacher
    assert again.teacher.run.offsets == Repairs(34000, 56, 7)
    assert again.base == "owner/base", "the model at the beginning of the chain"


def test_the_record_of_the_shipped_reader_is_read():
    found = read_record(resolve(DEFAULT_READER).folder)
    assert found.stages == [found]
    assert found.hardware.threads == 2
    assert len(found.taken) == len(found.recipe["train"])


def test_an_older_record_of_several_stages_is_read(train_file, tmp_path):
    """Of the time before the mistakes, the speed and the fitted settings were kept."""
    first = record(train_file).to_json()
    for newer in ("teacher", "taken", "tokens", "hardware", "flops_per_token", "mfu", "temperature", "length_penalty"):
        del first[newer]
    (tmp_path / "run.json").write_text(json.dumps(record(train_file).to_json() | {"base_run": first}))
    found = read_record(tmp_path)
    older, last = found.stages
    assert last is found
    assert (older.taken, older.hardware, older.temperature) == ((), None, 1.0)


def test_a_folder_without_a_record_has_none_and_another_file_is_refused_by_name(tmp_path):
    assert read_record(tmp_path) is None
    for text in ("{}", "[]", '{"base": "x", "recipe": {}}', '{"offsets": 3}', "{"):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(DataError, match=r"run\.json"):
            read_record(tmp_path)


def test_a_gpu_run_has_its_utilisation(train_file):
    """63e6 FLOPs a token, 50,000 tokens a second, one T4 of 65e12 FLOP/s: 0.0485."""
    gpu = Hardware("cuda", "Tesla T4", threads=8, processes=1)
    assert record(train_file, hardware=gpu).mfu == pytest.approx(63e6 * 50_000 / 65e12, abs=1e-4)
    assert record(train_file).mfu is None


def test_a_run_of_no_time_has_no_rate(train_file):
    assert record(train_file, state=State({})).windows_per_second is None
