"""A fitted ranking at work, on weights of which all numbers follow by hand, and the file that keeps it."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.answering.calibrator import FEATURES, Calibrator
from odqa.answering.decision import Decision
from odqa.answering.fitted import Fit, FittedRanking, Found, check_ranking, load, own_file, read, write
from odqa.answering.ranking import RANKINGS, Weights
from odqa.errors import ModelError, UsageError
from odqa.reader.model import Reader
from odqa.types import Hit, Reading
from tests.answering.hits import hit, pairs, reading

QUESTION = "where does it lie"
ZEROS = (0.0,) * len(FEATURES)
# The odds of right : other : none are exp(margin) : 1 : 1.
BY_MARGIN = Calibrator(ZEROS, (1.0,) * len(FEATURES), ((1.0, *ZEROS[1:]), ZEROS, ZEROS), (0.0, 0.0, 0.0))
HITS = [hit(0, 24, 1), hit(25, 50, 2), hit(51, 72, 3)]


def decide(readings: list[Reading], name: str = "null", threshold: float = 0.5) -> Decision:
    return FittedRanking(name, Weights(), BY_MARGIN, threshold).decide(QUESTION, HITS, Found.of(HITS, readings))


def fit(reader: str = "hash", threshold: float = 0.5) -> Fit:
    rankings = {name: FittedRanking(name, Weights(0.7, 0.1, 1 / 3), BY_MARGIN, threshold) for name in RANKINGS}
    return Fit(reader, "evidence", rankings, {"questions": 3})


def test_answers_are_slices_of_their_document_best_first() -> None:
    # Weights: Paris 2 in the first passage and 1 in the last, Berlin 1 in the second: right 2, other 1, none 1 of 4.
    decision = decide([reading(3.0, (0, 5, 2.0)), reading(-1.0, (0, 6, 1.0)), reading(0.0, (15, 20, 1.0))])
    paris, berlin = decision.answers
    assert (paris.text, paris.start, paris.end, paris.mentions) == ("Paris", 0, 5, 2)
    assert [place.start for place in paris.places] == [0, 66]
    assert (berlin.text, berlin.start, berlin.end, berlin.passage.id) == ("Berlin", 25, 31, "d#2")
    assert (paris.score, berlin.score) == pytest.approx((math.log(2), 0.0))
    # Berlin has half the odds of Paris: 1/4, and no more than that is left for others.
    assert (paris.confidence, berlin.confidence) == pytest.approx((2 / 4, 1 / 4))
    assert decision.no_answer_probability == pytest.approx(1 / 4)


def test_the_ranking_s_name_decides_what_comes_first() -> None:
    # Paris weighs 3 twice, Berlin 4: together more, alone less.
    readings = [reading(0.0, (0, 5, 3.0)), reading(0.0, (0, 6, 4.0)), reading(0.0, (15, 20, 3.0))]
    assert [answer.text for answer in decide(readings, "null").answers] == ["Berlin", "Paris"]
    assert [answer.text for answer in decide(readings, "evidence").answers] == ["Paris", "Berlin"]


@pytest.mark.parametrize(("threshold", "abstains"), [(0.24, True), (0.26, False), (1.0, False), (0.0, True)])
def test_it_abstains_above_the_threshold(threshold: float, abstains: bool) -> None:
    # Right 2, other 1, none 1: the probability of none is 1/4.
    decision = decide([reading(0.0, (0, 5, 2.0)), Reading((), 0.0), Reading((), 0.0)], threshold=threshold)
    abstention = decision.abstention
    assert (abstention.rule, abstention.limit, abstention.abstains) == ("probability", threshold, abstains)
    assert abstention.value == decision.no_answer_probability == pytest.approx(1 / 4)
    assert [answer.text for answer in decision.answers] == ["Paris"]
    assert decision.shown(None, 5) == (() if abstains else decision.answers)
    assert decision.shown(0.0, 5) == decision.answers


def test_just_at_the_threshold_it_answers() -> None:
    readings = [reading(0.0, (0, 5, 2.0)), Reading((), 0.0), Reading((), 0.0)]
    none = decide(readings).no_answer_probability
    assert not decide(readings, threshold=none).abstention.abstains


def test_without_places_there_is_no_answer_for_sure() -> None:
    decision = decide([Reading((), 0.0)] * 3)
    assert (decision.answers, decision.no_answer_probability) == ((), 1.0)
    assert decision.abstention.abstains
    ranking = FittedRanking("evidence", Weights(), BY_MARGIN, 0.5)
    assert ranking.decide(QUESTION, [], Found.of([], [])) == decision


@given(pairs(), st.sampled_from(RANKINGS), st.builds(Weights, st.floats(0.2, 5), st.floats(-2, 2), st.floats(-2, 2)))
def test_invariants(found: list[tuple[Hit, Reading]], name: str, weights: Weights) -> None:
    hits, readings = zip(*found, strict=True)
    decision = FittedRanking(name, weights, BY_MARGIN, 0.5).decide(QUESTION, hits, Found.of(hits, readings))
    answers = decision.answers
    assert bool(answers) == any(one.spans for one in readings)
    assert [a.score for a in answers] == sorted((a.score for a in answers), reverse=True)
    assert [a.confidence for a in answers] == sorted((a.confidence for a in answers), reverse=True)
    assert math.fsum([*(a.confidence for a in answers), decision.no_answer_probability]) <= 1 + 1e-9
    for answer in answers:
        assert answer.text == answer.places[0].text
        for place in answer.places:
            assert place.passage.text[place.start - place.passage.start : place.end - place.passage.start] == place.text


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "ranking.json"
    write(path, fit())
    assert read(path) == fit()
    assert [file.name for file in tmp_path.iterdir()] == ["ranking.json"]


def test_the_best_ranking_is_got_unless_another_is_named() -> None:
    assert fit().get(None).name == "evidence"
    assert {fit().get(name).name for name in RANKINGS} == set(RANKINGS)


@pytest.mark.parametrize("name", ["best", "", "Null"])
def test_an_unknown_ranking_is_refused(name: str) -> None:
    for attempt in (fit().get, check_ranking):
        with pytest.raises(UsageError, match=r"no such ranking: .*logit, null, softmax, prior, evidence"):
            attempt(name)


def damage(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Changes to the fit of the ranking "null"."""
    return lambda value: value["rankings"]["null"].update(changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value.update(format=2), "it has format 2, this odqa reads format 1"),
        (lambda value: value.pop("format"), "KeyError"),
        (lambda value: value["rankings"].pop("null"), "it must hold the rankings logit, null"),
        (lambda value: value["rankings"].update(best=value["rankings"]["null"]), "it must hold the rankings"),
        (lambda value: value.update(default="best"), "name one of them as the default"),
        (lambda value: value.update(rankings=[]), "AttributeError"),
        (damage(weights={"temperature": 0.0}), "a temperature must be above 0"),
        (damage(weights={"temperature": -1.0}), "a temperature must be above 0"),
        (damage(weights={"temperature": "hot"}), "ValueError"),
        (damage(weights={"warmth": 1.0}), "TypeError"),
        (damage(weights={"temperature": math.inf}), "must be finite"),
        (damage(weights={"temperature": 1.0, "bm25": math.nan}), "must be finite"),
        (damage(threshold=math.nan), "must be finite"),
        (damage(threshold=None), "TypeError"),
        (damage(calibrator={}), "KeyError"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str) -> None:
    path = tmp_path / "ranking.json"
    write(path, fit())
    value = json.loads(path.read_text(encoding="utf-8"))
    change(value)
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(ModelError, match=message) as error:
        read(path)
    assert str(path) in str(error.value)
    assert "odqa tune" in str(error.value)


@pytest.mark.parametrize("content", [b"", b'{"format": 1', b"[]", b"3", b"\xff\xfe"])
def test_what_is_no_json_object_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "ranking.json"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="odqa tune") as error:
        read(path)
    assert str(path) in str(error.value)


@pytest.fixture
def reader(tiny_reader: Path, tmp_path: Path) -> Reader:
    shutil.copytree(tiny_reader, tmp_path / "reader")
    return Reader.load(tmp_path / "reader", device="cpu")


def test_the_index_s_file_comes_before_the_reader_s_own(reader: Reader, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert load(reader) is load(reader, index) is None
    write(tmp_path / "reader" / "ranking.json", fit(reader.content_hash, 0.2))
    for fitted in (load(reader), load(reader, index)):
        assert fitted is not None
        assert fitted.get(None).threshold == 0.2
    own_file(index, reader).parent.mkdir(parents=True)
    write(own_file(index, reader), fit(reader.content_hash, 0.3))
    fitted = load(reader, index)
    assert fitted is not None
    assert fitted.get(None).threshold == 0.3
    assert load(reader) == fit(reader.content_hash, 0.2)


def test_a_file_of_its_own_does_not_make_it_another_reader(reader: Reader, tmp_path: Path) -> None:
    before = reader.content_hash
    write(tmp_path / "reader" / "ranking.json", fit(before))
    assert Reader.load(tmp_path / "reader", device="cpu").content_hash == before


def test_what_was_fitted_for_another_reader_is_refused(reader: Reader, tmp_path: Path) -> None:
    path = tmp_path / "reader" / "ranking.json"
    write(path, fit("0" * 64))
    with pytest.raises(ModelError, match="was fitted for another reader") as error:
        load(reader)
    assert str(path) in str(error.value)
    assert "odqa tune" in str(error.value)
    # So is what was fitted for other settings of the same one.
    write(path, fit(reader.content_hash))
    reader.length_penalty = 0.5
    with pytest.raises(ModelError, match="was fitted for another reader"):
        load(reader)


def test_a_reader_that_was_not_loaded_has_no_file(reader: Reader) -> None:
    assert load(Reader(reader.model, reader.tokenizer, name="made")) is None
