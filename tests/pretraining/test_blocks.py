"""Packing, counted by hand: separators, full blocks across texts, a padded last one, where words begin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from odqa.errors import DataError
from odqa.pretraining import blocks
from tests import tiny


@pytest.fixture
def words():
    """The suite's WordPiece tokenizer: a word it knows is one token, cut before any other sign."""
    return tiny.make_tokenizer()


def shown(tokenizer, row: np.ndarray) -> str:
    return " ".join(tokenizer.convert_ids_to_tokens(blocks.split(row)[0].tolist()))


def test_texts_are_packed_across_their_ends_and_the_last_block_is_padded(words, tmp_path: Path):
    path = tmp_path / "tokens"
    assert blocks.write(path, words, ["the river seine", "the moon", "paris"], 6) == 3
    read = blocks.read(path, 6)
    assert [shown(words, read[at]) for at in range(len(read))] == [
        "[CLS] the river seine [SEP] [SEP]",
        "[CLS] the moon [SEP] paris [SEP]",
        "[CLS] [SEP] [SEP] [PAD] [PAD] [PAD]",
    ]


def test_a_word_begins_with_its_first_token(words, tmp_path: Path):
    blocks.write(tmp_path / "tokens", words, ["the xyz moon"], 8)
    ids, starts = blocks.split(blocks.read(tmp_path / "tokens", 8)[0])
    assert words.convert_ids_to_tokens(ids.tolist()) == ["[CLS]", "the", "x", "##y", "##z", "moon", "[SEP]", "[SEP]"]
    assert starts.tolist() == [False, True, True, False, False, True, False, False]


def test_what_looks_like_a_special_token_is_text(tokenizer, tmp_path: Path):
    blocks.write(tmp_path / "tokens", tokenizer, ["a <mask> b </s>"], 32)
    ids, _ = blocks.split(blocks.read(tmp_path / "tokens", 32)[0])
    assert tokenizer.mask_token_id not in ids
    assert tokenizer("<mask>").input_ids == [0, tokenizer.mask_token_id, 2]  # It is one again in other calls.


def test_a_file_that_is_cut_short_is_refused(words, tmp_path: Path):
    blocks.write(tmp_path / "tokens", words, ["the moon"], 8)
    (tmp_path / "tokens").write_bytes((tmp_path / "tokens").read_bytes()[:-2])
    with pytest.raises(DataError, match="30 bytes are not blocks of 8 tokens"):
        blocks.read(tmp_path / "tokens", 8)
