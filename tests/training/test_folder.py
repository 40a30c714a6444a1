"""The record of a finished run, from what is known of it. (What is written is read again in test_train.py.)"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from odqa.training.checkpoint import State
from odqa.training.folder import Finished, describe
from odqa.training.inputs import Taken, hashes
from odqa.training.labels import Repairs
from odqa.training.recipe import Source, make_recipe
from odqa.training.tuning import Tuned

CPU = {"device": "cpu", "name": "Some CPU", "threads": 2, "processes": 1}


def finished(train_file: Path, **changes: object) -> Finished:
    recipe = make_recipe(
        {
            "train": (
                Source(str(train_file), keep="answerable", limit=1500, negatives=("entity", "deleted")),
                Source("owner/name", split="train", license="CC BY-SA 4.0"),
            ),
            "dropout": 0.0,
        }
    )
    made = Finished(
        recipe=recipe,
        base="owner/base",
        base_run=None,
        teacher=None,
        state=State({}, step=1200, seconds=200.0, windows=34000, tokens=10_000_000, inputs=hashes(recipe)),
        repairs=Repairs(34000, 56, 7),
        taken=(Taken(1500, 750), Taken(20500, 11306)),
        tuned=Tuned(-1.25, 1.5, {}),
        hardware=CPU,
        flops_per_token=63_000_000,
    )
    return dataclasses.replace(made, **changes)


def test_the_record_is_plain_values(train_file):
    record = describe(finished(train_file))
    assert json.loads(json.dumps(record, allow_nan=False)) == json.loads(json.dumps(record))
    assert record["data_sha256"] == {"train.jsonl": hashes(finished(train_file).recipe)[str(train_file)]}
    assert record["windows_per_second"] == 170.0
    assert record["recipe"]["train"][0]["negatives"] == ("entity", "deleted")
    assert (record["questions"], record["answerable"]) == (34056, 22000)
    assert record["taken"] == [{"answerable": 1500, "unanswerable": 750}, {"answerable": 20500, "unanswerable": 11306}]
    assert (record["no_answer_threshold"], record["temperature"]) == (-1.25, 1.5)
    assert (record["teacher"], record["base_run"], record["mfu"]) == (None, None, None)


def test_a_gpu_run_has_its_utilisation(train_file):
    """63e6 FLOPs a token, 50,000 tokens a second, one T4 of 65e12 FLOP/s: 0.0485."""
    gpu = {"device": "cuda", "name": "Tesla T4", "threads": 8, "processes": 1}
    record = describe(finished(train_file, hardware=gpu))
    assert record["hardware"] == gpu
    assert record["mfu"] == pytest.approx(63e6 * 50_000 / 65e12, abs=1e-4)


def test_a_run_of_no_time_has_no_rate(train_file):
    record = describe(finished(train_file, state=State({})))
    assert record["windows_per_second"] is None


def test_the_base_of_a_chain_is_the_model_at_its_end(train_file):
    first = describe(finished(train_file))
    record = describe(finished(train_file, base="/runs/out/base", base_run=first))
    assert record["base"] == "owner/base"
    assert record["base_run"]["steps"] == 1200


def test_the_teacher_is_recorded_with_its_hash(train_file):
    teacher = {"name": "models/teacher", "sha256": "ab" * 32, "run": None}
    made = finished(train_file, teacher=teacher)
    made = dataclasses.replace(made, recipe=dataclasses.replace(made.recipe, distill="models/teacher"))
    made.state.inputs["models/teacher"] = "ab" * 32
    record = describe(made)
    assert record["teacher"] == teacher
    assert "models/teacher" not in record["data_sha256"]
