"""The whole of it, really run: what a run leaves, the same end after a break, sources, teachers, what is refused."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from odqa.errors import DataError, ModelError, OdqaError, UsageError
from odqa.files import sha256
from odqa.index.build import build_index
from odqa.index.retriever import Retriever
from odqa.retrieval.encoder import Encoder
from odqa.retriever_training import material, mining, questions
from odqa.retriever_training.recipe import RetrieverRecipe
from odqa.retriever_training.train import train
from odqa.training.recipe import Source
from odqa.types import Document, Passage
from tests import tiny
from tests.retriever_training.made import PLACES, check_resumed, examples, record_of, rows, telling
from tests.training.heard import Recorder, equal


def run(recipe: RetrieverRecipe, output: Path, watcher: Recorder | None = None, **options: object) -> Path:
    return train(recipe, output, watcher or Recorder(), device="cpu", **options)


def test_what_a_run_leaves(retriever, dataset, tiny_encoder):
    names = {path.name for path in retriever.iterdir()}
    assert names >= {"README.md", "run.json", "loss.svg", "modules.json", "config.json", "model.safetensors"}
    assert not names & {"checkpoint", "best", "prepared"}
    record = record_of(retriever)
    assert (record["pairs"] + record["held_out"], record["unanswerable"]) == (24, 1)
    assert record["held_out"] % 2 == 0, "both questions of a paragraph are on one side"
    assert record["passages"] == 12
    assert record["sha256"].keys() == {dataset.name, tiny_encoder.name}
    assert record["seen"] == 2 * record["pairs"]
    assert record["tokens"] > 30 * record["seen"]
    assert [one["epoch"] for one in record["evaluations"]] == [1, 2]
    assert record["comparisons"].keys() == {"dense", "hybrid"}
    for one in record["comparisons"].values():
        low, high = one["after"]["ndcg@20"]["interval"]
        assert low <= one["after"]["ndcg@20"]["mean"] <= high
        assert one["before"]["recall@20"]["mean"] == 1  # Of twelve passages the right one is among twenty.
        assert one["difference"]["verdict"] in ("better", "worse", "not better")
    card = (retriever / "README.md").read_text(encoding="utf-8")
    assert "`mine.jsonl` (SHA-256 " in card and "| hybrid, after |" in card and "dense: ndcg@20 " in card
    assert "was kept has the lowest loss on these questions" in card, "of two epochs the better one"
    assert str(dataset.parent) not in card
    assert "held out" in (retriever / "loss.svg").read_text(encoding="utf-8")


def test_with_a_reader_the_answers_are_compared_too(recipe, tiny_reader, tmp_path):
    watcher = Recorder()
    record = record_of(run(recipe(reader=str(tiny_reader)), tmp_path / "out", watcher))
    assert record["answers"].keys() == {"hybrid"} and tiny_reader.name in record["sha256"]
    (one,) = record["answers"].values()
    assert one["before"].keys() == one["after"].keys() == {"rouge1_f1"}
    # Of twelve passages all are read, before and after, whatever their order.
    assert 0 <= one["before"]["rouge1_f1"]["mean"] <= 1 and one["difference"]["score"] == "rouge1_f1"
    assert any(note.startswith("hybrid: rouge1_f1 ") for note in watcher.notes)
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert f"first answer of `{tiny_reader.name}`" in card and "- hybrid: rouge1_f1 " in card


def test_a_reader_moves_nothing_and_a_resumed_run_compares_the_same_answers(recipe, tiny_reader, retriever, tmp_path):
    made = recipe(reader=str(tiny_reader))
    with pytest.raises(KeyboardInterrupt):
        run(made, tmp_path / "broken", Recorder(2))
    run(made, tmp_path / "broken", resume=True)
    assert equal(tmp_path / "broken", retriever), "the weights of a run without a reader"
    run(made, tmp_path / "whole")
    assert record_of(tmp_path / "broken")["answers"] == record_of(tmp_path / "whole")["answers"]


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda found: {name: one["places"] for name, one in found.items()}, ""),  # As it was without answers.
        (lambda found: found | {"dense": {"places": [1], "rouge1_f1": []}}, "'dense' has not what"),
        (lambda found: found | {"hybrid": found["hybrid"] | {"rouge1_f1": [0.5]}}, "'hybrid' has not what"),
        (lambda found: found | {"hybrid": found["hybrid"] | {"rouge1_f1": [7.0] * 6}}, "a ROUGE-1 F1 that is none"),
        (lambda found: 3, "before.json"),
    ],
)
def test_what_was_found_before_is_checked_where_a_run_goes_on(recipe, tmp_path, damage, said):
    made, output = recipe(), tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(made, output, Recorder(2))
    before = output / "prepared" / "before.json"
    found = json.loads(before.read_text())
    assert len(found["dense"]["places"]) == 6
    before.write_text(json.dumps(damage(found)))
    if said:
        with pytest.raises(DataError, match=re.escape(said)):
            run(made, output, resume=True)
    else:
        assert record_of(run(made, output, resume=True))["answers"] == {}


def test_a_reader_that_is_none_is_refused_before_anything_is_encoded(recipe, tiny_encoder, tmp_path):
    with pytest.raises(ModelError):
        run(recipe(reader=str(tiny_encoder)), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match="held_out is 0 and there is no eval"):
        recipe(reader=str(tiny_encoder), held_out=0.0)


def test_without_known_answers_none_can_be_compared(recipe, tiny_reader, tmp_path):
    pairs = rows(
        tmp_path / "pairs.jsonl",
        *({"question": f"what is {place}", "passage": f"The {place} of the city."} for place in PLACES),
    )
    with pytest.raises(UsageError, match=r"no answer is known of the .* leave --reader out"):
        run(recipe(train=(Source(str(pairs)),), held_out=0.5, reader=str(tiny_reader)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_nothing_that_it_leaves_tells_where_its_maker_keeps_files(retriever, tmp_path_factory):
    assert telling(retriever, tmp_path_factory.getbasetemp()) == []


def test_an_index_is_made_with_it_and_the_prompts_are_kept(asked, recipe, tmp_path):
    base = tiny.make_encoder(tmp_path / "base", prompts={"query": "which ", "document": "the "})
    output = run(recipe(base=str(base)), tmp_path / "out")
    encoder = Encoder.load(output, "cpu")
    assert encoder.prompts == {"query": "which ", "document": "the "}
    assert (encoder.dimension, encoder.max_tokens, encoder.pooling) == (tiny.DIMENSION, 64, "mean")
    build_index([asked.dataset], tmp_path / "index", encoder=output, device="cpu")
    with Retriever.open(tmp_path / "index", device="cpu") as found:
        assert found.search(["which light has the tower"], 1)


def test_it_learns_to_find_what_it_was_trained_on(recipe, dataset, tmp_path):
    watcher = Recorder()
    made = recipe(epochs=12, dropout=0.0, batch_size=8, held_out=0.0, eval=(Source(str(dataset)),))
    dense = record_of(run(made, tmp_path / "out", watcher))["comparisons"]["dense"]
    assert watcher.losses[-1] < watcher.losses[0] - 0.5
    assert dense["after"]["ndcg@20"]["mean"] > dense["before"]["ndcg@20"]["mean"] + 0.1
    assert dense["difference"]["verdict"] == "better"
    assert any(note.startswith("dense: ndcg@20 ") and note.endswith(": better") for note in watcher.notes)


def test_a_rate_near_nothing_makes_nothing_better(recipe, tmp_path):
    watcher = Recorder()
    record = record_of(run(recipe(learning_rate=1e-9), tmp_path / "out", watcher))
    assert record["comparisons"]["dense"]["difference"]["verdict"] == "not better"
    assert any("not better: chance may do as much" in note for note in watcher.notes)


@pytest.mark.parametrize("at", [1, 6])
def test_a_resumed_run_ends_with_the_same_weights(recipe, tmp_path, at):
    check_resumed(run, recipe(rounds=2, negatives=2), tmp_path, at)


def test_a_run_killed_while_it_prepared_starts_again(recipe, tmp_path, retriever):
    (tmp_path / "out" / "prepared" / "index").mkdir(parents=True)
    (tmp_path / "out" / "prepared" / "index" / "manifest.json").write_text("{")
    assert equal(run(recipe(), tmp_path / "out"), retriever)


def test_a_resumed_run_whose_data_were_changed_is_refused(recipe, dataset, tmp_path):
    mine = Path(shutil.copy(dataset, tmp_path / "mine.jsonl"))
    made = recipe(train=(Source(str(mine)),))
    with pytest.raises(KeyboardInterrupt):
        run(made, tmp_path / "out", Recorder(1))
    mine.write_text(mine.read_text().replace("light", "speed"))
    with pytest.raises(UsageError, match=r"mine\.jsonl is not what .* was trained with"):
        run(made, tmp_path / "out", resume=True)


def test_negatives_are_searched_for_anew_in_each_round(recipe, tmp_path):
    watcher = Recorder()
    run(recipe(rounds=2), tmp_path / "two", watcher)
    assert [note.split(":")[0] for note in watcher.notes if note.startswith("round")] == ["round 1", "round 2"]
    without = Recorder()
    run(recipe(negatives=0), tmp_path / "none", without)
    assert not any(note.startswith("round") for note in without.notes)


def test_questions_and_passages_a_line_each(recipe, tmp_path):
    pairs = rows(
        tmp_path / "pairs.jsonl",
        *({"question": one.question, "passage": one.context, "title": one.title} for one in examples()[:-1]),
    )
    record = record_of(run(recipe(train=(Source(str(pairs)),)), tmp_path / "out"))
    assert record["pairs"] + record["held_out"] == 24
    assert record["passages"] == 12


def test_own_questions_over_an_index(recipe, dataset, asked, tmp_path):
    questions = rows(
        tmp_path / "own.jsonl",
        # As `odqa questions` writes it: the passage is a comment, and what is not written yet is left out.
        {"question": "", "answer": "", "passage": "Some passage."},
        {"question": "who painted the moon", "answers": [], "passage": "Some passage."},
        {"question": "who built the tower", "answer": "the engineer Gustave"},
        {"question": "what orbits the earth", "answers": ["The moon"]},
        {"question": "how many days", "answer": "twenty days of vacation"},
        {"question": "what is in the museum", "answer": "The painting of Mona Lisa"},
        {"question": "what is nowhere", "answer": "forty museums", "passage": "Some passage."},
    )
    watcher = Recorder()
    made = recipe(train=(Source(str(questions)),), index=str(asked.index), held_out=0.0)
    before = {path: path.read_bytes() for path in asked.index.rglob("*") if path.is_file()}
    record = record_of(run(made, tmp_path / "out", watcher))
    assert (record["pairs"], record["passages"], record["comparisons"]) == (4, 6, {})
    assert record["unanswerable"] == 1
    assert any("line 7: 'forty museums' is nowhere" in note for note in watcher.notes)
    assert {path: path.read_bytes() for path in asked.index.rglob("*") if path.is_file()} == before
    with pytest.raises(UsageError, match=r"own\.jsonl: line 3: a question without a context.*train-retriever"):
        run(recipe(train=(Source(str(questions)),)), tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_documents_alone(recipe, tmp_path):
    docs = tmp_path / "docs"
    docs.mkdir()
    for number, place in enumerate(PLACES):
        text = f"The {place} has {number} hours of light. The manager of the {place} built it.\n"
        (docs / f"{place}.md").write_text(f"# The policy of the {place}\n\n{text}")
    record = record_of(run(recipe(train=(), from_documents=(str(docs),)), tmp_path / "out"))
    assert record["pairs"] + record["held_out"] == 6
    assert "inverse cloze" in (tmp_path / "out" / "README.md").read_text()
    assert len(record["sha256"]) == 7  # The files and the base.


def test_a_document_that_cannot_be_read_ends_no_run(recipe, tmp_path, monkeypatch):
    docs = tmp_path / "docs"
    docs.mkdir()
    for name in ("open.txt", "closed.txt"):
        (docs / name).write_text("The tower has ten hours of light. It is near the sea.")

    def refusing(path):  # Whoever runs the tests as root may read every file.
        if path.name == "closed.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return sha256(path)

    monkeypatch.setattr(material, "sha256", refusing)
    hashed = material.hashes(recipe(train=(), from_documents=(str(docs),)))
    assert str(docs / "open.txt") in hashed and str(docs / "closed.txt") not in hashed


def test_an_answer_that_other_passages_have_makes_them_no_wrong_ones(tiny_encoder, tmp_path):
    documents = [
        Document("a", "A", "The manager approves the request. The tower is in Paris."),
        Document("b", "B", "The request is approved by the director. The river is in Berlin."),
        Document("c", "C", "The moon orbits the earth."),
    ]
    build_index((), tmp_path / "index", documents=documents, encoder=str(tiny_encoder), device="cpu")
    row = {"question": "who approves the request", "answers": ["manager", "director"]}
    own = rows(tmp_path / "own.jsonl", row)
    (pair,) = questions.read((Source(str(own)),), str(tmp_path / "index"), 0, print).pairs
    assert [(one.text, one.start >= 0) for one in pair.example.references] == [("manager", True), ("director", False)]
    found = [Passage(one.id, one.id, one.title, one.text, 0) for one in documents]
    assert [one.document_id for one in found if mining._is_wrong(pair, one)] == ["c"]


def test_a_reader_and_a_cross_encoder_are_learned_from(recipe, tiny_reader, tmp_path, retriever):
    cross = tiny.make_cross_encoder(tmp_path / "cross")
    by_reader = run(recipe(distill_reader=str(tiny_reader), negatives=2), tmp_path / "one")
    by_cross = run(recipe(distill=str(cross), negatives=2), tmp_path / "two")
    assert not equal(by_reader, by_cross)
    assert "Distilled from `" in (by_reader / "README.md").read_text()
    three = tiny.make_cross_encoder(tmp_path / "three", labels=3)
    with pytest.raises(ModelError, match="gives 3 numbers"):
        run(recipe(distill=str(three)), tmp_path / "no")


def test_first_numbers_of_a_vector_both_directions_and_the_mean_with_the_base(
    recipe, tmp_path, retriever, tiny_encoder
):
    short = run(recipe(matryoshka=(8, 16), symmetric=True), tmp_path / "short")
    assert not equal(short, retriever)
    mean = run(recipe(base_weight=0.5), tmp_path / "mean")
    weights = [load_file(folder / "model.safetensors") for folder in (mean, retriever, tiny_encoder)]
    name = "encoder.layer.0.output.dense.weight"
    np.testing.assert_allclose(weights[0][name], (weights[1][name] + weights[2][name]) / 2, atol=1e-6)


def test_half_the_numbers_on_disk_are_read_again(recipe, tmp_path):
    output = run(recipe(save_precision="float16", held_out=0.0, precision="pure-bfloat16"), tmp_path / "out")
    assert {weight.dtype for weight in load_file(output / "model.safetensors").values()} == {torch.float16}
    assert Encoder.load(output, "cpu").encode_queries(["what"]).shape == (1, tiny.DIMENSION)


@pytest.mark.parametrize(
    ("rows_of_it", "said"),
    [
        ([{"question": "a", "passage": "b"}, {"question": "a"}], "line 2: passage: Field required"),
        ([{"question": " ", "passage": "b"}], "line 1: an empty question"),
        ([{"question": "a", "passage": 7}], "line 1: passage: Input should be a valid string"),
        ([{"question": "a", "passage": "only one"}], "pair(s) to train on"),
        ([{"question": "a", "passage": "b"}, {"question": "a", "passage": "b", "answer": "c"}], "it has 'answer', and"),
    ],
    ids=str,
)
def test_bad_pairs_are_refused_by_line(recipe, tmp_path, rows_of_it, said):
    path = rows(tmp_path / "pairs.jsonl", *rows_of_it)
    with pytest.raises(DataError) as error:
        run(recipe(train=(Source(str(path)),)), tmp_path / "out")
    assert said in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"matryoshka": (64,)}, "a vector of .* has 32 numbers"),
        ({"matryoshka": (0,)}, "each must be at least 1"),
        ({"rounds": 3}, "use --epochs 3"),
        ({"distill": "a", "distill_reader": "b"}, "learn from one of them"),
        ({"distill": "a", "negatives": 0}, "negatives is 0"),
        ({"train": (Source("a.json", keep="unanswerable"),)}, "answerable questions alone"),
        ({"train": (Source("a.json", keep="answerable"),)}, "leave out negatives and keep"),
        ({"train": ()}, "no training data"),
        ({"batch_size": 1}, "at least 2"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(recipe, tmp_path, settings, said):
    with pytest.raises(UsageError, match=said):
        run(recipe(**settings), tmp_path / "out")


def test_a_reader_is_no_encoder_and_several_processes_are_refused(recipe, tiny_reader, tmp_path, monkeypatch):
    with pytest.raises(ModelError, match="is not an encoder"):
        run(recipe(base=str(tiny_reader)), tmp_path / "out")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(OdqaError, match="trained by one process"):
        run(recipe(), tmp_path / "out")
