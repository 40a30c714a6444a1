"""A teacher with other numbers for the same tokens reads what it would have read by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from odqa.reader.features import windows
from odqa.training.data import LabelledWindow, collate
from odqa.training.translate import Template, template, translation
from odqa.views import Context
from tests import tiny
from tests.reader.families import wrapped

QUESTIONS = ["who built the tower", "where is the museum ?", "what orbits the earth in xyz days"]
CONTEXTS = ["The tower was built by Gustave.", "The museum is in Paris, by the river Seine.", "The moon."]


def renumbered(separators: str = "</s> </s>") -> Any:
    """The tiny tokenizer with its numbers turned around, special tokens of its own, and ``separators`` in between."""
    from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece

    words = [token for token in reversed(tiny.vocabulary()) if token not in tiny.SPECIAL]
    vocab = {token: number for number, token in enumerate(["<s>", "<pad>", "</s>", "[UNK]", "<mask>", *words])}
    tokenizer = Tokenizer(WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair=f"<s> $A {separators} $B:1 </s>:1",
        special_tokens=[("<s>", vocab["<s>"]), ("</s>", vocab["</s>"])],
    )
    return wrapped(tokenizer, unknown="[UNK]")


def batch_of(tokenizer: Any) -> dict[str, torch.Tensor]:
    made = windows(tokenizer, QUESTIONS, [Context(text) for text in CONTEXTS], max_length=64, stride=16)
    arrays = collate(tokenizer, [LabelledWindow(window, ((0, 0),)) for window in made])
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


@pytest.mark.parametrize(("separators", "longer"), [("</s> </s>", 1), ("</s>", 0)])
def test_the_teacher_reads_what_it_would_cut_itself(separators: str, longer: int) -> None:
    student, teacher = tiny.make_tokenizer(), renumbered(separators)
    found = translation(student, teacher, [*QUESTIONS, *CONTEXTS])
    assert found is not None
    assert found.longer_by == longer
    batch = batch_of(student)
    inputs, places = found.inputs_of(batch)
    assert set(inputs) == {"input_ids", "attention_mask"}
    assert places.shape == batch["input_ids"].shape
    for row, (question, context) in enumerate(zip(QUESTIONS, CONTEXTS, strict=True)):
        own = teacher(question, context)["input_ids"]
        length = int(inputs["attention_mask"][row].sum())
        assert inputs["input_ids"][row, :length].tolist() == own
        assert set(inputs["input_ids"][row, length:].tolist()) <= {teacher.pad_token_id}
        # At each of the student's tokens is the same word of the teacher's.
        count = int(batch["attention_mask"][row].sum())
        ours = student.convert_ids_to_tokens(batch["input_ids"][row, :count].tolist())
        theirs = teacher.convert_ids_to_tokens(inputs["input_ids"][row, places[row, :count]].tolist())
        special = {"[CLS]": "<s>", "[SEP]": "</s>"}
        assert [special.get(token, token) for token in ours] == theirs
        assert len(set(places[row, :count].tolist())) == count


def test_windows_of_a_long_context_are_told_apart() -> None:
    student, teacher = tiny.make_tokenizer(), renumbered()
    found = translation(student, teacher, QUESTIONS)
    assert found is not None
    made = list(
        windows(student, QUESTIONS[:1], [Context("the river seine is in paris . " * 12)], max_length=32, stride=8)
    )
    assert len(made) > 2
    batch = collate(student, [LabelledWindow(window, ((0, 0),)) for window in made])
    inputs, _ = found.inputs_of({name: torch.from_numpy(values) for name, values in batch.items()})
    for row, window in enumerate(made):
        words = student.convert_ids_to_tokens(np.asarray(window.inputs["input_ids"])[window.answerable].tolist())
        length = int(inputs["attention_mask"][row].sum())
        theirs = teacher.convert_ids_to_tokens(inputs["input_ids"][row, :length].tolist())
        assert theirs[-len(words) - 1 : -1] == words


def test_token_types_are_given_to_a_teacher_that_wants_them() -> None:
    teacher = renumbered()
    teacher.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    student = tiny.make_tokenizer()
    found = translation(student, teacher, QUESTIONS)
    assert found is not None
    inputs, _ = found.inputs_of(batch_of(student))
    own = teacher(QUESTIONS[0], CONTEXTS[0])["token_type_ids"]
    assert inputs["token_type_ids"][0, : len(own)].tolist() == own


def test_a_tokenizer_that_cuts_otherwise_cannot_be_translated() -> None:
    from tests.reader import families

    assert translation(tiny.make_tokenizer(), families.tokenizer_of("roberta"), ["Where is the Louvre?"]) is None


def test_templates() -> None:
    assert template(tiny.make_tokenizer())[0] == Template(1, 1, 1)
    found, special = template(renumbered())
    assert found == Template(1, 2, 1)
    assert special == ((0,), (2, 2), (2,))
