"""The model card, from records that are made here: all data are named, and nothing of the disk they were on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from odqa.models import DEFAULT_READER, resolve
from odqa.training.card import card
from odqa.training.hardware import Hardware
from odqa.training.inputs import SourceCount
from odqa.training.labels import Repairs
from odqa.training.record import RunRecord, TeacherRecord, read_record

SOURCE = {
    **{"path": "../data/train.json", "sha256": "", "split": "", "keep": "answerable", "limit": 1500},
    **{"negatives": ["entity", "entity", "deleted"], "negatives_ratio": 0.5, "license": "CC BY-SA 4.0"},
}
HUB = SOURCE | {"path": "owner/name", "split": "train", "keep": "all", "limit": 0, "negatives": [], "license": ""}
RECIPE: dict[str, Any] = {
    **{"train": [SOURCE, HUB], "eval": [], "tune": [SOURCE | {"path": "tune.json", "part": [0.7, 1.0]}]},
    **{"base": "owner/base", "distill": "", "distill_weight": 0.5, "distill_temperature": 2.0},
    **{"epochs": 2, "batch_size": 32, "learning_rate": 0.0002, "dropout": 0.0, "seed": 7},
}
RECORD = RunRecord(
    created="2026-11-22T02:50:10+00:00",
    base="owner/base",
    recipe=RECIPE,
    data_sha256={"train.json": "0123456789abcdef" * 4, "tune.json": "f" * 64},
    versions={"odqa": "9.9"},
    taken=(SourceCount(1500, 750), SourceCount(20500, 11306)),
    questions=34056,
    answerable=22000,
    offsets=Repairs(33993, 56, 7),
    steps=1200,
    windows=34000,
    tokens=10_000_000,
    seconds=200.0,
    windows_per_second=170.0,
    hardware=Hardware("cpu", "Some CPU", threads=2, processes=1),
    losses=[],
    evaluations=[],
    no_answer_threshold=-1.25,
    tuning={},
)
TUNING = {
    "questions": 40,
    "answerable": 30,
    "unanswerable": 10,
    "metrics": {"rouge1_f1": 0.75, "auroc": 0.8125},
    "intervals": {"level": 0.95, "rouge1_f1": [0.6, 0.875]},
    "calibration": {
        when: {"threshold": 0.0, "temperature": 1.0, "expected_calibration_error": error, "risk_coverage_area": area}
        for when, error, area in (("before", 0.25, 0.125), ("after", 0.0625, 0.12))
    },
    "mistakes": {
        "counts": {"answered_unanswerable": 3, "abstained_wrongly": 2, "wrong_span": 1},
        "examples": [
            {
                "kind": "answered_unanswerable",
                "question": "Who\n*really* built it?",
                "predicted": "a_b",
                "expected": "",
            },
            {"kind": "abstained_wrongly", "question": "Where?", "predicted": "", "expected": "in [Paris]"},
        ],
    },
}


def line(text: str, start: str) -> str:
    (found,) = (one for one in text.splitlines() if one.startswith(start))
    return found


def test_each_source_has_its_hash_counts_negatives_and_licence():
    text = card(RECORD)
    file, hub = line(text, "- `train.json`"), line(text, "- `owner/name`")
    assert all(word in file for word in ("0123456789ab", "1,500", "750", "0.5", "entity, deleted", "CC BY-SA 4.0"))
    assert all(word in hub for word in ("train", "20,500", "11,306", "not recorded"))
    assert "paragraphs from 70% to 100%" in line(text, "- `tune.json`")


def test_a_part_is_told_however_small():
    for part, said in (([0.0, 0.995], "from 0% to 99.5%"), ([0.07, 1.0], "from 7% to 100%")):
        text = card(replace(RECORD, recipe=RECIPE | {"train": [SOURCE | {"part": part}]}))
        assert f", the paragraphs {said}, answerable" in line(text, "- `train.json`")


def test_the_data_that_were_scored_and_fitted_on_are_named_in_every_stage():
    scored = [SOURCE | {"path": path, "limit": 0, "negatives": []} for path in ("eval.json", "more.json")]
    hashes = RECORD.data_sha256 | {"eval.json": "e1" * 32, "more.json": "e2" * 32}
    record = replace(RECORD, recipe=RECIPE | {"eval": scored}, data_sha256=hashes)
    text = card(record)
    after = text.partition("After each epoch it was scored on:\n\n")[2].splitlines()
    assert [one.partition(",")[0] for one in after[:3]] == [
        f"- `eval.json` (SHA-256 {'e1' * 6}…)",
        f"- `more.json` (SHA-256 {'e2' * 6}…)",
        "",
    ]
    assert "After each epoch" not in card(RECORD)
    first = replace(record, data_sha256={"eval.json": "a1" * 32, "tune.json": "a2" * 32})
    text = card(replace(record, base_run=first))
    assert all(digest * 6 in text for digest in ("a1", "a2", "e1", "e2", "ff"))


def test_repairs_are_told_of_all_that_the_files_hold():
    said = "Of all questions in these files, used or not, 56 had their answer offset repaired and 7 were dropped."
    assert said in card(RECORD)


def test_settings_that_an_older_record_lacks_have_no_value():
    for name, value in (("plausible_answers", True), ("path_dropout", 0.25)):
        start = f"| {name.replace('_', ' ')} |"
        assert line(card(RECORD), start) == f"{start} – |"
        assert line(card(replace(RECORD, recipe=RECIPE | {name: value})), start) == f"{start} {value} |"


def test_every_stage_and_every_teacher_is_in_it_with_its_data():
    of_teacher = replace(RECORD, base="owner/large", questions=77, data_sha256={"train.json": "77" * 32})
    teacher = TeacherRecord("runs/teacher", "ab" * 32, of_teacher)
    first = replace(RECORD, teacher=teacher, questions=10, data_sha256={"train.json": "10" * 32})
    text = card(replace(RECORD, base_run=first, recipe=RECIPE | {"base": "runs/first-reader", "epochs": 3}))
    assert all(name in text for name in ("`owner/base`", "`runs/first-reader`", "`runs/teacher`", "`owner/large`"))
    assert all(digest in text for digest in ("0123456789ab", "77" * 6, "10" * 6, "ab" * 6))
    assert [one for one in ("10 training", "77 training", "34,056 training") if one not in text] == []
    assert line(text, "| epochs |") == "| epochs | 2 | 3 |"


def test_a_gpu_s_utilisation_where_it_is_known():
    gpus = Hardware("cuda", "NVIDIA H200", threads=8, processes=2, arithmetic="bfloat16")
    assert "2 × NVIDIA H200, in bfloat16: 170.0 windows a second" in (
        text := card(replace(RECORD, hardware=gpus, mfu=0.4123))
    )
    assert "41.2%" in text
    assert "MFU" not in card(replace(RECORD, hardware=gpus))


def test_a_base_run_of_an_older_record_has_what_it_knows():
    """Before sources were counted, negatives had kinds and the machine was recorded."""
    source = {name: SOURCE[name] for name in ("path", "sha256", "split", "keep", "limit")} | {"negatives": 0.6}
    first = replace(RECORD, taken=(), tokens=0, hardware=None, recipe={"train": [source]})
    text = card(replace(RECORD, base_run=first))
    assert "0.6 made unanswerable questions for each" in text
    assert line(text, "| epochs |") == "| epochs | – | 2 |"


def test_the_numbers_with_their_intervals_and_the_calibration():
    text = card(replace(RECORD, tuning=TUNING, evaluations=[{"epoch": 1, "f1": 0.5}, {"epoch": 2, "f1": 0.625}]))
    assert line(text, "| 2 |") == "| 2 | 0.625 |"
    assert line(text, "| ROUGE-1 F1, all").endswith("| 0.750 | 0.600 – 0.875 |")
    assert line(text, "| AUROC").endswith("| 0.812 |  |")
    assert line(text, "| expected calibration error").endswith("| 0.2500 | 0.0625 |")


def test_mistakes_are_shown_as_plain_text_each_on_one_line():
    text = card(replace(RECORD, tuning=TUNING))
    assert "“Who \\*really\\* built it?”" in text
    assert "“a\\_b”" in text
    assert "“in \\[Paris\\]”" in text


def test_a_card_says_nothing_of_its_maker_s_disk():
    local = [SOURCE | {"path": "/home/someone/secret/train.json"}]
    of_teacher = TeacherRecord("/home/someone/large", "ab" * 32)
    record = replace(RECORD, base="/home/someone/model", recipe=RECIPE | {"train": local}, teacher=of_teacher)
    text = card(replace(record, base_run=record))
    assert "someone" not in text
    assert "`model`" in text


def test_the_shipped_reader_s_card_names_all_of_its_data():
    folder = resolve(DEFAULT_READER).folder
    record = read_record(folder)
    text = card(record)
    assert (folder / "README.md").read_text(encoding="utf-8") == text
    runs = [run for stage in record.stages for run in (stage, stage.teacher and stage.teacher.run) if run]
    trained_on = {digest for run in runs for digest in run.data_sha256.values()}
    assert len(trained_on) >= 5
    assert all(digest[:12] in text for digest in trained_on)
