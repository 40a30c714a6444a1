"""What does each ingredient of the default reader's later stages give? Measured on tuning data, never on SQuAD v2 dev.

    python benchmarks/reader_ablation.py --first runs/first-reader --teacher runs/teacher --windows 4000

Each row goes on from the first stage's reader over about as many windows with one recipe and one seed, so that only the
data, or how they are learned from, differ. Rows that are done (runs/ablation/NUMBER) are not trained again. A row takes
about four minutes on two cores, one with a teacher ten.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from odqa.evaluation.reader import evaluate
from odqa.reader.model import Reader
from odqa.squad import write_examples
from odqa.training import data
from odqa.training.negatives.kinds import CONTEXT_KINDS, QUESTION_KINDS
from odqa.training.recipe import Recipe, Source, read_recipe
from odqa.training.train import train
from odqa.training.tuning import tune
from odqa.training.watch import SilentWatcher
from odqa.types import Example

RECIPE = Path(__file__).parents[1] / "recipes" / "third-reader.toml"
SEED = 3


@dataclass(frozen=True, slots=True)
class Variant:
    """A row: the kinds of made negatives, how many of them, the data beside SQuAD's slices, and how it is trained."""

    name: str
    kinds: tuple[str, ...] = ()
    ratio: float = 0.0
    beside: tuple[str, ...] = ()
    base_weight: float = 0.0
    distill_weight: float = 0.0
    token_dropout: float = 0.0


def variants(kinds: tuple[str, ...]) -> list[Variant]:
    """The rows; ``kinds`` are those of the default recipe, each as often as it is drawn there."""
    return [
        Variant("answerable questions alone"),
        Variant("the first stage's simple negatives", ("simple",), 0.7),
        Variant("changed questions", tuple(k for k in kinds if k in QUESTION_KINDS), 0.7),
        Variant("other contexts", tuple(k for k in kinds if k in CONTEXT_KINDS), 0.7),
        Variant("both, as in the recipe", kinds, 0.7),
        Variant("both, and the mean with the first stage", kinds, 0.7, base_weight=0.5),
        Variant("both, and distilled", kinds, 0.7, distill_weight=0.7),
        Variant("both, and the teacher alone", kinds, 0.7, distill_weight=1.0),
        Variant("both, and the teacher alone, tokens hidden", kinds, 0.7, distill_weight=1.0, token_dropout=0.1),
        Variant("both, and new Wikipedia articles", kinds, 0.7, ("squadshifts/new_wiki.json",)),
        Variant("both, and single sentences", kinds, 0.7, ("squad_v1/train-sentence-context.json",)),
        Variant(
            "both, and posts and reviews", kinds, 0.7, ("squadshifts/reddit.json", "squadshifts/amazon_reviews.json")
        ),
    ]


def sources(variant: Variant, folder: Path, windows: int) -> tuple[Source, ...]:
    """Sources that give about ``windows`` windows together, half of them out of the data beside, if any."""
    answerable = round(windows / (1 + variant.ratio))
    paths = ["squad_v2/train-slices.json", *variant.beside]
    shares = [0.5, *(0.5 / len(variant.beside) for _ in variant.beside)] if variant.beside else [1.0]
    return tuple(
        Source(
            str(folder / path),
            keep="answerable",
            limit=round(answerable * share),
            negatives=variant.kinds,
            negatives_ratio=variant.ratio,
        )
        for path, share in zip(paths, shares, strict=True)
    )


def row(name: str, reader: Reader, made: Sequence[Example], real: Sequence[Example]) -> str:
    """One line of the table: a reader over its questions, and over real unanswerable ones, with its fitted settings."""
    scores, refused = evaluate(made, reader).report.scores, evaluate(real, reader).report.scores.no_answer_accuracy
    low, high = scores.intervals["rouge1_f1_answerable_forced"]
    reader.length_penalty = 0.0
    plain = evaluate([example for example in made if example.answerable], reader).report.scores
    return (
        f"| {name} | {scores.rouge1_f1_answerable_forced:.3f} ± {(high - low) / 2:.3f} "
        f"| {plain.rouge1_f1_answerable_forced:.3f} "
        f"| {scores.auroc:.3f} | {scores.best_threshold_f1:.3f} | {refused:.3f} |"
    )


def held_out(folder: Path) -> tuple[list[Example], list[Example], list[Example]]:
    """Questions to fit on, made ones to measure on and real unanswerable ones; no stage was trained on their articles.

    Questions of one context stay on one side: the threshold is fitted on the one, the table shows the other.
    """
    path = folder / "squad_v1/dev-v1.1-other-articles.json"
    drawn, _ = data.gather([Source(str(path), part=(0.7, 1.0), negatives=("all",))], SEED)
    contexts = sorted({example.context for example in drawn if example.answerable})
    fit_on = set(contexts[::3])
    tuning = [example for example in drawn if example.context in fit_on]
    made = [example for example in drawn if example.context not in fit_on]
    real, _ = data.gather([Source(str(folder / "squad_v2/train-slices.json"), keep="unanswerable")], SEED)
    return tuning, made, real


def trained(variant: Variant, number: int, arguments: argparse.Namespace, held: Path, precision: str) -> Path:
    """The folder of a row's reader, trained unless it is there."""
    folder: Path = arguments.output / str(number)
    if (folder / "config.json").exists():
        return folder
    recipe = Recipe(
        train=sources(variant, arguments.data, arguments.windows),
        tune=(Source(str(held)),),
        base=str(arguments.first),
        epochs=1,
        batch_size=32,
        learning_rate=1e-4,
        warmup=0.1,
        dropout=0.0,
        base_weight=variant.base_weight,
        token_dropout=variant.token_dropout,
        distill=str(arguments.teacher) if variant.distill_weight else "",
        distill_weight=variant.distill_weight,
        precision=precision,
        seed=SEED,
    )
    train(recipe, folder, SilentWatcher(), resume=True)
    (folder / "variant.json").write_text(json.dumps({"name": variant.name}) + "\n")
    return folder


def main() -> None:
    """Train what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--first", type=Path, required=True, help="the reader that recipes/first-reader.toml made")
    parser.add_argument("--teacher", type=Path, help="the reader that recipes/teacher.toml made")
    parser.add_argument("--windows", type=int, default=4000)
    parser.add_argument("--output", type=Path, default=Path("runs/ablation"))
    arguments = parser.parse_args()
    recipe = read_recipe(RECIPE)
    tuning, made, real = held_out(arguments.data)
    arguments.output.mkdir(parents=True, exist_ok=True)
    held = arguments.output / "tuning.jsonl"
    write_examples(held, tuning)
    print(
        f"{sum(e.answerable for e in made)} answerable, {sum(not e.answerable for e in made)} made unanswerable, "
        f"{len(real)} real unanswerable questions\n"
    )
    print("| a stage on | ROUGE-1 F1, forced | no length penalty | AUROC | best-threshold F1 | real ones refused |")
    print("|---|---|---|---|---|---|")
    first = Reader.load(arguments.first)
    tuned = tune(first, tuning)
    first.length_penalty, first.no_answer_threshold = tuned.length_penalty, tuned.threshold
    print(row("none: the first stage's reader", first, made, real), flush=True)
    for number, variant in enumerate(variants(recipe["train"][0].negatives)):
        if variant.distill_weight and not arguments.teacher:
            continue
        folder = trained(variant, number, arguments, held, recipe["precision"])
        print(row(variant.name, Reader.load(folder), made, real), flush=True)


if __name__ == "__main__":
    main()
