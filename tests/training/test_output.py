"""A run's output: what may be there, and that nobody else's files and no other run come to harm."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from odqa.errors import UsageError
from odqa.training import checkpoint, output
from odqa.training.output import alone, check


def make(folder: Path, *files: str) -> Path:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize(
    "files",
    [
        ["letter.txt"],
        ["best/weights.bin"],
        ["best/epoch-1.safetensors", "best/notes.txt"],
        ["checkpoint.new/weights", "README.md"],
        ["prepared/texts", "data.json"],
    ],
)
def test_what_is_not_of_a_run_is_left_alone(tmp_path: Path, files: list[str], resume: bool) -> None:
    with pytest.raises(UsageError, match="is not empty and holds no run of ours"):
        check(make(tmp_path, *files), resume=resume)


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize(
    "files",
    [
        [],
        [".lock"],
        ["checkpoint.new/weights", "best/epoch-1.safetensors", "best/.epoch-2.safetensors.17.tmp", "loss.svg"],
        ["prepared/texts", "odqa/events.out.tfevents", ".loss.svg.17.tmp"],
    ],
)
def test_what_a_run_left_that_was_killed_before_its_first_checkpoint_is_no_hindrance(
    tmp_path: Path, files: list[str], resume: bool
) -> None:
    check(make(tmp_path, *files), resume=resume)


def test_a_checkpoint_is_gone_on_from_only_where_that_is_asked_for(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, checkpoint.State({}), lambda folder: None)
    check(tmp_path, resume=True)
    with pytest.raises(UsageError, match="add --resume"):
        check(tmp_path, resume=False)


def test_a_folder_that_cannot_be_made_is_refused_before_the_run(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("odqa.files.os.access", lambda path, mode: path != tmp_path)
    with (
        pytest.raises(UsageError, match="cannot be written to; give another --output"),
        alone(tmp_path / "new" / "run"),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_nothing_stays_of_a_run_that_never_began_and_no_lock_of_any(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    with pytest.raises(KeyboardInterrupt), alone(folder):
        assert folder.is_dir()
        raise KeyboardInterrupt
    assert not folder.exists()
    with alone(folder):
        (folder / "config.json").touch()
    assert [path.name for path in folder.iterdir()] == ["config.json"]


def hold(folder: Path, held, leave) -> None:
    with alone(folder):
        held.set()
        leave.wait(30)


def test_two_runs_do_not_write_to_one_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    held, leave = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path, held, leave))
    other.start()
    assert held.wait(30)
    with pytest.raises(UsageError, match="another run writes to"), alone(tmp_path):
        pass
    leave.set()
    other.join(30)
    with alone(tmp_path):
        pass


def test_another_process_of_the_same_run_is_let_in(tmp_path: Path, monkeypatch) -> None:
    with alone(tmp_path):
        monkeypatch.setattr(output, "is_first_process", lambda: False)
        with alone(tmp_path):
            pass
        assert (tmp_path / ".lock").exists()
