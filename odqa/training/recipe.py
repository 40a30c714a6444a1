"""A TOML file, flags or keyword arguments go in, a recipe comes out: every setting of a training run, checked.

Each setting is written once, here, with its type, default, help and limits: the recipe file, the command line and the
Python call read them from the fields of :class:`Recipe` and :class:`Source`. Trains nothing.
"""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, get_type_hints

from odqa.addresses import folder_of
from odqa.arguments import meant
from odqa.errors import DataError, UsageError
from odqa.evaluation.languages import DEFAULT, LANGUAGES
from odqa.files import exists, sha256
from odqa.models import DEFAULT_ENCODER
from odqa.toml_files import read_toml
from odqa.training.negatives.kinds import KINDS, check_kinds

PURE = "pure-bfloat16"
SOURCES = ("train", "eval", "tune")
# The types that a list may have: those of its items in TOML, the last of which they become, and its name.
_LISTS: dict[Any, tuple[tuple[type, ...], str]] = {
    tuple[str, ...]: ((str,), "a list of texts"),
    tuple[int, ...]: ((int,), "a list of whole numbers"),
    tuple[float, ...]: ((int, float), "a list of numbers"),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """What is known of a setting besides its name, type and default: its help and what its value may be.

    ``least`` and ``most`` may be reached, ``above`` and ``below`` may not. ``metavar`` stands for the value in the
    command line's help. Of a ``path`` the value, or each value of its list, names a file, a folder, a model or a
    dataset. ``before`` is what a run did before there was the setting, None where that was its default.
    """

    help: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    above: float | None = None
    most: float | None = None
    below: float | None = None
    metavar: str | None = None
    path: bool = False
    before: Any = None

    def fault(self, value: Any) -> str:
        """Why the value is refused, as the end of "NAME is VALUE; it must be …"; empty where it is not."""
        if self.choices and value not in self.choices:
            return f"one of {', '.join(filter(None, self.choices))}"
        limits = (
            (self.least, "at least", operator.ge),
            (self.above, "above", operator.gt),
            (self.most, "at most", operator.le),
            (self.below, "below", operator.lt),
        )
        given = [(limit, words, holds) for limit, words, holds in limits if limit is not None]
        if all(holds(value, limit) for limit, _, holds in given):
            return ""
        return " and ".join(f"{words} {_number(limit)}" for limit, words, _ in given)


def _number(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:g}"


def setting(default: Any, help: str, **limits: Any) -> Any:
    """A field of a recipe with its default (MISSING: it must be given), help and limits (see :class:`Setting`)."""
    return field(default=default, metadata={"setting": Setting(help, **limits)})


def setting_of(kind: type, name: str) -> Setting:
    """The :class:`Setting` of a field of :class:`Recipe` or :class:`Source`."""
    found: Setting = kind.__dataclass_fields__[name].metadata["setting"]  # type: ignore[attr-defined]
    return found


def settings_of(kind: type) -> tuple[str, ...]:
    """The names of a recipe's settings: its own first, then those that it has from the recipes that it is one of."""
    known: Any = kind
    own = [name for one in kind.__mro__ for name in getattr(one, "__annotations__", {})]
    return tuple(name for name in dict.fromkeys(own) if name in known.__dataclass_fields__)


def check_limits(settings: Any, prefix: str = "") -> None:
    """Raise UsageError, naming the setting, where one of a dataclass of settings has a value outside of its limits."""
    for one in fields(settings):
        value = getattr(settings, one.name)
        if fault := setting_of(type(settings), one.name).fault(value):
            shown = value if isinstance(value, float) else _short(value)
            raise UsageError(f"{prefix}{one.name} is {shown}; it must be {fault}")


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset of a recipe: a SQuAD-format file or a hub id, and what to take from it.

    Raises UsageError, naming the dataset and the setting, for a value that makes no sense.
    """

    path: str = setting(MISSING, "A SQuAD-format .json, .jsonl or .parquet file, or a hub id.", path=True)
    sha256: str = setting("", "The SHA-256 that the file must have.")
    split: str = setting("", "The split of a dataset on the hub.")
    part: tuple[float, ...] = setting(
        (0.0, 1.0),
        "The shares of the paragraphs, from which to which questions are taken, in an order made of the texts alone: "
        "two parts have no paragraph in common, even if it stands in two files.",
    )
    keep: str = setting("all", "The questions to keep.", choices=("all", "answerable", "unanswerable"))
    limit: int = setting(0, "Draw this many questions at random (0: all).", least=0)
    titled: bool = setting(True, "Read titles and headings; false where they do not name a document.")
    negatives: tuple[str, ...] = setting(
        (),
        "Make unanswerable questions of these kinds, separated by commas (a list in a recipe): "
        f"{', '.join(KINDS)}, or all (odqa make-negatives shows them).",
    )
    negatives_ratio: float = setting(0.5, "Made unanswerable questions for each answerable one.", least=0, most=100)
    license: str = setting("", "The data's licence, for the model card.")

    def __post_init__(self) -> None:
        check_limits(self, f"{self.path}: ")
        if len(self.part) != 2 or not 0 <= self.part[0] < self.part[1] <= 1:
            raise UsageError(
                f"{self.path}: part is {list(self.part)}; it must be two shares of the paragraphs, from and to, like "
                "[0.0, 0.8]"
            )
        check_kinds(self.negatives, self.path)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopRecipe:
    """The settings that the loop obeys, whatever is learned: what every recipe has (:mod:`odqa.training.task`).

    Raises UsageError, naming the setting, for a value that makes no sense.
    """

    epochs: int = setting(2, "Passes over the data.", least=1, most=1000)
    learning_rate: float = setting(5e-5, "The highest learning rate.", above=0, below=math.inf)
    warmup: float = setting(
        0.1, "Share of the steps with a rising learning rate; then it falls linearly to 0.", least=0, most=1
    )
    weight_decay: float = setting(0.01, "AdamW's weight decay of matrices.", least=0, below=math.inf)
    max_gradient_norm: float = setting(1.0, "The norm to which longer gradients are clipped.", least=0, below=math.inf)
    dropout: float = setting(-1.0, "Dropout; below 0, the base's own.", least=-1, below=1)
    precision: str = setting(
        "auto", "The arithmetic of training", choices=("auto", "float32", "bfloat16", PURE, "float16")
    )
    save_precision: str = setting("float32", "Weights on disk", choices=("float32", "float16"))
    keep: str = setting("best", "The epoch to keep (the best has the lowest held-out loss)", choices=("best", "last"))
    save_every: int = setting(500, "Optimiser steps between checkpoints.", least=1)
    seed: int = setting(0, "Seed of everything random.", least=0, most=(1 << 32) - 1)
    track: str = setting("", "Log the run (an optional extra)", choices=("", "tensorboard", "mlflow"))

    def __post_init__(self) -> None:
        check_limits(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe(LoopRecipe):
    """Every setting of a run. The defaults are the usual ones for a span head (Devlin et al. 2019, appendix A.3).

    ``docs/reader.md`` explains the settings at length. Raises UsageError, naming the setting, for a value that makes
    no sense.
    """

    train: tuple[Source, ...] = setting(
        MISSING, "Training data: SQuAD-format .json, .jsonl, .parquet, or a hub id; repeat."
    )
    eval: tuple[Source, ...] = setting((), "Data scored after each epoch; repeat for several.")
    tune: tuple[Source, ...] = setting(
        (), "Data on which the settings of answers are fitted (not what you report on); repeat."
    )
    base: str = setting(DEFAULT_ENCODER, "The model to start from: a folder, shipped name or hub id.", path=True)
    index: str = setting(
        "",
        "The index in which the answers of questions without a context are looked for, and the passages of the "
        "negatives retrieved.",
        metavar="FOLDER",
        path=True,
    )
    distill: str = setting(
        "",
        "Learn a larger reader's span distributions too: a folder, shipped name or hub id.",
        metavar="TEACHER",
        path=True,
    )
    distill_weight: float = setting(0.5, "The teacher's share of the loss, from 0 to 1.", least=0, most=1)
    distill_temperature: float = setting(
        2.0, "What softens the distributions of teacher and student.", above=0, below=math.inf
    )
    language: str = setting(
        DEFAULT, "The language of --eval and --tune, by whose rules they are scored", choices=LANGUAGES
    )
    batch_size: int = setting(32, "Windows in a batch, on each device.", least=1, most=100_000)
    accumulate: int = setting(1, "Batches for each optimiser step.", least=1, most=100_000)
    token_dropout: float = setting(
        0.0, "Share of the tokens to hide in training, against learning by heart.", least=0, below=1
    )
    path_dropout: float = setting(
        0.2,
        "Share of the questions to read without title and headings, so that bare texts stay readable.",
        least=0,
        most=1,
    )
    frozen_layers: int = setting(0, "Lowest layers, with the embeddings, to leave as the base has them.", least=0)
    base_weight: float = setting(
        0.0, "Share of the base's weights in the finished reader, if the base is one.", least=0, below=1
    )
    max_length: int = setting(384, "Tokens in a window, question included.", least=2, most=1 << 20)
    stride: int = setting(128, "Tokens that two windows of a context share.", least=1)
    plausible_answers: bool = setting(False, "Train unanswerable questions on their plausible answers.")
    group_by_length: bool = setting(True, "Batch windows of similar length.")
    keep: str = setting("best", "The epoch to keep (the best has the highest F1 on --eval)", choices=("best", "last"))

    def __post_init__(self) -> None:
        LoopRecipe.__post_init__(self)
        if self.index:
            folder_of(self.index, "training")
        if self.stride >= self.max_length:
            raise UsageError(f"stride is {self.stride} but max_length only {self.max_length}; it must be smaller")
        for name in ("base", "distill"):
            value = getattr(self, name)
            if value.endswith(".toml"):
                raise UsageError(
                    f"{name} is the recipe {value}, but it must be a model: train that recipe first (odqa train-reader "
                    f"--recipe {value} --output FOLDER), then give its folder"
                )


def same(name: str, default: Any) -> Any:
    """The setting of that name that every recipe has (:class:`LoopRecipe`), with a ``default`` of one's own."""
    return field(default=default, metadata=LoopRecipe.__dataclass_fields__[name].metadata)


def read_recipe(path: Path, kind: type = Recipe) -> dict[str, Any]:
    """The settings of a TOML file as keyword arguments for a recipe of that ``kind``.

    Relative paths are looked for from the current folder first, then from the recipe's own. Raises UsageError where
    there is no such file or a larger one than a recipe is, DataError naming an unknown or ill-typed setting.
    """
    try:
        content = read_toml(path, "epochs = 2")[1]
    except FileNotFoundError:
        raise UsageError(f"no such recipe: {path}") from None
    settings = _typed(content, kind, str(path))
    hints = get_type_hints(kind)
    for name, value in settings.items():
        if hints[name] == tuple[Source, ...]:
            settings[name] = _sources(value, name, path)
        elif setting_of(kind, name).path:
            one = isinstance(value, str)
            settings[name] = beside(value, path.parent) if one else tuple(beside(each, path.parent) for each in value)
    return settings


def _sources(tables: Any, name: str, path: Path) -> tuple[Source, ...]:
    """The datasets of a recipe, of the table ``name`` in the file ``path``. Raises DataError for what is no dataset."""
    if not isinstance(tables, list) or not all(isinstance(source, dict) for source in tables):
        raise DataError(f"{path}: {name} must be tables: [[{name}]] with a path each")
    return tuple(
        _source(source, f"{path}: {name}[{at}]", path.parent, split_of(name)) for at, source in enumerate(tables)
    )


def split_of(name: str) -> str:
    """The split of a hub's dataset that is read as ``train``, ``eval`` or ``tune``, where none is named."""
    return "train" if name == "train" else "validation"


def beside(name: str, folder: Path) -> str:
    """What a recipe in ``folder`` names: a path from the current folder, one from the recipe's own, else a hub's id."""
    return str(folder / name) if not exists(Path(name)) and exists(folder / name) else name


def make_recipe(settings: Mapping[str, Any]) -> Recipe:
    """A recipe that can be followed. Raises UsageError without training data, DataError where a pinned file changed."""
    if not settings.get("train"):
        raise UsageError("no training data: give --train FILE (SQuAD-format .json, .jsonl, .parquet or a hub id)")
    recipe = Recipe(**settings)
    check_pinned((*recipe.train, *recipe.eval, *recipe.tune))
    return recipe


def check_pinned(sources: Sequence[Source]) -> None:
    """Raise DataError for a file whose SHA-256 is not the one that its source names."""
    pinned = [source for source in sources if source.sha256]
    paths = {source.path for source in pinned}  # Each file is hashed once, however many sources are parts of it.
    hashes = {path: sha256(Path(path)) for path in paths if exists(Path(path)) and Path(path).is_file()}
    for source in pinned:
        if (found := hashes.get(source.path, source.sha256)) != source.sha256:
            raise DataError(f"{source.path}: its SHA-256 is {found}, the recipe was made for {source.sha256}")


def as_dict(recipe: Any) -> dict[str, Any]:
    """A recipe as plain values, for JSON: a :class:`Recipe`, or what another kind of run is made by."""
    return asdict(recipe)


def differences(one: Mapping[str, Any], other: Mapping[str, Any], kind: type = Recipe) -> list[str]:
    """Where two recipes of a ``kind`` (as dicts) differ, one line each, as ``train[0].limit: 0 → 5``.

    A setting that one of them lacks, because it is older than the setting, has its default or older meaning.
    """
    first, second = (json.loads(json.dumps(_flat(settings))) for settings in (one, other))
    changes = []
    for name in sorted(first.keys() | second.keys()):
        before, after = (values.get(name, _default(name, kind)) for values in (first, second))
        if before != after:
            changes.append(f"{name}: {before!r} → {after!r}")
    return changes


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Every setting by its full name."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if name in SOURCES and isinstance(value, list | tuple) and all(isinstance(one, Mapping) for one in value):
            for at, source in enumerate(value):
                flat |= {f"{name}[{at}].{key}": taken for key, taken in source.items()}
        else:
            flat[name] = value
    return flat


def _default(name: str, kind: type) -> Any:
    """What a recipe without a setting, by its full name, has for it, as JSON knows it; None where it has no default."""
    found = {one.name: one for one in fields(Source if "." in name else kind)}.get(name.rpartition(".")[2])
    if found is None:
        return None
    known: Setting | None = found.metadata.get("setting")
    default = found.default if known is None or known.before is None else known.before
    return None if default is MISSING else list(default) if isinstance(default, tuple) else default


def _typed(content: Mapping[str, Any], kind: type, where: str) -> dict[str, Any]:
    """The values of a TOML table, lists as tuples. Raises DataError for an unknown setting and a value of a wrong type.

    Tables of sources are left as they are.
    """
    hints = get_type_hints(kind)
    names = settings_of(kind)
    typed = {}
    for name, value in content.items():
        if name not in hints:
            guess = meant(name.replace("-", "_"), names)
            known = f"known: {', '.join(names)}"
            raise DataError(f"{where}: unknown setting {_short(name)}; {known}{'; ' * bool(guess)}{guess}")
        wanted = hints[name]
        typed[name] = value
        if wanted in _LISTS:
            items, what = _LISTS[wanted]
            fits = isinstance(value, list) and all(type(item) in items and _is_float(item) for item in value)
            typed[name] = tuple(map(items[-1], value)) if fits else value
        elif wanted in (str, bool, int, float):
            # TOML's integers are numbers, its booleans are not.
            fits = type(value) in ((int, float) if wanted is float else (wanted,))
            fits, what = fits and (wanted is not float or _is_float(value)), wanted.__name__
        else:
            continue
        if not fits:
            raise DataError(f"{where}: {name} must be {what}, not {_short(value)}")
    return typed


def _is_float(value: str | float) -> bool:
    """Whether a number is one that a float can hold, infinity among them; a text is not asked."""
    return not isinstance(value, int) or abs(value) < 1 << 1023


def _short(value: object) -> str:
    """A value as Python writes it, cut where it is long: a list may be as long as its file."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:79]}…"


def _source(content: dict[str, Any], where: str, beside: Path, split: str) -> Source:
    source = Source(**{"path": "", **_typed(content, Source, where)})
    if not source.path:
        raise DataError(f"{where}: no path; give a SQuAD-format file or a hub id")
    if exists(Path(source.path)):
        return source
    if exists(beside / source.path):
        return replace(source, path=str(beside / source.path))
    # Not a file, so a hub id: what is trained on is its training split, never the one that others report on.
    return replace(source, split=source.split or split)
