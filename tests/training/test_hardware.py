"""Peaks by the names that drivers give, and the utilisation counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from odqa.training.hardware import Hardware, describe, flops_per_token, peak, utilisation


@pytest.mark.parametrize(
    ("name", "flops"),
    [
        ("NVIDIA A100-SXM4-80GB", 312e12),
        ("NVIDIA A100 80GB PCIe", 312e12),
        ("NVIDIA H100 80GB HBM3", 989e12),
        ("NVIDIA H100 PCIe", None),
        ("NVIDIA H100 NVL", None),
        ("NVIDIA H200", 989e12),
        ("NVIDIA H200 NVL", None),
        ("NVIDIA L4", 121e12),
        ("NVIDIA L40S", None),
        ("Tesla T4", 65e12),
        ("Tesla V100-SXM2-16GB", 125e12),
        ("NVIDIA GeForce RTX 4090", 165e12),
        ("NVIDIA GeForce RTX 4090 D", None),
        ("NVIDIA GeForce RTX 4090 Laptop GPU", None),
        ("NVIDIA A100-SXM4-40GB MIG 1g.5gb", None),
        ("Some GPU", None),
    ],
)
def test_peaks_by_name(name, flops):
    assert peak(name) == flops


def test_the_utilisation_counted_by_hand():
    """10 FLOPs a token, 65e9 tokens a second over 2 GPUs of 65e12 FLOP/s: 65e10 / 130e12 = 0.005."""
    gpus = Hardware("cuda", "Tesla T4", threads=8, processes=2)
    assert utilisation(gpus, 10, 130_000_000_000, 2.0) == pytest.approx(0.005)
    assert utilisation(replace(gpus, name="Some GPU"), 10, 100, 2.0) is None
    assert utilisation(replace(gpus, device="cpu"), 10, 100, 2.0) is None
    assert utilisation(gpus, 10, 0, 0.0) is None


def test_embeddings_cost_nothing_and_a_teacher_a_third():
    """Two layers of 3 x 2 + 2 = 8 parameters; the embedding, tied to nothing, is not counted."""

    def model(layers: int) -> torch.nn.Module:
        return torch.nn.Sequential(torch.nn.Embedding(10, 3), *(torch.nn.Linear(3, 2) for _ in range(layers)))

    assert flops_per_token(model(2)) == 6 * 16
    assert flops_per_token(model(2), model(3)) == 6 * 16 + 2 * 24
    assert flops_per_token(model(2), model(3), epochs=4) == 6 * 16 + 2 * 24 / 4
    half = model(2)
    half[1].requires_grad_(False)
    assert flops_per_token(half) == 6 * 8 + 2 * 8


def test_this_machine_has_a_name():
    found = describe(torch.device("cpu"), 1, "float32")
    assert found == Hardware("cpu", found.name, torch.get_num_threads(), 1, "float32")
    assert found.name
