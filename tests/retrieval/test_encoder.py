from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.errors import ModelError, UsageError
from odqa.retrieval import sentence_model as module
from odqa.retrieval.encoder import Encoder
from odqa.types import Passage
from tests import tiny


@pytest.fixture(scope="module", params=["openvino", "torch"])
def encoder(request: pytest.FixtureRequest, tiny_encoder: Path) -> Encoder:
    return Encoder.load(tiny_encoder, device="cpu", backend=request.param)


def passage(text: str, title: str = "", headings: tuple[str, ...] = (), id: str = "d#0") -> Passage:
    return Passage(id=id, document_id="d", title=title, text=text, start=0, headings=headings)


def input_of(encoder: Encoder, passage: Passage) -> str:
    """The passage as the model reads it."""
    return encoder.inputs([passage])[0][0]


def test_it_says_which_model_it_is(encoder: Encoder, tiny_encoder: Path) -> None:
    assert encoder.name == str(tiny_encoder)
    assert len(encoder.content_hash) == 64
    assert (encoder.dimension, encoder.max_tokens, encoder.pooling) == (tiny.DIMENSION, 64, "mean")
    assert (encoder.prompts, encoder.device) == ({}, "cpu")


def test_vectors_are_unit_float32_in_the_order_given(encoder: Encoder) -> None:
    texts = ["moon", "the river spree in berlin " * 5, "light", "the eiffel tower was built by the engineer"]
    passages = [passage(text) for text in texts]
    vectors = encoder.encode_passages(passages)
    assert vectors.shape == (4, tiny.DIMENSION)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1)
    alone = np.concatenate([encoder.encode_passages([one]) for one in passages])
    assert (vectors * alone).sum(axis=1) == pytest.approx(1, abs=1e-3)
    assert (vectors * encoder.encode_queries(texts)).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_nothing_to_encode_gives_no_rows(encoder: Encoder) -> None:
    assert encoder.encode_queries([]).shape == (0, tiny.DIMENSION)
    assert encoder.encode_passages([]).shape == (0, tiny.DIMENSION)


def test_progress_counts_every_passage_once_a_batch_at_a_time(
    encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    # "moon" between two special tokens makes three: ten passages in 30 tokens.
    monkeypatch.setattr(encoder._embedder, "batch_tokens", 30)
    encoder.encode_passages([passage("moon")] * 24, counts.append)
    assert counts == [10, 10, 4]


@pytest.mark.parametrize(("fast", "bears_it"), [(True, True), (True, False), (False, True)])
def test_passages_are_encoded_in_bfloat16_where_that_is_fast_and_the_model_bears_it(
    tiny_encoder: Path, monkeypatch: pytest.MonkeyPatch, fast: bool, bears_it: bool
) -> None:
    import torch

    monkeypatch.setattr(module, "has_bfloat16", lambda device: fast)
    monkeypatch.setattr(module, "faithful", lambda model, twin: bears_it)
    encoder = Encoder.load(tiny_encoder, device="cpu", backend="torch")
    passages, questions = encoder._embedder._fast, encoder._embedder.model
    assert {weight.dtype for weight in passages.parameters()} == {
        torch.bfloat16 if fast and bears_it else torch.float32
    }
    assert {weight.dtype for weight in questions.parameters()} == {torch.float32}, "questions stay as they are"
    texts = ["the river seine", "water boils in degrees", "a day of vacation"]
    vectors = encoder.encode_passages([passage(text) for text in texts])
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert ((vectors * encoder.encode_queries(texts)).sum(axis=1) >= 0.999).all()


def test_the_prompts_of_the_model_go_before_questions_and_passages(encoder: Encoder, tmp_path: Path) -> None:
    prompts = {"query": "what is ", "document": "light of the "}
    prompted = Encoder.load(tiny.make_encoder(tmp_path, prompts=prompts), backend=encoder.backend)
    assert prompted.prompts == prompts
    assert prompted.room == encoder.room - 3
    question = prompted.encode_queries(["the moon"]) @ encoder.encode_queries(["what is the moon"]).T
    text = prompted.encode_passages([passage("moon")]) @ encoder.encode_passages([passage("light of the moon")]).T
    assert (question.item(), text.item()) == pytest.approx((1, 1), abs=1e-3)


def test_token_offsets_are_the_characters_of_each_token(encoder: Encoder) -> None:
    text = "Der Eiffel-Tower,\nParis: 🗼"
    words = [text[start:end] for start, end in encoder.token_offsets(text)]
    assert words == ["D", "e", "r", "Eiffel", "-", "Tower", ",", "Paris", ":", "🗼"]
    assert len(encoder.token_offsets("moon " * 1000)) == 1000, "a long text is not cut off"


def test_title_and_headings_go_before_the_text_without_repeats(encoder: Encoder) -> None:
    assert input_of(encoder, passage("moon")) == "moon"
    assert input_of(encoder, passage("moon", "Sun")) == "Sun. moon"
    assert input_of(encoder, passage("moon", "Sun", ("Sun", "", "Light", "Speed"))) == "Sun > Light > Speed. moon"


def test_a_long_heading_path_loses_its_outer_headings_first_and_then_its_end(encoder: Encoder) -> None:
    # A quarter of 64 tokens is 16; " > " and "." count one.
    path = passage("moon", "sun", ("earth " * 12, "light " * 10, "speed"))
    assert input_of(encoder, path) == f"sun > {'light ' * 10}".rstrip() + " > speed. moon"
    assert input_of(encoder, passage("moon", "sun " * 40)) == "sun " * 16 + "moon"


def test_a_passage_within_its_budget_leaves_a_quarter_for_the_headings(encoder: Encoder) -> None:
    assert (encoder.room, encoder.passage_budget) == (62, 46)
    whole = input_of(encoder, passage("moon " * 46, "sun " * 16))
    assert whole.count("sun") == 16
    assert input_of(encoder, passage("moon " * 62, "sun " * 16)) == "moon " * 62, "the text comes first"


@settings(max_examples=60, deadline=None)
@given(
    words=st.lists(st.sampled_from([*tiny.WORDS, "xyz", "-", "ß"]), max_size=62),
    title=st.text(max_size=80),
    headings=st.lists(st.text(max_size=60), max_size=4),
)
def test_no_passage_that_fits_is_ever_cut_off(
    encoder: Encoder, words: list[str], title: str, headings: list[str]
) -> None:
    text = " ".join(words)
    if len(encoder.token_offsets(text)) > encoder.room:
        return
    whole = input_of(encoder, passage(text, title, tuple(headings)))
    assert whole.endswith(text)
    assert len(encoder.token_offsets(whole)) <= encoder.room


def test_a_vector_that_is_not_finite_names_its_passage(tiny_encoder: Path) -> None:
    import torch

    broken = Encoder.load(tiny_encoder, backend="torch")
    with torch.no_grad():
        weights = broken._embedder.model[0].auto_model.embeddings.word_embeddings.weight
        weights[tiny.vocabulary()["moon"]] = float("nan")
    passages = [passage("the sun", id="d#0"), passage("the moon", id="d#1")]
    with pytest.raises(ModelError, match=r"no finite vector for passage d#1: .*use another encoder"):
        broken.encode_passages(passages)
    with pytest.raises(ModelError, match="the question 'the moon'"):
        broken.encode_queries(["the moon"])


def test_a_reader_is_not_an_encoder(tiny_reader: Path) -> None:
    with pytest.raises(ModelError, match=r"is not an encoder: it has no modules\.json; name a sentence-transformers"):
        Encoder.load(tiny_reader)


@pytest.mark.parametrize(
    ("file", "content"),
    [("modules.json", b"[]"), ("modules.json", b"{"), ("model.safetensors", b"\0" * 100), ("tokenizer.json", b"{}")],
)
def test_a_damaged_encoder_is_told_with_its_folder_and_the_remedy(
    tiny_encoder: Path, tmp_path: Path, file: str, content: bytes
) -> None:
    folder = shutil.copytree(tiny_encoder, tmp_path / "damaged")
    (folder / file).write_bytes(content)
    with pytest.raises(ModelError) as error:
        Encoder.load(folder)
    assert str(folder) in str(error.value)
    assert "name a sentence-transformers model" in str(error.value)


def test_a_device_that_is_not_there_is_a_usage_error(tiny_encoder: Path) -> None:
    import torch

    with pytest.raises(UsageError, match="no such device"):
        Encoder.load(tiny_encoder, device="abacus")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="no CUDA device"):
            Encoder.load(tiny_encoder, device="cuda")


def test_loading_and_encoding_print_nothing(tiny_encoder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    Encoder.load(tiny_encoder).encode_passages([passage("moon")])
    assert capfd.readouterr() == ("", "")


def test_an_encoder_that_states_no_limit_reads_what_its_positions_allow(tiny_encoder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_encoder, tmp_path / "unlimited")
    (folder / "sentence_bert_config.json").write_text("{}")
    tokenizer = json.loads((folder / "tokenizer_config.json").read_text())
    del tokenizer["model_max_length"]
    (folder / "tokenizer_config.json").write_text(json.dumps(tokenizer))
    for backend in ("openvino", "torch"):
        encoder = Encoder.load(folder, backend=backend)
        assert (encoder.max_tokens, encoder.backend) == (128, backend)
        assert encoder.encode_queries(["moon " * 1000]).shape == (1, tiny.DIMENSION)


def test_an_encoder_of_word_vectors_has_no_transformer_and_works_too(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding

    words = StaticEmbedding(tiny.make_tokenizer(), embedding_dim=8)
    SentenceTransformer(modules=[words], device="cpu").save(str(tmp_path))
    encoder = Encoder.load(tmp_path)
    assert (encoder.dimension, encoder.max_tokens, encoder.pooling) == (8, 512, "StaticEmbedding")
    vectors = encoder.encode_passages([passage("moon"), passage("sun")])
    assert (vectors @ encoder.encode_queries(["moon"]).T).argmax() == 0
