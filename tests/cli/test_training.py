"""What a run tells where there is no terminal: lines now and then, in its own unit, with the time that is left."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from huggingface_hub.utils import filter_repo_objects
from rich.console import Console
from rich.progress import Progress

from odqa.cli import training
from odqa.cli.training import Terminal, push
from odqa.errors import OdqaError


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


def test_what_the_hub_and_its_client_say_is_one_line_and_the_log_of_the_run_stays_here(tmp_path: Path, monkeypatch):
    class Hub:
        def create_repo(self, name: str, *, exist_ok: bool) -> None:
            """It is there."""

        def upload_folder(self, *, ignore_patterns: list[str], **_: object) -> None:
            files = ["odqa/events.1.my-machine", "run.json"]
            assert list(filter_repo_objects(files, ignore_patterns=ignore_patterns)) == ["run.json"]
            raise RuntimeError("[Errno 111] Connection refused")  # httpx's own errors are of no kind that we know.

    monkeypatch.setattr("huggingface_hub.HfApi", Hub)
    with pytest.raises(OdqaError) as error:
        push(tmp_path, "me/reader", "reader")
    assert str(error.value) == (
        f"the reader is whole in {tmp_path}, but me/reader could not be uploaded: [Errno 111] Connection refused"
    )
