"""The mean of a reader and its base, alone and at the end of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.errors import ModelError
from odqa.models import resolve
from odqa.training.average import interpolate, load_base
from odqa.training.recipe import Recipe, Source
from odqa.training.train import train
from odqa.training.watch import SilentWatcher
from tests import tiny


def weights(folder: Path) -> dict[str, object]:
    from safetensors.torch import load_file

    return load_file(folder / "model.safetensors")


def test_weights_move_their_share_of_the_way_to_the_base(tmp_path: Path) -> None:
    one, other = (load_base(resolve(tiny.make_reader(tmp_path / str(seed), seed))) for seed in (0, 1))
    before = [weight.clone() for weight in one.parameters()]
    interpolate(one, other, 0.25)
    for weight, own, base in zip(one.parameters(), before, other.parameters(), strict=True):
        assert weight.allclose(0.75 * own + 0.25 * base, atol=1e-6)


def test_a_base_without_a_span_head_is_refused(tiny_base: Path) -> None:
    with pytest.raises(ModelError, match="no question-answering head"):
        load_base(resolve(tiny_base))


def test_a_run_ends_with_the_mean_of_its_weights_and_the_base(tmp_path: Path, tiny_reader: Path) -> None:
    data = tmp_path / "train.jsonl"
    data.write_text(
        '{"id": "1", "question": "where is the louvre", "context": "the louvre is in paris", '
        '"answers": {"text": ["paris"], "answer_start": [17]}}\n'
    )
    settings = {"max_length": 64, "stride": 16, "epochs": 3, "learning_rate": 1e-2, "precision": "float32"}
    plain, mean = (
        train(
            Recipe(train=(Source(str(data)),), base=str(tiny_reader), base_weight=share, **settings),  # type: ignore[arg-type]
            tmp_path / str(share),
            SilentWatcher(),
            device="cpu",
        )
        for share in (0.0, 0.5)
    )
    base, trained, ended = weights(tiny_reader), weights(plain), weights(mean)
    assert any(not trained[name].allclose(base[name]) for name in base)  # type: ignore[attr-defined]
    for name in base:
        assert ended[name].allclose((base[name] + trained[name]) / 2, atol=1e-6), name  # type: ignore[attr-defined,operator]
