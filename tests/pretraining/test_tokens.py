"""The tokenizer: of the size that was asked for, RoBERTa's specials, every text and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from transformers import AutoTokenizer

from odqa.errors import UsageError
from odqa.pretraining.tokens import SPECIAL, check, train
from tests import tiny
from tests.pretraining.conftest import TEXTS


def test_it_has_the_size_and_the_specials_in_roberta_s_order(tokenizer):
    assert len(tokenizer) == 320
    assert tokenizer.convert_ids_to_tokens(range(5)) == list(SPECIAL)
    assert tokenizer("Paris").input_ids[0] == 0 and tokenizer("Paris").input_ids[-1] == 2


@pytest.mark.parametrize("text", ["Zoë's ½ Übergröße", "Tiếng Việt có dấu", "東京は日本の首都", "🙂\t\n x"])
def test_every_text_comes_back(tokenizer, text):
    assert tokenizer.unk_token_id not in tokenizer(text).input_ids
    assert tokenizer.decode(tokenizer(text, add_special_tokens=False).input_ids) == text


def test_it_is_the_same_when_it_is_loaded(tokenizer, tmp_path: Path):
    tokenizer.save_pretrained(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    text = "Ciao, <mask> va? Paris has a river."
    assert loaded(text).input_ids == tokenizer(text).input_ids
    assert loaded.tokenize("Ciao, <mask> va?")[-4:] == tokenizer.tokenize("Ciao, <mask> va?")[-4:]
    assert loaded.decode(loaded("Paris has a <mask>.", add_special_tokens=False).input_ids) == "Paris has a<mask>."


def test_too_few_texts_for_the_vocabulary_are_told_with_the_numbers():
    with pytest.raises(UsageError, match=r"vocabulary of 5,000 tokens: they give \d{3}; use --vocab-size \d{3}"):
        train(iter(TEXTS), 5000, 2)


def test_a_tokenizer_without_a_mask_is_refused():
    tokenizer = tiny.make_tokenizer()
    check(tokenizer, "it")
    tokenizer.mask_token = None
    with pytest.raises(UsageError, match="it: its tokenizer has no mask token"):
        check(tokenizer, "it")
