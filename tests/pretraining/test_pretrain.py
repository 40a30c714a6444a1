"""The whole of it, really run: what a run leaves, the same end after a break, other bases, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from odqa.errors import DataError, ModelError, OdqaError, UsageError
from odqa.models import resolve
from odqa.pretraining.model import load_for_filling
from odqa.pretraining.pretrain import pretrain
from odqa.pretraining.recipe import LanguageRecipe, make_recipe
from odqa.training import checkpoint
from odqa.training.base import load as load_base
from tests.pretraining.conftest import SMALL, TEXTS
from tests.training.heard import Recorder, equal


def run(recipe: LanguageRecipe, output: Path, watcher: Recorder | None = None, **options: object) -> Path:
    return pretrain(recipe, output, watcher or Recorder(), device="cpu", **options)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def record_of(folder: Path) -> dict[str, object]:
    return json.loads((folder / "pretraining.json").read_text(encoding="utf-8"))


def test_what_a_run_leaves(language_model, corpus):
    assert sorted(path.name for path in language_model.iterdir()) == [
        "README.md",
        "config.json",
        "loss.svg",
        "model.safetensors",
        "pretraining.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ]
    record = record_of(language_model)
    assert record["read"]["texts"] + record["read"]["held_out"] == len(TEXTS) == 80
    assert record["read"]["characters"] == sum(map(len, TEXTS))
    assert record["datasets"] == []
    assert record["sha256"].keys() == {"one.txt", "two.txt"}
    assert record["vocabulary"] == 320
    assert record["tokens"] == 2 * 32 * record["blocks"]
    assert [one["epoch"] for one in record["evaluations"]] == [1, 2]
    card = (language_model / "README.md").read_text(encoding="utf-8")
    assert "a RoBERTa" in card and "| vocab size | 320 |" in card and "`one.txt` (SHA-256 " in card
    assert "held out" in (language_model / "loss.svg").read_text(encoding="utf-8")


def test_the_loss_falls_and_so_does_that_on_held_out_texts(recipe, tmp_path):
    watcher = Recorder()
    run(recipe(epochs=25, dropout=0.0, batch_size=16, accumulate=1), tmp_path / "out", watcher)
    assert watcher.losses[0] > 5  # Chance is ln 320 = 5.8.
    assert watcher.metrics[-1]["loss"] < watcher.metrics[0]["loss"] - 1
    assert watcher.metrics[-1]["accuracy"] > 10 / 320


@pytest.mark.parametrize("at", [1, 5])
@pytest.mark.parametrize("precision", ["float32", "pure-bfloat16"])
def test_a_resumed_run_ends_with_the_same_weights(recipe, tmp_path, language_model, at, precision):
    made, broken, whole = recipe(precision=precision, whole_word=True), tmp_path / "broken", tmp_path / "whole"
    run(made, whole)
    with pytest.raises(KeyboardInterrupt):
        run(made, broken, Recorder(at))
    assert not (broken / "config.json").exists()
    watcher = Recorder()
    run(made, broken, watcher, resume=True)
    assert any(f"resumed at step {at} " in note for note in watcher.notes)
    assert not any("a tokenizer" in note for note in watcher.notes)  # It is taken up, not trained again.
    assert equal(broken, whole)
    assert not equal(whole, language_model)
    assert {path.name for path in broken.iterdir()} == {path.name for path in whole.iterdir()}


def test_a_resumed_run_whose_tokens_were_changed_is_refused(recipe, tmp_path):
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(recipe(), output, Recorder(1))
    tokens = output / "prepared" / "training.tokens"
    tokens.write_bytes(tokens.read_bytes()[::-1])
    with pytest.raises(UsageError, match=r"prepared/training\.tokens is not what .* was trained with"):
        run(recipe(), output, resume=True)


def test_a_resumed_run_whose_texts_were_changed_is_refused(recipe, corpus, tmp_path):
    texts = shutil.copytree(corpus, tmp_path / "texts")
    made = recipe(texts=(str(texts),))
    with pytest.raises(KeyboardInterrupt):
        run(made, tmp_path / "out", Recorder(1))
    (texts / "one.txt").write_text("another text", encoding="utf-8")
    with pytest.raises(UsageError, match=r"one\.txt is not what .* was trained with"):
        run(made, tmp_path / "out", resume=True)


def test_a_run_killed_before_its_first_checkpoint_starts_again(recipe, tmp_path, language_model):
    (tmp_path / "out" / "prepared").mkdir(parents=True)
    (tmp_path / "out" / "prepared" / "training.tokens").write_bytes(b"half")
    assert equal(run(recipe(), tmp_path / "out"), language_model)


def test_nothing_held_out_keeps_the_last_epoch(recipe, tmp_path):
    watcher = Recorder()
    output = run(recipe(held_out=0.0), tmp_path / "out", watcher)
    assert watcher.metrics == []
    assert "Nothing was held out." in (output / "README.md").read_text(encoding="utf-8")


def test_it_goes_on_from_a_model_with_its_tokenizer(corpus, language_model, tmp_path):
    settings = {name: SMALL[name] for name in ("max_length", "held_out", "batch_size", "precision", "learning_rate")}
    made = make_recipe({"texts": (str(corpus),), "lines": True, "base": str(language_model), "epochs": 1} | settings)
    watcher = Recorder()
    output = run(made, tmp_path / "out", watcher)
    assert watcher.metrics[0]["loss"] < record_of(language_model)["evaluations"][-1]["loss"]
    assert (output / "tokenizer.json").read_bytes() == (language_model / "tokenizer.json").read_bytes()
    assert "It went on from `out`" in (output / "README.md").read_text(encoding="utf-8")
    assert record_of(output)["recipe"]["short_share"] == 0, "a base has read whole blocks before"


def test_a_base_without_a_head_gets_a_new_one(recipe, tiny_base, tmp_path):
    of_base = {name: value for name, value in SMALL.items() if name not in ("vocab_size", "layers", "hidden", "heads")}
    del of_base["positions"]
    made = make_recipe({"texts": recipe().texts, "lines": True, "base": str(tiny_base)} | of_base)
    watcher = Recorder()
    output = run(made, tmp_path / "out", watcher)
    assert f"{tiny_base} has no head for masked tokens; a new one is learned" in watcher.notes
    load_for_filling(str(output))


def test_the_tokenizer_of_another_model(recipe, language_model, tmp_path):
    settings = {name: value for name, value in SMALL.items() if name != "vocab_size"}
    made = make_recipe({"texts": recipe().texts, "lines": True, "tokenizer": str(language_model)} | settings)
    assert equal(run(made, tmp_path / "out"), language_model)  # Which has the tokenizer that the texts give.


def test_a_reader_can_be_trained_on_it(language_model):
    model, tokenizer = load_base(resolve(str(language_model)), 32)
    assert tokenizer.model_max_length == 32
    trained = weights(language_model)["roberta.encoder.layer.0.attention.self.query.weight"]
    assert torch.equal(model.roberta.encoder.layer[0].attention.self.query.weight, trained)


def test_a_length_beyond_the_positions_is_refused_with_the_numbers(recipe, language_model, tmp_path):
    with pytest.raises(UsageError, match=r"max_length is 64, but of 34 positions .* at most 32 .* --positions 66"):
        run(recipe(max_length=64), tmp_path / "out")
    made = make_recipe({"texts": recipe().texts, "lines": True, "base": str(language_model), "max_length": 64})
    with pytest.raises(UsageError, match="32 positions, fewer than the 64 tokens of a block; use --max-length 32"):
        run(made, tmp_path / "out")


def test_what_is_refused_leaves_a_free_folder(recipe, tmp_path):
    for settings, kind, said in [
        ({"vocab_size": 9000}, UsageError, "too few for a vocabulary of 9,000"),
        ({"texts": (str(tmp_path),)}, DataError, "no text in it"),
        ({"max_length": 64}, UsageError, "positions"),
    ]:
        with pytest.raises(kind, match=said):
            run(recipe(**settings), tmp_path / "out")
        assert not (tmp_path / "out").exists()
    run(recipe(epochs=1), tmp_path / "out")


def test_a_loss_that_is_not_a_number_keeps_the_last_checkpoint(recipe, tmp_path):
    with pytest.raises(OdqaError, match=r"(the loss is|not finite).*Lower the learning rate"):
        run(recipe(learning_rate=1e30, warmup=0.0, save_every=1), tmp_path / "out")
    kept = checkpoint.find(tmp_path / "out")
    assert kept is not None
    assert all(value.isfinite().all() for value in load_file(kept / "model.safetensors").values())


def test_a_base_that_is_broken_stops_before_its_first_step(language_model, recipe, tmp_path):
    base = shutil.copytree(language_model, tmp_path / "base")
    broken = {name: torch.full_like(value, float("nan")) for name, value in weights(base).items()}
    save_file(broken, base / "model.safetensors", {"format": "pt"})
    made = make_recipe({"texts": recipe().texts, "lines": True, "base": str(base), "max_length": 32})
    with pytest.raises(OdqaError, match="the loss is nan at step 1; no checkpoint had been written yet"):
        run(made, tmp_path / "out")
    (base / "model.safetensors").write_bytes(b"x")
    with pytest.raises(ModelError, match="this model cannot be loaded"):
        run(made, tmp_path / "other")
