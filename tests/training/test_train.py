"""The training loop, really run: the same end after a kill, what is saved, and what stops it with one line."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from odqa.errors import DataError, OdqaError, UsageError
from odqa.reader.model import Reader
from odqa.squad import file_hash, load_examples
from odqa.training import checkpoint
from odqa.training import train as loop
from odqa.training.folder import read_run
from odqa.training.recipe import Recipe, Source, make_recipe
from odqa.training.train import learning_rate, train
from tests import tiny
from tests.reader import families


class Recorder:
    """A watcher that remembers, and does something at a step."""

    def __init__(self, at: int = 0, action=None) -> None:
        self.notes: list[str] = []
        self.losses: list[float] = []
        self.metrics: list[dict[str, float]] = []
        self.at, self.action = at, action

    def note(self, text: str) -> None:
        self.notes.append(text)

    def step(self, done: int, total: int, loss: float, windows_per_second: float) -> None:
        self.losses.append(loss)
        self.total = total
        if done == self.at:
            self.action()

    def evaluated(self, epoch: int, metrics: dict[str, float]) -> None:
        assert epoch == len(self.metrics) + 1
        self.metrics.append(metrics)


def interrupt() -> None:
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def recipe(train_file: Path, tiny_base: Path):
    """A recipe of 6 steps: 12 windows, batches of 2, two to a step, two epochs; dropout is the base's own 0.1."""

    def make(**settings: object) -> Recipe:
        given = {
            "train": (Source(str(train_file)),),
            "base": str(tiny_base),
            "max_length": 64,
            "stride": 16,
            "epochs": 2,
            "batch_size": 2,
            "accumulate": 2,
            "learning_rate": 1e-3,
            "precision": "float32",
            "save_every": 1,
        }
        return make_recipe(given | settings)

    return make


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def run(recipe: Recipe, output: Path, watcher: Recorder | None = None, **options: object) -> Path:
    return train(recipe, output, watcher or Recorder(), device="cpu", **options)


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory, train_file: Path, tiny_base: Path) -> Path:
    """The reader of the plain recipe, trained once without a break."""
    output = tmp_path_factory.mktemp("unbroken") / "out"
    recipe = Recipe(
        train=(Source(str(train_file)),),
        base=str(tiny_base),
        max_length=64,
        stride=16,
        epochs=2,
        batch_size=2,
        accumulate=2,
        learning_rate=1e-3,
        precision="float32",
        save_every=1,
    )
    return run(recipe, output)


def test_a_run_counts_its_data_and_steps(recipe, tmp_path, unbroken):
    watcher = Recorder()
    run(recipe(), tmp_path / "out", watcher)
    assert watcher.notes == ["12 questions (8 answerable; offsets: 0 repaired, 0 questions dropped), 12 windows"]
    assert len(watcher.losses) == watcher.total == 6
    assert all(2 < loss < 5 for loss in watcher.losses)  # Chance over the 20 or so tokens of a window: ln 20 = 3.
    assert equal(weights(tmp_path / "out"), weights(unbroken))


def test_another_seed_gives_another_reader(recipe, tmp_path, unbroken):
    assert not equal(weights(run(recipe(seed=1), tmp_path / "out")), weights(unbroken))


@pytest.mark.parametrize("at", [1, 3, 4, 6])
def test_ctrl_c_saves_and_a_resumed_run_ends_with_the_same_weights(recipe, tmp_path, unbroken, at):
    """In the middle of an epoch (1, 4), behind its last batch (3), and behind the last one of all (6)."""
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(recipe(save_every=100), output, Recorder(at, interrupt))
    state = checkpoint.load_state(output / "checkpoint", json.loads(json.dumps(loop.as_dict(recipe(save_every=100)))))
    assert state.step == at
    assert not (output / "config.json").exists()
    watcher = Recorder()
    run(recipe(save_every=100), output, watcher, resume=True)
    assert watcher.notes[-1] == f"resumed at step {at} (epoch {1 if at < 4 else 2})"
    assert len(watcher.losses) == 6 - at
    assert equal(weights(output), weights(unbroken))
    assert read_run(output)["steps"] == 6
    assert read_run(output)["windows"] == 24


def test_ctrl_c_during_the_evaluation_stops_behind_it(recipe, tmp_path, train_file):
    watcher = Recorder()
    watcher.evaluated = lambda epoch, metrics: interrupt()
    with pytest.raises(KeyboardInterrupt):
        run(recipe(eval=(Source(str(train_file)),)), tmp_path / "out", watcher)
    assert len(watcher.losses) == 3
    assert checkpoint.find(tmp_path / "out")


def test_a_killed_run_resumes_to_the_same_weights(recipe, tmp_path, train_file, tiny_base):
    """Really killed, by the command line's own process; long enough that the kill comes in the middle."""
    killed, whole, made = tmp_path / "killed", tmp_path / "whole", recipe(epochs=20)
    settings = {"base": tiny_base, "max_length": 64, "stride": 16, "epochs": 20, "batch_size": 2, "accumulate": 2}
    settings |= {"learning_rate": 1e-3, "precision": "float32", "save_every": 1, "train": train_file, "device": "cpu"}
    flags = [text for name, value in settings.items() for text in (f"--{name.replace('_', '-')}", str(value))]
    command = [sys.executable, "-m", "odqa", "train-reader", *flags, "--output", str(killed)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        while not checkpoint.find(killed):
            assert process.poll() is None, process.stderr.read().decode()
            time.sleep(0.005)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert not (killed / "model.safetensors").exists()
    left = checkpoint.find(killed)
    assert left is not None
    assert json.loads((left / "state.json").read_text())["step"] < 60
    for output in (killed, whole):
        run(made, output, resume=output == killed)
    assert equal(weights(killed), weights(whole))
    assert sorted(path.name for path in killed.iterdir()) == sorted(path.name for path in whole.iterdir())


def test_a_run_killed_before_its_first_checkpoint_starts_anew(recipe, tmp_path, unbroken):
    output = tmp_path / "out"
    for name in ("checkpoint.new", "best"):
        (output / name).mkdir(parents=True)
        (output / name / "model.safetensors").write_text("half")
    run(recipe(), output)
    assert equal(weights(output), weights(unbroken))


def test_resume_with_nothing_there_starts(recipe, tmp_path, unbroken):
    assert equal(weights(run(recipe(), tmp_path / "out", resume=True)), weights(unbroken))


def test_resume_with_another_recipe_names_the_difference(recipe, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(recipe(), tmp_path / "out", Recorder(1, interrupt))
    with pytest.raises(UsageError, match=r"another recipe \(learning_rate: 0\.001 → 0\.002\)"):
        run(recipe(learning_rate=2e-3), tmp_path / "out", resume=True)


def test_the_output_must_be_free(recipe, tmp_path, unbroken):
    file, foreign, unfinished = tmp_path / "file", tmp_path / "foreign", tmp_path / "unfinished"
    file.write_text("")
    foreign.mkdir()
    (foreign / "letter.txt").write_text("")
    checkpoint.save(unfinished, checkpoint.State({}), lambda folder: None)
    for output, said in [
        (file, "is a file; give a folder as --output"),
        (foreign, "is not empty and holds no run of ours; give another --output"),
        (unfinished, "holds an unfinished run; add --resume, or give another --output"),
        (unbroken, "holds a finished model; give another --output"),
    ]:
        with pytest.raises(UsageError, match=f"{output.name} {said}"):
            run(recipe(), output)
    assert (foreign / "letter.txt").exists()


def test_the_loss_falls_and_the_reader_answers_what_it_was_shown(recipe, tmp_path, train_file):
    watcher = Recorder()
    made = recipe(
        train=(Source(str(train_file), keep="answerable"),),
        epochs=50,
        batch_size=8,
        accumulate=1,
        learning_rate=5e-3,
        dropout=0.0,
        save_every=1000,
    )
    output = run(made, tmp_path / "out", watcher)
    assert watcher.losses[0] > 2.5
    assert watcher.losses[-1] < watcher.losses[0] / 2
    reader = Reader.load(output, device="cpu", dtype="float32")
    shown = [example for example in load_examples(train_file) if example.answerable]
    readings = reader.read([one.question for one in shown], [one.context for one in shown])
    texts = [one.context[r.spans[0].start : r.spans[0].end] for one, r in zip(shown, readings, strict=True)]
    assert texts == [one.references[0].text for one in shown]


def test_what_a_run_leaves(recipe, tmp_path, train_file):
    made = recipe(eval=(Source(str(train_file)),), tune=(Source(str(train_file), limit=6),), epochs=1)
    watcher = Recorder()
    output = run(made, tmp_path / "out", watcher)
    assert sorted(path.name for path in output.iterdir()) == [
        "README.md",
        "config.json",
        "model.safetensors",
        "reader.json",
        "run.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    (metrics,) = watcher.metrics
    assert {"exact_match", "f1", "rouge1_f1", "start_accuracy", "end_accuracy"} <= metrics.keys()
    assert all(0 <= value <= 1 for value in metrics.values())
    record = read_run(output)
    assert record["evaluations"] == [{"epoch": 1, **metrics}]
    assert record["data_sha256"] == {"train.jsonl": file_hash(train_file)}
    assert record["recipe"]["learning_rate"] == 1e-3
    assert record["offsets"] == {"kept": 12, "repaired": 0, "dropped": 0}
    assert (record["questions"], record["answerable"], record["steps"], record["windows"]) == (12, 8, 3, 12)
    assert {"odqa", "python", "torch", "transformers", "tokenizers", "accelerate"} == record["versions"].keys()
    settings = json.loads((output / "reader.json").read_text())
    assert settings == {"no_answer_threshold": record["no_answer_threshold"], "max_length": 64, "stride": 16}
    assert record["tuning"].keys() == metrics.keys()
    reader = Reader.load(output, device="cpu", dtype="float32")
    assert (reader.max_length, reader.stride) == (64, 16)
    assert reader.no_answer_threshold == record["no_answer_threshold"]
    card = (output / "README.md").read_text(encoding="utf-8")
    assert card.startswith("---\ntags: [question-answering, extractive, odqa]\n---\n")
    assert "12 training questions, 8 of them answerable; 0 had their answer offset repaired and 0 were dropped" in card
    assert "- `train.jsonl`\n" in card
    assert "- learning rate: 0.001\n" in card
    assert f"| 1 | {metrics['exact_match']:.3f} | {metrics['f1']:.3f} |" in card
    assert "dropout" not in json.loads((output / "config.json").read_text()).get("name_or_path", "")


def test_the_tuned_threshold_is_the_best_on_the_tuning_data(recipe, tmp_path, train_file):
    """The reader, loaded and asked again, reaches the F1 that the run has recorded as the best one."""
    from odqa.evaluation.report import evaluate

    output = run(recipe(tune=(Source(str(train_file)),)), tmp_path / "out")
    found = evaluate(load_examples(train_file), Reader.load(output, device="cpu", dtype="float32")).report
    assert found["best_threshold"]["f1"] == pytest.approx(read_run(output)["tuning"]["best_threshold_f1"])


@pytest.mark.parametrize(("keep", "kept"), [("best", 1), ("last", 2)])
def test_the_best_or_the_last_epoch_is_kept(recipe, tmp_path, train_file, monkeypatch, keep, kept):
    output, f1 = tmp_path / "out", iter([0.9, 0.5])
    seen: list[dict[str, torch.Tensor]] = []

    def metrics(found: object, examples: object) -> dict[str, float]:
        return {"f1": next(f1)}

    monkeypatch.setattr(loop, "epoch_metrics", metrics)
    watcher = Recorder()
    save = loop._Run.save

    def save_and_remember(self: loop._Run) -> None:
        save(self)
        seen.append({name: value.clone() for name, value in self.model.state_dict().items()})

    monkeypatch.setattr(loop._Run, "save", save_and_remember)
    run(recipe(eval=(Source(str(train_file)),), keep=keep, save_every=100), output, watcher)
    assert len(seen) == 2
    assert equal(weights(output), seen[kept - 1])
    assert not equal(weights(output), seen[2 - kept])
    assert not (output / "best").exists()


def test_weights_may_be_saved_in_half(recipe, tmp_path, unbroken):
    output = run(recipe(save_precision="float16"), tmp_path / "out")
    half = weights(output)
    assert {value.dtype for value in half.values()} == {torch.float16}
    assert equal(half, {name: value.half() for name, value in weights(unbroken).items()})
    assert Reader.load(output, device="cpu").read(["Who?"], ["Paris"])[0].spans


def test_bfloat16_learns_about_the_same(recipe, tmp_path, unbroken):
    output = run(recipe(precision="bfloat16"), tmp_path / "out")
    one, other = weights(output), weights(unbroken)
    assert {value.dtype for value in one.values()} == {torch.float32}
    assert not equal(one, other)
    assert max((one[name] - other[name]).abs().max().item() for name in one) < 0.02


def test_every_family_trains_a_step(family_base, tmp_path, train_file):
    made = make_recipe(
        {
            "train": (Source(str(train_file), limit=4),),
            "eval": (Source(str(train_file), limit=2),),
            "base": str(family_base),
            "max_length": 96,
            "stride": 16,
            "epochs": 1,
            "batch_size": 8,
            "precision": "bfloat16",
        }
    )
    watcher = Recorder()
    output = run(made, tmp_path / "out", watcher)
    assert len(watcher.losses) == len(watcher.metrics) == 1
    assert 1 < watcher.losses[0] < 60
    assert Reader.load(output, device="cpu").read(["Who?"], ["The Louvre is in Paris."])[0].spans


@pytest.fixture(params=families.FAMILIES)
def family_base(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    side = "left" if request.param in ("roberta", "deberta-v2") else "right"
    return families.make(request.param, tmp_path / request.param, head=False, padding_side=side)


def test_a_loss_that_is_no_number_stops_the_run_at_its_step(recipe, tmp_path):
    base = tiny.make_base(tmp_path / "base")
    broken = {name: torch.full_like(value, float("nan")) for name, value in weights(base).items()}
    save_file(broken, base / "model.safetensors", {"format": "pt"})
    with pytest.raises(OdqaError) as error:
        run(recipe(base=str(base)), tmp_path / "out")
    assert str(error.value) == (
        "the loss is nan at step 1; no checkpoint had been written yet. Lower the learning rate (0.001) or use "
        "--precision float32"
    )


def test_a_loss_that_explodes_names_the_checkpoint_that_is_kept(recipe, tmp_path):
    with pytest.raises(OdqaError, match=r"the loss is nan at step 2; the checkpoint .*out/checkpoint is kept"):
        run(recipe(learning_rate=1e30, warmup=0.0), tmp_path / "out")
    assert checkpoint.find(tmp_path / "out")


def test_data_that_cannot_be_scored_is_refused_before_the_training(recipe, tmp_path, train_file):
    twice = (Source(str(train_file)), Source(str(train_file)))
    for role in ("eval", "tune"):
        with pytest.raises(DataError, match="the question id 'q0' occurs twice"):
            run(recipe(**{role: twice}), tmp_path / "out", Recorder(1, pytest.fail))
        with pytest.raises(UsageError, match=r"no such dataset file: absent\.json"):
            run(recipe(**{role: (Source("absent.json"),)}), tmp_path / "out", Recorder(1, pytest.fail))


def test_float16_needs_a_gpu(recipe, tmp_path):
    with pytest.raises(UsageError, match="training in float16 needs a GPU; use --precision bfloat16 or float32"):
        run(recipe(precision="float16"), tmp_path / "out")


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_tracking_needs_its_extra(recipe, tmp_path, name):
    if importlib.util.find_spec(name):
        pytest.skip(f"{name} is installed")
    with pytest.raises(OdqaError) as error:
        run(recipe(track=name), tmp_path / "out")
    assert str(error.value) == f'--track {name} needs an extra; run: pip install "odqa[{name}]"'


def test_tracking_with_tensorboard(recipe, tmp_path):
    pytest.importorskip("tensorboard")
    output = run(recipe(track="tensorboard"), tmp_path / "out")
    assert list(output.rglob("events.out.tfevents.*"))


@pytest.mark.parametrize(("room", "writer"), [(0.5, "Error while serializing"), (1.2, "enforce fail")])
def test_a_full_disk_stops_with_one_line(recipe, tmp_path, tiny_base, room, writer):
    """No file may grow beyond ``room`` times the weights: first these fail, written by safetensors, then torch's."""
    resource = pytest.importorskip("resource")
    limit = int((tiny_base / "model.safetensors").stat().st_size * room)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(OdqaError) as error:
            run(recipe(), tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"{tmp_path / 'out'}: the checkpoint of step 1 cannot be written (" in str(error.value)
    assert writer in str(error.value)
    assert "\n" not in str(error.value)
    assert not list((tmp_path / "out").iterdir())


def test_a_full_disk_at_the_end_keeps_the_checkpoint(recipe, tmp_path, tiny_base, unbroken, monkeypatch):
    """The last step's checkpoint is whole; then nothing more can be written, and a resumed run only writes."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    final = loop._Run.final_model

    def fill(self: loop._Run) -> object:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        return final(self)

    with monkeypatch.context() as patch, pytest.raises(OdqaError) as error:
        patch.setattr(loop._Run, "final_model", fill)
        try:
            run(recipe(), tmp_path / "out")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"{tmp_path / 'out'}: the model cannot be written (" in str(error.value)
    assert "make room and run again with --resume" in str(error.value)
    watcher = Recorder()
    run(recipe(), tmp_path / "out", watcher, resume=True)
    assert watcher.losses == []
    assert equal(weights(tmp_path / "out"), weights(unbroken))


def test_the_learning_rate_rises_and_falls():
    recipe = Recipe(train=(), learning_rate=1.0, warmup=0.4)
    rates = [learning_rate(step, 10, recipe) for step in range(10)]
    assert rates[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert rates[4:] == pytest.approx([1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6])
    assert learning_rate(0, 10, Recipe(train=(), learning_rate=1.0, warmup=0.0)) == 1.0
    assert learning_rate(0, 1, Recipe(train=(), learning_rate=1.0, warmup=1.0)) == 0.5
