"""A cross-encoder orders what was found anew: its scores, and what search, ask and eval make of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from odqa.cli import app
from odqa.errors import ModelError
from odqa.index.retriever import RERANKER, Retriever
from odqa.retrieval.reranker import Reranker
from odqa.types import Passage
from tests import tiny
from tests.tiny.asked import Asked

QUESTION = "what orbits the earth"


@pytest.fixture(scope="module")
def reranker(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_reranker(tmp_path_factory.mktemp("reranker"))


def odqa(*arguments: object) -> Any:
    return CliRunner().invoke(app, [*map(str, arguments), "--device", "cpu"])


def test_scores_are_those_of_the_model_and_read_title_and_headings(reranker: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    loaded = Reranker.load(reranker, "cpu")
    passage = Passage("1", "a", "Moon", "The moon orbits the earth.", 0, headings=("Days",))
    (score,) = loaded.scores([QUESTION], [passage])
    model = AutoModelForSequenceClassification.from_pretrained(reranker)
    inputs = tiny.make_tokenizer()(QUESTION, "Moon > Days. The moon orbits the earth.", return_tensors="pt")
    with torch.no_grad():
        assert score == pytest.approx(model(**inputs).logits.item(), abs=1e-4)
    assert loaded.scores([], []) == []
    long = Passage("2", "a", "Moon", "The moon orbits the earth. " * 200, 0)
    assert len(loaded.scores([QUESTION, QUESTION], [long, passage])) == 2


def test_hits_are_in_the_order_of_its_scores(reranker: Path, asked: Asked) -> None:
    with Retriever.open(asked.index, device="cpu") as plain:
        (before,) = plain.search([QUESTION], 6)
    with Retriever.open(asked.index, reranker=reranker, device="cpu") as retriever:
        (found,) = retriever.search([QUESTION], 6)
        (two,) = retriever.search([QUESTION], 2)
    assert {hit.passage.id for hit in found} == {hit.passage.id for hit in before}
    assert [hit.passage.id for hit in found] != [hit.passage.id for hit in before]
    assert [hit.score for hit in found] == sorted((hit.score for hit in found), reverse=True)
    assert [hit.rank for hit in found] == [1, 2, 3, 4, 5, 6]
    assert found[0].components[RERANKER].score == found[0].score
    assert found[0].components.keys() == {"dense", "bm25", RERANKER}
    assert [hit.passage.id for hit in two] == [hit.passage.id for hit in found[:2]], "not of the first two alone"


@pytest.mark.parametrize("mode", ["bm25", "dense", "hybrid"])
def test_search_shows_its_score(reranker: Path, asked: Asked, mode: str) -> None:
    result = odqa(
        "search", QUESTION, "--index", asked.index, "--reranker", reranker, "--mode", mode, "--json", "--explain"
    )
    assert result.exit_code == 0, result.stderr
    for hit in json.loads(result.stdout)["hits"]:
        assert hit["components"]["reranker"] == {"rank": hit["rank"], "score": hit["score"]}


def test_ask_and_eval_read_what_it_chose(reranker: Path, asked: Asked, tmp_path: Path) -> None:
    result = odqa("ask", QUESTION, "--index", asked.index, "--reranker", reranker, "--reader", asked.reader, "-k", 1)
    assert result.exit_code == 0, result.stderr
    report = tmp_path / "report"
    flags = ["--dataset", asked.dataset, "--reader", asked.reader, "--cache", tmp_path / "c", "--report", report]
    result = odqa("eval", *flags, "--index", asked.index, "--reranker", reranker, "-k", 2)
    assert result.exit_code == 0, result.stderr
    assert "reranked by" in " ".join(result.stdout.split())
    assert json.loads((report / "report.json").read_text())["reranker"] == str(reranker)


def test_what_cannot_rerank_is_refused(reranker: Path, tiny_encoder: Path, asked: Asked, tmp_path: Path) -> None:
    three = tiny.make_reranker(tmp_path / "three", labels=3)
    with pytest.raises(ModelError, match="gives 3 numbers for a question and a passage"):
        Reranker.load(three, "cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be loaded as a cross-encoder"):
        Reranker.load(tmp_path / "empty", "cpu")
    for arguments, said in (
        (("search", QUESTION, "--index", asked.index, "--reranker", "./gone"), "no model at ./gone"),
        (("eval", "--dataset", asked.dataset, "--reranker", reranker), "--reranker goes with --index"),
        (("ask", QUESTION, "--context", asked.dataset, "--reranker", reranker), "does not go with --reranker"),
        (("search", QUESTION, "--url", "http://127.0.0.1:9", "--reranker", reranker), "--reranker"),
    ):
        result = odqa(*arguments)
        assert result.exit_code in (1, 2)
        assert said in " ".join(result.stderr.split())
