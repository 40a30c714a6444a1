"""What a model puts for a mask: the likeliest tokens, their scores, and the whole text."""

from __future__ import annotations

import pytest

from odqa.errors import ModelError, UsageError
from odqa.pretraining.fill import fill
from odqa.pretraining.model import load_for_filling


@pytest.fixture(scope="module")
def loaded(language_model):
    return load_for_filling(str(language_model))


def test_each_mask_has_its_likeliest_tokens_first(loaded):
    first, second = fill(*loaded, "Paris has a <mask> and a [MASK].", k=3)
    for some in (first, second):
        assert len(some) == 3
        assert [guess.score for guess in some] == sorted((guess.score for guess in some), reverse=True)
    assert first[0].text == f"Paris has a{first[0].token} and a<mask>."
    assert second[0].text == f"Paris has a<mask> and a{second[0].token}."


def test_the_scores_of_all_tokens_add_up_to_one(loaded):
    (guesses,) = fill(*loaded, "<mask> has a river.", k=320)
    assert sum(guess.score for guess in guesses) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("text", "k", "said"),
    [
        ("Paris has a river.", 5, "no mask in 'Paris has a river.'; write <mask>"),
        ("<mask>", 321, "k is 321; it must be from 1 to the 320 tokens"),
        ("<mask>" + " river" * 100, 5, "the model reads at most 32; give a shorter one"),
    ],
)
def test_what_cannot_be_filled(loaded, text, k, said):
    with pytest.raises(UsageError, match=said):
        fill(*loaded, text, k)


def test_a_model_that_never_learned_to_guess_is_refused(tiny_base):
    with pytest.raises(ModelError, match="has no head for masked tokens"):
        load_for_filling(str(tiny_base))


def test_an_unfinished_run_is_told_from_a_broken_model(tmp_path):
    (tmp_path / "mine" / "prepared").mkdir(parents=True)
    with pytest.raises(ModelError, match="mine holds an unfinished run; finish it with --resume"):
        load_for_filling(str(tmp_path / "mine"))
