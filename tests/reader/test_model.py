"""A loaded reader: the same spans whatever the batch, every family of models, and what is said of a bad folder."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.corpus.blocks import plain_blocks
from odqa.device import has_bfloat16
from odqa.errors import ModelError, UsageError
from odqa.reader.model import Reader, read_settings
from odqa.reader.weights import load_model
from odqa.types import Document, Reading
from odqa.views import Context
from tests import tiny
from tests.reader import families

SENTENCE = "Paris is the capital of France. "
QUESTIONS = ["Where is the Louvre?", "Who built the tower?", "Which river?", "Where is the Louvre?"]
CONTEXTS = ["The Louvre is a museum in Paris.", SENTENCE * 24, "The Seine is the river in Paris.", ""]


def same(one: Reading, other: Reading, tolerance: float = 1e-4) -> bool:
    """The same spans with nearly the same scores; nearly equal ones may have changed places."""
    scores = [{(span.start, span.end): span.score for span in reading.spans} for reading in (one, other)]
    shared = scores[0].keys() & scores[1].keys()
    return (
        one.windows == other.windows
        and abs(one.null_score - other.null_score) < tolerance
        and len(shared) >= len(scores[0]) - 2
        and all(abs(scores[0][place] - scores[1][place]) < tolerance for place in shared)
        and all(abs(a.score - b.score) < tolerance for a, b in zip(one.spans, other.spans, strict=True))
    )


def test_a_reading_for_each_pair_in_order(reader):
    readings = reader.read(QUESTIONS, CONTEXTS)
    assert [reading.windows for reading in readings] == [1, 2, 1, 1]
    assert [len(reading.spans) for reading in readings] == [20, 20, 20, 0]
    for reading, context in zip(readings, CONTEXTS, strict=True):
        assert [span.score for span in reading.spans] == sorted((span.score for span in reading.spans), reverse=True)
        for span in reading.spans:
            assert 0 <= span.start < span.end <= len(context)
            assert context[span.start : span.end] == context[span.start : span.end].strip()


def test_the_logits_are_those_of_the_plain_model(reader, tiny_reader):
    """One window by hand: tokenise, run, and take the best pair of context tokens."""
    question, context = QUESTIONS[0], CONTEXTS[0]
    model, tokenizer = load_model(tiny_reader, head_required=True)
    encoded = tokenizer(question, context, return_tensors="pt", return_offsets_mapping=True)
    offsets = encoded.pop("offset_mapping")[0].tolist()
    with torch.no_grad():
        output = model.eval()(**encoded)
    start, end = output.start_logits[0].tolist(), output.end_logits[0].tolist()
    inside = [at for at, sequence in enumerate(encoded.sequence_ids(0)) if sequence == 1]
    best = max((start[i] + end[j], offsets[i][0], offsets[j][1]) for i in inside for j in inside if i <= j < i + 30)
    reading = reader.read([question], [context])[0]
    assert (reading.spans[0].start, reading.spans[0].end) == best[1:]
    assert reading.spans[0].score == pytest.approx(best[0], abs=1e-4)
    assert reading.null_score == pytest.approx(start[0] + end[0], abs=1e-4)


@pytest.mark.parametrize("batch_size", [2, 32])
def test_the_batch_size_changes_nothing(reader, batch_size):
    alone = [reader.read([question], [context])[0] for question, context in zip(QUESTIONS, CONTEXTS, strict=True)]
    together = reader.read(QUESTIONS, CONTEXTS, batch_size=batch_size)
    assert all(map(same, alone, together))


@given(st.permutations(range(4)))
@settings(max_examples=5, deadline=None)
def test_the_order_changes_nothing(reader, order):
    straight = reader.read(QUESTIONS, CONTEXTS, batch_size=2)
    shuffled = reader.read([QUESTIONS[at] for at in order], [CONTEXTS[at] for at in order], batch_size=2)
    assert all(same(straight[at], reading) for at, reading in zip(order, shuffled, strict=True))


def test_limits(reader, monkeypatch):
    monkeypatch.setattr("odqa.reader.model.MAX_ANSWER_WORDS", 1)
    reading = reader.read(QUESTIONS[:1], CONTEXTS[:1], n_best=3)[0]
    assert len(reading.spans) == 3
    assert all(" " not in CONTEXTS[0][span.start : span.end] for span in reading.spans)


def test_an_empty_context_has_no_spans_but_a_null_score(reader):
    (reading,) = reader.read(["Where is the Louvre?"], [" \n "])
    assert reading.spans == ()
    assert reading.windows == 1
    assert abs(reading.null_score) < 1000


def test_nothing_to_read(reader):
    assert reader.read([], []) == []


def test_progress_counts_the_windows(reader):
    done: list[int] = []
    readings = reader.read(QUESTIONS, CONTEXTS, batch_size=2, progress=done.append)
    assert sum(done) == sum(reading.windows for reading in readings) == 5
    assert max(done) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"n_best": 0}, "n_best must be at least 1, not 0"),
        ({"n_best": "5"}, "n_best must be a whole number, not the text '5'"),
        ({"n_best": 2.0}, "n_best must be a whole number, not 2.0"),
        ({"batch_size": 0}, "batch_size must be at least 1, not 0"),
    ],
)
def test_a_limit_that_is_none_is_refused_even_where_nothing_is_read(reader, options, said):
    for questions, contexts in ((["Who?"], ["Paris"]), ([], [])):
        with pytest.raises(UsageError, match=said):
            reader.read(questions, contexts, **options)


@pytest.mark.parametrize(
    ("questions", "contexts", "said"),
    [
        ("abc", "xyz", "questions are a list of texts, not the text 'abc'; give two lists"),
        (["Who?"], "Paris", "contexts are a list of texts, not the text 'Paris'"),
        (None, ["Paris"], "questions are a list of texts, not None"),
        ([float("nan")], ["Paris"], "a question is a text, not nan"),
        (["Who?"], [None], "a context is a text, not None"),
        (["Who?"], [Document("d", "Paris", "Paris")], r"a context is a text, not Document\('d'"),
        (["Who?", "Where?"], ["Paris"], "2 questions but 1 contexts"),
    ],
    ids=str,
)
def test_what_are_no_lists_of_as_many_texts_is_refused(reader, questions, contexts, said):
    with pytest.raises(UsageError, match=said):
        reader.read(questions, contexts)
    with pytest.raises(UsageError, match=said):
        next(reader.logits(questions, contexts))


def test_contexts_and_limits_of_numpy_are_taken(reader):
    context = Context(CONTEXTS[0], (), plain_blocks(CONTEXTS[0]))
    wanted = reader.read(QUESTIONS[:1], CONTEXTS[:1], n_best=2)
    assert reader.read(iter(QUESTIONS[:1]), [context], n_best=np.int64(2), batch_size=10**20) == wanted


def test_a_question_that_is_too_long_is_refused(reader):
    with pytest.raises(UsageError, match=r"10000 tokens .* shorten it"):
        reader.read(["? " * 10_000], ["Paris"])


def test_every_family_reads_the_same_in_any_batch(family_reader):
    alone = [
        family_reader.read([question], [context])[0] for question, context in zip(QUESTIONS, CONTEXTS, strict=True)
    ]
    together = family_reader.read(QUESTIONS, CONTEXTS)
    assert all(map(same, alone, together))
    assert all(len(reading.spans) > 10 for reading in together[:3])


@pytest.mark.parametrize("family", ["bert", "roberta", "modernbert"])
def test_a_tokenizer_that_pads_on_the_left_reads_the_same(family, tmp_path):
    readings = []
    for side in ("right", "left"):
        folder = families.make(family, tmp_path / side, padding_side=side)
        reader = Reader.load(folder, device="cpu", dtype="float32", backend="torch")
        assert reader.tokenizer.padding_side == side
        readings.append(reader.read(QUESTIONS, CONTEXTS))
    assert all(map(same, *readings))


@pytest.mark.parametrize("backend", ["openvino", "torch"])
@pytest.mark.parametrize("family", ["bert", "modernbert"])
def test_bfloat16_is_near_float32_and_its_logits_do_not_tie(family, backend, tmp_path):
    folder = families.make(family, tmp_path / family)
    exact, rough = (Reader.load(folder, device="cpu", dtype=name, backend=backend) for name in ("float32", "bfloat16"))
    if rough.precision == "openvino-float32" and not has_bfloat16("cpu"):
        pytest.skip("this CPU does not multiply bfloat16, and OpenVINO does not emulate it")
    assert (exact.precision, rough.precision) == (f"{backend}-float32", f"{backend}-bfloat16")
    (one,), (other,) = (reader.read(QUESTIONS[1:2], CONTEXTS[1:2], n_best=100) for reader in (exact, rough))
    assert abs(one.spans[0].score - other.spans[0].score) < 0.2
    assert len({span.score for span in other.spans}) > 90
    assert any(span.score != float(torch.tensor(span.score).bfloat16()) for span in other.spans)


@pytest.fixture
def folder(tiny_reader: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_reader, tmp_path / "reader")


def test_without_settings_the_defaults_fit_the_model(folder):
    reader = Reader.load(folder, device="cpu")
    assert (reader.no_answer_threshold, reader.max_length, reader.stride) == (0.0, 128, 42)
    assert (reader.temperature, reader.length_penalty) == (1.0, 0.0)
    assert reader.name == str(folder)


def test_the_settings_beside_the_weights_are_read(folder):
    (folder / "reader.json").write_text('{"no_answer_threshold": 1.5, "max_length": 96, "stride": 24}')
    reader = Reader.load(str(folder), device="cpu")
    assert (reader.no_answer_threshold, reader.max_length, reader.stride) == (1.5, 96, 24)
    assert reader.read(["Who?"], [SENTENCE * 24])[0].windows == 3
    assert reader.temperature == 1.0  # As in the folder of a reader that was never calibrated.


def test_the_temperature_beside_the_weights_is_read(folder):
    settings = '{"no_answer_threshold": 1.5, "temperature": 2.25, "max_length": 96, "stride": 24}'
    (folder / "reader.json").write_text(settings)
    assert Reader.load(str(folder), device="cpu").temperature == 2.25


def test_the_length_penalty_beside_the_weights_shortens_answers(folder):
    def lengths(penalty: float) -> list[int]:
        settings = f'{{"no_answer_threshold": 0, "length_penalty": {penalty}, "max_length": 96, "stride": 24}}'
        (folder / "reader.json").write_text(settings)
        readings = Reader.load(folder, device="cpu", dtype="float32").read(QUESTIONS, CONTEXTS, n_best=1)
        return [reading.spans[0].end - reading.spans[0].start for reading in readings if reading.spans]

    before, after = lengths(0), lengths(50)
    assert all(one <= other for one, other in zip(after, before, strict=True))
    assert sum(after) < sum(before)


@pytest.mark.parametrize("value", ["-0.5", "NaN", "Infinity"])
def test_a_length_penalty_that_is_none_is_refused(folder, value):
    path = folder / "reader.json"
    path.write_text(f'{{"no_answer_threshold": 1.5, "length_penalty": {value}, "max_length": 96, "stride": 24}}')
    with pytest.raises(ModelError, match=r"length_penalty.*set") as error:
        Reader.load(str(folder), device="cpu")
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize("value", ["0", "NaN", "Infinity"])
def test_a_temperature_that_gives_no_probability_is_refused(folder, value):
    path = folder / "reader.json"
    path.write_text(f'{{"no_answer_threshold": 1.5, "temperature": {value}, "max_length": 96, "stride": 24}}')
    with pytest.raises(ModelError, match=r"temperature.*set temperature to 1") as error:
        Reader.load(str(folder), device="cpu")
    assert str(error.value).startswith(f"{path}: ")


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        "{}",
        '{"no_answer_threshold": "x", "max_length": 96, "stride": 24}',
        '{"no_answer_threshold": 1, "temperature": null, "max_length": 96, "stride": 24}',
        b"\xff",
    ],
)
def test_broken_settings_are_named(folder, content):
    path = folder / "reader.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ModelError) as error:
        read_settings(folder)
    assert str(error.value).startswith(f"{path}: ")
    assert str(error.value).endswith("train it again")


def test_a_base_has_no_question_answering_head(tiny_base):
    with pytest.raises(ModelError, match=r"no question-answering head.*qa_outputs\.bias.*odqa train-reader") as error:
        Reader.load(tiny_base, device="cpu")
    assert str(tiny_base) in str(error.value)


def test_an_encoder_has_no_question_answering_head(tiny_encoder):
    with pytest.raises(ModelError, match="no question-answering head"):
        Reader.load(tiny_encoder, device="cpu")


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"no model at .*absent"):
        Reader.load(tmp_path / "absent")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
@pytest.mark.parametrize("damage", [Path.unlink, truncate])
def test_a_damaged_folder_is_named_with_what_it_needs(folder, name, damage):
    damage(folder / name)
    with pytest.raises(ModelError) as error:
        Reader.load(folder, device="cpu")
    assert f"{folder}: this model cannot be loaded (" in str(error.value)
    assert "it needs config, weights, tokenizer" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_of_another_kind_is_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "vit"}))
    with pytest.raises(ModelError, match="this model cannot be loaded"):
        Reader.load(folder, device="cpu")


def test_an_unknown_device_or_dtype_is_refused(tiny_reader):
    with pytest.raises(UsageError, match="no such device: 'gpu'"):
        Reader.load(tiny_reader, device="gpu")
    with pytest.raises(UsageError, match="no such dtype: 'int8'"):
        Reader.load(tiny_reader, device="cpu", dtype="int8")


def test_a_tokenizer_without_a_limit_takes_the_readers_own(tmp_path):
    folder = tiny.make_reader(tmp_path / "reader")
    tiny.make_tokenizer(model_max_length=10**30).save_pretrained(folder)
    (folder / "reader.json").write_text('{"no_answer_threshold": 0, "max_length": 64, "stride": 16}')
    assert Reader.load(folder, device="cpu").read(["Who?"], [SENTENCE * 12])[0].windows > 1
