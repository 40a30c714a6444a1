from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from odqa.retrieval.bfloat16 import LEAST_COSINE, faithful, lowered
from tests import tiny

TEXTS = ["moon", "the capital of france is paris on the river seine", "water boils " * 20]


@pytest.fixture
def model(tiny_encoder: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(tiny_encoder), device="cpu", local_files_only=True).float()


@pytest.fixture
def with_dense(tiny_encoder: Path) -> Any:
    """The same transformer under another pooling, with a dense layer behind it."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Pooling, Transformer

    torch.manual_seed(0)
    pooling = Pooling(tiny.DIMENSION, pooling_mode="cls")
    return SentenceTransformer(
        modules=[Transformer(str(tiny_encoder)), pooling, Dense(tiny.DIMENSION, 8)], device="cpu"
    ).float()


def vectors(model: Any) -> np.ndarray:
    return model.encode_document(TEXTS, normalize_embeddings=True, show_progress_bar=False)


def test_a_twin_has_its_transformer_in_bfloat16_and_leaves_the_model_as_it_was(model: Any) -> None:
    import torch

    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    twin = lowered(model)
    assert {weight.dtype for weight in twin[0].auto_model.parameters()} == {torch.bfloat16}
    after = model.state_dict()
    assert after.keys() == before.keys()
    assert all(torch.equal(after[name], before[name]) and after[name].dtype == before[name].dtype for name in before)
    assert twin.tokenizer is model.tokenizer


def test_what_stands_behind_the_transformer_is_shared_and_computes_in_float32(with_dense: Any) -> None:
    import torch

    twin = lowered(with_dense)
    assert twin[2].linear.weight is with_dense[2].linear.weight
    seen = []
    twin[1].register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]["token_embeddings"].dtype))
    assert vectors(twin).dtype == np.float32
    assert seen == [torch.float32]


def test_buffers_keep_their_type(model: Any) -> None:
    import torch

    model[0].auto_model.register_buffer("frequencies", torch.ones(3))
    twin = lowered(model)
    assert twin[0].auto_model.frequencies.dtype == torch.float32


def test_tied_weights_stay_tied(model: Any) -> None:
    layers = model[0].auto_model.encoder.layer
    layers[1].output.dense.weight = layers[0].output.dense.weight
    twins = lowered(model)[0].auto_model.encoder.layer
    assert twins[1].output.dense.weight is twins[0].output.dense.weight


@pytest.mark.parametrize("name", ["model", "with_dense"])
def test_a_twin_gives_the_model_s_vectors_up_to_rounding(name: str, request: pytest.FixtureRequest) -> None:
    model = request.getfixturevalue(name)
    twin = lowered(model)
    cosines = (vectors(model) * vectors(twin)).sum(axis=1)
    assert (cosines >= LEAST_COSINE).all()
    assert not np.array_equal(vectors(model), vectors(twin))
    assert faithful(model, twin)


def test_a_twin_of_other_weights_is_not_faithful(model: Any) -> None:
    import torch

    twin = lowered(model)
    with torch.no_grad():
        twin[0].auto_model.encoder.layer[1].output.dense.weight.mul_(2)
    assert not faithful(model, twin)


def test_a_twin_whose_layers_mix_types_is_not_faithful(model: Any) -> None:
    twin = lowered(model)
    twin[0].auto_model.encoder.layer[0].output.dense.float()
    assert not faithful(model, twin)


def test_a_model_without_finite_vectors_has_no_faithful_twin(model: Any) -> None:
    import torch

    with torch.no_grad():
        model[0].auto_model.embeddings.token_type_embeddings.weight.fill_(float("nan"))
    assert not faithful(model, lowered(model))


def test_an_encoder_of_word_vectors_has_nothing_to_lower() -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import StaticEmbedding

    model = SentenceTransformer(modules=[StaticEmbedding(tiny.make_tokenizer(), embedding_dim=8)], device="cpu")
    assert np.array_equal(vectors(model), vectors(lowered(model)))
