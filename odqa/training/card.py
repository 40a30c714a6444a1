"""A run's record goes in, its model card comes out, in Markdown. Pure; knows no model, no file and no clock."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from odqa.evaluation.languages import DEFAULT
from odqa.training.inputs import SourceCount
from odqa.training.model_card import hash_of, table, used
from odqa.training.names import name_of
from odqa.training.record import RunRecord

SETTINGS = (
    *("epochs", "batch_size", "accumulate", "learning_rate", "warmup", "weight_decay", "dropout"),
    *("token_dropout", "path_dropout", "frozen_layers", "base_weight", "max_length", "stride", "plausible_answers"),
    *("precision", "seed"),
)
NAMES = {
    "rouge1_f1": "ROUGE-1 F1, all",
    "rouge1_f1_answerable": "ROUGE-1 F1, answerable",
    "rouge1_f1_answerable_forced": "ROUGE-1 F1, answerable, forced to answer",
    "exact_match": "exact match, all",
    "f1": "token F1, all",
    "has_answer_exact_match": "exact match, answerable",
    "has_answer_f1": "token F1, answerable",
    "no_answer_accuracy": "accuracy, unanswerable",
    "best_threshold_f1": "token F1, all, at the best threshold",
    "auroc": "AUROC, answerable against unanswerable",
}
HELD_OUT = {
    "eval": "After each epoch it was scored on",
    "tune": "Length penalty, threshold and temperature were fitted on",
}
MISTAKES = {
    "answered_unanswerable": "Answered a question that has no answer there",
    "abstained_wrongly": "Abstained though there is an answer",
    "wrong_span": "Answered with the wrong span",
}


def card(record: RunRecord) -> str:
    """The model card of a run, from its record."""
    stages = record.stages
    lines = [
        "---",
        "tags: [question-answering, extractive, odqa]",
        "---",
        "",
        "# An extractive reader trained by odqa",
        "",
        "It answers a question with a span of the text that it is given, or says that the text holds no answer. This "
        f"card was written by `odqa train-reader` {record.versions['odqa']} on {record.created[:10]}; all that "
        "it says is in `run.json` beside it, with the versions of the libraries and the SHA-256 of every data file.",
        "",
        *_origin(record),
        "",
        "## Data",
        "",
        *_data_of_stages(stages),
    ]
    several = len(stages) > 1
    lines += [
        "## Recipe",
        "",
        *table(
            ["", *(f"stage {at}" if several else "value" for at in range(1, len(stages) + 1))],
            [[name.replace("_", " "), *(_setting(run.recipe, name) for run in stages)] for name in SETTINGS],
        ),
        *(f"- {_speed(run, _stage(at, several))}" for at, run in enumerate(stages, start=1)),
        "",
        "## Numbers",
        "",
        f"No-answer threshold: {record.no_answer_threshold:.4f} (start + end logit, answer against null); "
        f"temperature of the confidence: {record.temperature:.4f}; "
        f"length penalty: {record.length_penalty:g} for each token after a span's first.{_kept(record)}",
        "",
        *_language(record),
        *_evaluations(record.evaluations),
        *_tuning(record.tuning),
        "## Limits",
        "",
        *_mistakes(record.tuning),
        "The languages of the data are not recorded: expect answers only in those of the data above. A text is read "
        "once, in windows, and the answer is always a slice of it: nothing is counted, compared or put together.",
    ]
    return "\n".join(lines) + "\n"


def _kept(record: RunRecord) -> str:
    """Whose settings they are, where nothing was fitted and they are not those that change nothing."""
    settings = (record.no_answer_threshold, record.temperature, record.length_penalty)
    if record.tuning or settings == (0, 1, 0):
        return ""
    return " They were fitted for the reader that training started from, and kept."


def _origin(record: RunRecord) -> list[str]:
    """What the reader was made of: its base, the stages between, and the teachers of all of them."""
    stages = record.stages
    lines = [f"Base: `{name_of(record.base)}`."]
    if len(stages) > 1:
        names = [f"`{name_of(run.recipe['base'])}`" for run in stages[1:]]
        lines += [f"Trained in {len(stages)} stages, each on the reader before it: {', then '.join(names)}."]
    for at, run in enumerate(stages, start=1):
        if run.teacher:
            teacher = f"`{name_of(run.teacher.name)}`{hash_of(run.teacher.sha256)}"
            line = (
                f"Distilled{_stage(at, len(stages) > 1)} from {teacher}: "
                f"{run.recipe['distill_weight']:g} of the loss, temperature {run.recipe['distill_temperature']:g}."
            )
            if run.teacher.run:
                line += f" That reader's base is `{name_of(run.teacher.run.base)}`."
            lines += [line]
    return lines


def _stage(at: int, several: bool) -> str:
    return f" in stage {at}" if several else ""


def _data_of_stages(stages: Sequence[RunRecord]) -> list[str]:
    """The data of every stage and of its teacher."""
    lines, several = [], len(stages) > 1
    for at, run in enumerate(stages, start=1):
        lines += [*([f"Stage {at}:", ""] if several else []), *_data(run), ""]
        if run.teacher and run.teacher.run:
            lines += [f"Its teacher{_stage(at, several)}:", "", *_data(run.teacher.run), ""]
    return lines


def _data(run: RunRecord) -> list[str]:
    """What a run was trained on, what it was scored on after its epochs and what its settings were fitted on."""
    lines = [
        *_sources(run, "train"),
        "",
        f"Together {run.questions:,} training questions, {run.answerable:,} of them answerable. Of all questions in "
        f"these files, used or not, {run.offsets.repaired:,} had their answer offset repaired and "
        f"{run.offsets.dropped:,} were dropped.",
    ]
    for role, use in HELD_OUT.items():
        if run.recipe.get(role):
            lines += ["", f"{use}:", "", *_sources(run, role)]
    return lines


def _sources(run: RunRecord, role: str) -> list[str]:
    """A line for each source: file, hash, what was taken, made questions, licence."""
    sources, counts = run.recipe[role], run.taken if role == "train" else ()
    return [
        "- " + "; ".join(filter(None, _source(source, count, run.data_sha256)))
        for source, count in zip_longest(sources, counts[: len(sources)])
    ]


def _source(source: dict[str, Any], count: SourceCount | None, hashes: dict[str, str]) -> list[str]:
    path = source["path"]
    digest = hashes.get(path) or hashes.get(Path(path).name)
    what = f"`{path}`, split {source['split']}" if source["split"] else f"`{name_of(path)}`{hash_of(digest)}"
    first, last = source.get("part") or (0, 1)
    what += f", the paragraphs from {100 * first:g}% to {100 * last:g}%" if (first, last) != (0, 1) else ""
    what += f", {source['keep']} questions" if source["keep"] != "all" else ""
    what += f", {source['limit']:,} drawn at random" if source["limit"] else ""
    what += ", read without titles" if source.get("titled") is False else ""
    made, ratio = source["negatives"], source.get("negatives_ratio", source["negatives"])
    kinds = f" ({', '.join(dict.fromkeys(made))})" if isinstance(made, Sequence) else ""
    return [
        what,
        f"{count.answerable:,} answerable and {count.unanswerable:,} unanswerable questions" if count else "",
        f"{ratio:g} made unanswerable questions for each answerable one{kinds}" if made else "",
        f"licence: {source['license']}" if source.get("license") else "licence not recorded",
    ]


def _setting(recipe: dict[str, Any], name: str) -> str:
    value = recipe.get(name, "–")
    return "the base's own" if name == "dropout" and value == -1 else str(value)


def _speed(run: RunRecord, stage: str) -> str:
    """Steps, windows, time, machine and, where a GPU's peak is known, the share of it that was used."""
    text = f"{run.steps:,} steps over {run.windows:,} windows{stage}"
    text += f" ({run.tokens:,} tokens with their padding)" if run.tokens else ""
    text += f" in {run.seconds:,.0f} seconds of training"
    if run.hardware:
        text += f" on {run.hardware}"
    text += f": {run.windows_per_second} windows a second" if run.windows_per_second else ""
    return text + used(run.mfu)


def _language(record: RunRecord) -> list[str]:
    """The language by whose rules answers were scored, where it is not the usual one."""
    language = record.recipe.get("language", DEFAULT)
    if language == DEFAULT or not (record.evaluations or record.tuning):
        return []
    return [f"Answers are compared by the rules for the language `{language}`.", ""]


def _evaluations(evaluations: list[dict[str, Any]]) -> list[str]:
    if not evaluations:
        return []
    names = [name for name in evaluations[0] if name != "epoch"]
    head = ["After epoch", *(name.replace("_", " ") for name in names)]
    return table(head, [[str(item["epoch"]), *(f"{item[name]:.3f}" for name in names)] for item in evaluations])


def _tuning(tuning: dict[str, Any]) -> list[str]:
    """The scores on the tuning data with their intervals, and the calibration before and after."""
    if not tuning:
        return []
    intervals = tuning["intervals"]
    rows = [
        [NAMES.get(name, name), f"{value:.3f}", "{:.3f} – {:.3f}".format(*intervals[name]) if name in intervals else ""]
        for name, value in tuning["metrics"].items()
    ]
    errors = {"expected_calibration_error": "expected calibration error", "risk_coverage_area": "risk–coverage area"}
    return [
        f"On the tuning data ({tuning['questions']:,} questions, {tuning['answerable']:,} of them answerable), to "
        "which the threshold was fitted, so a little better than on other data of the kind:",
        "",
        *table(["", "score", f"{intervals['level']:.0%} interval (bootstrap)"], rows),
        *table(
            ["Confidence", "before fitting", "after"],
            [
                [said, *(f"{tuning['calibration'][when][name]:.4f}" for when in ("before", "after"))]
                for name, said in errors.items()
            ],
        ),
    ]


def _mistakes(tuning: dict[str, Any]) -> list[str]:
    """What the reader got wrong on the tuning data: how often, and the mistakes of each kind that it was surest of."""
    if not tuning:
        return []
    found = tuning["mistakes"]
    lines = [
        f"Of the {tuning['questions']:,} tuning questions it got wrong, by exact match:",
        "",
        *table(["", "questions"], [[MISTAKES[kind], f"{count:,}"] for kind, count in found["counts"].items()]),
    ]
    if found["examples"]:
        lines += ["Some of those it was surest of:", ""]
        for one in found["examples"]:
            said, right = (f"“{_plain(one[name])}”" if one[name] else "no answer" for name in ("predicted", "expected"))
            lines += [f"- {MISTAKES[one['kind']]}. “{_plain(one['question'])}” It said: {said}. Expected: {right}."]
        lines += [""]
    return lines


def _plain(text: str) -> str:
    """The text on one line, with the signs that Markdown reads escaped."""
    return re.sub(r"([\\`*_<>\[\]|#~$])", r"\\\1", " ".join(text.split()))
