"""Generated models small enough to count by hand: a WordPiece tokenizer, a 2-layer BERT reader, a BERT encoder.

Everything is made from seeds in well under a second, so the suite needs no network and no stored weights. A model
here knows nothing: it tests the machinery, never quality.
"""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

WORDS = (
    "the a of in on is was were what which who when where how many did does has have and to by with for from at "
    "paris france capital river seine berlin germany spree city tower eiffel height metres built year engineer gustave "
    "museum louvre painting mona lisa leonardo da vinci water boils degrees celsius moon earth orbits days sun light "
    "speed kilometres second policy employees vacation twenty thirty five remote work office manager approves request"
).split()
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
DIMENSION = 32


def vocabulary() -> dict[str, int]:
    """Special tokens, whole words, then every ASCII letter, digit and sign alone and as a continuation."""
    signs = string.ascii_lowercase + string.digits + string.punctuation
    pieces = [*SPECIAL, *WORDS, *signs, *("##" + sign for sign in string.ascii_lowercase + string.digits)]
    return {piece: number for number, piece in enumerate(dict.fromkeys(pieces))}


def make_tokenizer(**options: Any) -> Any:
    """A fast lower-casing WordPiece tokenizer; ``options`` go to ``PreTrainedTokenizerFast`` (padding_side, …)."""
    from tokenizers import Tokenizer, decoders, normalizers, pre_tokenizers, processors
    from tokenizers.models import WordPiece
    from transformers import PreTrainedTokenizerFast

    vocab = vocabulary()
    tokenizer = Tokenizer(WordPiece(vocab, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", vocab["[CLS]"]), ("[SEP]", vocab["[SEP]"])],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=options.pop("model_max_length", 128),
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
        **options,
    )


def _config(**options: Any) -> Any:
    from transformers import BertConfig

    return BertConfig(
        vocab_size=len(vocabulary()),
        hidden_size=DIMENSION,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=128,
        **options,
    )


def make_base(folder: Path, seed: int = 0) -> Path:
    """Write a headless BERT and its tokenizer into ``folder``: what training starts from."""
    import torch
    from transformers import BertModel

    torch.manual_seed(seed)
    BertModel(_config()).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def make_reader(folder: Path, seed: int = 0) -> Path:
    """Write a BERT with a question-answering head and its tokenizer into ``folder``."""
    import torch
    from transformers import BertForQuestionAnswering

    torch.manual_seed(seed)
    # A wide initialisation, so that the logits of different tokens differ by more than rounding.
    BertForQuestionAnswering(_config(initializer_range=0.3)).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def make_cross_encoder(folder: Path, seed: int = 0, labels: int = 1) -> Path:
    """Write a BERT that gives a question and a passage one number, or so many ``labels``, and its tokenizer."""
    import torch
    from transformers import BertForSequenceClassification

    torch.manual_seed(seed)
    BertForSequenceClassification(_config(initializer_range=0.3, num_labels=labels)).save_pretrained(folder)
    make_tokenizer().save_pretrained(folder)
    return folder


def make_encoder(folder: Path, seed: int = 0, prompts: dict[str, str] | None = None) -> Path:
    """Write a sentence-transformers folder: tiny BERT, mean pooling, normalisation; 64 tokens at most."""
    import torch
    from transformers import BertModel

    torch.manual_seed(seed)
    BertModel(_config(initializer_range=0.3)).save_pretrained(folder)
    make_tokenizer(model_max_length=64).save_pretrained(folder)
    parts = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    modules = [
        {"idx": at, "name": str(at), "path": path, "type": f"sentence_transformers.models.{kind}"}
        for at, (path, kind) in enumerate(parts)
    ]
    pooling = {"word_embedding_dimension": DIMENSION, "pooling_mode_mean_tokens": True}
    _write(folder / "modules.json", modules)
    _write(folder / "sentence_bert_config.json", {"max_seq_length": 64, "do_lower_case": False})
    _write(folder / "1_Pooling" / "config.json", pooling)
    _write(folder / "2_Normalize" / "config.json", {})
    _write(folder / "config_sentence_transformers.json", {"prompts": prompts or {}, "similarity_fn_name": "cosine"})
    return folder


def _write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")
