"""The whole of it, really run: what a run leaves, the same end after a break, its use, what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from odqa.errors import ModelError, OdqaError, UsageError
from odqa.index.retriever import Retriever
from odqa.pairs import mining
from odqa.reranker_training.recipe import RerankerRecipe
from odqa.reranker_training.train import train
from odqa.text import normalize_answer
from odqa.training.recipe import Source
from tests import tiny
from tests.pairs.made import Recorder, check_resumed, equal, examples, record_of, rows, telling


def run(recipe: RerankerRecipe, output: Path, watcher: Recorder | None = None, **options: object) -> Path:
    return train(recipe, output, watcher or Recorder(), device="cpu", **options)


def test_what_a_run_leaves(reranker, dataset, tiny_reranker, tiny_encoder):
    names = {path.name for path in reranker.iterdir()}
    assert names >= {"README.md", "run.json", "loss.svg", "config.json", "model.safetensors", "tokenizer.json"}
    assert not names & {"checkpoint", "best", "prepared"}
    record = record_of(reranker)
    assert (record["pairs"] + record["held_out"], record["unanswerable"], record["passages"]) == (24, 1, 12)
    assert record["sha256"].keys() == {dataset.name, tiny_reranker.name, tiny_encoder.name}
    assert record["seen"] == 2 * 3 * record["pairs"], "in two epochs, each question with its passage and two others"
    assert [one.keys() for one in record["evaluations"]] == [{"epoch", "loss", "first"}] * 2
    assert record["comparisons"].keys() == {"search", "base"}
    for one in record["comparisons"].values():
        assert one["after"] == record["comparisons"]["search"]["after"], "one order, compared with two others"
        assert one["after"].keys() == {"recall@1", "recall@5", "recall@20", "mrr@20", "ndcg@20"}
        low, high = one["after"]["ndcg@20"]["interval"]
        assert low <= one["after"]["ndcg@20"]["mean"] <= high
        assert one["difference"]["verdict"] in ("better", "worse", "not better")
    card = (reranker / "README.md").read_text(encoding="utf-8")
    assert all(f"| {row} |" in card for row in ("the search alone", "reranked by the base", "reranked by it"))
    assert "`mine.jsonl` (SHA-256 " in card and "search: ndcg@20 " in card and "text-ranking" in card
    assert "held out" in (reranker / "loss.svg").read_text(encoding="utf-8")


def test_with_a_reader_the_answers_are_compared_too(recipe, tiny_reranker, tiny_reader, tmp_path):
    record = record_of(run(recipe(base=str(tiny_reranker), reader=str(tiny_reader)), tmp_path / "out"))
    assert record["answers"].keys() == {"search", "base"}
    for one in record["answers"].values():
        assert one["after"] == record["answers"]["search"]["after"], "one order, compared with two others"
    assert "- base: rouge1_f1 " in (tmp_path / "out" / "README.md").read_text(encoding="utf-8")


def test_nothing_that_it_leaves_tells_where_its_maker_keeps_files(reranker, tmp_path_factory):
    assert telling(reranker, tmp_path_factory.getbasetemp()) == []


def test_a_search_is_reranked_by_it(reranker, asked):
    with Retriever.open(asked.index, reranker=reranker, device="cpu") as retriever:
        (hits,) = retriever.search(["what orbits the earth"], 5)
    scores = [hit.components["reranker"].score for hit in hits]
    assert scores == sorted(scores, reverse=True) and len(set(scores)) > 1


def test_it_learns_to_order_what_it_was_trained_on(recipe, dataset, tiny_reranker, tmp_path):
    watcher = Recorder()
    learned = {"epochs": 30, "learning_rate": 5e-3, "dropout": 0.0, "batch_size": 8, "negatives": 4}
    made = recipe(base=str(tiny_reranker), held_out=0.0, eval=(Source(str(dataset)),), **learned)
    record = record_of(run(made, tmp_path / "out", watcher))
    assert watcher.losses[-1] < watcher.losses[0] / 10
    assert record["evaluations"][-1]["first"] > 0.8 > record["evaluations"][0]["first"]
    assert record["comparisons"]["base"]["difference"]["verdict"] == "better"
    assert any(note.startswith("base: ndcg@20 ") and note.endswith(": better") for note in watcher.notes)


def test_a_rate_near_nothing_makes_nothing_better_than_the_base(recipe, tiny_reranker, tmp_path):
    watcher = Recorder()
    record = record_of(run(recipe(base=str(tiny_reranker), learning_rate=1e-9), tmp_path / "out", watcher))
    assert record["comparisons"]["base"]["difference"]["verdict"] == "not better"
    assert any(note.startswith("base: ndcg@20 ") and "not better: chance may" in note for note in watcher.notes)


def test_no_negative_holds_the_answer(recipe, tmp_path, monkeypatch):
    seen = []

    def mine(pairs, *rest):
        found = mining_mine(pairs, *rest)
        seen.extend(zip(pairs, found, strict=True))
        return found

    mining_mine = mining.mine
    monkeypatch.setattr(mining, "mine", mine)
    run(recipe(epochs=1, negatives=3), tmp_path / "out")
    assert len(seen) == 24, "of those held out, too, whose loss is told"
    for pair, negatives in seen:
        (answer,) = (normalize_answer(one.text) for one in pair.example.references)
        assert len(negatives) == 3
        assert not any(f" {answer} " in f" {normalize_answer(one.text)} " for one in negatives)


@pytest.mark.parametrize("at", [1, 6])
def test_a_resumed_run_ends_with_the_same_weights(recipe, tmp_path, at):
    check_resumed(run, recipe(accumulate=2 if at == 1 else 1), tmp_path, at)


def test_a_run_with_a_teacher_is_resumed_with_what_the_teacher_said(recipe, tiny_reranker, tmp_path):
    made = recipe(distill=str(tiny_reranker), epochs=1)
    with pytest.raises(KeyboardInterrupt):
        run(made, tmp_path / "out", Recorder(1))
    watcher = Recorder()
    record = record_of(run(made, tmp_path / "out", watcher, resume=True))
    assert record["held_out"] > 0, "of these there are negatives, and no scores of the teacher"
    assert any("resumed at step 1 " in note for note in watcher.notes)


def test_own_questions_over_an_index_are_searched_with_its_own_encoder(recipe, asked, tmp_path):
    questions = rows(
        tmp_path / "own.jsonl",
        {"question": "who built the tower", "answer": "the engineer Gustave"},
        {"question": "what orbits the earth", "answers": ["The moon"]},
        {"question": "how many days", "answer": "twenty days of vacation"},
        {"question": "what is in the museum", "answer": "The painting of Mona Lisa"},
    )
    made = recipe(train=(Source(str(questions)),), index=str(asked.index), held_out=0.0, encoder="")
    record = record_of(run(made, tmp_path / "out"))
    assert (record["pairs"], record["passages"], record["comparisons"]) == (4, 6, {})
    assert record["recipe"]["encoder"], "named, since it was not asked for"


def test_a_teacher_is_learned_from(recipe, tiny_reader, reranker, tmp_path):
    by_reader = run(recipe(distill_reader=str(tiny_reader), epochs=1), tmp_path / "one")
    by_cross = run(recipe(distill=str(reranker), epochs=1), tmp_path / "two")
    assert not equal(by_reader, by_cross)
    assert "Distilled from `out`: 0.5 of the loss." in (by_cross / "README.md").read_text()


@pytest.mark.parametrize("precision", ["pure-bfloat16", "bfloat16"])
def test_half_the_numbers_on_disk_and_in_the_arithmetic(recipe, tmp_path, asked, precision):
    output = run(recipe(save_precision="float16", precision=precision, epochs=1), tmp_path / "out")
    assert {weight.dtype for weight in load_file(output / "model.safetensors").values()} == {torch.float16}
    with Retriever.open(asked.index, reranker=output, device="cpu") as retriever:
        assert retriever.search(["what orbits the earth"], 5)


def test_a_reader_and_an_encoder_can_be_the_base(recipe, tiny_reader, tiny_encoder, tmp_path):
    for name, base in (("of reader", tiny_reader), ("of encoder", tiny_encoder)):
        record = record_of(run(recipe(base=str(base), epochs=1), tmp_path / name))
        assert record["comparisons"].keys() == {"search"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"negatives": 0}, "negatives is 0; it must be at least 1"),
        ({"distill": "a", "distill_reader": "b"}, "learn from one of them"),
        ({"train": (Source("a.json", keep="unanswerable"),)}, "answerable questions alone"),
        ({"train": ()}, "no training data"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(recipe, tmp_path, settings, said):
    with pytest.raises(UsageError, match=said):
        run(recipe(**settings), tmp_path / "out")


def test_a_base_of_three_scores_no_model_at_all_and_several_processes_are_refused(recipe, tmp_path, monkeypatch):
    three = tiny.make_reranker(tmp_path / "three", labels=3)
    with pytest.raises(ModelError, match="cannot be loaded as a cross-encoder"):
        run(recipe(base=str(three)), tmp_path / "out")
    with pytest.raises(ModelError, match="no model at"):
        run(recipe(base="./gone"), tmp_path / "out")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OdqaError, match="trained by one process"):
        run(recipe(), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_all_passages_hold_the_answer(recipe, tmp_path):
    """Then there is nothing that the right one could be told from."""
    pairs = rows(tmp_path / "p.jsonl", *({"question": one.question, "passage": "the same"} for one in examples()[:3]))
    with pytest.raises(OdqaError, match="there is no wrong one to tell from the right one"):
        run(recipe(train=(Source(str(pairs)),), held_out=0.0), tmp_path / "out")
