"""A recipe or a name goes in, a masked language model and its tokenizer come out, or why not. Trains nothing."""

from __future__ import annotations

from typing import Any

from odqa import model_configs
from odqa.errors import ModelError, UsageError
from odqa.models import ResolvedModel, resolve
from odqa.pretraining import tokens
from odqa.pretraining.recipe import LanguageRecipe
from odqa.runtime.quiet import quiet
from odqa.training.base import positions
from odqa.training.checkpoint import SCRATCH
from odqa.training.output import PREPARED


def load(found: ResolvedModel, *, attention: str | None = None) -> tuple[Any, Any, list[str]]:
    """The model with a head for masked tokens, in float32, its tokenizer, and the weights of the head that are new.

    ``attention`` is transformers' name of an implementation of attention; None lets it choose. Raises ModelError where
    it cannot be loaded, UsageError for a tokenizer without a mask token.
    """
    import torch
    import transformers

    tokenizer = load_tokenizer(found)
    try:
        with quiet():
            model, report = transformers.AutoModelForMaskedLM.from_pretrained(
                str(found.folder),
                dtype=torch.float32,
                attn_implementation=attention,
                output_loading_info=True,
                weights_only=True,
                **model_configs.DATA_ALONE,
            )
    except Exception as error:  # Of many types, as in odqa.reader.model.
        raise _unfit(found, error) from None
    return model, tokenizer, sorted(report["missing_keys"])


def load_tokenizer(found: ResolvedModel) -> Any:
    """The tokenizer in a model's folder. Raises ModelError where there is none, UsageError without a mask token."""
    import transformers

    try:
        with quiet():
            model_configs.check(found.folder)
            tokenizer = transformers.AutoTokenizer.from_pretrained(str(found.folder), **model_configs.DATA_ALONE)
            model_configs.check_tokenizer(tokenizer)
    except Exception as error:
        raise _unfit(found, error) from None
    tokens.check(tokenizer, found.name)
    return tokenizer


def load_for_filling(name: str) -> tuple[Any, Any]:
    """A model that has learned to guess masked tokens, and its tokenizer. Raises ModelError where it has not."""
    found = resolve(name)
    model, tokenizer, missing = load(found)
    if missing:
        raise ModelError(
            f"{found.folder}: it has no head for masked tokens (the weights lack {', '.join(missing[:3])}), so it "
            "would guess at random; give a masked language model (`odqa pretrain` makes one)"
        )
    return model.eval(), tokenizer


def check_room(recipe: LanguageRecipe, padding: int) -> None:
    """Raise UsageError, with the numbers, where a block is longer than a new model has positions.

    ``padding`` is the number of the padding token, behind which RoBERTa begins to count positions.
    """
    unused = padding + 1
    room = recipe.positions - unused
    if recipe.max_length > room:
        raise UsageError(
            f"max_length is {recipe.max_length}, but of {recipe.positions} positions RoBERTa leaves the first {unused} "
            f"unused, so that a block has at most {room} tokens; use --max-length {max(room, 4)} or --positions "
            f"{recipe.max_length + unused}"
        )


def make(recipe: LanguageRecipe, tokenizer: Any, *, attention: str | None = None) -> Any:
    """A new RoBERTa of the recipe's shape, its weights drawn from torch's own generator."""
    import transformers

    config = transformers.RobertaConfig(
        vocab_size=len(tokenizer),
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=4 * recipe.hidden,
        max_position_embeddings=recipe.positions,
        type_vocab_size=1,
        bos_token_id=tokens.beginning(tokenizer),
        eos_token_id=tokens.separator(tokenizer),
        pad_token_id=tokenizer.pad_token_id,
    )
    return transformers.AutoModelForMaskedLM.from_config(config, attn_implementation=attention)


def check_length(model: Any, name: str, max_length: int) -> None:
    """Raise UsageError, with the numbers, where a model has fewer positions than a block has tokens."""
    have = positions(model)
    if have is not None and have < max_length:
        raise UsageError(
            f"{name}: the model has {have} positions, fewer than the {max_length} tokens of a block; use "
            f"--max-length {have}"
        )


def _unfit(found: ResolvedModel, error: Exception) -> ModelError:
    unfinished = any((found.folder / name).is_dir() for name in (*SCRATCH, PREPARED))
    if unfinished and not (found.folder / "config.json").exists():
        return ModelError(f"{found.folder} holds an unfinished run; finish it with --resume and its settings first")
    detail = model_configs.reason(error)
    return ModelError(f"{found.folder}: this model cannot be loaded ({detail}); it needs config, weights, tokenizer")
