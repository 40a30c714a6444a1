"""What a checkpoint's files may do to a run that goes on from them: be read, or be named and refused."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from odqa.errors import DataError, OdqaError, UsageError
from odqa.files import sha256
from odqa.training import checkpoint, resume
from odqa.training.memory import Memory
from odqa.training.recipe import Recipe, Source
from odqa.training.train import train
from tests import bombs
from tests.training.two_processes import Stopping, Watcher, settings, uneven

FILES = ["memory_0.safetensors", "model.safetensors", "optimizer.safetensors", "random_0.json", "state.json"]
OLD_FILES = ["custom_checkpoint_0.pkl", "random_states_0.pkl", "optimizer.bin", "scheduler.bin", "sampler.bin"]


@pytest.fixture(scope="module")
def recipe(train_file: Path, tiny_base: Path, tiny_reader: Path) -> Recipe:
    """Six steps with a teacher, whose memory is in every checkpoint, and an evaluation after each of two epochs."""
    made = settings(train_file, tiny_base)
    return Recipe(**made, distill=str(tiny_reader), eval=(Source(str(train_file), limit=4),))


@pytest.fixture(scope="module")
def stopped(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was stopped in its second epoch."""
    output = tmp_path_factory.mktemp("stopped") / "out"
    with pytest.raises(KeyboardInterrupt):
        train(recipe, output, Stopping(4), device="cpu")
    return output


@pytest.fixture
def output(stopped: Path, tmp_path: Path) -> Path:
    """That run, to be damaged."""
    return Path(shutil.copytree(stopped, tmp_path / "out"))


def go_on(recipe: Recipe, output: Path) -> None:
    train(recipe, output, Watcher(), resume=True, device="cpu")


def hash_again(folder: Path) -> None:
    """What somebody does who changes a checkpoint on purpose."""
    names = [path.name for path in folder.iterdir() if path.name != "files.json"]
    (folder / "files.json").write_text(json.dumps({name: sha256(folder / name) for name in names}))


def test_a_checkpoint_lists_its_files_and_nothing_in_it_is_a_pickle(stopped: Path) -> None:
    folder = stopped / "checkpoint"
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "files.json"])
    assert json.loads((folder / "files.json").read_text()) == {name: sha256(folder / name) for name in FILES}
    assert [path.name for path in (stopped / "best").iterdir()] == ["epoch-1.safetensors"]


@pytest.mark.parametrize("hashed", [False, True])
@pytest.mark.parametrize("name", [*FILES, "files.json", "best"])
def test_a_pickle_in_place_of_any_file_does_not_run(
    recipe: Recipe, output: Path, tmp_path: Path, name: str, hashed: bool
) -> None:
    bombs.check(tmp_path)
    marker = tmp_path / "ran"
    path = output / "best" / "epoch-1.safetensors" if name == "best" else output / "checkpoint" / name
    for write in (lambda: path.write_bytes(bombs.plain(marker)), lambda: bombs.write_torch(path, marker)):
        write()
        if hashed and name == "best":
            state = json.loads((output / "checkpoint" / "state.json").read_text())
            state |= {"best": sha256(path), "evaluations": [{"epoch": 1, "f1": 1.0}]}  # No later one is better.
            (output / "checkpoint" / "state.json").write_text(json.dumps(state))
        if hashed and name != "files.json":
            hash_again(output / "checkpoint")
        with pytest.raises(OdqaError, match=path.name.replace(".", r"\.")):
            go_on(recipe, output)
        assert not marker.exists()


def test_a_pickle_beside_the_files_is_not_opened(recipe: Recipe, output: Path, tmp_path: Path) -> None:
    names = [*OLD_FILES, "pytorch_model.bin", "optimizer.safetensors.bin"]
    for name in names:
        (output / "checkpoint" / name).write_bytes(bombs.plain(tmp_path / name))
        bombs.write_torch(output / "best" / name, tmp_path / name)
    go_on(recipe, output)
    assert [name for name in names if (tmp_path / name).exists()] == []


@pytest.mark.parametrize("name", [*FILES, "best"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(path.read_bytes()[:-1]),
        lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x01"),
        lambda path: path.write_bytes(b""),
        Path.unlink,
        lambda path: (path.unlink(), path.symlink_to("/dev/zero")),
        lambda path: (path.unlink(), os.mkfifo(path)),
        lambda path: (path.unlink(), path.mkdir()),
    ],
    ids=["short", "changed", "empty", "missing", "device", "pipe", "folder"],
)
def test_a_damaged_file_is_named_and_refused(
    recipe: Recipe, output: Path, name: str, damage: Callable[[Path], object]
) -> None:
    path = output / "best" / "epoch-1.safetensors" if name == "best" else output / "checkpoint" / name
    damage(path)
    with pytest.raises(DataError, match="train again") as error:
        go_on(recipe, output)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    "content",
    [
        "[]",
        "{}",
        '{"state.json": 5}',
        '{"state.json": "ab"}',
        "[" * 10_000,
        "9" * 5_000,
        '{"../x": "%s"}',
        '{"\\u0000": "%s"}',
    ],
)
def test_a_list_of_files_that_is_none_is_refused(recipe: Recipe, output: Path, content: str) -> None:
    listed = output / "checkpoint" / "files.json"
    state = sha256(output / "checkpoint" / "state.json")
    if "%s" in content:
        content = json.dumps({"state.json": state} | json.loads(content % ("a" * 64)))
    listed.write_text(content)
    with pytest.raises(DataError, match="train again"):
        go_on(recipe, output)


@pytest.mark.parametrize("resumed", [False, True])
def test_a_checkpoint_of_an_earlier_version_is_refused_and_kept(recipe: Recipe, output: Path, resumed: bool) -> None:
    (output / "checkpoint" / "files.json").unlink()
    before = sorted(output.rglob("*"))
    with pytest.raises(UsageError, match=r"no whole checkpoint.*earlier version"):
        train(recipe, output, Watcher(), resume=resumed, device="cpu")
    assert sorted(output.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", "four"),
        ("step", -1),
        pytest.param("step", 10**400, id="step-huge"),
        ("epoch", 1.5),
        ("seconds", "NaN"),
        ("recipe", []),
        ("recipe", {"train": 5}),
        ("recipe", {"train": [[[[]]]]}),
        ("evaluations", [{}]),
        ("evaluations", [{"epoch": 1, "f1": None}]),
        ("losses", [[1]]),
        ("processes", 0),
        ("processes", 2),
        ("best", 5),
        ("best", "ab"),
    ],
)
def test_a_state_of_senseless_values_is_refused(recipe: Recipe, output: Path, name: str, value: object) -> None:
    path = output / "checkpoint" / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {name: value}))
    hash_again(output / "checkpoint")
    with pytest.raises(OdqaError, match=r"checkpoint|best"):
        go_on(recipe, output)


def spoil_random(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    value = json.loads((folder / "random_0.json").read_text())
    change(value)
    (folder / "random_0.json").write_text(json.dumps(value))


def test_a_random_state_that_points_outside_of_itself_is_refused(tmp_path: Path) -> None:
    cpu = torch.device("cpu")
    for change in (
        lambda value: value["numpy"].update(at=10**6),
        lambda value: value["numpy"].update(at=-1),
        lambda value: value["python"].update(at=625),
        lambda value: value["python"]["words"].append(1),
        lambda value: value["numpy"]["words"].pop(),
        lambda value: value["numpy"]["words"].__setitem__(0, 1 << 32),
        lambda value: value["python"].update(spare=float("nan")),
        lambda value: value.update(torch="00" * 100),
        lambda value: value.update(torch="00" * 5056),
        lambda value: value.update(torch="zz"),
        lambda value: value.update(device=["os", ""]),
    ):
        resume.write_own(tmp_path, 0, cpu, None)
        resume.read_own(tmp_path, 0, cpu, None)
        spoil_random(tmp_path, change)
        with pytest.raises(DataError, match=r"random_0\.json.*train again"):
            resume.read_own(tmp_path, 0, cpu, None)


def test_random_states_come_back(tmp_path: Path) -> None:
    import random

    cpu = torch.device("cpu")

    def draw() -> list[float]:
        normal = [random.gauss(0, 1), float(np.random.normal()), float(torch.randn(1))]
        return [random.random(), float(np.random.random()), float(torch.rand(1)), *normal]

    draw()  # Each generator has a normal deviate in store now.
    resume.write_own(tmp_path, 3, cpu, None)
    wanted = draw()
    draw()
    resume.read_own(tmp_path, 3, cpu, None)
    assert draw() == wanted


def test_the_state_of_an_optimiser_must_fit_its_weights(tmp_path: Path) -> None:
    def make() -> tuple[torch.nn.Module, torch.optim.Optimizer]:
        model = torch.nn.Linear(3, 2)
        optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
        model(torch.ones(1, 3)).sum().backward()
        optimizer.step()
        return model, optimizer

    resume.write_shared(tmp_path, *make(), None)
    model, optimizer = make()
    resume.read_shared(tmp_path, model, optimizer, None)
    whole = load_file(tmp_path / "optimizer.safetensors")
    assert torch.equal(optimizer.state_dict()["state"][0]["exp_avg"], whole["0.exp_avg"])
    for spoilt in (
        whole | {"0.exp_avg": torch.zeros(7)},
        whole | {"9.exp_avg": torch.zeros(7)},
        whole | {"0.other": torch.zeros(7)},
        whole | {"x": torch.zeros(7)},
        {name: tensor for name, tensor in whole.items() if name != "0.step"},
    ):
        save_file(spoilt, tmp_path / "optimizer.safetensors")
        with pytest.raises(DataError, match=r"optimizer\.safetensors does not fit"):
            resume.read_shared(tmp_path, model, optimizer, None)
    save_file({"weight": torch.zeros(3, 3)}, tmp_path / "model.safetensors")
    with pytest.raises(DataError, match=r"model\.safetensors does not fit"):
        resume.read_shared(tmp_path, model, optimizer, None)


def test_a_scaler_comes_back_and_must_make_sense(tmp_path: Path) -> None:
    model = torch.nn.Linear(1, 1)
    optimizer = torch.optim.AdamW(model.parameters())
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**9)
    resume.write_shared(tmp_path, model, optimizer, scaler)
    other = torch.amp.GradScaler("cpu")
    resume.read_shared(tmp_path, model, optimizer, other)
    assert other.state_dict() == scaler.state_dict()
    for change in ({"scale": float("nan")}, {"scale": 0}, {"growth_interval": -1}, {"more": 1}):
        (tmp_path / "scaler.json").write_text(json.dumps(scaler.state_dict() | change))
        with pytest.raises(DataError, match=r"scaler\.json.*train again"):
            resume.read_shared(tmp_path, model, optimizer, other)
    (tmp_path / "scaler.json").unlink()  # As a run in another precision leaves it.
    resume.read_shared(tmp_path, model, optimizer, fresh := torch.amp.GradScaler("cpu"))
    assert fresh.state_dict() == torch.amp.GradScaler("cpu").state_dict()


@pytest.mark.parametrize(
    "change",
    [
        {"keys": torch.zeros((1, 16), dtype=torch.uint8)},
        {"lengths": torch.tensor([10**9])},
        {"lengths": torch.tensor([1, -1])},
        {"logits": torch.zeros(3)},
    ],
)
def test_a_memory_that_does_not_fit_together_is_refused(tmp_path: Path, change: dict[str, torch.Tensor]) -> None:
    cpu = torch.device("cpu")
    resume.write_own(tmp_path, 0, cpu, Memory())
    resume.read_own(tmp_path, 0, cpu, Memory())
    save_file(load_file(tmp_path / "memory_0.safetensors") | change, tmp_path / "memory_0.safetensors")
    with pytest.raises(DataError, match=r"memory_0\.safetensors does not fit"):
        resume.read_own(tmp_path, 0, cpu, Memory())


def test_weights_of_a_better_epoch_that_no_checkpoint_knows_replace_none(tmp_path: Path) -> None:
    """A run that is killed between an evaluation and its checkpoint has the weights of two epochs."""
    folder = tmp_path / "best"
    folder.mkdir()
    for epoch in (1, 2):
        (folder / f"epoch-{epoch}.safetensors").write_text("")
    state = checkpoint.State({}, evaluations=[{"epoch": 1, "f1": 0.5}], best="ab")
    assert checkpoint.best_file(tmp_path, state) == folder / "epoch-1.safetensors"
    state.evaluations.append({"epoch": 2, "f1": 0.75})
    checkpoint.forget_worse(tmp_path, state)
    assert [path.name for path in folder.iterdir()] == ["epoch-2.safetensors"]


def test_two_processes_resume_to_the_same_weights(
    tmp_path: Path, train_file: Path, tiny_base: Path, tiny_reader: Path
) -> None:
    """Each with random states and a memory of its own; their batches of an epoch do not divide by two."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true"}
    shared |= {"OMP_NUM_THREADS": "1"}
    command = [
        sys.executable,
        "-m",
        "tests.training.two_processes",
        *map(str, (train_file, tiny_base, tiny_reader, tmp_path)),
    ]
    environments = [os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)]
    running = [
        subprocess.Popen(command, env=one, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for one in environments
    ]
    try:
        said = [process.communicate(timeout=300)[0] for process in running]
    finally:
        for process in running:
            process.kill()
    assert [process.returncode for process in running] == [0, 0], said
    whole, broken = (load_file(tmp_path / name / "model.safetensors") for name in ("whole", "broken"))
    assert all(torch.equal(whole[name], broken[name]) for name in whole)
    with pytest.raises(UsageError, match=r"a run of 2 process\(es\), and there are 1"):
        go_on(uneven(train_file, tiny_base, tiny_reader), tmp_path / "left")
