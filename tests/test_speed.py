"""What `benchmarks/speed.py` counts with: percentiles, the operations of a window, the options of a command."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[1] / "benchmarks"))


@pytest.mark.parametrize("share", [0, 0.5, 0.95, 0.99, 1])
def test_percentiles_are_numpys(share: float) -> None:
    from speed_machine import percentile

    for count in (1, 2, 5, 100):
        values = np.random.default_rng(count).normal(size=count).tolist()
        assert percentile(values, share) == pytest.approx(np.percentile(values, 100 * share))


def test_the_operations_of_a_window_are_those_that_torch_counts(tiny_reader: Path) -> None:
    import torch
    from speed_flops import shape_of, window_flops
    from torch.utils.flop_counter import FlopCounterMode

    from odqa.reader.weights import load_model

    model, _ = load_model(tiny_reader, head_required=True, attention="eager")
    for tokens in (7, 24):
        with FlopCounterMode(display=False) as counter, torch.inference_mode():
            model(torch.ones(1, tokens, dtype=torch.long))
        assert window_flops(shape_of(tiny_reader), tokens) == counter.get_total_flops()


def test_a_process_that_fails_says_why() -> None:
    import sys

    from speed_machine import run

    with pytest.raises(SystemExit, match="no such thing"):
        run([sys.executable, "-c", "raise SystemExit('no such thing')"])
    assert run([sys.executable, "-c", "bytearray(300_000_000)"]).memory > 290


def test_options_are_typed_as_a_command_takes_them() -> None:
    from speed_bench import Way

    way = Way("torch", {"odqa ask": {"backend": "torch", "threads": 2, "exhaustive": True}, "odqa index": {}})
    assert way.flags("odqa ask") == ["--backend", "torch", "--threads", "2", "--exhaustive"]
    assert way.flags("odqa index") == []
