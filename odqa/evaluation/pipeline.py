"""Questions, an index and a reader go in; the report of the whole pipeline, in parts, comes out. Knows no layout."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from odqa import __version__
from odqa.answering.deciders import Decider
from odqa.answering.fit_file import Fit, decider, reader_rule
from odqa.answering.pipeline import SPANS_PER_CONTEXT
from odqa.answering.question import tidy
from odqa.answering.ranking import RANKINGS
from odqa.arguments import check_count
from odqa.corpus.blocks import context_of_example
from odqa.errors import UsageError
from odqa.evaluation.cases import Case, Dataset, Queries, in_context, ks_up_to, read, search
from odqa.evaluation.confidence import trust
from odqa.evaluation.failures import SHOWN, audit, failures, specimen
from odqa.evaluation.judging import Judge, Judgement
from odqa.evaluation.languages import check_language
from odqa.evaluation.levels import counts, interval, level, top_scores
from odqa.evaluation.metrics import best_sentence, mean, recall, reciprocal_rank, rouge1_f1
from odqa.evaluation.readings import Readings
from odqa.evaluation.report import (
    FORMAT,
    KIND,
    Audit,
    Baseline,
    Depth,
    IndexFacts,
    Levels,
    QuestionScores,
    Report,
    RetrievalScores,
)
from odqa.evaluation.slices import slices
from odqa.index.retriever import Retriever
from odqa.retrieval.words import Analyzer
from odqa.types import Example, Mode, Progress

MRR = 10  # The depth of MRR, or k where that is less.
CONFIDENT = 0.8  # The confidence from which answers are counted at every k.


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """How to evaluate: ``ranking`` None is the best one fitted, ``fit`` None the reader's own rule.

    ``answerable`` is the share of the questions that is expected to have an answer; None means half. Decisions need no
    more passages than those of ``odqa ask``, unless ``exhaustive``: all of the k best.
    """

    k: int = 20
    fit: Fit | None = None
    ranking: str | None = None
    language: str = "en"
    ablate: bool = False
    exhaustive: bool = False
    answerable: float | None = None


def evaluate_pipeline(
    dataset: Dataset,
    retrievers: Mapping[Mode, Retriever],
    mode: Mode,
    readings: Readings,
    setting: EvaluationSettings,
    progress: Progress | None = None,
) -> Report:
    """Ask every question of the index and score what comes of it.

    ``retrievers`` holds the one of ``mode``, and those of the other modes where the setting asks for an ablation. What
    is read is remembered by ``readings``. Raises UsageError for a k below 1, for an
    unknown language or ranking, and for a ranking where nothing was fitted.
    """
    began = time.perf_counter()
    tell = progress or (lambda what, done, total: None)
    examples, k, language = dataset.examples, setting.k, setting.language
    rule = _check(readings, setting)
    found = search(examples, retrievers[mode], k, lambda done: tell("Searching", done, len(examples)), dataset.sources)
    cases = read(found.queries, k, readings, lambda done, total: tell("Reading passages", done, total))
    alone = _judge_alone(examples, readings, language, tell)
    judge = Judge(rule, language, exhaustive=setting.exhaustive)
    judgements = list(_told(judge.judge(cases, k), "Ranking", len(cases), tell))
    by_k = [(one, judgements if one == k else list(judge.judge(cases, one))) for one in ks_up_to(k)]
    index = retrievers[mode].index
    return Report(
        format=FORMAT,
        kind=KIND,
        odqa=__version__,
        dataset=dataset.name,
        sha256=dataset.sha256,
        language=language,
        questions=counts(judgements),
        index=IndexFacts(index.address.name, len(index), index.manifest.encoder),
        mode=str(mode),
        k=k,
        reader=readings.reader.name,
        reader_hash=readings.reader.content_hash[:16],
        ranking=rule.name,
        fitted=_fitted(setting.fit),
        gold_by="context" if found.by_context else "answer text",
        levels=Levels(level(alone), _retrieval(found), level(judgements), top_scores(judgements)),
        baselines=_baselines(judgements, language),
        trust=trust(judgements, list(judge.judge_removed(cases, k))),
        by_k=tuple(_depth(mode, rule.name, one, some) for one, some in by_k),
        slices=slices(judgements),
        failures=failures(judgements, k),
        audit=_audit(judgements),
        ablation=tuple(_ablation(dataset, retrievers, {mode: cases}, readings, setting, tell)),
        scores=_columns(judgements),
        seconds=time.perf_counter() - began,
        passages_read=mean([float(one.passages) for one in judgements]),
        answerable=setting.answerable,
    )


def _check(readings: Readings, setting: EvaluationSettings) -> Decider:
    """What decides; everything that can be refused is refused here, before anything is searched or read."""
    check_language(setting.language)
    check_count("k", setting.k)
    if setting.ablate and setting.fit is None:
        raise UsageError("an ablation compares rankings, and none was fitted for this reader; run `odqa tune` first")
    return decider(readings.reader, setting.fit, setting.ranking, setting.answerable)


def _judge_alone(examples: Sequence[Example], readings: Readings, language: str, tell: Progress) -> list[Judgement]:
    """The reader on each question's own context, by its own rule."""
    found = readings.read(
        [(tidy(example.question), context_of_example(example)) for example in examples],
        SPANS_PER_CONTEXT,
        lambda done: tell("Reading gold passages", done, len(examples)),
    )
    return list(Judge(reader_rule(readings.reader), language).judge(in_context(examples, found), 1))


def _told(judgements: Iterable[Judgement], what: str, total: int, tell: Progress) -> Iterator[Judgement]:
    for one in judgements:
        tell(what, 1, total)
        yield one


def _retrieval(found: Queries) -> RetrievalScores:
    """Recall and MRR of the gold passage over the answerable questions; the first of its pieces counts."""
    ranks = [one.gold_ranks()[:1] for one in found.queries if one.example.answerable]
    recalls = {k: [recall(some, 1, k) for some in ranks] for k in sorted({1, *ks_up_to(found.k)})}
    depth = min(MRR, found.k)  # Further down nothing is searched for.
    reciprocal = [reciprocal_rank(some, depth) for some in ranks]
    return RetrievalScores(
        recall={k: mean(values) for k, values in recalls.items()},
        recall_intervals={k: interval(values) for k, values in recalls.items()},
        mrr=mean(reciprocal),
        mrr_interval=interval(reciprocal),
        mrr_depth=depth,
    )


def _baselines(judgements: Sequence[Judgement], language: str) -> tuple[Baseline, ...]:
    """Never to answer, and the sentence of the first passage that matches best."""
    stems = Analyzer(language)
    sentence = [
        rouge1_f1(
            best_sentence(one.query.question, one.query.hits, stems),
            [reference.text for reference in one.query.example.references],
            language,
        )
        for one in judgements
    ]
    of_answerable = [value for value, one in zip(sentence, judgements, strict=True) if one.answerable]
    return (
        Baseline(
            "always abstain", mean([float(not one.answerable) for one in judgements]), 0.0 if of_answerable else None
        ),
        Baseline("first passage's best sentence", mean(sentence), mean(of_answerable)),
    )


def _depth(mode: Mode, ranking: str, k: int, judgements: Sequence[Judgement]) -> Depth:
    """What one threshold does at ``k``."""
    scores = level(judgements)
    return Depth(
        mode=str(mode),
        ranking=ranking,
        k=k,
        answered=mean([float(one.answered) for one in judgements]),
        confident=mean([float(one.confidence >= CONFIDENT) for one in judgements]),
        rouge1_f1=scores.rouge1_f1,
        rouge1_f1_answerable=scores.rouge1_f1_answerable,
        rouge1_f1_answerable_forced=scores.rouge1_f1_answerable_forced,
        auroc=scores.auroc,
    )


def _audit(judgements: Sequence[Judgement]) -> Audit:
    candidates = audit(judgements)
    out = {one.id for one in candidates}
    rest = [one for one in judgements if one.id not in out]
    return Audit(len(candidates), tuple(specimen(one) for one in candidates[:SHOWN]), level(rest) if rest else None)


def _ablation(
    dataset: Dataset,
    retrievers: Mapping[Mode, Retriever],
    known: Mapping[Mode, Sequence[Case]],
    readings: Readings,
    setting: EvaluationSettings,
    tell: Progress,
) -> Iterator[Depth]:
    """Each mode with each ranking at each k, as it was fitted; ``known`` are the cases that are read already."""
    if not setting.ablate:
        return
    ks = ks_up_to(setting.k)
    # The mode that is evaluated comes first.
    for mode in (*known, *(other for other in retrievers if other not in known)):
        cases = known.get(mode) or _cases(dataset, retrievers[mode], mode, readings, setting.k, tell)
        for name in RANKINGS:
            rule = decider(readings.reader, setting.fit, name, setting.answerable)
            judge = Judge(rule, setting.language, exhaustive=setting.exhaustive)
            for k in ks:
                judgements = list(judge.judge(cases, k))
                tell(f"Ranking ({mode})", 1, len(RANKINGS) * len(ks))
                yield _depth(mode, name, k, judgements)


def _cases(
    dataset: Dataset, retriever: Retriever, mode: Mode, readings: Readings, k: int, tell: Progress
) -> list[Case]:
    """What is found and read in another mode than the one that is evaluated."""
    number = len(dataset.examples)
    found = search(
        dataset.examples, retriever, k, lambda done: tell(f"Searching ({mode})", done, number), dataset.sources
    )
    return read(found.queries, k, readings, lambda done, total: tell(f"Reading ({mode})", done, total), removed=False)


def _columns(judgements: Sequence[Judgement]) -> QuestionScores:
    """What a comparison of two reports needs of every question, column by column."""
    return QuestionScores(
        id=tuple(one.id for one in judgements),
        answerable=tuple(one.answerable for one in judgements),
        rouge1_f1=tuple(round(one.given.rouge1_f1, 6) for one in judgements),
        exact_match=tuple(one.given.exact_match for one in judgements),
        f1=tuple(round(one.given.f1, 6) for one in judgements),
        rouge1_f1_forced=tuple(round(one.forced.rouge1_f1, 6) for one in judgements),
        prediction=tuple(one.prediction for one in judgements),
        confidence=tuple(round(one.confidence, 6) for one in judgements),
    )


def _fitted(fit: Fit | None) -> str:
    """What the ranking was fitted on, in words."""
    record = fit.record if fit else {}
    return (
        f"{record['questions']:,} questions of {record.get('dataset') or 'a dataset'}" if "questions" in record else ""
    )
