"""Evaluates the whole pipeline over an index in parts: reader, retrieval, both together. Knows no formula, no layout.

A report is a dict of plain values, as docs/evaluation.md describes it; ``FORMAT`` is its version.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odqa import __version__
from odqa.answering.fitted import Fit
from odqa.answering.pipeline import SPANS_PER_CONTEXT, UNFITTED
from odqa.answering.ranking import RANKINGS
from odqa.errors import UsageError
from odqa.evaluation.baselines import best_sentence
from odqa.evaluation.bootstrap import confidence_interval
from odqa.evaluation.failures import audit, audited, failures
from odqa.evaluation.judging import Judge, Judged
from odqa.evaluation.languages import check_language
from odqa.evaluation.metrics import rouge1_f1
from odqa.evaluation.readings import Readings
from odqa.evaluation.report import LEVEL, check_examples, judge, score
from odqa.evaluation.retrieval import recall, reciprocal_rank
from odqa.evaluation.search import Progress, Read, Search, ks_up_to, read, search
from odqa.evaluation.slices import slices
from odqa.evaluation.trust import trust
from odqa.index.retriever import Retriever
from odqa.retrieval.words import Analyzer
from odqa.types import Example, Mode

if TYPE_CHECKING:
    from odqa.evaluation.report import Report
    from odqa.reader.model import Reader

FORMAT = 1
KIND = "pipeline"
MRR = 10


@dataclass(frozen=True, slots=True)
class Setting:
    """How to evaluate: ``ranking`` None is the best one fitted, ``fit`` None the reader's own rule."""

    k: int = 20
    fit: Fit | None = None
    ranking: str | None = None
    language: str = "en"
    ablate: bool = False


def evaluate_pipeline(
    examples: Sequence[Example],
    retrievers: Mapping[Mode, Retriever],
    mode: Mode,
    readings: Readings,
    setting: Setting,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Ask every question of the index and score what comes of it.

    ``retrievers`` holds the one of ``mode``, and those of the other modes where the setting asks for an ablation. What
    is read is remembered by ``readings``. Raises DataError without questions, UsageError for a k below 1, a language
    or a ranking that there is not, and a ranking of which nothing was fitted.
    """
    check_examples(examples)
    check_language(setting.language)
    if setting.k < 1:
        raise UsageError(f"k must be at least 1, not {setting.k}")
    if setting.ablate and setting.fit is None:
        raise UsageError("an ablation compares rankings, and none was fitted for this reader; run `odqa tune` first")
    began = time.perf_counter()
    tell = progress or (lambda what, done, total: None)
    found = search(examples, retrievers[mode], setting.k, lambda done: tell("Searching", done, len(examples)))
    results = read(found.questions, setting.k, readings, lambda done, total: tell("Reading passages", done, total))
    gold = readings.read(
        [(one.question, one.example.context) for one in found.questions],
        SPANS_PER_CONTEXT,
        lambda done: tell("Reading gold passages", done, len(examples)),
    )
    ranking = setting.fit.get(setting.ranking) if setting.fit else None
    reader = readings.reader
    judge_of = Judge(reader, ranking, setting.language)
    judged = list(_told(judge_of.judge(results, setting.k), "Ranking", len(results), tell))
    removed = list(judge_of.judge_removed(results, setting.k))
    alone = judge(
        examples,
        gold,
        threshold=reader.no_answer_threshold,
        temperature=reader.temperature,
        language=setting.language,
    )
    candidates = audit(judged)
    report = {
        "format": FORMAT,
        "kind": KIND,
        "questions": dict(score(examples, {}, language=setting.language)["dataset"]),
        "language": setting.language,
        "index": _index(retrievers[mode]),
        "mode": str(mode),
        "k": setting.k,
        "odqa": __version__,
        "reader": reader.name,
        "reader_hash": reader.content_hash[:16],
        "fitted": _fitted(setting.fit) if ranking else "",
        "ranking": ranking.name if ranking else UNFITTED,
        "gold_by": "context" if found.by_context else "answer text",
        "levels": {
            "reader": _level(alone.report),
            "retrieval": _retrieval(found),
            "pipeline": _level(_report(judged, setting.language)) | {"top5": _top(judged)},
        },
        "baselines": _baselines(judged, setting.language, Analyzer(setting.language)),
        "trust": trust(judged, removed),
        "by_k": [
            _at(k, judged if k == setting.k else list(judge_of.judge(results, k)), setting.language)
            for k in ks_up_to(setting.k)
        ],
        "slices": _slices(judged),
        "failures": failures(judged, setting.k),
        "audit": audited(candidates) | {"without": _without(judged, candidates, setting.language)},
        "ablation": None,
        "scores": _columns(judged),
    }
    if setting.ablate and setting.fit:
        by_mode = {
            other: results if other == mode else _results(examples, retriever, other, readings, setting.k, tell)
            for other, retriever in retrievers.items()
        }
        report["ablation"] = [
            row for other in by_mode for row in _ablation(other, by_mode[other], reader, setting, tell)
        ]
    report["seconds"] = time.perf_counter() - began
    return report


def sources(path: str | Path) -> dict[str, Any]:
    """The file of a dataset and its hash, by which reports are told to be of the same questions."""
    from odqa.files import sha256

    file = Path(path)
    return {"dataset": file.name or str(path), "sha256": sha256(file) if file.is_file() else None}


def _told(judged: Iterable[Judged], what: str, total: int, tell: Progress) -> Iterator[Judged]:
    for one in judged:
        tell(what, 1, total)
        yield one


def _report(judged: Sequence[Judged], language: str) -> Report:
    """The scores of the pipeline's decisions; the score difference is the probability that there is no answer."""
    return score(
        [one.searched.example for one in judged],
        {one.id: one.prediction for one in judged},
        forced={one.id: one.first.text if one.first else "" for one in judged},
        score_differences={one.id: one.decision.no_answer_probability for one in judged},
        language=language,
    )


def _level(report: Report) -> dict[str, Any]:
    """What is shown side by side of the reader alone and of the pipeline."""
    names = ("rouge1_f1", "rouge1_f1_answerable", "rouge1_f1_answerable_forced", "exact_match", "f1")
    return {
        **{name: report[name] for name in names},  # type: ignore[literal-required]
        "has_answer_exact_match": report["has_answer"]["exact_match"],
        "has_answer_f1": report["has_answer"]["f1"],
        "no_answer_accuracy": report["no_answer"]["accuracy"],
        "best_threshold_f1": report["best_threshold"]["f1"],
        "auroc": report["auroc"],
        "intervals": dict(report["intervals"]),
    }


def _top(judged: Sequence[Judged]) -> dict[str, float | None]:
    """The best of the first five answers, over the answerable questions, whatever was abstained from."""
    some = [one.top5 for one in judged if one.answerable]
    return {
        "rouge1_f1": _mean([one.rouge1_f1 for one in some]),
        "exact_match": _mean([one.exact_match for one in some]),
        "f1": _mean([one.f1 for one in some]),
    }


def _retrieval(found: Search) -> dict[str, Any]:
    """Recall and MRR of the gold passage over the answerable questions; the first of its pieces counts."""
    ranks = [one.gold_ranks()[:1] for one in found.questions if one.example.answerable]
    depths = sorted({1, *ks_up_to(found.k)})
    scores = {f"recall@{k}": [recall(some, 1, k) for some in ranks] for k in depths}
    scores[f"mrr@{MRR}"] = [reciprocal_rank(some, MRR) for some in ranks]
    return {
        **{name: _mean(values) for name, values in scores.items()},
        "intervals": {
            name: confidence_interval(values, level=LEVEL) if values else None for name, values in scores.items()
        },
    }


def _baselines(judged: Sequence[Judged], language: str, stems: Analyzer) -> dict[str, dict[str, float | None]]:
    """Never to answer, and the sentence of the first passage that matches best."""
    references = {one.id: [reference.text for reference in one.searched.example.references] for one in judged}
    sentence = {
        one.id: rouge1_f1(
            best_sentence(one.searched.question, one.searched.hits, stems), references[one.id], language=language
        )
        for one in judged
    }
    answerable = [one.id for one in judged if one.answerable]
    return {
        "always abstain": {
            "rouge1_f1": _mean([float(not one.answerable) for one in judged]),
            "rouge1_f1_answerable": 0.0 if answerable else None,
        },
        "best sentence of the first passage": {
            "rouge1_f1": _mean(list(sentence.values())),
            "rouge1_f1_answerable": _mean([sentence[key] for key in answerable]),
        },
    }


def _at(k: int, judged: Sequence[Judged], language: str) -> dict[str, Any]:
    """What one threshold does at ``k``."""
    report = _report(judged, language)
    return {
        "k": k,
        "coverage": _mean([float(one.answered) for one in judged]),
        "coverage_at_0.8": _mean([float(one.confidence >= 0.8) for one in judged]),
        "rouge1_f1": report["rouge1_f1"],
        "rouge1_f1_answerable": report["rouge1_f1_answerable"],
        "rouge1_f1_answerable_forced": report["rouge1_f1_answerable_forced"],
        "auroc": report["auroc"],
    }


def _slices(judged: Sequence[Judged]) -> dict[str, list[dict[str, Any]]]:
    """Scores of the answerable questions by what they are like, largest slice first."""
    answerable = [one for one in judged if one.answerable]
    found = {}
    for name, of in slices():
        groups: dict[str, list[Judged]] = defaultdict(list)
        for one in answerable:
            groups[of(one)].append(one)
        found[name] = [
            {
                "name": group,
                "questions": len(some),
                "rouge1_f1": _mean([one.given.rouge1_f1 for one in some]),
                "rouge1_f1_forced": _mean([one.forced.rouge1_f1 for one in some]),
                "answered": _mean([float(one.answered) for one in some]),
            }
            for group, some in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        ]
    return found


def _without(judged: Sequence[Judged], candidates: Sequence[Judged], language: str) -> dict[str, Any] | None:
    """The pipeline's scores without the audit's candidates."""
    out = {one.id for one in candidates}
    rest = [one for one in judged if one.id not in out]
    return _level(_report(rest, language)) if rest else None


def _results(
    examples: Sequence[Example], retriever: Retriever, mode: Mode, readings: Readings, k: int, tell: Progress
) -> list[Read]:
    """What is found and read in another mode than the one that is evaluated."""
    found = search(examples, retriever, k, lambda done: tell(f"Searching ({mode})", done, len(examples)))
    return read(found.questions, k, readings, lambda done, total: tell(f"Reading ({mode})", done, total), removed=False)


def _ablation(
    mode: Mode, results: Sequence[Read], reader: Reader, setting: Setting, tell: Progress
) -> Iterator[dict[str, Any]]:
    """Each ranking at each k, as it was fitted."""
    assert setting.fit is not None
    ks = ks_up_to(setting.k)
    for name in RANKINGS:
        judge_of = Judge(reader, setting.fit.get(name), setting.language)
        for k in ks:
            judged = list(judge_of.judge(results, k))
            tell(f"Ranking ({mode})", 1, len(RANKINGS) * len(ks))
            yield {"mode": str(mode), "ranking": name, **_at(k, judged, setting.language)}


def _columns(judged: Sequence[Judged]) -> dict[str, list[Any]]:
    """What a comparison of two reports needs of every question, column by column."""
    return {
        "id": [one.id for one in judged],
        "answerable": [one.answerable for one in judged],
        "rouge1_f1": [round(one.given.rouge1_f1, 6) for one in judged],
        "exact_match": [int(one.given.exact_match) for one in judged],
        "f1": [round(one.given.f1, 6) for one in judged],
        "rouge1_f1_forced": [round(one.forced.rouge1_f1, 6) for one in judged],
        "prediction": [one.prediction for one in judged],
        "confidence": [round(one.confidence, 6) for one in judged],
    }


def _fitted(fit: Fit | None) -> str:
    """What the ranking was fitted on, in words."""
    record = fit.record if fit else {}
    return f"{record['questions']:,} questions of {record.get('dataset', 'a dataset')}" if "questions" in record else ""


def _index(retriever: Retriever) -> dict[str, Any]:
    manifest = retriever.index.manifest
    return {"folder": retriever.index.folder.name, "passages": len(retriever.index), "encoder": manifest.encoder}


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
