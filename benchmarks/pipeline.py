"""Where answers are lost between question and answer, and whether the system knows when there is none.

    python benchmarks/pipeline.py --data ../shared/data --report runs/pipeline/report

Two corpora are indexed: one to tune on and one to report on. The first has the paragraphs of four files, none of SQuAD
v2 dev among them, and the passages of documentation in docs_qa; the second has those of SQuAD v2 dev and the same four
files as distractors. Rankings are fitted on questions over paragraphs of Wikipedia that the reader was not trained on,
a fifth as many changed so that they have no answer, real unanswerable questions of SQuAD v2's training set, and as many
answerable ones over documentation that it was not trained on either (docs_qa/tune.json; those that it calls
unanswerable are so by their own passage alone). Then all 11,873 questions of the dev set are asked of the second
corpus, which takes a good hour on two cores (``--sample`` draws some), 1,000 of them again in all modes, all rankings,
and 500 at k = 50. What was read is remembered in runs/pipeline/readings, so that a run goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import random
import shutil
from pathlib import Path

from commands import run

from odqa.answering.fit_file import own_file
from odqa.reader.model import Reader
from odqa.squad import write_examples
from odqa.training.data import gather
from odqa.training.negatives.kinds import QUESTION_KINDS
from odqa.training.recipe import Source

DEV = "squad_v2/dev-v2.0.json"
TRAIN = "squad_v2/train-slices.json"
ARTICLES = "squad_v1/dev-v1.1-other-articles.json"
UNANSWERABLE = "squad_v2/train-unanswerable.json"
DOCS = "docs_qa"
OTHERS = ("policyqa.json", ARTICLES, TRAIN, "squadshifts/new_wiki.json")
PARTS = (0.7, 1.0), (0.96, 1.0)  # The paragraphs of ARTICLES and of UNANSWERABLE that the reader was not trained on.
WIKI, REAL = 900, 400
SAMPLE = 1000
DEEP_SAMPLE = 500  # At k = 50.


def write_tuning(data: Path, target: Path, seed: int = 0) -> None:
    """Write the questions to tune on: Wikipedia and documentation in equal numbers, and unanswerable ones."""
    articles = Source(
        str(data / ARTICLES), part=PARTS[0], limit=WIKI, negatives=tuple(QUESTION_KINDS), negatives_ratio=0.2
    )
    wiki, _ = gather([articles], seed)
    real, _ = gather([Source(str(data / UNANSWERABLE), part=PARTS[1], titled=False, limit=REAL)], seed)
    docs, _ = gather([Source(str(data / DOCS / "tune.json"), keep="answerable")], seed)
    docs = random.Random(seed).sample(docs, min(len(docs), sum(example.answerable for example in wiki)))
    write_examples(target, [*wiki, *docs, *real])


def main() -> None:
    """Index, tune, evaluate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the datasets")
    parser.add_argument("--work", type=Path, default=Path("runs/pipeline"), help="folder of indexes and readings")
    parser.add_argument("--reader", default="odqa/default-reader")
    parser.add_argument("--report", type=Path, default=Path("runs/pipeline/report"))
    parser.add_argument("--sample", type=int, default=0, help="questions of the dev set that are drawn (0: all)")
    parser.add_argument("-k", default="5,20", help="numbers of passages that are tuned for together")
    options = parser.parse_args()
    work, data = options.work, options.data
    work.mkdir(parents=True, exist_ok=True)
    others = [data / name for name in OTHERS]
    for name, files in (("tuning", [*others, *sorted((data / DOCS).glob("*.json"))]), ("dev", [data / DEV, *others])):
        if not (work / name).exists():
            run("index", *files, "--index", work / name)
    common = ("--reader", options.reader, "--cache", work / "readings")
    questions, fitted = work / "tuning.jsonl", work / "ranking.json"
    write_tuning(data, questions)
    run("tune", "--index", work / "tuning", "--dataset", questions, "--output", fitted, "-k", options.k, *common)
    # The dev corpus gets the fit of the other one: nothing is fitted on what is reported.
    own = own_file(work / "dev", Reader.load(options.reader))
    own.parent.mkdir(exist_ok=True)
    shutil.copy(fitted, own)
    asked = ("--index", work / "dev", "--dataset", data / DEV, *common)
    sample = ("--sample", options.sample) if options.sample else ()
    run("eval", *asked, *sample, "--report", options.report)
    run("eval", *asked, "--sample", SAMPLE, "--ablate", "--report", f"{options.report}-ablation")
    run("eval", *asked, "--sample", DEEP_SAMPLE, "-k", 50, "--report", f"{options.report}-50")


if __name__ == "__main__":
    main()
