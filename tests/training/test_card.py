"""The model card, from records that are made here: what it says of data, stages, speed, numbers and limits."""

from __future__ import annotations

from typing import Any

from odqa.training.card import card

SOURCE = {
    **{"path": "../data/train.json", "sha256": "", "split": "", "keep": "answerable", "limit": 1500},
    **{"negatives": ["entity", "entity", "deleted"], "negatives_ratio": 0.5, "license": "CC BY-SA 4.0"},
}
HUB = SOURCE | {"path": "owner/name", "split": "train", "keep": "all", "limit": 0, "negatives": [], "license": ""}
RECIPE = {
    **{
        "train": [SOURCE, HUB],
        "eval": [],
        "tune": [SOURCE | {"path": "tune.json", "limit": 0, "part": [0.7, 1.0]}],
        "base": "owner/base",
    },
    **{"distill": "", "distill_weight": 0.5, "distill_temperature": 2.0, "epochs": 2, "batch_size": 32},
    **{"learning_rate": 0.0002, "dropout": 0.0, "seed": 7},
}
RECORD: dict[str, Any] = {
    "created": "2026-11-22T02:50:10+00:00",
    "base": "owner/base",
    "base_run": None,
    "teacher": None,
    "recipe": RECIPE,
    "data_sha256": {"train.json": "0123456789abcdef" * 4, "tune.json": "f" * 64},
    "versions": {"odqa": "9.9"},
    "taken": [{"answerable": 1500, "unanswerable": 750}, {"answerable": 20500, "unanswerable": 11306}],
    "questions": 34056,
    "answerable": 22000,
    "offsets": {"kept": 33993, "repaired": 56, "dropped": 7},
    "steps": 1200,
    "windows": 34000,
    "tokens": 10_000_000,
    "seconds": 200.0,
    "windows_per_second": 170.0,
    "hardware": {"device": "cpu", "name": "Some CPU", "threads": 2, "processes": 1},
    "flops_per_token": 63_000_000,
    "mfu": None,
    "evaluations": [],
    "no_answer_threshold": -1.25,
    "temperature": 1.5,
    "length_penalty": 0.08,
    "tuning": {},
}
TUNING = {
    "questions": 40,
    "answerable": 30,
    "unanswerable": 10,
    "metrics": {"rouge1_f1": 0.75, "has_answer_f1": 0.5, "auroc": 0.8125},
    "intervals": {"level": 0.95, "rouge1_f1": [0.6, 0.875], "has_answer_f1": [0.25, 0.625]},
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


def test_the_data_with_hash_counts_negatives_and_licence():
    text = card(RECORD)
    assert (
        "- `train.json` (SHA-256 0123456789ab…), answerable questions, 1,500 drawn at random; 1,500 answerable and 750 "
        "unanswerable questions; 0.5 made unanswerable questions for each answerable one (entity, deleted); licence: "
        "CC BY-SA 4.0\n"
        "- `owner/name`, split train; 20,500 answerable and 11,306 unanswerable questions; licence not recorded\n"
    ) in text
    assert "Together 34,056 training questions, 22,000 of them answerable; 56 had their answer offset repaired" in text
    tuned = "Length penalty, threshold and temperature were fitted on:\n\n"
    tuned += "- `tune.json` (SHA-256 ffffffffffff…), articles from 70% to "
    assert tuned + "100% of them, " in text


def test_what_it_is_and_how_it_was_made():
    text = card(RECORD)
    assert text.startswith("---\ntags: [question-answering, extractive, odqa]\n---\n\n# An extractive reader trained")
    assert "written by `odqa train-reader` 9.9 on 2026-11-22;" in text
    assert "\nBase: `owner/base`.\n" in text
    assert "|  | value |\n| --- | --- |\n| epochs | 2 |\n| batch size | 32 |\n" in text
    assert "| dropout | 0.0 |\n" in text
    assert "| dropout | the base's own |\n" in card(RECORD | {"recipe": RECIPE | {"dropout": -1.0}})
    assert "; length penalty: 0.08 for each token behind a span's first." in text
    assert "No-answer threshold: -1.2500 (start + end logit, answer against null); temperature of the" in text
    assert (
        "- 1,200 steps over 34,000 windows (10,000,000 tokens with their padding) in 200 seconds of training on Some "
        "CPU, 2 thread(s): 170.0 windows a second\n"
    ) in text
    assert "stage" not in text
    assert "Distilled" not in text


def test_a_gpu_s_utilisation_where_it_is_known():
    gpus = {"device": "cuda", "name": "NVIDIA H200", "threads": 8, "processes": 2}
    text = card(RECORD | {"hardware": gpus, "mfu": 0.4123})
    assert "of training on 2 × NVIDIA H200: 170.0 windows a second, 41.2% of the peak in bfloat16 (MFU" in text
    assert "MFU" not in card(RECORD | {"hardware": gpus})


def test_the_stages_of_a_chain_and_their_teachers():
    first = RECORD | {"teacher": {"name": "/models/large", "sha256": "ab" * 32}, "questions": 10, "mfu": None}
    text = card(RECORD | {"base_run": first, "recipe": RECIPE | {"base": "recipes/first.toml", "epochs": 3}})
    assert "Trained in 2 stages, each on the reader before it; first by `recipes/first.toml`.\n" in text
    assert "Distilled in stage 1 from `large` (SHA-256 abababababab…): 0.5 of the loss, temperature 2.\n" in text
    assert "Stage 1:\n\n- `train.json`" in text
    assert "Together 10 training questions" in text
    assert "|  | stage 1 | stage 2 |\n| --- | --- | --- |\n| epochs | 2 | 3 |\n" in text
    assert text.count("seconds of training") == 2


def test_a_teacher_with_a_record_shows_its_base_and_its_data():
    taught = RECORD | {"base": "owner/large", "questions": 77}
    text = card(RECORD | {"teacher": {"name": "recipes/teacher.toml", "sha256": "ab" * 32, "run": taught}})
    said = (
        "Distilled from `recipes/teacher.toml` (SHA-256 abababababab…): 0.5 of the loss, temperature 2. That reader's"
    )
    assert f"{said} base is `owner/large`.\n" in text
    assert "Its teacher:\n\n- `train.json`" in text
    assert "Together 77 training questions" in text


def test_a_base_run_of_an_older_record_has_what_it_knows():
    """Before sources were counted, negatives had kinds and the machine was recorded."""
    new = ("taken", "tokens", "hardware", "mfu", "teacher", "base_run", "flops_per_token", "temperature")
    source = {name: SOURCE[name] for name in ("path", "sha256", "split", "keep", "limit")} | {"negatives": 0.6}
    first = {name: value for name, value in RECORD.items() if name not in new} | {"recipe": {"train": [source]}}
    text = card(RECORD | {"base_run": first})
    assert "1,500 drawn at random; 0.6 made unanswerable questions for each answerable one; licence not rec" in text
    assert "- 1,200 steps over 34,000 windows in stage 1 in 200 seconds of training: 170.0 windows a second\n" in text
    assert "| epochs | – | 2 |\n" in text


def test_the_numbers_with_their_intervals_and_the_calibration():
    text = card(RECORD | {"tuning": TUNING, "evaluations": [{"epoch": 1, "f1": 0.5}, {"epoch": 2, "f1": 0.625}]})
    assert "| After epoch | f1 |\n| --- | --- |\n| 1 | 0.500 |\n| 2 | 0.625 |\n" in text
    assert "On the tuning data (40 questions, 30 of them answerable), to which the threshold was fitted" in text
    assert (
        "|  | score | 95% interval (bootstrap) |\n| --- | --- | --- |\n"
        "| ROUGE-1 F1, all | 0.750 | 0.600 – 0.875 |\n"
        "| token F1, answerable | 0.500 | 0.250 – 0.625 |\n"
        "| AUROC, answerable against unanswerable | 0.812 |  |\n"
    ) in text
    assert "| expected calibration error | 0.2500 | 0.0625 |\n| risk–coverage area | 0.1250 | 0.1200 |\n" in text


def test_the_limits_show_mistakes_as_plain_text():
    text = card(RECORD | {"tuning": TUNING})
    assert "Of the 40 tuning questions it got wrong, by exact match:\n" in text
    assert "| Answered a question that has no answer there | 3 |\n" in text
    assert (
        "- Answered a question that has no answer there. “Who \\*really\\* built it?” It said: “a\\_b”. Expected: no "
        "answer.\n"
        "- Abstained though there is an answer. “Where?” It said: no answer. Expected: “in \\[Paris\\]”.\n"
    ) in text


def test_without_tuning_data_there_are_no_numbers_but_limits():
    text = card(RECORD)
    assert "tuning data (" not in text
    assert "After epoch" not in text
    assert "The languages of the data are not recorded" in text


def test_a_card_says_nothing_of_its_maker_s_disk():
    local = [SOURCE | {"path": "/home/someone/secret/train.json"}]
    record = RECORD | {"base": "/home/someone/model", "recipe": RECIPE | {"train": local}}
    text = card(record | {"base_run": RECORD | {"base": "/home/someone/model"}})
    assert "someone" not in text
    assert "`model`" in text
