"""The evaluation of a whole pipeline, with models that know nothing and answers that they find all the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest

from odqa.answering.ranking import RANKINGS
from odqa.errors import DataError, UsageError
from odqa.evaluation.pipeline import Dataset, EvaluationSettings, evaluate_pipeline
from odqa.evaluation.reader import evaluate
from odqa.evaluation.report import Baseline, Counts, Report
from odqa.reader.model import Reader
from odqa.types import Example, Mode, Reference
from tests.tiny.asked import CONTEXTS, Asked


def evaluated(examples, retrievers, readings, **setting) -> Report:
    return evaluate_pipeline(Dataset(examples), retrievers, Mode.HYBRID, readings, EvaluationSettings(**setting))


def test_the_three_levels_stand_side_by_side(examples, retrievers, readings, fit) -> None:
    report = evaluated(examples, retrievers, readings, k=3, fit=fit)
    assert report.questions == Counts(questions=14, answerable=11, unanswerable=3)
    # The references are the reader's own best spans in the gold passages.
    assert report.levels.reader.rouge1_f1_answerable_forced == 1
    alone = evaluate(examples, readings.reader).report.scores
    assert report.levels.reader == replace(alone, best_threshold_margin=pytest.approx(alone.best_threshold_margin))
    retrieval = report.levels.retrieval
    assert list(retrieval.recall) == list(retrieval.recall_intervals) == [1, 3]
    assert 0 < retrieval.recall[1] <= retrieval.recall[3] <= 1
    assert retrieval.recall[1] <= retrieval.mrr <= retrieval.recall[3]
    assert retrieval.mrr_depth == 3, "of no more than are searched for"
    assert 0 < report.levels.pipeline.rouge1_f1_answerable_forced <= report.levels.top5.rouge1_f1 <= 1
    assert report.baselines[0] == Baseline("always abstain", pytest.approx(3 / 14), 0.0)


def test_with_one_passage_nothing_but_retrieval_comes_between_reader_and_pipeline(
    examples, retrievers, readings
) -> None:
    # Without a fit the reader's own rule decides, over one passage as over a given text.
    report = evaluated(examples, retrievers, readings, k=1)
    found = [row for row in report.slices["gold passage's rank"] if row.name == "1"]
    assert [row.rouge1_f1_forced for row in found] == [1.0]
    assert (report.ranking, report.fitted) == ("the reader's own", "")


def test_the_report_tells_every_question_and_comes_back_from_json(examples, retrievers, readings, fit) -> None:
    report = evaluated(examples, retrievers, readings, k=3, fit=fit, ablate=True)
    assert Report.from_json(json.loads(json.dumps(report.as_json(), allow_nan=False)), "here") == report
    assert report.scores.id == tuple(example.id for example in examples)
    failed = sum(report.failures.counts.values())
    assert failed == report.scores.exact_match.count(0) == len(report.failures.worst)
    for rows in report.slices.values():
        assert sum(row.questions for row in rows) == 11
    assert report.trust.removed_questions == 11
    assert (report.ranking, report.fitted) == (fit.default, "14 questions of a dataset")
    # Three modes, one k: 5 and 20 are more than 3. What is evaluated is one row of them.
    assert [(row.mode, row.ranking) for row in report.ablation] == [
        (mode, name) for mode in ("hybrid", "dense", "bm25") for name in RANKINGS
    ]
    assert [row for row in report.ablation if (row.mode, row.ranking) == ("hybrid", fit.default)] == [*report.by_k]


def test_one_threshold_is_tried_at_several_k(
    examples, retrievers, readings, fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("odqa.evaluation.cases.KS", (1, 2, 5))
    report = evaluated(examples, retrievers, readings, k=4, fit=fit)
    assert [row.k for row in report.by_k] == [1, 2, 4]
    for row in report.by_k:
        assert row == evaluated(examples, retrievers, readings, k=row.k, fit=fit).by_k[-1]
    assert report.by_k[0].rouge1_f1 != report.by_k[-1].rouge1_f1
    assert report.by_k[-1].rouge1_f1 == report.levels.pipeline.rouge1_f1


def test_a_second_evaluation_reads_nothing_and_says_the_same(
    examples, retrievers, readings, fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluated(examples, retrievers, readings, k=3, fit=fit)
    monkeypatch.setattr(Reader, "read", lambda *_, **__: pytest.fail("read again"))
    again = evaluated(examples, retrievers, readings, k=3, fit=fit)
    assert replace(first, seconds=0.0) == replace(again, seconds=0.0)


def test_contexts_that_are_not_in_the_index_are_scored_by_the_answers_text(retrievers, readings, fit) -> None:
    elsewhere = [Example("x", "who built the tower", "Gustave did, says another text.", (Reference("Gustave", 0),))]
    report = evaluated(elsewhere, retrievers, readings, k=3, fit=fit)
    assert report.gold_by == "answer text"
    assert report.levels.retrieval.recall[3] == 1
    assert "Gustave" in CONTEXTS[0]


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        ({"k": 0}, UsageError, "at least 1"),
        ({"ablate": True}, UsageError, "odqa tune"),
        ({"ranking": "null"}, UsageError, "odqa tune"),
        ({"ranking": "best"}, UsageError, "no such ranking"),
        ({"language": "xx"}, UsageError, "not known"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(examples, readings, setting, error, message) -> None:
    with pytest.raises(error, match=message):
        evaluated(examples, {}, readings, **setting)  # Before anything is searched.


def test_no_questions_are_refused(readings) -> None:
    with pytest.raises(DataError, match=r"dev\.json: no questions"):
        evaluate_pipeline(Dataset([], "dev.json"), {}, Mode.HYBRID, readings, EvaluationSettings())


def test_a_dataset_is_known_by_its_file(asked: Asked, examples) -> None:
    found = Dataset.of(examples, asked.dataset)
    assert (found.name, found.sha256) == ("asked.json", hashlib.sha256(asked.dataset.read_bytes()).hexdigest())
    hub = Dataset.of(examples, "rajpurkar/squad_v2")
    assert (hub.name, hub.sha256) == ("squad_v2", "")
