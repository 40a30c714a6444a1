"""Texts go in, a tokenizer that was trained on them comes out: byte-level BPE, as RoBERTa's. Knows no model.

Byte-level BPE (Radford et al. 2019, section 2.2; Liu et al. 2019, section 4.4) has a token for every byte, so that no
text of any language is unknown to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from odqa.errors import UsageError

SPECIAL = ("<s>", "<pad>", "</s>", "<unk>", "<mask>")  # In RoBERTa's order: its positions begin after <pad>'s number.


def train(texts: Iterator[str], vocab_size: int, min_frequency: int) -> Any:
    """A tokenizer with exactly ``vocab_size`` tokens, RoBERTa's five special ones and every byte among them.

    Raises UsageError, with the numbers, where the texts do not give so many.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        # The space before a word belongs to its token, and so to what stands for it.
        special_tokens=[*SPECIAL[:-1], AddedToken(SPECIAL[-1], lstrip=True, special=True)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    found = backend.get_vocab_size()
    if found < vocab_size:
        lower = f", or --min-frequency 1 instead of {min_frequency}" if min_frequency > 1 else ""
        raise UsageError(
            f"the texts are too few for a vocabulary of {vocab_size:,} tokens: they give {found:,}; use --vocab-size "
            f"{found}, give more text{lower}"
        )
    start, end = (("<s>", SPECIAL.index("<s>")), ("</s>", SPECIAL.index("</s>")))
    backend.post_processor = processors.RobertaProcessing(end, start, add_prefix_space=False)
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        bos_token="<s>",
        cls_token="<s>",
        eos_token="</s>",
        sep_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        mask_token=AddedToken("<mask>", lstrip=True, special=True),
        model_input_names=["input_ids", "attention_mask"],
    )


def check(tokenizer: Any, name: str) -> None:
    """Raise UsageError unless a tokenizer knows its words and has what a block of masked tokens is made of."""
    if not getattr(tokenizer, "is_fast", False):
        raise UsageError(f"{name}: its tokenizer is not a fast one; use a model whose folder has a tokenizer.json")
    needed = {"mask": tokenizer.mask_token_id, "padding": tokenizer.pad_token_id, "separator": separator(tokenizer)}
    if lacking := [what for what, number in needed.items() if number is None]:
        raise UsageError(f"{name}: its tokenizer has no {' and no '.join(lacking)} token; use a masked language model")


def separator(tokenizer: Any) -> Any:
    """The number of the token that ends a text, ``[SEP]`` or ``</s>``; None where there is none."""
    return tokenizer.eos_token_id if tokenizer.sep_token_id is None else tokenizer.sep_token_id


def beginning(tokenizer: Any) -> Any:
    """The number of the token that begins a text, ``[CLS]`` or ``<s>``; None where there is none."""
    return tokenizer.bos_token_id if tokenizer.cls_token_id is None else tokenizer.cls_token_id
