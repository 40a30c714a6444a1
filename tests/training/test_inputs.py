"""What a run reads, source by source, and the hashes of the files."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from odqa.errors import DataError
from odqa.files import sha256
from odqa.models import content_hash
from odqa.squad import write_examples
from odqa.training.data import label
from odqa.training.inputs import (
    Inputs,
    SourceCount,
    check_held_out,
    check_spans,
    check_trained,
    data_files,
    hashes,
    read_inputs,
    training_examples,
)
from odqa.training.recipe import Recipe, Source
from odqa.types import Example, Reference
from tests import tiny
from tests.tiny.asked import CONTEXTS
from tests.training.conftest import examples


def test_every_source_is_counted(train_file):
    sources = (Source(str(train_file)), Source(str(train_file), keep="answerable", limit=3))
    found, repairs, taken = training_examples(Recipe(train=sources))
    assert taken == (SourceCount(answerable=8, unanswerable=4), SourceCount(answerable=3, unanswerable=0))
    assert len(found) == 15
    assert [example.id for example in found[:12]] == [example.id for example in examples()]
    assert (repairs.kept, repairs.repaired, repairs.dropped) == (24, 0, 0)


def test_what_is_retrieved_is_of_the_index_and_holds_no_answer_that_was_written(asked, tmp_path):
    """One answer is in the first passage, one in the second: neither is a negative, whichever is the context."""
    path = tmp_path / "mine.jsonl"
    path.write_text(json.dumps({"question": "who built the tower", "answers": ["engineer", "museum"]}))
    source = Source(str(path), negatives=("retrieved",), negatives_ratio=100)
    found, _, counts = training_examples(Recipe(train=(source,), index=str(asked.index), path_dropout=0.0))
    assert found[0].answerable and found[0].context in CONTEXTS[:2]
    assert {one.context for one in found[1:]} == set(CONTEXTS[2:])
    assert {(one.question, one.title) for one in found} == {("who built the tower", "Tiny")}
    assert counts == (SourceCount(answerable=1, unanswerable=4),)


def test_a_file_where_no_span_can_be_found_is_named_beside_one_that_is_right(train_file, tmp_path):
    """Its answers are not in their contexts."""
    path = tmp_path / "wrong.jsonl"
    wrong = [replace(example, references=(Reference("atlantis", 0),)) for example in examples() if example.answerable]
    write_examples(path, wrong)
    with pytest.raises(DataError) as error:
        training_examples(Recipe(train=(Source(str(train_file)), Source(str(path)))))
    assert str(error.value) == (f"{path}: no question can be used (8 dropped: their answers are not in their contexts)")


def test_held_out_files_may_have_the_same_ids_and_what_is_left_out_of_them_is_told(train_file, tmp_path, tiny_base):
    path = tmp_path / "held.jsonl"
    right, wrong = examples()[:2]
    write_examples(path, [right, replace(wrong, references=(Reference("atlantis", 0),))])
    held_out = (Source(str(path)), Source(str(train_file), keep="answerable", limit=1))
    heard: list[str] = []
    found = read_inputs(Recipe(train=(Source(str(train_file)),), eval=held_out, base=str(tiny_base)), heard.append)
    assert [one.id.partition("/")[0] for one in found.eval] == ["1", "2"]
    assert heard == [f"{path}: 1 held-out questions are left out: their answers are not in their contexts"]


@pytest.mark.parametrize("language", ["en", "vi"])
def test_held_out_answers_that_do_not_look_english_give_a_hint(train_file, tmp_path, tiny_base, language):
    path = tmp_path / "vi.jsonl"
    write_examples(path, [Example("q", "sông?", "Sông Hồng", (Reference("Sông Hồng", 0),))])
    heard: list[str] = []
    train, tune = ((Source(str(one)),) for one in (train_file, path))
    read_inputs(Recipe(train=train, tune=tune, base=str(tiny_base), language=language), heard.append)
    assert len(heard) == (language == "en") and all("--language" in one for one in heard)


def test_windows_without_any_answer_are_refused(train_file):
    recipe = Recipe(train=(Source(str(train_file), keep="unanswerable"),))
    found, _, _ = training_examples(recipe)
    labelled = list(label(tiny.make_tokenizer(), found, 64, 16))
    with pytest.raises(DataError) as error:
        check_spans(recipe, labelled)
    assert str(error.value) == (
        f"{train_file}: none of the 4 windows holds an answer, so no span can be learned; give questions whose answers "
        'are in their contexts (keep = "unanswerable" alone makes no reader)'
    )


LONG = "What is " + "the capital of " * 20 + "France?"  # 64 tokens.


def long_file(path):
    """A question that is read and one that leaves no room for its context."""
    some = examples()[:2]
    write_examples(path, [some[0], replace(some[1], id="long", question=LONG)])
    return path


@pytest.mark.parametrize("role", ["eval", "tune"])
@pytest.mark.parametrize("several", [False, True])
def test_a_held_out_question_that_is_too_long_is_named_with_its_dataset(train_file, tmp_path, tiny_base, role, several):
    path = long_file(tmp_path / "long.jsonl")
    held_out = {role: (*((Source(str(train_file)),) if several else ()), Source(str(path)))}
    made = Recipe(train=(Source(str(train_file)),), base=str(tiny_base), max_length=64, stride=16, **held_out)
    found = read_inputs(made)
    with pytest.raises(DataError) as error:
        check_held_out(made, found, tiny.make_tokenizer())
    assert str(error.value).startswith(
        f"{path}: question 'long': a question of 64 tokens leaves no room for its context in windows of 64 tokens: "
    )
    check_held_out(replace(made, max_length=128), found, tiny.make_tokenizer())
    with pytest.raises(DataError, match="windows of 64 tokens"):  # The tokenizer's limit is the reader's, too.
        check_held_out(replace(made, max_length=128), found, tiny.make_tokenizer(model_max_length=64))


def test_a_training_question_that_is_too_long_is_named_with_its_dataset(train_file, tmp_path):
    path = long_file(tmp_path / "long.jsonl")
    made = Recipe(train=(Source(str(train_file)), Source(str(path)), Source(str(train_file))))
    found = Inputs(*training_examples(made), [], [], {})
    check_trained(made, found, tiny.make_tokenizer(), 128, 16)
    with pytest.raises(DataError, match=rf"^{re.escape(str(path))}: question 'long': a question of 64 tokens"):
        check_trained(made, found, tiny.make_tokenizer(), 64, 16)


def test_hashes_are_of_files_and_of_the_content_of_base_and_teacher(train_file, tmp_path, tiny_base, tiny_reader):
    other = tmp_path / train_file.name
    other.write_text("{}")
    sources = (Source(str(train_file)), Source("owner/name"), Source(str(train_file)))
    recipe = Recipe(train=sources, tune=(Source(str(other)),), base=str(tiny_base), distill=str(tiny_reader))
    found = hashes(recipe)
    assert found == {
        str(train_file): sha256(train_file),
        str(other): sha256(other),
        str(tiny_base): content_hash(tiny_base),
        str(tiny_reader): content_hash(tiny_reader),
    }
    assert data_files(recipe, found) == [str(train_file), str(other)]
    assert data_files(Recipe(train=sources), found) == [str(train_file)]
