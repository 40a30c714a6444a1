"""What a run tells where there is no terminal: lines now and then, in its own unit, with the time that is left."""

from __future__ import annotations

import io

import pytest
from rich.console import Console
from rich.progress import Progress

from odqa.cli import training
from odqa.cli.training import Terminal


def test_lines_have_the_rate_in_the_run_s_unit_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = iter([100.0, 101.0, 160.0, 9000.0, 10000.0])
    monkeypatch.setattr(training.time, "monotonic", lambda: next(seconds))
    terminal = Terminal(Progress(console=Console(file=io.StringIO())), "tokens", 512)
    for done in (1, 2, 4, 5, 1000):
        terminal.step(done, 1000, 6.25, 2.0)
    assert capsys.readouterr().err.splitlines() == [
        "odqa: step 1 of 1,000: loss 6.250, 1,024 tokens/s",
        "odqa: step 4 of 1,000: loss 6.250, 1,024 tokens/s, about 5.5 h left",  # 20 s a step.
        "odqa: step 5 of 1,000: loss 6.250, 1,024 tokens/s, about 615.0 h left",
        "odqa: step 1,000 of 1,000: loss 6.250, 1,024 tokens/s",
    ]
