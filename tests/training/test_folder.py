"""The model card and the record, from what is known of a finished run."""

from __future__ import annotations

import dataclasses
import json

from odqa.squad import file_hash
from odqa.training.checkpoint import State
from odqa.training.folder import Finished, card, describe
from odqa.training.labels import Repairs
from odqa.training.recipe import Source, make_recipe


def finished(train_file, **state: object) -> Finished:
    recipe = make_recipe(
        {
            "train": (
                Source(str(train_file), keep="answerable", limit=1500, negatives=0.5),
                Source("owner/name", split="train"),
            ),
            "dropout": 0.0,
        }
    )
    return Finished(
        recipe=recipe,
        base="owner/base",
        state=State({}, step=1200, seconds=200.0, windows=34000, **state),
        repairs=Repairs(34000, 56, 7),
        questions=34056,
        answerable=22000,
        threshold=-1.25,
        tuned={"f1": 0.75, "exact_match": 0.5},
    )


def test_the_record_is_plain_values(train_file):
    record = describe(finished(train_file))
    assert json.loads(json.dumps(record)) == json.loads(json.dumps(record, allow_nan=False))
    assert record["data_sha256"] == {"train.jsonl": file_hash(train_file)}  # A hub id has no file.
    assert record["windows_per_second"] == 170.0
    assert record["recipe"]["train"][0]["negatives"] == 0.5


def test_files_of_one_name_are_told_apart(train_file, tmp_path):
    other = tmp_path / train_file.name
    other.write_text("{}")
    recipe = make_recipe({"train": (Source(str(train_file)), Source(str(other)), Source(str(other)))})
    record = describe(dataclasses.replace(finished(train_file), recipe=recipe))
    assert record["data_sha256"] == {str(path): file_hash(path) for path in (train_file, other)}


def test_a_run_of_no_time_has_no_rate(train_file):
    made = finished(train_file)
    made.state.seconds = 0.0
    assert describe(made)["windows_per_second"] is None


def test_the_card_says_what_it_was_made_of(train_file):
    evaluations = [{"epoch": 1, "f1": 0.5}, {"epoch": 2, "f1": 0.625}]
    text = card(describe(finished(train_file, evaluations=evaluations)))
    assert (
        "- `train.jsonl`, answerable questions, 1,500 drawn at random, 0.5 made unanswerable questions for each "
        "answerable one\n- `owner/name`, split train\n"
    ) in text
    assert "Base: `owner/base`. 34,056 training questions, 22,000 of them answerable; 56 had" in text
    assert "- dropout: 0.0\n" in text
    assert "- 1,200 steps over 34,000 windows, 170.0 a second\n" in text
    assert "No-answer threshold: -1.2500 (start + end logit, answer against null)." in text
    assert "| After epoch | f1 |\n|---|---|\n| 1 | 0.500 |\n| 2 | 0.625 |\n" in text
    assert "| Tuning data | f1 | exact match |\n|---|---|---|\n|  | 0.750 | 0.500 |\n" in text


def test_a_card_without_evaluations_has_no_table(train_file):
    assert "After epoch" not in card(describe(finished(train_file)))
