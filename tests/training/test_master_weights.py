"""bfloat16 weights beside a float32 master, on a layer whose numbers can be followed by hand."""

from __future__ import annotations

import torch

from odqa.reader.weights import load_model
from odqa.training import master_weights


class Scorer(torch.nn.Module):
    """One layer below a span head, and a buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(2, 2, bias=False)
        self.qa_outputs = torch.nn.Linear(2, 2, bias=False)
        self.register_buffer("frequencies", torch.tensor([1.0 + 2**-12]))


def test_the_model_is_lowered_but_not_its_head_and_buffers():
    model = Scorer()
    with torch.no_grad():
        model.layer.weight.fill_(1.0 + 2**-12)  # bfloat16 has 8 significant bits: it rounds to 1.
    master = master_weights.split(model)
    assert model.layer.weight.dtype == torch.bfloat16
    assert (model.layer.weight == 1).all()
    assert model.qa_outputs.weight.dtype == torch.float32
    assert model.frequencies.item() == 1.0 + 2**-12
    assert master.layer.weight.dtype == torch.float32
    assert (master.layer.weight == 1.0 + 2**-12).all()


def test_small_updates_add_up_in_the_master():
    """A step of 2^-10 is lost in bfloat16 next to 1; after four of them the weight moves by 2^-8... and 2^-7."""
    model = Scorer()
    with torch.no_grad():
        model.layer.weight.fill_(1.0)
    master = master_weights.split(model)
    optimizer = torch.optim.SGD(master.parameters(), lr=1.0)
    seen = []
    for _ in range(8):
        model.layer.weight.grad = torch.full((2, 2), -(2.0**-10), dtype=torch.bfloat16)
        master_weights.hand_gradients(model, master)
        assert model.layer.weight.grad is None
        assert master.layer.weight.grad.dtype == torch.float32
        optimizer.step()
        optimizer.zero_grad()
        master_weights.hand_weights(master, model)
        seen.append(model.layer.weight[0, 0].item())
    assert master.layer.weight[0, 0].item() == 1 + 8 * 2.0**-10
    assert seen[0] == seen[3] == 1  # 1 + 2^-8 lies between two numbers of bfloat16, the even one of which is 1.
    assert seen[4] == seen[7] == 1 + 2.0**-7


def test_the_gradients_of_several_batches_add_up_in_float32():
    """256 and then four times 1: in bfloat16, with its eight significant bits, the sum would stay 256."""
    model = Scorer()
    master = master_weights.split(model)
    for gradient in (256, 1, 1, 1, 1):
        model.layer.weight.grad = torch.full((2, 2), gradient, dtype=torch.bfloat16)
        master_weights.hand_gradients(model, master)
    assert (master.layer.weight.grad == 260).all()
    assert master.qa_outputs.weight.grad is None


def test_so_do_those_of_several_passes_of_one_batch():
    model = Scorer()
    master = master_weights.split(model)
    master_weights.hand_at_once(model, master)
    for gradient in (256, 1, 1, 1, 1):
        (model.layer.weight * gradient).sum().backward()
        assert model.layer.weight.grad is None
    master_weights.hand_gradients(model, master)
    assert (master.layer.weight.grad == 260).all()
    assert master.qa_outputs.weight.grad is None


def test_the_master_of_a_reader_computes_its_own_logits(tiny_reader):
    """The span head of the copy is the copy's: another weight there leaves the first model's logits alone."""
    model, _ = load_model(tiny_reader, head_required=True)
    master = master_weights.split(model)
    ids = torch.tensor([[2, 7, 8, 3]])
    before = model(input_ids=ids).start_logits
    with torch.no_grad():
        master.qa_outputs.weight.zero_()
        master.qa_outputs.bias.zero_()
    assert (master(input_ids=ids).start_logits == 0).all()
    assert torch.equal(model(input_ids=ids).start_logits, before)
    assert before.dtype == torch.float32
