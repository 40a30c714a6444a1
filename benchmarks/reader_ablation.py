"""What does each ingredient of the default reader give? Measured on held-out questions, never on SQuAD v2 dev.

    recipes/default-reader.sh        # makes the base and the data; the long run itself is not needed
    python benchmarks/reader_ablation.py --share 0.08 --only 0 2 3 4 5
    python benchmarks/reader_ablation.py --share 0.08 --only 0 --seed 24 --output runs/another-seed
    python benchmarks/reader_ablation.py --share 0.03 --base all-MiniLM-L6-v2 --only 0 2 3 4 5 6 --output runs/six

Each row is a run of its own over the same share of the recipe's questions with one seed, so that only what it learns
from, or how, differs. Rows that are done (runs/ablation/NUMBER) are not trained again. With a share of 0.08 a row takes
sixteen minutes on two cores with AMX. Without, a row of six layers and a share of 0.03 takes twelve.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from odqa.evaluation.reader import evaluate
from odqa.models import DEFAULT_ENCODER
from odqa.reader.model import Reader
from odqa.training import data
from odqa.training.recipe import Recipe, Source, make_recipe, read_recipe
from odqa.training.train import train
from odqa.training.watch import SilentWatcher
from odqa.types import Example

RECIPE = Path(__file__).parents[1] / "recipes" / "default-reader.toml"
OF_SQUAD, OF_DOCS = "squad-v2-train", "docs_qa"
ADAPTED = "./runs/adapted-base"  # What `odqa pretrain --base` has made of the encoder: see docs/pretraining.md.
Sources = tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Variant:
    """A row: what is done with the recipe's sources of training data, and with its settings."""

    name: str
    of: Callable[[Sources], Sources] = lambda sources: sources
    base: str = ""
    path_dropout: float | None = None


def without(*names: str) -> Callable[[Sources], Sources]:
    """Leaves out the sources with one of these names in their path."""
    return lambda sources: tuple(one for one in sources if not any(name in one.path for name in names))


def answerable(sources: Sources) -> Sources:
    """SQuAD's questions without the unanswerable ones."""
    return tuple(replace(one, keep="answerable") if OF_SQUAD in one.path else one for one in sources)


def unopposed(sources: Sources) -> Sources:
    """Nothing is read over another passage."""
    return tuple(replace(one, negatives=()) for one in sources)


def squad_and_docs(sources: Sources) -> Sources:
    """Neither new Wikipedia nor other kinds of texts and questions."""
    return tuple(one for one in sources if OF_SQUAD in one.path or OF_DOCS in one.path)


VARIANTS = (
    Variant("the recipe"),
    Variant("six layers: all-MiniLM-L6-v2", base=DEFAULT_ENCODER),
    Variant("without SQuAD's unanswerable questions", answerable),
    Variant("without documentation", without(OF_DOCS)),
    Variant("without titles and headings", path_dropout=1.0),
    Variant("without retrieved passages that do not answer", unopposed),
    Variant("SQuAD and documentation alone", squad_and_docs),
    Variant("six layers, adapted to documentation before", base=ADAPTED),
)


def part(sources: Sources, share: float, seed: int) -> Sources:
    """The sources, each with the share of its questions."""
    sizes = [len(data.gather([replace(one, limit=0, negatives=())], seed)[0]) for one in sources]
    limits = [min(one.limit or size, size) for one, size in zip(sources, sizes, strict=True)]
    return tuple(replace(one, limit=max(1, round(share * limit))) for one, limit in zip(sources, limits, strict=True))


def row(name: str, reader: Reader, held_out: Sequence[Sequence[Example]]) -> str:
    """One line of the table: forced ROUGE-1 F1 with its interval, AUROC and the best threshold's F1, for each set."""
    cells = []
    for examples in held_out:
        scores = evaluate(examples, reader).report.scores
        low, high = scores.intervals["rouge1_f1_answerable_forced"]
        cells.append(f"{scores.rouge1_f1_answerable_forced:.3f} ± {(high - low) / 2:.3f}")
        cells += [f"{scores.auroc:.3f}", f"{scores.best_threshold_f1:.3f}"]
    return f"| {name} | {' | '.join(cells)} |"


def trained(variant: Variant, recipe: Recipe, share: float, folder: Path) -> Path:
    """The folder of a row's reader, trained unless it is there."""
    if not (folder / "config.json").exists():
        sources = part(variant.of(recipe.train), share, recipe.seed)
        dropout = recipe.path_dropout if variant.path_dropout is None else variant.path_dropout
        changed = replace(
            recipe, train=sources, tune=(), base=variant.base or recipe.base, path_dropout=dropout, save_every=100
        )
        train(changed, folder, SilentWatcher(), resume=True)
    return folder


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=0.04, help="of the recipe's questions (0.04)")
    parser.add_argument("--only", type=int, nargs="+", help="numbers of rows, from 0")
    parser.add_argument("--base", default="", help="another base for all rows that do not name theirs (the recipe's)")
    parser.add_argument("--seed", type=int, help="of the questions drawn and their order (the recipe's)")
    parser.add_argument("--output", type=Path, default=Path("runs/ablation"), help="the rows' readers (runs/ablation)")
    arguments = parser.parse_args()
    recipe = make_recipe(read_recipe(RECIPE))
    recipe = replace(recipe, base=arguments.base or recipe.base)
    held_out = [data.gather([source], recipe.seed)[0] for source in recipe.tune]
    if arguments.seed is not None:  # What is held out stays the same.
        recipe = replace(recipe, seed=arguments.seed)
    print("questions held out: " + ", ".join(f"{len(examples):,}" for examples in held_out) + "\n")
    print("| | SQuAD v2: forced ROUGE-1 F1 | AUROC | best-threshold F1 | documentation: forced | AUROC | best |")
    print("|---|---|---|---|---|---|---|")
    for number, variant in enumerate(VARIANTS):
        if arguments.only is None or number in arguments.only:
            folder = trained(variant, recipe, arguments.share, arguments.output / str(number))
            print(row(variant.name, Reader.load(folder), held_out), flush=True)


if __name__ == "__main__":
    main()
