"""The training loop, really run: the same end after a kill, what is saved, and what stops it with one line."""

from __future__ import annotations

import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from odqa.corpus.blocks import context_of_example
from odqa.errors import DataError, OdqaError, UsageError
from odqa.files import sha256
from odqa.models import content_hash
from odqa.reader.model import Reader
from odqa.squad import load_examples, write_examples
from odqa.training import checkpoint, data, loop, master_weights, spans, start
from odqa.training.card import card
from odqa.training.distill import Teacher, divergence
from odqa.training.inputs import SourceCount, hashes
from odqa.training.labels import Repairs
from odqa.training.loop import filled_up, learning_rate
from odqa.training.recipe import Recipe, Source, as_dict, make_recipe
from odqa.training.record import RunRecord, read_record
from odqa.training.train import train
from odqa.types import Example, Reference
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


def record_of(folder: Path) -> RunRecord:
    found = read_record(folder)
    assert found is not None
    return found


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


def test_token_dropout_reads_other_tokens_and_resumes_to_the_same_weights(recipe, tmp_path, unbroken):
    made = recipe(token_dropout=0.3)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    assert not equal(weights(run(made, whole)), weights(unbroken))
    with pytest.raises(KeyboardInterrupt):
        run(made, broken, Recorder(4, interrupt))
    assert equal(weights(run(made, broken, resume=True)), weights(whole))


@pytest.mark.parametrize("at", [1, 3, 4, 6])
def test_ctrl_c_saves_and_a_resumed_run_ends_with_the_same_weights(recipe, tmp_path, unbroken, at):
    """In the middle of an epoch (1, 4), after its last batch (3), and after the last one of all (6)."""
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(recipe(save_every=100), output, Recorder(at, interrupt))
    made = recipe(save_every=100)
    state = checkpoint.load_state(output / "checkpoint", as_dict(made), hashes(made))
    assert state.step == at
    assert not (output / "config.json").exists()
    watcher = Recorder()
    run(recipe(save_every=100), output, watcher, resume=True)
    assert watcher.notes[-1] == f"resumed at step {at} (epoch {1 if at < 4 else 2})"
    assert len(watcher.losses) == 6 - at
    assert equal(weights(output), weights(unbroken))
    assert record_of(output).steps == 6
    assert record_of(output).windows == 24


def test_ctrl_c_during_the_evaluation_stops_after_it(recipe, tmp_path, train_file):
    watcher = Recorder()
    watcher.evaluated = lambda epoch, metrics: interrupt()
    with pytest.raises(KeyboardInterrupt):
        run(recipe(eval=(Source(str(train_file)),)), tmp_path / "out", watcher)
    assert len(watcher.losses) == 3
    assert checkpoint.find(tmp_path / "out")


def test_a_killed_run_resumes_to_the_same_weights(recipe, tmp_path, train_file, tiny_base):
    """Really killed, by the command line's own process; long enough that the kill comes in the middle."""
    killed, whole, made = tmp_path / "killed", tmp_path / "whole", recipe(epochs=8)
    settings = {"base": tiny_base, "max_length": 64, "stride": 16, "epochs": 8, "batch_size": 2, "accumulate": 2}
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
    assert json.loads((left / "state.json").read_text())["step"] < 24
    for output in (killed, whole):
        run(made, output, resume=output == killed)
    assert equal(weights(killed), weights(whole))
    assert sorted(path.name for path in killed.iterdir()) == sorted(path.name for path in whole.iterdir())


def test_a_run_killed_before_its_first_checkpoint_starts_again(recipe, tmp_path, unbroken):
    output = tmp_path / "out"
    for name in ("checkpoint.new", "best"):
        (output / name).mkdir(parents=True)
        (output / name / "epoch-1.safetensors").write_text("half")
    run(recipe(), output)
    assert equal(weights(output), weights(unbroken))


def test_resume_with_nothing_there_starts(recipe, tmp_path, unbroken):
    assert equal(weights(run(recipe(), tmp_path / "out", resume=True)), weights(unbroken))


def test_resume_with_another_recipe_names_the_difference(recipe, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(recipe(), tmp_path / "out", Recorder(1, interrupt))
    with pytest.raises(UsageError, match=r"another recipe \(learning_rate: 0\.001 → 0\.002\)"):
        run(recipe(learning_rate=2e-3), tmp_path / "out", resume=True)


def test_resume_with_other_data_names_the_file(recipe, tmp_path, train_file):
    """The recipe pins no hash; the file at its path has changed."""
    data = tmp_path / "data.jsonl"
    data.write_bytes(train_file.read_bytes())
    with pytest.raises(KeyboardInterrupt):
        run(recipe(train=(Source(str(data)),)), tmp_path / "out", Recorder(1, interrupt))
    before = sha256(data)[:12]
    write_examples(data, load_examples(train_file)[:-1])
    with pytest.raises(UsageError) as error:
        run(recipe(train=(Source(str(data)),)), tmp_path / "out", resume=True)
    assert str(error.value) == (
        f"{data} is not what {tmp_path / 'out' / 'checkpoint'} was trained with: its SHA-256 was {before}… and it now "
        f"has {sha256(data)[:12]}…; put it back as it was, or give another --output"
    )
    data.write_bytes(train_file.read_bytes())
    run(recipe(train=(Source(str(data)),)), tmp_path / "out", resume=True)


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
        path_dropout=0.0,
        save_every=1000,
    )
    output = run(made, tmp_path / "out", watcher)
    assert watcher.losses[0] > 2.5
    assert watcher.losses[-1] < watcher.losses[0] / 2
    reader = Reader.load(output, device="cpu", dtype="float32", backend="torch")
    shown = [example for example in load_examples(train_file) if example.answerable]
    readings = reader.read([one.question for one in shown], [context_of_example(one) for one in shown])
    texts = [one.context[r.spans[0].start : r.spans[0].end] for one, r in zip(shown, readings, strict=True)]
    assert texts == [one.references[0].text for one in shown]


def test_what_a_run_leaves(recipe, tmp_path, train_file, tiny_base):
    made = recipe(eval=(Source(str(train_file)),), tune=(Source(str(train_file), limit=6),), epochs=1)
    watcher = Recorder()
    output = run(made, tmp_path / "out", watcher)
    assert sorted(path.name for path in output.iterdir()) == [
        "README.md",
        "config.json",
        "loss.svg",
        "model.safetensors",
        "reader.json",
        "run.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    (metrics,) = watcher.metrics
    assert {"exact_match", "f1", "rouge1_f1", "start_accuracy", "end_accuracy"} <= metrics.keys()
    assert all(0 <= value <= 1 for value in metrics.values())
    record = record_of(output)
    assert record.evaluations == [{"epoch": 1, **metrics}]
    assert record.data_sha256 == {"train.jsonl": sha256(train_file)}
    assert record.recipe["learning_rate"] == 1e-3
    assert record.offsets == Repairs(kept=12, repaired=0, dropped=0)
    assert (record.questions, record.answerable, record.steps, record.windows) == (12, 8, 3, 12)
    assert {"odqa", "python", "torch", "transformers", "tokenizers", "accelerate"} == record.versions.keys()
    settings = json.loads((output / "reader.json").read_text())
    fitted = {name: getattr(record, name) for name in ("no_answer_threshold", "temperature", "length_penalty")}
    assert settings == {**fitted, "max_length": 64, "stride": 16}
    assert record.tuning["questions"] == 6
    assert record.taken == (SourceCount(answerable=8, unanswerable=4),)
    assert record.tokens % 32 == 0  # Padded lengths are multiples of 32, or the limit of 128.
    assert record.tokens >= 12 * 32
    assert record.hardware.device == "cpu"
    assert (record.base_run, record.teacher, record.mfu) == (None, None, None)
    reader = Reader.load(output, device="cpu", dtype="float32")
    assert (reader.max_length, reader.stride) == (64, 16)
    assert reader.no_answer_threshold == record.no_answer_threshold
    assert reader.length_penalty == record.length_penalty
    assert reader.temperature == record.temperature
    assert (output / "README.md").read_text(encoding="utf-8") == card(record)
    assert str(tiny_base) not in (output / "config.json").read_text()


@pytest.mark.parametrize("language", ["en", "vi"])  # "the Seine" is "Seine" in English alone.
def test_the_tuned_threshold_is_the_best_on_the_tuning_data(recipe, tmp_path, train_file, language):
    """The reader, loaded and asked again, reaches the F1 that the run has recorded as the best one."""
    from odqa.evaluation.reader import evaluate

    data = (Source(str(train_file)),)
    output = run(recipe(tune=data, eval=data, keep="last", language=language), tmp_path / "out")
    reader = Reader.load(output, device="cpu", dtype="float32", backend="torch")
    report = evaluate(load_examples(train_file), reader, language=language).report
    record = record_of(output)
    tuning = record.tuning
    assert ("rules for the language `vi`" in card(record)) == (language == "vi")
    reader.length_penalty = 0.0
    forced = evaluate(load_examples(train_file), reader, language=language).report.scores.rouge1_f1_answerable_forced
    assert record.evaluations[-1]["rouge1_f1_answerable_forced"] == pytest.approx(forced, abs=1e-6)
    assert report.scores.best_threshold_f1 == pytest.approx(tuning["metrics"]["best_threshold_f1"], abs=1e-6)
    assert report.scores.f1 == pytest.approx(tuning["metrics"]["f1"], abs=1e-6)
    error = tuning["calibration"]["after"]["expected_calibration_error"]
    assert report.calibration is not None
    assert report.calibration.after.expected_calibration_error == pytest.approx(error, abs=1e-5)


@pytest.mark.parametrize(("keep", "kept"), [("best", 1), ("last", 2)])
def test_the_best_or_the_last_epoch_is_kept(recipe, tmp_path, train_file, monkeypatch, keep, kept):
    output, f1 = tmp_path / "out", iter([0.9, 0.5])
    seen: list[dict[str, torch.Tensor]] = []

    def metrics(found: object) -> dict[str, float]:
        return {"f1": next(f1)}

    monkeypatch.setattr(spans, "epoch_metrics", metrics)
    watcher = Recorder()
    save = loop.Run.save

    def save_and_remember(self: loop.Run) -> None:
        save(self)
        seen.append({name: value.clone() for name, value in self.model.state_dict().items()})

    monkeypatch.setattr(loop.Run, "save", save_and_remember)
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


def test_pure_bfloat16_learns_about_the_same_and_saves_float32(recipe, tmp_path, unbroken):
    watcher = Recorder()
    output = run(recipe(precision="pure-bfloat16"), tmp_path / "out", watcher)
    one, other = weights(output), weights(unbroken)
    assert {value.dtype for value in one.values()} == {torch.float32}
    assert not any(torch.equal(value, value.bfloat16().float()) for value in one.values() if value.ndim > 1)
    assert max((one[name] - other[name]).abs().max().item() for name in one) < 0.02
    assert Reader.load(output, device="cpu", backend="torch").read(["Who?"], ["Paris"])[0].spans


def test_the_loss_falls_in_pure_bfloat16(recipe, tmp_path, train_file):
    watcher = Recorder()
    source = Source(str(train_file), keep="answerable")
    settings = {"epochs": 20, "batch_size": 8, "accumulate": 1, "learning_rate": 5e-3, "dropout": 0.0}
    run(recipe(train=(source,), precision="pure-bfloat16", save_every=1000, **settings), tmp_path / "out", watcher)
    assert watcher.losses[0] > 2.5
    assert watcher.losses[-1] < watcher.losses[0] * 0.8  # The mean of up to 50 steps.


@pytest.mark.parametrize("at", [1, 4])
def test_a_resumed_run_in_pure_bfloat16_ends_with_the_same_weights(recipe, tmp_path, at):
    made = recipe(precision="pure-bfloat16", save_every=100)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(made, whole)
    with pytest.raises(KeyboardInterrupt):
        run(made, broken, Recorder(at, interrupt))
    run(made, broken, resume=True)
    assert equal(weights(broken), weights(whole))


def test_the_best_epoch_is_kept_in_pure_bfloat16(recipe, tmp_path, train_file):
    made = recipe(precision="pure-bfloat16", eval=(Source(str(train_file)),), epochs=1)
    output = run(made, tmp_path / "out")
    assert equal(weights(output), weights(run(recipe(precision="pure-bfloat16", epochs=1), tmp_path / "last")))


@pytest.mark.parametrize(
    ("multiplies", "device", "chosen"),
    [
        (True, "cpu", "pure-bfloat16"),
        (True, "cuda", "bfloat16"),
        (False, "cpu", "float32"),
        (False, "cuda", "float32"),
        (False, "mps", "float32"),
    ],
)
def test_by_itself_a_run_takes_what_the_hardware_multiplies(monkeypatch, multiplies, device, chosen):
    monkeypatch.setattr(start, "has_bfloat16", lambda device: multiplies)
    assert start.arithmetic("auto", device) == chosen
    assert start.arithmetic("float16", device) == "float16"


def test_a_cpu_without_bfloat16_goes_on_where_one_with_it_stopped(recipe, tmp_path, monkeypatch):
    made, output = recipe(precision="auto", save_every=100), tmp_path / "out"
    monkeypatch.setattr(start, "has_bfloat16", lambda device: True)
    pure = weights(run(made, tmp_path / "pure"))
    assert equal(pure, weights(run(recipe(precision="pure-bfloat16"), tmp_path / "named")))
    with pytest.raises(KeyboardInterrupt):
        run(made, output, Recorder(4, interrupt))
    monkeypatch.setattr(start, "has_bfloat16", lambda device: False)
    watcher = Recorder()
    mixed = weights(run(made, output, watcher, resume=True))
    assert any("resumed at step 4" in note for note in watcher.notes)
    assert not equal(mixed, pure)
    assert max((mixed[name] - pure[name]).abs().max().item() for name in pure) < 1e-3


def test_gradients_in_bfloat16_are_handed_over_after_each_batch(recipe, tmp_path, monkeypatch):
    """Added up over several batches they would lose what is small; of several processes each batch is shared, too."""
    handed, hand = [], master_weights.hand_gradients
    monkeypatch.setattr(master_weights, "hand_gradients", lambda *both: handed.append(hand(*both)))
    made = recipe(precision="pure-bfloat16", accumulate=2, epochs=1)
    watcher = Recorder()
    run(made, tmp_path / "out", watcher)
    record = read_record(tmp_path / "out")
    assert record is not None and record.steps < len(handed) == math.ceil(record.windows / made.batch_size)
    for precision, shared in (("pure-bfloat16", True), ("float32", False)):
        accelerator = start.accelerator(recipe(precision=precision, accumulate=2), tmp_path, "cpu")
        assert accelerator.gradient_state.plugin_kwargs.get("sync_each_batch", False) == shared


def test_a_run_goes_on_in_another_precision_and_its_record_says_in_which_it_ended(recipe, tmp_path):
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(recipe(precision="pure-bfloat16", save_every=100), output, Recorder(4, interrupt))
    watcher = Recorder()
    run(recipe(precision="float32", save_every=100), output, watcher, resume=True)
    assert any("resumed at step 4" in note for note in watcher.notes)
    record = read_record(output)
    assert record is not None and record.hardware is not None
    assert (record.recipe["precision"], record.hardware.arithmetic) == ("float32", "float32")


@pytest.mark.parametrize("precision", ["auto", "float32", "bfloat16", "pure-bfloat16"])
def test_emulated_bfloat16_is_warned_of(recipe, tmp_path, monkeypatch, precision):
    monkeypatch.setattr(start, "has_bfloat16", lambda device: False)
    watcher = Recorder()
    run(recipe(precision=precision, epochs=1), tmp_path / "out", watcher)
    warned = any("this CPU does not multiply bfloat16" in note for note in watcher.notes)
    assert warned == precision.endswith("bfloat16")


@pytest.fixture
def first(recipe, tmp_path) -> Path:
    """The reader of a first stage, of 3 steps."""
    return run(recipe(epochs=1, batch_size=4, accumulate=1, seed=5), tmp_path / "first")


def test_a_stage_on_another_run_s_reader_keeps_the_record_of_that_run(recipe, first, tmp_path, tiny_base):
    output = run(recipe(base=str(first)), tmp_path / "out")
    record = record_of(output)
    assert record.base == tiny_base.name
    assert record.recipe["base"] == first.name
    assert record.base_run == record_of(first)
    assert (record.base_run.steps, record.base_run.recipe["seed"]) == (3, 5)
    assert record.stages == [record.base_run, record]
    assert (output / "README.md").read_text(encoding="utf-8") == card(record)


def test_a_teacher_s_own_record_is_kept_and_it_reads_each_window_once(recipe, first, tmp_path, tiny_base, monkeypatch):
    read, really = [], Teacher._read
    monkeypatch.setattr(
        Teacher, "_read", lambda self, batch: read.append(len(batch["input_ids"])) or really(self, batch)
    )
    output = run(recipe(distill=str(first)), tmp_path / "out")
    assert sum(read) == 12, "the windows of one epoch; the second one learns from what is remembered"
    teacher = record_of(output).teacher
    assert (teacher.name, teacher.sha256, teacher.run) == (first.name, content_hash(first), record_of(first))
    assert teacher.run.base == tiny_base.name


def test_a_base_that_changed_under_an_unfinished_run_is_named(recipe, first, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(recipe(base=str(first)), tmp_path / "out", Recorder(1, interrupt))
    changed = {name: value + 1 for name, value in weights(first).items()}
    save_file(changed, first / "model.safetensors", {"format": "pt"})
    with pytest.raises(UsageError, match=f"{first} is not what .*checkpoint was trained with"):
        run(recipe(base=str(first)), tmp_path / "out", resume=True)


def test_what_does_not_fit_is_refused_before_the_first_step(recipe, tmp_path, tiny_base):
    for settings, said in [
        ({"distill": str(tiny_base)}, "no question-answering head"),
        ({"base_weight": 0.5}, "no question-answering head"),
        ({"tune": (Source("absent.json"),)}, r"no such dataset file: absent\.json"),
    ]:
        with pytest.raises(OdqaError, match=said):
            run(recipe(**settings), tmp_path / "out", Recorder(1, pytest.fail))
        assert not (tmp_path / "out").exists()


def test_a_base_whose_record_is_another_program_s_is_refused_by_name(recipe, first, tmp_path):
    (first / "run.json").write_text('{"command": "fish"}')
    with pytest.raises(DataError, match=r"run\.json: created: Field required"):
        run(recipe(base=str(first)), tmp_path / "out", Recorder(1, pytest.fail))


@pytest.mark.parametrize("precision", ["float32", "pure-bfloat16"])
def test_distilling_resumes_to_the_same_weights(recipe, tmp_path, tiny_reader, precision):
    made = recipe(distill=str(tiny_reader), precision=precision, save_every=100)
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    run(made, whole)
    with pytest.raises(KeyboardInterrupt):
        run(made, broken, Recorder(4, interrupt))
    run(made, broken, resume=True)
    assert equal(weights(broken), weights(whole))
    teacher = record_of(whole).teacher
    assert (teacher.name, teacher.sha256, teacher.run) == (tiny_reader.name, content_hash(tiny_reader), None)


def test_a_student_comes_near_its_teacher(recipe, tmp_path, train_file, tiny_reader):
    """With all of the weight on it, the student's distributions end nearer to the teacher's than with none."""
    teacher = Reader.load(tiny_reader, device="cpu", dtype="float32")
    shown = load_examples(train_file)
    asked = [one.question for one in shown], [one.context for one in shown]
    distance = {}
    for weight in (0.0, 1.0):
        settings = {"distill_weight": weight, "distill_temperature": 1.0, "epochs": 15, "batch_size": 12}
        settings |= {"accumulate": 1, "learning_rate": 5e-3, "dropout": 0.0, "save_every": 1000}
        output = run(recipe(distill=str(tiny_reader), **settings), tmp_path / str(weight))
        student = Reader.load(output, device="cpu", dtype="float32", backend="torch")
        pairs = zip(teacher.logits(*asked, 12), student.logits(*asked, 12), strict=True)
        distance[weight] = sum(
            divergence(torch.tensor(ours)[None], torch.tensor(its)[None], torch.ones(1, len(its)).bool(), 1.0).item()
            for (_, its, _), (_, ours, _) in pairs
        )
    assert distance[1.0] < distance[0.0] / 2


def test_a_teacher_without_weight_changes_nothing(recipe, tmp_path, unbroken, tiny_reader):
    output = run(recipe(distill=str(tiny_reader), distill_weight=0.0), tmp_path / "out")
    assert equal(weights(output), weights(unbroken))


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
    reader = Reader.load(output, device="cpu", backend="torch")
    assert reader.read(["Who?"], ["The Louvre is in Paris."])[0].spans


@pytest.fixture(params=families.FAMILIES)
def family_base(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    side = "left" if request.param in ("roberta", "deberta-v2") else "right"
    return families.make(request.param, tmp_path / request.param, head=False, padding_side=side)


def test_a_loss_that_is_not_a_number_stops_the_run_at_its_step(recipe, tmp_path):
    base = tiny.make_base(tmp_path / "base")
    broken = {name: torch.full_like(value, float("nan")) for name, value in weights(base).items()}
    save_file(broken, base / "model.safetensors", {"format": "pt"})
    with pytest.raises(OdqaError) as error:
        run(recipe(base=str(base)), tmp_path / "out")
    assert str(error.value) == (
        "the loss is nan at step 1; no checkpoint had been written yet. Lower the learning rate (0.001)"
    )


def test_a_loss_that_explodes_names_the_checkpoint_that_is_kept(recipe, tmp_path):
    with pytest.raises(OdqaError) as error:
        run(recipe(learning_rate=1e30, warmup=0.0, precision="bfloat16"), tmp_path / "out")
    kept = tmp_path / "out" / "checkpoint"
    assert str(error.value) == (
        f"the loss is nan at step 2; the checkpoint {kept} is kept. Go on from it with --resume --precision float32, "
        "or lower the learning rate (1e+30) in a run with another --output"
    )
    assert checkpoint.find(tmp_path / "out") == kept


def test_gradients_that_are_not_numbers_stop_the_run_before_they_are_used(recipe, tmp_path, tiny_base, monkeypatch):
    """The loss is finite: sqrt is 0 at 0, but infinitely steep there."""
    loss = loop.Run._loss

    def steep(self: loop.Run, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        found = loss(self, batch)
        return found + torch.sqrt(found * 0) if self.state.step == 2 else found

    monkeypatch.setattr(loop.Run, "_loss", steep)
    with pytest.raises(OdqaError) as error:
        run(recipe(), tmp_path / "out")
    kept = tmp_path / "out" / "checkpoint"
    assert str(error.value).startswith(
        f"the gradients are not finite: their norm is nan at step 3; the checkpoint {kept} is kept. Lower the learning "
    )
    assert json.loads((kept / "state.json").read_text())["step"] == 2
    assert all(value.isfinite().all() for value in load_file(kept / "model.safetensors").values())


def test_weights_that_are_not_numbers_are_never_saved(recipe, tmp_path, monkeypatch):
    """Loss and gradients of the second step are finite, what the optimiser makes of them is not."""
    step = loop.Run._step

    def overflow(self: loop.Run) -> None:
        step(self)
        if self.state.step == 1:
            with torch.no_grad():
                next(self.model.parameters())[0, 0] = float("inf")

    monkeypatch.setattr(loop.Run, "_step", overflow)
    with pytest.raises(OdqaError) as error:
        run(recipe(), tmp_path / "out")
    kept = tmp_path / "out" / "checkpoint"
    assert str(error.value).startswith(
        f"the weights are not finite at step 2; the checkpoint {kept} is kept. Lower the "
    )
    assert json.loads((kept / "state.json").read_text())["step"] == 1


def test_data_that_cannot_be_scored_is_refused_before_the_training(recipe, tmp_path, train_file):
    path = tmp_path / "twice.jsonl"
    path.write_text(2 * (train_file.read_text().splitlines()[0] + "\n"))
    twice = (Source(str(train_file)), Source(str(path)))
    for role in ("eval", "tune"):
        with pytest.raises(DataError, match="the question id 'q0' occurs twice"):
            run(recipe(**{role: twice}), tmp_path / "out", Recorder(1, pytest.fail))
        with pytest.raises(UsageError, match=r"no such dataset file: absent\.json"):
            run(recipe(**{role: (Source("absent.json"),)}), tmp_path / "out", Recorder(1, pytest.fail))


@pytest.mark.parametrize("role", ["train", "eval", "tune"])
def test_a_question_that_is_too_long_is_refused_before_the_training(recipe, tmp_path, train_file, role):
    path = tmp_path / "long.jsonl"
    shown = load_examples(train_file)[:3]
    write_examples(path, [*shown[:2], replace(shown[2], id="long", question="what is " + "the capital of " * 20)])
    with pytest.raises(DataError) as error:
        run(recipe(**{role: (Source(str(path)),)}), tmp_path / "out", Recorder(1, pytest.fail))
    assert str(error.value).startswith(f"{path}: question 'long': a question of 62 tokens leaves no room")
    assert not (tmp_path / "out").exists()


def test_answers_that_no_window_holds_are_told(recipe, tmp_path):
    path = tmp_path / "long.jsonl"
    text = "the tower in paris " * 20
    wide, narrow = (
        Example(name, "Where?", text, (Reference(text[:size], 0),)) for name, size in (("a", 300), ("b", 9))
    )
    write_examples(path, [wide, narrow])
    watcher = Recorder()
    run(recipe(train=(Source(str(path)),), epochs=1, batch_size=8), tmp_path / "out", watcher)
    assert watcher.notes[0].startswith(
        "2 questions (2 answerable, of which 1 have their answer in no window, and teach that there is none; offsets: "
    )


def test_a_base_that_allows_fewer_tokens_than_the_defaults_is_trained_in_windows_of_these(recipe, tmp_path):
    made = recipe(max_length=384, stride=128, epochs=1, batch_size=12)
    watcher = Recorder()
    output = run(made, tmp_path / "out", watcher)
    assert len(watcher.losses) == 1
    reader = Reader.load(output, device="cpu", dtype="float32", backend="torch")
    assert (reader.max_length, reader.stride) == (128, 42)


@pytest.mark.parametrize(("limit", "cut"), [(128, (96, 48)), (96, (96, 48)), (64, (64, 21))])
def test_windows_are_as_the_recipe_says_unless_the_base_allows_fewer_tokens(
    recipe, tmp_path, train_file, monkeypatch, limit, cut
):
    """Recipes may share more than a third of a window, and must make the same reader as ever."""
    base, seen, label = tiny.make_base(tmp_path / "base"), [], data.label
    tiny.make_tokenizer(model_max_length=limit).save_pretrained(base)
    monkeypatch.setattr(data, "label", lambda *given: seen.append(given[2:]) or label(*given))
    run(recipe(base=str(base), max_length=96, stride=48, epochs=1), tmp_path / "out")
    assert seen == [cut]


def test_each_process_gets_as_many_batches():
    order = [[0, 1], [2, 3], [4]]
    assert [len(filled_up(order, processes)) for processes in (1, 2, 3, 4, 8)] == [3, 4, 3, 4, 8]
    assert filled_up(order, 1) == order
    assert filled_up(order, 2) == [*order, [0, 1]]
    assert filled_up(order, 8) == [*order, *order, *order[:2]]
    assert filled_up([], 2) == []


def test_float16_needs_a_gpu(recipe, tmp_path):
    with pytest.raises(UsageError, match="training in float16 needs a GPU; use --precision bfloat16 or float32"):
        run(recipe(precision="float16"), tmp_path / "out")


@pytest.mark.parametrize("name", ["tensorboard", "mlflow"])
def test_tracking_needs_its_extra(recipe, tmp_path, name):
    if importlib.util.find_spec(name):
        pytest.skip(f"{name} is installed")
    with pytest.raises(OdqaError) as error:
        run(recipe(track=name), tmp_path / "out")
    assert str(error.value) == f'--track {name} needs {name}; run: pip install "odqa[{name}]"'


def test_tracking_with_tensorboard(recipe, tmp_path):
    pytest.importorskip("tensorboard")
    output = run(recipe(track="tensorboard"), tmp_path / "out")
    assert list(output.rglob("events.out.tfevents.*"))


@pytest.mark.parametrize("room", [0.5, 1.2])
def test_a_full_disk_stops_with_one_line(recipe, tmp_path, tiny_base, room):
    """No file may grow beyond ``room`` times the weights: first these fail, then what the optimiser knows of them."""
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
    assert "Error while serializing" in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_at_the_end_keeps_the_checkpoint(recipe, tmp_path, tiny_base, unbroken, monkeypatch):
    """The last step's checkpoint is whole; then nothing more can be written, and a resumed run only writes."""
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    final = loop.Run.final_model

    def fill(self: loop.Run) -> object:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
        return final(self)

    with monkeypatch.context() as patch, pytest.raises(OdqaError) as error:
        patch.setattr(loop.Run, "final_model", fill)
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
