"""A sentence-transformers model that is being trained goes in; the encoder that it is at this moment comes out."""

from __future__ import annotations

import hashlib
from typing import Any

from odqa.errors import ModelError
from odqa.models import ResolvedModel, content_hash
from odqa.retrieval import sentence_model
from odqa.retrieval.encoder import Encoder
from odqa.training import start


def load(found: ResolvedModel, device: str) -> tuple[Any, Encoder]:
    """The model, in float32, and the encoder that it is before it is trained.

    Raises ModelError for what is no encoder, and for one that is no transformer.
    """
    if not (found.folder / "modules.json").is_file():
        raise ModelError(
            f"{found.folder} is not an encoder: it has no modules.json; name a sentence-transformers model as --base"
        )
    loaded = sentence_model.load(found.folder, found.name, device)
    transformer = getattr(loaded.model[0], "auto_model", None)
    if transformer is None:
        raise ModelError(
            f"{found.name} is a table of word vectors, not a transformer, and cannot be trained on pairs; name another "
            "--base"
        )
    if attention := start.attention(device):
        transformer.set_attn_implementation(attention)
    return loaded.model, Encoder(loaded, found.name, content_hash(found.folder))


def encoder_of(model: Any, name: str) -> Encoder:
    """The encoder that the model is now, known by a hash of its weights; not to be used when they have changed."""
    dimension = model.encode_query(["?"], show_progress_bar=False).shape[1]
    return Encoder(sentence_model.SentenceModel(model, name, dimension), name, _hash(model))


def _hash(model: Any) -> str:
    digest = hashlib.sha256()
    for name, weight in sorted(model.state_dict().items()):
        digest.update(name.encode() + weight.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
