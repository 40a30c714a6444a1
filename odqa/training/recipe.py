"""A recipe: every setting of a training run, read from a TOML file. Trains nothing."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from odqa.errors import DataError, UsageError
from odqa.files import sha256
from odqa.models import DEFAULT_ENCODER
from odqa.training.negatives.kinds import check_kinds

PURE = "pure-bfloat16"
SOURCES = ("train", "eval", "tune")


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset of a recipe: a SQuAD-format file or a hub id, and what to take from it.

    ``sha256`` pins a file's content. ``part`` takes its articles from one share of them to another, in the order
    of the file, so that two parts of one file have no article in common. ``keep`` is all, answerable or unanswerable.
    ``limit`` draws that many questions at random (0: all). ``negatives`` are the kinds of unanswerable questions
    to make (``odqa.training.negatives``), ``negatives_ratio`` how many for each answerable one. ``license`` is what
    the model card says of the data's licence.
    """

    path: str
    sha256: str = ""
    split: str = ""
    part: tuple[float, ...] = (0.0, 1.0)
    keep: str = "all"
    limit: int = 0
    negatives: tuple[str, ...] = ()
    negatives_ratio: float = 0.5
    license: str = ""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Every setting of a run. The defaults are the usual ones for a span head (Devlin et al. 2019, appendix A.3).

    ``base`` is a model, or another recipe (.toml) whose reader is made first and trained on.
    ``tune`` is the data on which the no-answer threshold is fitted; without it the threshold is 0. ``warmup`` is
    the share of the steps with a rising learning rate, after which it falls linearly to 0. ``dropout`` -1 keeps the
    base's own. ``token_dropout`` is the share of tokens that are hidden from the reader in training
    (``odqa.training.masking``). ``frozen_layers`` is how many of the lowest layers, and the embeddings with them, stay
    as the base has them: each costs a third of its time then. ``base_weight`` is the share of the base's own weights
    in the finished reader, where the base is one (``odqa.training.average``). ``precision`` is auto, float32, bfloat16,
    float16 (both mixed: autocast over float32 weights) or pure-bfloat16 (weights and activations in bfloat16, the
    optimiser's in float32: on a CPU half as fast again).
    ``save_precision`` is float32 or float16. ``distill`` is a reader whose span distributions are learned besides the
    labels (``odqa.training.distill``): ``distill_weight`` is their share of the loss, ``distill_temperature`` softens
    them.
    ``save_every`` counts optimiser steps between checkpoints.
    """

    train: tuple[Source, ...]
    eval: tuple[Source, ...] = ()
    tune: tuple[Source, ...] = ()
    base: str = DEFAULT_ENCODER
    distill: str = ""
    distill_weight: float = 0.5
    distill_temperature: float = 2.0
    max_length: int = 384
    stride: int = 128
    plausible_answers: bool = False
    epochs: int = 2
    batch_size: int = 32
    accumulate: int = 1
    learning_rate: float = 5e-5
    weight_decay: float = 0.01
    warmup: float = 0.1
    max_gradient_norm: float = 1.0
    dropout: float = -1.0
    token_dropout: float = 0.0
    frozen_layers: int = 0
    base_weight: float = 0.0
    group_by_length: bool = True
    precision: str = "auto"
    save_precision: str = "float32"
    keep: str = "best"
    seed: int = 0
    save_every: int = 500
    track: str = ""


def read_recipe(path: Path) -> dict[str, Any]:
    """The settings of a TOML file as keyword arguments for :class:`Recipe`.

    Relative data paths are looked for from the current folder first, then from the recipe's own. Raises DataError
    naming an unknown or ill-typed setting.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"no such recipe: {path}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a recipe in TOML: {error}") from None
    settings = _checked(content, Recipe, str(path))
    for name in ("base", "distill"):
        beside = path.parent / settings.get(name, "")
        # A recipe can only be a file; another name is that of a model unless a folder of that name is there.
        if name in settings and not Path(settings[name]).exists() and (beside.is_dir() or beside.suffix == ".toml"):
            settings[name] = str(beside)
    for name in SOURCES:
        sources = settings.get(name, [])
        if not isinstance(sources, list) or not all(isinstance(source, dict) for source in sources):
            raise DataError(f"{path}: {name} must be tables: [[{name}]] with a path each")
        settings[name] = tuple(
            _source(source, f"{path}: {name}[{at}]", path.parent, "train" if name == "train" else "validation")
            for at, source in enumerate(sources)
        )
    return settings


def make_recipe(settings: Mapping[str, Any]) -> Recipe:
    """Build a recipe and check that its numbers make sense and its files are what they were. Raises UsageError."""
    if not settings.get("train"):
        raise UsageError("no training data: give --train FILE (SQuAD-format .json, .jsonl, .parquet or a hub id)")
    recipe = Recipe(**settings)
    for name in ("epochs", "batch_size", "accumulate", "save_every", "stride"):
        if getattr(recipe, name) < 1:
            raise UsageError(f"{name} is {getattr(recipe, name)}; it must be at least 1")
    if not 0 < recipe.learning_rate < float("inf"):
        raise UsageError(f"learning_rate is {recipe.learning_rate}; it must be above 0")
    if not 0 <= recipe.warmup <= 1:
        raise UsageError(f"warmup is {recipe.warmup}; it is a share of the steps, from 0 to 1")
    if not recipe.dropout < 1:
        raise UsageError(f"dropout is {recipe.dropout}; it must be below 1")
    if not 0 <= recipe.token_dropout < 1:
        raise UsageError(f"token_dropout is {recipe.token_dropout}; it is a share of the tokens, from 0 to below 1")
    if not 0 <= recipe.base_weight < 1:
        raise UsageError(f"base_weight is {recipe.base_weight}; it is a share of the weights, from 0 to below 1")
    for name in ("weight_decay", "max_gradient_norm", "seed", "frozen_layers"):
        if not getattr(recipe, name) >= 0:
            raise UsageError(f"{name} is {getattr(recipe, name)}; it must not be negative")
    if not 0 <= recipe.distill_weight <= 1:
        raise UsageError(f"distill_weight is {recipe.distill_weight}; it is a share of the loss, from 0 to 1")
    if not 0 < recipe.distill_temperature < float("inf"):
        raise UsageError(f"distill_temperature is {recipe.distill_temperature}; it must be above 0, like 2")
    if recipe.stride >= recipe.max_length:
        raise UsageError(f"stride is {recipe.stride} but max_length only {recipe.max_length}; it must be smaller")
    choices = {
        "precision": ("auto", "float32", "bfloat16", PURE, "float16"),
        "save_precision": ("float32", "float16"),
        "keep": ("best", "last"),
        "track": ("", "tensorboard", "mlflow"),
    }
    for name, known in choices.items():
        if getattr(recipe, name) not in known:
            raise UsageError(f"{name} is {getattr(recipe, name)!r}; it must be one of {', '.join(filter(None, known))}")
    for source in (*recipe.train, *recipe.eval, *recipe.tune):
        if source.keep not in ("all", "answerable", "unanswerable"):
            raise UsageError(f"{source.path}: keep is {source.keep!r}; it must be all, answerable or unanswerable")
        if len(source.part) != 2 or not 0 <= source.part[0] < source.part[1] <= 1:
            raise UsageError(
                f"{source.path}: part is {list(source.part)}; it is two shares of the articles, from and to, like "
                "[0.0, 0.8]"
            )
        if not (source.limit >= 0 and 0 <= source.negatives_ratio < float("inf")):
            raise UsageError(
                f"{source.path}: limit is {source.limit} and negatives_ratio {source.negatives_ratio}; neither may be "
                "negative"
            )
        check_kinds(source.negatives, source.path)
        if source.sha256 and Path(source.path).is_file() and (found := sha256(Path(source.path))) != source.sha256:
            raise DataError(f"{source.path}: its SHA-256 is {found}, the recipe was made for {source.sha256}")
    return recipe


def as_dict(recipe: Recipe) -> dict[str, Any]:
    """The recipe as plain values, for JSON."""
    return asdict(recipe)


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    """Where two recipes (as dicts) differ, one line each, as ``train[0].limit: 0 → 5``.

    A setting that one of them does not know, being older than the setting, has its default there.
    """
    first, second = (json.loads(json.dumps(_flat(settings))) for settings in (one, other))
    changes = []
    for name in sorted(first.keys() | second.keys()):
        before, after = (values.get(name, _default(name)) for values in (first, second))
        if before != after:
            changes.append(f"{name}: {before!r} → {after!r}")
    return changes


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting by its full name."""
    flat = {name: value for name, value in settings.items() if name not in SOURCES}
    for name in SOURCES:
        for at, source in enumerate(settings.get(name, ())):
            flat |= {f"{name}[{at}].{key}": value for key, value in source.items()}
    return flat


def _default(name: str) -> Any:
    """The default of a setting by its full name, as JSON knows it; None where it has none."""
    known = fields(Source) if "." in name else fields(Recipe)
    default = {field.name: field.default for field in known}.get(name.rpartition(".")[2])
    return None if default is MISSING else list(default) if isinstance(default, tuple) else default


def _checked(content: dict[str, Any], kind: type, where: str) -> dict[str, Any]:
    hints = get_type_hints(kind)
    known = [field.name for field in fields(kind)]
    for name, value in list(content.items()):
        if name not in known:
            raise DataError(f"{where}: unknown setting {name!r}; known: {', '.join(known)}")
        wanted = hints[name]
        fits = isinstance(value, wanted) if wanted in (str, bool) else True
        if wanted == tuple[str, ...]:
            fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
            content[name] = tuple(value) if fits else value
        if wanted == tuple[float, ...]:
            fits = isinstance(value, list) and all(type(item) in (int, float) for item in value)
            content[name] = tuple(float(item) for item in value) if fits else value
        if wanted in (int, float):
            fits = isinstance(value, (int, float) if wanted is float else int) and not isinstance(value, bool)
        if not fits:
            lists = {tuple[str, ...]: "a list of texts", tuple[float, ...]: "a list of numbers"}
            what = lists.get(wanted) or wanted.__name__
            raise DataError(f"{where}: {name} must be {what}, not {value!r}")
    return content


def _source(content: dict[str, Any], where: str, beside: Path, split: str) -> Source:
    source = Source(**{"path": "", **_checked(content, Source, where)})
    if not source.path:
        raise DataError(f"{where}: no path; give a SQuAD-format file or a hub id")
    if Path(source.path).exists():
        return source
    if (beside / source.path).exists():
        return replace(source, path=str(beside / source.path))
    # Not a file, so a hub id: what is trained on is its training split, never the one that others report on.
    return replace(source, split=source.split or split)
