"""The evaluation of a whole pipeline, with models that know nothing and answers that they find all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from odqa.answering.fitted import Fit
from odqa.evaluation.tuning import tune

from odqa.answering.ranking import RANKINGS
from odqa.errors import DataError, UsageError
from odqa.evaluation.pipeline import Setting, evaluate_pipeline
from odqa.evaluation.readings import Readings
from odqa.index.retriever import Retriever
from odqa.reader.model import Reader
from odqa.squad import load_examples
from odqa.types import Example, Mode, Reference
from tests.tiny.asked import CONTEXTS, Asked


@pytest.fixture(scope="module")
def readings(asked: Asked) -> Iterator[Readings]:
    with Readings(Reader.load(asked.reader, device="cpu"), asked.cache) as opened:
        yield opened


@pytest.fixture(scope="module")
def retrievers(asked: Asked) -> Iterator[dict[Mode, Retriever]]:
    opened = {mode: Retriever.open(asked.index, mode=mode, device="cpu") for mode in Mode}
    yield opened
    for retriever in opened.values():
        retriever.close()


@pytest.fixture(scope="module")
def examples(asked: Asked) -> list[Example]:
    return load_examples(asked.dataset)


@pytest.fixture(scope="module")
def fit(examples: list[Example], retrievers: dict[Mode, Retriever], readings: Readings) -> Fit:
    return tune(examples, retrievers[Mode.HYBRID], readings, ks=(2, 4))


def evaluated(examples, retrievers, readings, **setting):
    return evaluate_pipeline(examples, retrievers, Mode.HYBRID, readings, Setting(**setting))


def test_a_fit_holds_every_ranking_and_names_the_best(fit: Fit, readings: Readings) -> None:
    assert set(fit.rankings) == set(RANKINGS)
    held = fit.record["held_out"]
    assert held[fit.default]["f1"] == max(row["f1"] for row in held.values())
    assert fit.reader == readings.reader.content_hash
    # Eleven answerable questions are asked with and without their passages, three unanswerable ones once; at two k.
    assert sum(fit.record["cases"].values()) == 2 * (2 * 11 + 3)


def test_the_three_levels_stand_side_by_side(examples, retrievers, readings, fit) -> None:
    report = evaluated(examples, retrievers, readings, k=3, fit=fit)
    assert report["questions"] == {"questions": 14, "answerable": 11, "unanswerable": 3}
    # The references are the reader's own best spans in the gold passages.
    assert report["levels"]["reader"]["rouge1_f1_answerable_forced"] == 1
    retrieval = report["levels"]["retrieval"]
    assert 0 < retrieval["recall@1"] <= retrieval["recall@3"] <= 1
    pipeline = report["levels"]["pipeline"]
    assert 0 < pipeline["rouge1_f1_answerable_forced"] <= pipeline["top5"]["rouge1_f1"] <= 1
    assert report["baselines"]["always abstain"] == {
        "rouge1_f1": pytest.approx(3 / 14),
        "rouge1_f1_answerable": 0.0,
    }


def test_with_one_passage_nothing_but_retrieval_comes_between_reader_and_pipeline(
    examples, retrievers, readings
) -> None:
    # Without a fit the reader's own rule decides, over one passage as over a given text.
    report = evaluated(examples, retrievers, readings, k=1)
    found = [row for row in report["slices"]["gold passage's rank"] if row["name"] == "1"]
    assert [row["rouge1_f1_forced"] for row in found] == [1.0]
    assert report["ranking"] == "the reader's own"


def test_the_report_is_plain_and_tells_every_question(examples, retrievers, readings, fit) -> None:
    report = evaluated(examples, retrievers, readings, k=3, fit=fit, ablate=True)
    plain = json.dumps(report, allow_nan=False)
    assert json.dumps(json.loads(plain)) == plain
    assert report["scores"]["id"] == [example.id for example in examples]
    assert len(report["ablation"]) == 3 * len(RANKINGS)  # Three modes, one k: 5 and 20 are more than 3.
    failed = sum(report["failures"]["counts"].values())
    assert failed == report["scores"]["exact_match"].count(0) == len(report["failures"]["worst"])
    for rows in report["slices"].values():
        assert sum(row["questions"] for row in rows) == 11
    assert [row["k"] for row in report["by_k"]] == [3]


def test_a_second_evaluation_reads_nothing_and_says_the_same(
    examples, retrievers, readings, fit, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = evaluated(examples, retrievers, readings, k=3, fit=fit)
    monkeypatch.setattr(Reader, "read", lambda *_, **__: pytest.fail("read again"))
    again = evaluated(examples, retrievers, readings, k=3, fit=fit)
    assert {**first, "seconds": 0} == {**again, "seconds": 0}


def test_removed_passages_are_not_among_the_answers(examples, retrievers, readings, fit) -> None:
    report = evaluated(examples, retrievers, readings, k=2, fit=fit)
    assert report["trust"]["removed"]["questions"] == 11


def test_contexts_that_are_not_in_the_index_are_scored_by_the_answers_text(retrievers, readings, fit) -> None:
    elsewhere = [Example("x", "who built the tower", "Gustave did, says another text.", (Reference("Gustave", 0),))]
    report = evaluated(elsewhere, retrievers, readings, k=3, fit=fit)
    assert report["gold_by"] == "answer text"
    assert report["levels"]["retrieval"]["recall@3"] == 1
    assert "Gustave" in CONTEXTS[0]


@pytest.mark.parametrize(
    ("setting", "error", "message"),
    [
        ({"k": 0}, UsageError, "at least 1"),
        ({"ablate": True}, UsageError, "odqa tune"),
        ({"language": "xx"}, UsageError, "not known"),
    ],
)
def test_what_cannot_be_evaluated_is_refused(examples, retrievers, readings, setting, error, message) -> None:
    with pytest.raises(error, match=message):
        evaluated(examples, retrievers, readings, **setting)


def test_no_questions_are_refused(retrievers, readings) -> None:
    with pytest.raises(DataError, match="no questions"):
        evaluated([], retrievers, readings)


def test_questions_that_no_passage_answers_cannot_be_fitted(retrievers, readings, tmp_path: Path) -> None:
    nothing = [Example("x", "who built the tower", "A text of no use.", (Reference("nothing of it", 0),))]
    with pytest.raises(DataError, match="right answer to none"):
        tune(nothing, retrievers[Mode.HYBRID], readings, ks=(2,))
    with pytest.raises(UsageError, match="at least 1"):
        tune(nothing, retrievers[Mode.HYBRID], readings, ks=(0,))
