"""Distillation: its loss counted by hand, and teachers that do not fit their student."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from odqa.errors import ModelError, UsageError
from odqa.training.distill import distillation_loss, divergence, load_teacher
from tests import tiny
from tests.reader import families

ALL = torch.ones(1, 2, dtype=torch.bool)


def logits(*probabilities: float) -> torch.Tensor:
    """One window's logits whose softmax is ``probabilities``."""
    return torch.tensor([[math.log(p) for p in probabilities]])


def test_the_divergence_counted_by_hand():
    """KL((1/2, 1/2) || (1/4, 3/4)) = 1/2 ln 2 + 1/2 ln(2/3)."""
    found = divergence(logits(0.25, 0.75), logits(0.5, 0.5), ALL, 1.0)
    assert found.item() == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3), rel=1e-5)


def test_the_temperature_softens_both():
    """At T = 2 (0.2, 0.8) becomes (1/3, 2/3), in the ratio of the square roots; (0.5, 0.5) stays."""
    found = divergence(logits(0.2, 0.8), logits(0.5, 0.5), ALL, 2.0)
    assert found.item() == pytest.approx(0.5 * math.log(1.5) + 0.5 * math.log(0.75), rel=1e-5)


def test_it_is_the_mean_over_windows():
    student, teacher = torch.cat([logits(0.25, 0.75), logits(0.5, 0.5)]), torch.cat([logits(0.5, 0.5)] * 2)
    one = divergence(logits(0.25, 0.75), logits(0.5, 0.5), ALL, 1.0)
    assert divergence(student, teacher, ALL.expand(2, 2), 1.0).item() == pytest.approx(one.item() / 2, rel=1e-5)


def test_padding_counts_on_neither_side():
    own = torch.tensor([[True, True, False]])
    student, teacher = torch.tensor([[0.0, math.log(3), 50.0]]), torch.tensor([[0.0, 0.0, -9.0]], requires_grad=False)
    student.requires_grad_()
    found = divergence(student, teacher, own, 1.0)
    assert found.item() == pytest.approx(divergence(logits(0.25, 0.75), logits(0.5, 0.5), ALL, 1.0).item(), rel=1e-5)
    found.backward()
    # The gradient of KL(p || softmax(z)) with respect to z is softmax(z) - p.
    assert student.grad[0].tolist() == pytest.approx([-0.25, 0.25, 0.0], abs=1e-6)


@given(st.lists(st.floats(-20, 20), min_size=2, max_size=6), st.floats(0.5, 8))
def test_equal_logits_do_not_diverge_and_others_never_below_zero(values, temperature):
    one = torch.tensor([values])
    own = torch.ones_like(one, dtype=torch.bool)
    assert divergence(one, one.clone(), own, temperature).item() == 0
    assert divergence(one, one.flip(1), own, temperature).item() >= -1e-5


def test_the_loss_is_the_formula():
    hard = torch.tensor(3.0)
    student, teacher = (logits(0.2, 0.8), logits(0.5, 0.5)), (logits(0.5, 0.5), logits(0.5, 0.5))
    start = 0.5 * math.log(1.5) + 0.5 * math.log(0.75)  # And 0 for the end.
    found = distillation_loss(hard, student, teacher, ALL, weight=0.25, temperature=2.0)
    assert found.item() == pytest.approx(0.75 * 3.0 + 0.25 * 4 * start / 2, rel=1e-5)


def test_without_weight_the_loss_is_the_cross_entropy():
    hard = torch.tensor(1.2345678)
    student, teacher = (logits(0.9, 0.1), logits(0.3, 0.7)), (logits(0.5, 0.5), logits(0.2, 0.8))
    assert distillation_loss(hard, student, teacher, ALL, weight=0.0, temperature=2.0).item() == hard.item()


def teacher_of(folder: Path, tokenizer: object = None, max_length: int = 64):
    tokenizer = tokenizer or tiny.make_tokenizer()
    return load_teacher(str(folder), "some/base", tokenizer, max_length, ["Where is the Louvre?"])


def test_a_teacher_is_frozen_and_reads_what_it_knows(tiny_reader):
    teacher = teacher_of(tiny_reader)
    assert teacher.folder == tiny_reader
    assert not teacher.model.training
    assert not any(weight.requires_grad for weight in teacher.model.parameters())
    batch = {"input_ids": torch.tensor([[2, 7, 3]]), "start_positions": torch.tensor([0])}
    batch |= {"token_type_ids": torch.zeros(1, 3, dtype=torch.long), "attention_mask": torch.ones(1, 3)}
    start, end = teacher.logits(batch)
    assert start.shape == end.shape == (1, 3)
    assert not start.requires_grad


def test_a_teacher_of_another_family_with_the_same_vocabulary_fits(tmp_path):
    """DistilBERT has no token types: the batch's are not given to it."""
    teacher = teacher_of(families.make("distilbert", tmp_path / "teacher"))
    assert teacher.inputs == ("input_ids", "attention_mask")


def test_a_teacher_with_another_vocabulary_is_refused(tmp_path):
    folder = families.make("roberta", tmp_path / "teacher")
    with pytest.raises(UsageError) as error:
        teacher_of(folder)
    message = str(error.value)
    assert f"the teacher {folder} has another vocabulary than the base some/base: " in message
    assert f"tokens against {len(tiny.make_tokenizer()):,}" in message
    assert "of them different (such as " in message
    assert "distil from a reader that was trained from some/base or a model of its family, or start from" in message


def test_a_teacher_that_cuts_otherwise_is_refused(tmp_path):
    """The same vocabulary, but capitals are kept, so that words with one are unknown."""
    from tokenizers import normalizers

    folder = tiny.make_reader(tmp_path / "teacher")
    tokenizer = tiny.make_tokenizer()
    tokenizer.backend_tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.save_pretrained(folder)
    with pytest.raises(UsageError) as error:
        teacher_of(folder)
    said = f"the teacher {folder} has the vocabulary of the base some/base but cuts texts into other tokens, such as "
    assert said in str(error.value)


def test_a_teacher_that_needs_token_types_is_refused_where_there_are_none(tiny_reader):
    plain = tiny.make_tokenizer()
    plain.model_input_names = ["input_ids", "attention_mask"]
    with pytest.raises(UsageError) as error:
        teacher_of(tiny_reader, plain)
    assert "reads token_type_ids, which the tokenizer of the base some/base does not give; " in str(error.value)


def test_a_teacher_without_a_span_head_is_refused(tiny_base):
    with pytest.raises(ModelError, match=f"{tiny_base}: no question-answering head: the weights lack qa_outputs"):
        teacher_of(tiny_base)


def test_a_teacher_with_too_few_positions_is_refused(tiny_reader):
    """It has 128; a window of 200 tokens is padded to 224."""
    with pytest.raises(UsageError) as error:
        teacher_of(tiny_reader, tiny.make_tokenizer(model_max_length=512), max_length=200)
    assert str(error.value) == (
        f"the teacher {tiny_reader} has 128 positions, fewer than the 224 of a padded window (max_length 200); use "
        "--max-length 128"
    )


def test_a_missing_teacher_is_named(tmp_path):
    with pytest.raises(ModelError, match=f"no model at {tmp_path / 'absent'}"):
        teacher_of(tmp_path / "absent")
