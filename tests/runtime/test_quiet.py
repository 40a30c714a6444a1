"""What the model libraries say of a model is kept off the terminal, and only for as long as was asked."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from transformers import AutoModelForQuestionAnswering
from transformers.utils import logging

from odqa.runtime.quiet import quiet


def load_without_head(folder: Path) -> None:
    """Loads a model with a bar, a remark on its missing head and a warning of Python's."""
    AutoModelForQuestionAnswering.from_pretrained(folder)
    warnings.warn("deprecated", DeprecationWarning, stacklevel=1)


def test_loading_says_nothing_in_a_quiet_block_and_all_of_it_behind(
    tiny_base: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    recwarn: pytest.WarningsRecorder,
) -> None:
    before = logging.get_verbosity(), logging.is_progress_bar_enabled()
    with pytest.raises(KeyError, match="raised all the same"), quiet():
        load_without_head(tiny_base)
        raise KeyError("raised all the same")
    assert (capfd.readouterr().err, caplog.text, list(recwarn)) == ("", "", [])
    assert (logging.get_verbosity(), logging.is_progress_bar_enabled()) == before
    load_without_head(tiny_base)
    assert "Loading weights" in capfd.readouterr().err
    assert "qa_outputs" in caplog.text
    assert recwarn
