"""Tokenizers of every kind that can be cut, trained in a moment on a page of several languages."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
PAGE = [
    "The river flows through the city, and the bridge over the river is older than the city hall.",
    "The tower was built by the engineer in 1889; nobody has rebuilt, overbuilt or unbuilt it since.",
    "Der Fluss fließt durch die Stadt, und die Brücke über den Fluss ist älter als das Rathaus.",
    "Con sông chảy qua thành phố, và cây cầu bắc qua sông cổ hơn tòa thị chính.",
    "河流穿过城市，河上的桥比市政厅还要古老。 يجري النهر عبر المدينة.",
] * 4
KINDS = ("unigram", "wordpiece", "byte-level", "end-of-word", "byte-fallback")


def make(kind: str) -> Tokenizer:
    """A tokenizer of that kind."""
    if kind == "unigram":
        made = Tokenizer(models.Unigram())
        made.normalizer = normalizers.NFKC()
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        made.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=220, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False
        )
    elif kind == "wordpiece":
        made = Tokenizer(models.WordPiece(unk_token="<unk>"))
        made.normalizer = normalizers.BertNormalizer(lowercase=True)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(vocab_size=260, special_tokens=SPECIAL, show_progress=False)
    elif kind == "byte-level":
        made = Tokenizer(models.BPE())
        made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=420, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False
        )
    elif kind == "end-of-word":
        made = Tokenizer(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"))
        made.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.BpeTrainer(
            vocab_size=260, special_tokens=SPECIAL, end_of_word_suffix="</w>", show_progress=False
        )
    else:
        made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True))
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        special = [*SPECIAL, *(f"<0x{value:02X}>" for value in range(256))]
        trainer = trainers.BpeTrainer(vocab_size=460, special_tokens=special, show_progress=False)
    made.train_from_iterator(PAGE, trainer)
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return made


def wrapped(tokenizer: Tokenizer, **options: Any) -> Any:
    """The tokenizer as transformers has it."""
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        **{f"{name}_token": token for name, token in zip(("bos", "pad", "eos", "unk", "mask"), SPECIAL, strict=True)},
        cls_token="<s>",
        sep_token="</s>",
        model_max_length=128,
        **options,
    )
