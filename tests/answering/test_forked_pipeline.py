"""A pipeline in a process that was forked from the one that opened it, as gunicorn --preload does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.forks import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")


def test_a_pipeline_answers_in_a_forked_process_opened_before_the_fork_or_after_it(
    index_folder: Path, eager_reader: Path
) -> None:
    program = """
import os, threading, torch, odqa
opened = odqa.Pipeline.open(sys.argv[1], reader=sys.argv[2], device="cpu")
large = torch.ones(1 << 22)

def ask(pipeline=opened):
    large.exp().sum()  # Is shared out among the threads, as the operations of real models are.
    print([answer.text for answer in pipeline.ask("who built the tower").answers])

def child():
    with odqa.Pipeline.open(sys.argv[1], reader=sys.argv[2], device="cpu") as another:
        ask(another)
    os.chdir("/")
    ask()
    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    forked(ask)

ask()
forked(child)
ask()
"""
    said = run(program, index_folder.name, eager_reader, cwd=index_folder.parent).splitlines()
    assert len(said) == 6
    assert len(set(said)) == 1
