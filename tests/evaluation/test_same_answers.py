"""What is evaluated is what is asked: the same answers with the same confidence, whatever decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.deciders import Decision, Enough, ReaderRule
from odqa.answering.fit_file import Fit, decider
from odqa.answering.pipeline import Pipeline, answer_from_context
from odqa.answering.ranking import RANKINGS
from odqa.evaluation.confidence import expected_calibration_error
from odqa.evaluation.judging import KEPT
from odqa.evaluation.metrics import exact_match
from odqa.evaluation.pipeline import Dataset, EvaluationSettings, evaluate_pipeline
from odqa.evaluation.reader import evaluate, evaluate_cases, read_cases
from odqa.evaluation.readings import Readings
from odqa.index.retriever import Retriever
from odqa.types import Document, Example, Mode, Reading, Reference, Response, Span
from odqa.views import Context

ALL = 100  # More answers than there are.


@dataclass
class Fake:
    """A reader that finds what it is given for a question and a text, as many spans as are asked for."""

    readings: Mapping[tuple[str, str], Reading]
    no_answer_threshold: float = 0.0
    temperature: float = 1.0

    def read(self, questions: Sequence[str], contexts: Sequence[Context], *, n_best: int, **_: Any) -> list[Reading]:
        texts = [context.text for context in contexts]
        found = [self.readings[pair] for pair in zip(questions, texts, strict=True)]
        return [replace(one, spans=one.spans[:n_best]) for one in found]


def asked(example: Example, reader: Any) -> Response:
    document = Document(example.id, example.title, example.context, "")
    return answer_from_context(example.question, [document], reader, n=ALL)


def found(response: Response) -> Decision:
    """The decision that a response shows, of all answers, given or withheld."""
    assert response.abstention is not None
    return Decision(response.answers or response.withheld, response.no_answer_probability, response.abstention)


@st.composite
def read_examples(draw: st.DrawFn) -> tuple[list[Example], Fake]:
    """Questions over short texts of few letters, in which places overlap and say the same, and a reader of them."""
    reader = Fake({}, draw(st.floats(-5, 5)), draw(st.floats(0.05, 20)))
    examples, readings = [], {}
    for number in range(draw(st.integers(1, 4))):
        context = draw(st.text("ab 1", min_size=2, max_size=14).filter(str.strip))
        spans = []
        for _ in range(draw(st.integers(0, 24))):
            start = draw(st.integers(0, len(context) - 1))
            spans.append(Span(start, draw(st.integers(start + 1, len(context))), draw(st.floats(-10, 10))))
        question = f"which {number}?"
        spans.sort(key=lambda span: -span.score)
        readings[question, context] = Reading(tuple(spans), draw(st.floats(-3, 3)))
        answers = draw(st.lists(st.sampled_from(["a", "b", "1", "a b"]), max_size=2))
        # As datasets have it: spaces around a question, and a line break in it, are no part of it.
        typed = draw(st.sampled_from([question, f" {question}\n", question.replace(" ", "\t")]))
        examples.append(Example(f"q{number}", typed, context, tuple(Reference(text, 0) for text in answers), "Title"))
    return examples, replace(reader, readings=readings)


@given(read_examples())
def test_a_question_with_its_context_is_decided_as_it_is_when_asked(some: tuple[list[Example], Fake]) -> None:
    examples, reader = some
    evaluation = evaluate(examples, reader)
    responses = [asked(example, reader) for example in examples]
    for example, judgement, response in zip(examples, evaluation.judgements, responses, strict=True):
        decision = found(response)
        assert judgement.decision == replace(decision, answers=decision.answers[:KEPT])
        assert judgement.confidence == (decision.answers[0].confidence if decision.answers else 0.0)
        assert evaluation.predictions[example.id] == (response.answers[0].text if response.answers else "")
    # So is the confidence whose calibration is reported.
    assert evaluation.report.calibration is not None
    assert evaluation.report.calibration.after.expected_calibration_error == pytest.approx(
        expected_calibration_error(
            [found(response).confidence for response in responses],
            [
                exact_match(
                    response.answers[0].text if response.answers else "", [one.text for one in example.references]
                )
                for example, response in zip(examples, responses, strict=True)
            ],
        )
    )


@given(read_examples(), st.floats(-5, 5), st.floats(0.05, 20))
def test_what_was_read_once_is_judged_by_any_rule_as_a_reader_with_these_settings_is_asked(
    some: tuple[list[Example], Fake], threshold: float, temperature: float
) -> None:
    examples, reader = some
    cases, _ = read_cases(examples, reader)
    evaluation = evaluate_cases(cases, ReaderRule(threshold, temperature))
    other = replace(reader, no_answer_threshold=threshold, temperature=temperature)
    assert evaluation.judgements == evaluate(examples, other).judgements


def test_mentions_that_add_up_are_the_answer_both_asked_and_evaluated() -> None:
    # Anna has the best place, but Bert's two have more probability together.
    context = "Anna met Bert. Bert laughed."
    spans = (Span(0, 4, 3.0), Span(9, 13, 2.9), Span(15, 19, 2.8))
    reader = Fake({("who laughed?", context): Reading(spans, 0.0)})
    example = Example("q", "who laughed?", context, (Reference("Bert", 15),))
    response = asked(example, reader)
    assert [answer.text for answer in response.answers] == ["Bert", "Anna"]
    evaluation = evaluate([example], reader)
    (judgement,) = evaluation.judgements
    assert evaluation.predictions == {"q": "Bert"}
    assert judgement.confidence == response.answers[0].confidence
    assert evaluation.report.scores.exact_match == 1.0


@pytest.mark.parametrize(
    ("mode", "ranking"),
    [*((mode, None) for mode in Mode), *((Mode.HYBRID, name) for name in RANKINGS), (Mode.BM25, "evidence")],
)
def test_over_an_index_the_report_holds_what_the_pipeline_answers(
    mode: Mode,
    ranking: str | None,
    examples: list[Example],
    retrievers: dict[Mode, Retriever],
    readings: Readings,
    fit: Fit,
) -> None:
    # None stands for an index where nothing was fitted.
    fitted = fit if ranking else None
    typed = [replace(one, question=f"\t{one.question}  ") for one in examples]
    setting = EvaluationSettings(k=3, fit=fitted, ranking=ranking)
    scores = evaluate_pipeline(Dataset(typed), retrievers, mode, readings, setting).scores
    pipeline = Pipeline(retrievers[mode], readings.reader, decider(readings.reader, fitted, ranking))
    responses = list(pipeline.ask_many([one.question for one in typed], k=3, n=ALL))
    assert scores.prediction == tuple(one.answers[0].text if one.answers else "" for one in responses)
    first = [(*one.answers, *one.withheld)[:1] for one in responses]
    assert scores.confidence == pytest.approx([some[0].confidence if some else 0.0 for some in first], abs=2e-6)
    assert any(scores.prediction)


@pytest.mark.parametrize("exhaustive", [False, True])
def test_no_more_is_read_for_the_report_than_for_the_answers(
    exhaustive: bool,
    examples: list[Example],
    retrievers: dict[Mode, Retriever],
    readings: Readings,
    fit: Fit,
) -> None:
    # Some questions are answered by five passages, and are not read to the end.
    rules = {name: replace(rule, enough=Enough(5, 0.0)) for name, rule in fit.rankings.items()}
    fitted = replace(fit, rankings=rules)
    setting = EvaluationSettings(k=6, fit=fitted, exhaustive=exhaustive)
    report = evaluate_pipeline(Dataset(examples), retrievers, Mode.HYBRID, readings, setting)
    pipeline = Pipeline(retrievers[Mode.HYBRID], readings.reader, decider(readings.reader, fitted))
    asked = [one.question for one in examples]
    responses = list(pipeline.ask_many(asked, k=6, n=KEPT, exhaustive=exhaustive))
    assert report.scores.prediction == tuple(one.answers[0].text if one.answers else "" for one in responses)
    first = [(*one.answers, *one.withheld)[0] for one in responses]
    assert report.scores.confidence == pytest.approx([one.confidence for one in first], abs=2e-6)
    read = [one.passages_read for one in responses]
    assert set(read) == ({6} if exhaustive else {5, 6})
    assert report.passages_read == pytest.approx(sum(read) / len(read))


def test_the_reader_s_level_over_an_index_is_that_of_asking_with_the_context(
    examples: list[Example], retrievers: dict[Mode, Retriever], readings: Readings
) -> None:
    # Where a text says everything four times, the mentions of the first answer are not always those of the best span.
    reader = readings.reader
    repeated = [replace(one, question=f" {one.question}\t", context=" ".join([one.context] * 4)) for one in examples]
    first = [found(asked(one, reader)).answers[0].text for one in repeated]
    best = [one.spans[0] for one in reader.read([one.question for one in repeated], [one.context for one in repeated])]
    assert first != [one.context[span.start : span.end] for one, span in zip(repeated, best, strict=True)]
    right = [replace(one, references=(Reference(text, 0),)) for one, text in zip(repeated, first, strict=True)]
    report = evaluate_pipeline(Dataset(right), retrievers, Mode.HYBRID, readings, EvaluationSettings(k=1))
    assert report.levels.reader.rouge1_f1_answerable_forced == 1.0
