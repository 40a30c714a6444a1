"""Does a fit of the ranking hold on each of the corpora that it was made on? After pipeline.py, on what it has read.

    python benchmarks/by_corpus.py --data ../shared/data

The questions that pipeline.py tunes on are of two corpora. The ranking is fitted on both, in folds, and what it decides
on the paragraphs held out is scored by corpus and by the number of passages that are read: token F1 with abstention and
forced, AUROC, calibration error, how many get an answer, and of how many the first answer has a confidence of 0.8, and
how many of these are exactly right.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from pipeline import DOCS

from odqa.evaluation.cases import read, search
from odqa.evaluation.readings import Readings
from odqa.fitting.ranking import crossed, outcome_of
from odqa.fitting.tuning import held_out, trials_of
from odqa.index.retriever import Retriever
from odqa.models import DEFAULT_READER
from odqa.reader.model import Reader
from odqa.reports.tables import aligned
from odqa.squad import load_examples, load_questions

SURE = 0.8


def main() -> None:
    """Read, which a second run need not, fit in folds, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the datasets")
    parser.add_argument("--work", type=Path, default=Path("runs/pipeline"), help="the folder of pipeline.py")
    parser.add_argument("--reader", default=DEFAULT_READER)
    parser.add_argument("--ranking", default="prior")
    parser.add_argument("-k", default="5,20")
    options = parser.parse_args()
    ks = [int(k) for k in options.k.split(",")]
    questions = load_questions(str(options.work / "tuning.jsonl"))
    reader = Reader.load(options.reader)
    with Retriever.open(options.work / "tuning") as retriever, Readings(reader, options.work / "readings") as readings:
        cases = read(search(questions, retriever, max(ks)).queries, max(ks), readings)
    documentation = {example.id for example in load_examples(options.data / DOCS / "tune.json")}
    trials, of = [], []
    for case in cases:
        corpus = "documentation" if case.query.example.id in documentation else "Wikipedia"
        for k in ks:
            found = trials_of(case, k)
            trials += found
            of += [(corpus, k)] * len(found)
    decisions = crossed(options.ranking, trials)
    rows = []
    for corpus, k in sorted(set(of)):
        at = [number for number, one in enumerate(of) if one == (corpus, k)]
        some, decided = [trials[one] for one in at], [decisions[one] for one in at]
        scores = held_out(decided, some)
        sure = np.array([one.first is not None and one.first.confidence >= SURE for one in decided])
        right = np.array([outcome_of(one.first, trial) == "right" for one, trial in zip(decided, some, strict=True)])
        rows.append(
            [corpus, str(k), str(len(some))]
            + [f"{scores[name]:.3f}" for name in ("f1", "forced_f1")]
            + [f"{scores['auroc'].get(kind) or float('nan'):.3f}" for kind in ("absent", "unanswerable")]
            + [f"{scores[name]:.3f}" for name in ("calibration_error", "coverage")]
            + [f"{sure.mean():.3f}", f"{right[sure].mean() if sure.any() else float('nan'):.3f}"]
        )
    head = ["corpus", "k", "cases", "F1", "forced", "AUROC absent", "unanswerable", "cal. error", "answered"]
    print(aligned([[*head, f"at {SURE}", "right"], *rows]))


if __name__ == "__main__":
    main()
