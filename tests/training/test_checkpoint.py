"""One whole checkpoint or the one before it, whatever happens while it is written."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
from pathlib import Path

import pytest
from safetensors import SafetensorError

from odqa.errors import OdqaError, UsageError
from odqa.pretraining.recipe import LanguageRecipe
from odqa.training import checkpoint
from odqa.training.checkpoint import State

RECIPE = {"epochs": 2, "learning_rate": 0.1, "train": [{"path": "x.json"}]}


def save(output: Path, step: int) -> None:
    checkpoint.save(output, State(RECIPE, step=step), lambda folder: (folder / "weights").write_text(f"of {step}"))


def step_of(folder: Path | None) -> int:
    assert folder is not None
    state = checkpoint.load_state(folder, RECIPE, {})
    assert (folder / "weights").read_text() == f"of {state.step}"
    return state.step


def test_a_checkpoint_replaces_the_one_before_it(tmp_path):
    assert checkpoint.find(tmp_path) is None
    for step in (1, 2, 3):
        save(tmp_path, step)
        assert step_of(checkpoint.find(tmp_path)) == step
        assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_the_state_comes_back_as_it_was(tmp_path):
    state = State(RECIPE, 1, 2, 3, 4.5, 6, [{"epoch": 1, "f1": 0.5}], [(100, 0.25)], 7, {"x.json": "ab"}, "cd")
    checkpoint.save(tmp_path, state, lambda folder: None)
    loaded = checkpoint.load_state(tmp_path / "checkpoint", RECIPE, {"x.json": "ab"})
    assert loaded == state
    assert type(loaded.evaluations[0]["epoch"]) is int
    assert loaded.best_epoch == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (SafetensorError("Error while serializing: I/O error: No space left on device"), "No space left on device"),
    ],
)
def test_a_full_disk_keeps_the_old_checkpoint(tmp_path, error, said):
    save(tmp_path, 1)

    def full(folder: Path) -> None:
        (folder / "weights").write_text("half of it")
        raise error

    with pytest.raises(OdqaError) as raised:
        checkpoint.save(tmp_path, State(RECIPE, step=2), full)
    message = str(raised.value)
    assert f"{tmp_path}: the checkpoint of step 2 cannot be written (" in message
    assert said in message
    assert f"{tmp_path / 'checkpoint'} is kept: make room and run again with --resume" in message
    assert step_of(checkpoint.find(tmp_path)) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint"]


def test_a_full_disk_at_the_first_checkpoint(tmp_path):
    def full(folder: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OdqaError, match="none had been written before: make room"):
        checkpoint.save(tmp_path, State(RECIPE), full)
    assert checkpoint.find(tmp_path) is None


class Killed(BaseException):
    """A kill: nothing that runs after it."""


@pytest.mark.parametrize("at", range(5))
def test_a_kill_at_any_rename_or_removal_leaves_a_whole_checkpoint(tmp_path, monkeypatch, at):
    """Twice in a row: the second run starts from what the first one's kill left."""
    save(tmp_path, 1)
    for step in (2, 3):
        before = step_of(checkpoint.find(tmp_path))
        calls = 0

        def counted(function, limit=at):
            def call(*arguments, **options):
                nonlocal calls
                calls += 1
                if calls > limit:
                    raise Killed
                return function(*arguments, **options)

            return call

        with monkeypatch.context() as patch:
            patch.setattr(Path, "rename", counted(Path.rename))
            patch.setattr(checkpoint.shutil, "rmtree", counted(checkpoint.shutil.rmtree))
            with contextlib.suppress(Killed):
                save(tmp_path, step)
        assert step_of(checkpoint.find(tmp_path)) in (before, step)
    save(tmp_path, 4)
    assert step_of(checkpoint.find(tmp_path)) == 4


def test_a_half_written_checkpoint_is_not_found(tmp_path):
    (tmp_path / "checkpoint.new").mkdir()
    (tmp_path / "checkpoint.new" / "weights").write_text("half")
    (tmp_path / "checkpoint").mkdir()
    assert checkpoint.find(tmp_path) is None


def test_a_run_may_go_on_in_another_precision(tmp_path):
    save(tmp_path, 1)
    other = {**RECIPE, "precision": "pure-bfloat16"}
    assert checkpoint.load_state(tmp_path / "checkpoint", other, {}).recipe == other


def test_a_setting_that_is_newer_than_the_checkpoint_is_as_the_run_was_whatever_its_kind(tmp_path):
    save(tmp_path, 1)
    now = {**RECIPE, "short_share": 0.0, "whole_word": False}  # Before there was short_share, none had a share.
    assert checkpoint.load_state(tmp_path / "checkpoint", now, {}, kind=LanguageRecipe).recipe == now
    with pytest.raises(UsageError, match=r"short_share: 0\.0 → 0\.8; whole_word: False → True"):
        other = now | {"short_share": 0.8, "whole_word": True}
        checkpoint.load_state(tmp_path / "checkpoint", other, {}, kind=LanguageRecipe)


def test_another_recipe_is_refused_with_the_differences(tmp_path):
    save(tmp_path, 1)
    other = RECIPE | {"learning_rate": 0.2, "train": [{"path": "y.json", "limit": 5}]}
    with pytest.raises(UsageError) as error:
        checkpoint.load_state(tmp_path / "checkpoint", other, {})
    message = str(error.value)
    assert (
        "checkpoint is of another recipe (learning_rate: 0.1 → 0.2; train[0].limit: 0 → 5; "
        "train[0].path: 'x.json' → 'y.json'); "
    ) in message
    assert re.search(r"resume with the same settings, or give another --output$", message)


def test_tuples_of_a_recipe_equal_the_lists_that_json_makes_of_them(tmp_path):
    recipe = {"train": ({"path": "x"},)}
    checkpoint.save(tmp_path, State(recipe), lambda folder: None)
    assert checkpoint.load_state(tmp_path / "checkpoint", recipe, {}).step == 0


def test_a_checkpoint_older_than_a_setting_has_its_default(tmp_path):
    """What the recipe and the state did not hold when it was written."""
    checkpoint.save(tmp_path, State(RECIPE, step=3), lambda folder: None)
    file = tmp_path / "checkpoint" / "state.json"
    content = json.loads(file.read_text())
    for name in ("tokens", "inputs"):
        del content[name]
    file.write_text(json.dumps(content))
    now = RECIPE | {"distill": "", "distill_weight": 0.5, "train": [{"path": "x.json", "license": "", "negatives": ()}]}
    loaded = checkpoint.load_state(tmp_path / "checkpoint", now, {"x.json": "ab"})
    assert (loaded.step, loaded.tokens, loaded.inputs) == (3, 0, {"x.json": "ab"})
    with pytest.raises(UsageError, match=r"distill: '' → 'teacher'"):
        checkpoint.load_state(tmp_path / "checkpoint", now | {"distill": "teacher"}, {})


@pytest.mark.parametrize(
    ("now", "said"), [({"x.json": "c" * 64}, "it now has cccccccccccc…"), ({}, "it is no longer there")]
)
def test_data_that_changed_since_the_checkpoint_is_refused_by_name(tmp_path, now, said):
    checkpoint.save(tmp_path, State(RECIPE, inputs={"x.json": "a" * 64}), lambda folder: None)
    with pytest.raises(UsageError) as error:
        checkpoint.load_state(tmp_path / "checkpoint", RECIPE, now)
    assert str(error.value) == (
        f"x.json is not what {tmp_path / 'checkpoint'} was trained with: its SHA-256 was aaaaaaaaaaaa… and {said}; put "
        "it back as it was, or give another --output"
    )


def test_what_a_finished_run_does_not_need_is_removed(tmp_path):
    save(tmp_path, 1)
    for name in ("best", "checkpoint.new", "checkpoint.old"):
        (tmp_path / name).mkdir()
    (tmp_path / "config.json").write_text("{}")
    checkpoint.remove(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]
