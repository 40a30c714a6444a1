"""A cross-encoder that an encoder learns from: its scores, what it reads, and what is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.errors import ModelError
from odqa.retriever_training.cross_encoder import CrossEncoder
from odqa.types import Passage
from tests import tiny

QUESTION = "what orbits the earth"


def test_scores_are_those_of_the_model_and_read_title_and_headings(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification

    folder = tiny.make_cross_encoder(tmp_path / "cross")
    loaded = CrossEncoder.load(folder, "cpu")
    passage = Passage("1", "a", "Moon", "The moon orbits the earth.", 0, headings=("Days",))
    (score,) = loaded.scores([QUESTION], [passage])
    model = AutoModelForSequenceClassification.from_pretrained(folder)
    inputs = tiny.make_tokenizer()(QUESTION, "Moon > Days. The moon orbits the earth.", return_tensors="pt")
    with torch.no_grad():
        assert score == pytest.approx(model(**inputs).logits.item(), abs=1e-4)
    assert loaded.scores([], []) == []
    long = Passage("2", "a", "Moon", "The moon orbits the earth. " * 200, 0)
    assert len(loaded.scores([QUESTION, QUESTION], [long, passage])) == 2


def test_what_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gives 3 numbers for a question and a passage"):
        CrossEncoder.load(tiny.make_cross_encoder(tmp_path / "three", labels=3), "cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="cannot be loaded as a cross-encoder"):
        CrossEncoder.load(tmp_path / "empty", "cpu")
