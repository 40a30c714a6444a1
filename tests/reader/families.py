"""Tiny models of the families that a reader may be made of, with tokenizers made here from a page of text.

BERT, DistilBERT, MPNet, DeBERTa and ModernBERT share the suite's WordPiece tokenizer; RoBERTa has a byte-level BPE
and XLM-R a Unigram whose tokens carry the space before a word, as those on the hub do.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests import tiny

WORDPIECE = ("bert", "distilbert", "mpnet", "deberta-v2", "modernbert")
FAMILIES = (*WORDPIECE, "roberta", "xlm-roberta")
SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "initializer_range": 0.3,  # Wide, so that the logits of different tokens differ by more than rounding.
}
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
PAGE = [
    "Paris is the capital of France, and the river in Paris is the Seine.",
    "The Louvre is a museum in Paris; the Eiffel tower was built by the engineer Gustave Eiffel in 1889.",
    "Where is the Louvre? Who built the tower? What is the capital of Germany? Berlin, on the river Spree.",
    "Zürich liegt am Zürichsee. Ναι, 東京は日本の首都です。",
]


def make(family: str, folder: Path, *, head: bool = True, padding_side: str = "right", seed: int = 0) -> Path:
    """Write a tiny model of the family into ``folder``: a reader, or without ``head`` what training starts from."""
    import torch
    from transformers import AutoConfig, AutoModel, AutoModelForQuestionAnswering

    tokenizer = tokenizer_of(family, padding_side)
    config = AutoConfig.for_model(
        family,
        vocab_size=len(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=tokenizer.cls_token_id,
        cls_token_id=tokenizer.cls_token_id,
        eos_token_id=tokenizer.sep_token_id,
        sep_token_id=tokenizer.sep_token_id,
        **_shape(family),
    )
    torch.manual_seed(seed)
    kind = AutoModelForQuestionAnswering if head else AutoModel
    kind.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tokenizer_of(family: str, padding_side: str = "right") -> Any:
    """The family's tokenizer; 128 tokens at most."""
    if family in ("roberta", "xlm-roberta"):
        return wrapped(_byte_level() if family == "roberta" else _unigram(), padding_side)
    tokenizer = tiny.make_tokenizer(padding_side=padding_side)
    if family != "bert":
        tokenizer.model_input_names = ["input_ids", "attention_mask"]
    return tokenizer


def _shape(family: str) -> dict[str, Any]:
    if family == "distilbert":
        names = {"dim": 32, "n_layers": 2, "n_heads": 2, "hidden_dim": 64, "initializer_range": 0.3}
        return names | {"max_position_embeddings": 128}
    if family == "deberta-v2":
        relative = {"relative_attention": True, "position_buckets": 16, "pos_att_type": ["p2c", "c2p"]}
        shared = {"share_att_key": True, "norm_rel_ebd": "layer_norm", "position_biased_input": False}
        return SIZE | relative | shared | {"type_vocab_size": 0, "max_position_embeddings": 128}
    if family == "modernbert":
        return SIZE | {"local_attention": 16, "global_attn_every_n_layers": 2, "max_position_embeddings": 128}
    # RoBERTa and its kin begin to count positions behind the number of the padding token.
    return SIZE | {"max_position_embeddings": 128 if family == "bert" else 130}


def wrapped(tokenizer: Any, padding_side: str = "right", unknown: str = "<unk>") -> Any:
    """A tokenizer with RoBERTa's names of the special tokens."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token=unknown,
        mask_token="<mask>",
        model_max_length=128,
        padding_side=padding_side,
        model_input_names=["input_ids", "attention_mask"],
    )


def _byte_level() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(PAGE, trainer)
    tokenizer.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), add_prefix_space=False)
    return tokenizer


def _unigram() -> Any:
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    words = dict.fromkeys("▁" + word for text in PAGE for word in text.split())
    signs = dict.fromkeys("▁" + "".join(PAGE).replace(" ", ""))
    pieces = [(piece, 0.0) for piece in SPECIAL]
    pieces += [(word, -5.0) for word in words] + [(sign, -9.0) for sign in signs]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer
