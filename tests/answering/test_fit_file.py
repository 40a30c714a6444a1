"""The file that keeps what was fitted, and which rule decides where."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from odqa.answering.deciders import Enough, ReaderRule
from odqa.answering.fit_file import decider, keep, load, own_file, read, write
from odqa.answering.ranking import RANKINGS
from odqa.errors import IndexFolderError, ModelError, UsageError
from odqa.reader.model import Reader
from tests.answering.fits import CALIBRATOR, fit


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "ranking.json"
    for some in (fit(enough=Enough(5, 0.625)), fit()):
        write(path, some)
        assert read(path) == some
    assert [file.name for file in tmp_path.iterdir()] == ["ranking.json"]


def test_a_file_that_does_not_say_what_is_enough_has_all_passages_read(tmp_path: Path) -> None:
    path = tmp_path / "ranking.json"
    write(path, fit(enough=Enough(5, 0.625)))
    value = json.loads(path.read_text(encoding="utf-8"))
    for rule in value["rankings"].values():
        del rule["enough"]
    path.write_text(json.dumps(value), encoding="utf-8")
    assert read(path) == fit()


def damage(**changes: Any) -> Callable[[dict[str, Any]], None]:
    """Changes to the fit of the ranking "null"."""
    return lambda value: value["rankings"]["null"].update(changes)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda value: value.update(format=2), "it has format 2, this odqa reads format 1"),
        (lambda value: value.pop("format"), "format: Field required"),
        (lambda value: value["rankings"].pop("null"), "it must hold the rankings logit, null"),
        (lambda value: value["rankings"].update(best=value["rankings"]["null"]), "it must hold the rankings"),
        (lambda value: value.update(default="best"), "name one of them as the default"),
        (lambda value: value.update(rankings=[]), "rankings: Input should be a valid dictionary"),
        (damage(weights={"temperature": 0.0}), "rankings.null.weights.temperature: Input should be greater"),
        (damage(weights={"temperature": -1.0}), "rankings.null.weights.temperature: Input should be greater"),
        (damage(weights={"temperature": "hot"}), "null.weights.temperature: Input should be a valid number"),
        (damage(weights={"warmth": 1.0}), "null.weights.warmth: Extra"),
        (damage(weights={"temperature": math.inf}), "no finite number"),
        (damage(weights={"temperature": 1.0, "bm25": math.nan}), "no finite number"),
        (damage(threshold=math.nan), "no finite number"),
        (damage(threshold=None), "null.threshold: Input should be a valid number"),
        (damage(calibrator={}), "KeyError"),
        (damage(weights={"temperature": 10**400}), "more than 64 bits"),
        (damage(weights={"temperature": 1e300}), "less than or equal"),
        (damage(threshold=10**400), "more than 64 bits"),
        (damage(calibrator=CALIBRATOR.as_json() | {"bias": [0.0, 0.0, 1e300]}), "at most"),
        (damage(calibrator=CALIBRATOR.as_json() | {"bias": [0.0, 0.0, "x"]}), "ValueError"),
        (damage(enough={"passages": 0, "confidence": 0.5}), "null.enough.passages: Input should be greater"),
        (damage(enough={"passages": 10**400, "confidence": 0.5}), "more than 64 bits"),
        (damage(enough={"passages": 5, "confidence": 1.5}), "null.enough.confidence: Input should be less"),
        (damage(enough={"passages": 5}), "null.enough.confidence: Field required"),
        (damage(enough=0.5), "null.enough: Input should be"),
        (lambda value: value.update(format=True), "format"),
        (lambda value: value.update(record={"questions": "three"}), "record.questions"),
        (lambda value: value.update(reader=5), "reader: Input should be a valid string"),
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


def test_a_fit_that_is_kept_in_an_index_goes_through_no_link(reader: Reader, tmp_path: Path) -> None:
    index, thesis = tmp_path / "index", tmp_path / "thesis.txt"
    index.mkdir()
    thesis.write_text("mine")
    path = keep(index, reader, fit(reader.content_hash, 0.3))
    assert path == own_file(index, reader)
    assert load(reader, index) == fit(reader.content_hash, 0.3)
    path.unlink()
    path.symlink_to(thesis)
    with pytest.raises(IndexFolderError, match="is a symbolic link"):
        keep(index, reader, fit(reader.content_hash, 0.4))
    write(path, fit(reader.content_hash, 0.4), follow=False)
    assert not path.is_symlink()
    path.unlink()
    path.parent.rename(tmp_path / "elsewhere")
    path.parent.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(IndexFolderError, match="rankings is a symbolic link"):
        keep(index, reader, fit(reader.content_hash, 0.5))
    assert not list((tmp_path / "elsewhere").iterdir())
    assert thesis.read_text() == "mine"


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
    assert load(Reader(reader.network, reader.tokenizer, name="made")) is None


def test_the_best_fitted_ranking_decides_unless_another_is_named(reader: Reader) -> None:
    some = fit()
    assert decider(reader, some) == some.get(None) == some.rankings["evidence"]
    assert [decider(reader, some, name).name for name in RANKINGS] == list(RANKINGS)


def test_where_nothing_was_fitted_the_reader_s_own_rule_decides_and_no_ranking_can_be_named(reader: Reader) -> None:
    reader.no_answer_threshold, reader.temperature = 1.5, 2.5
    assert decider(reader, None) == ReaderRule(1.5, 2.5)
    for name in RANKINGS:
        with pytest.raises(UsageError, match=rf"nothing was fitted for {reader.name}.*'{name}'.*odqa tune"):
            decider(reader, None, name)


@pytest.mark.parametrize("name", ["best", "", "Null"])
def test_an_unknown_ranking_is_refused_whether_anything_was_fitted_or_not(reader: Reader, name: str) -> None:
    for some in (fit(), None):
        with pytest.raises(UsageError, match="no such ranking"):
            decider(reader, some, name)
