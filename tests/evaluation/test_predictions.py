from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.errors import DataError, UsageError
from odqa.evaluation.predictions import id_warnings, read_predictions, write_predictions


@given(predictions=st.dictionaries(st.text(st.characters()), st.text(st.characters())))
def test_what_is_written_is_read_back(predictions, tmp_path_factory):
    path = tmp_path_factory.mktemp("predictions") / "p.json"
    write_predictions(path, predictions)
    assert read_predictions(path) == predictions
    assert [file.name for file in path.parent.iterdir()] == ["p.json"]


def test_a_byte_order_mark_is_no_obstacle(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('{"a": "Paris"}', encoding="utf-8-sig")
    assert read_predictions(path) == {"a": "Paris"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"a": "Paris",\n "b" "Berlin"}', "broken JSON at line 2, column 6"),
        (b"", "broken JSON at line 1, column 1"),
        (b'{"a": "\xe9"}', "not UTF-8 at byte 7"),
        (b'["Paris"]', "holds a list"),
        (b'"Paris"', "holds a text"),
        (b'{"a": "Paris", "b": ["Berlin"]}', "the prediction of question 'b' is a list, not a text"),
        (b'{"a": {"text": "Paris"}}', "the prediction of question 'a' is an object, not a text"),
        (b'{"a": null}', "the prediction of question 'a' is null, not a text"),
        (b'{"a": 1889}', "the prediction of question 'a' is a number, not a text"),
    ],
)
def test_a_file_of_another_shape_is_refused_with_place_and_remedy(content, said, tmp_path):
    path = tmp_path / "p.json"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    message = str(caught.value)
    assert str(path) in message
    assert said in message
    assert 'one JSON object of question id -> answer text ("" for no answer) is needed' in message


def test_two_predictions_for_one_question_are_refused(tmp_path):
    path = tmp_path / "p.json"
    path.write_text('{"b": "", "a": "Paris", "a": "Berlin"}')
    with pytest.raises(DataError, match=r"p\.json: 'a' occurs more than once as a key; each id needs one"):
        read_predictions(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"no such predictions file: .*absent\.json"):
        read_predictions(tmp_path / "absent.json")
    with pytest.raises(UsageError, match="no such predictions file"):
        read_predictions(tmp_path)


def test_writing_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "p.json"
    write_predictions(path, {"a": "old"})

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        write_predictions(path, {"a": "new"})
    assert json.loads(path.read_text()) == {"a": "old"}
    assert list(tmp_path.iterdir()) == [path]


def test_ids_that_match_give_no_warning(tmp_path):
    assert id_warnings({"a": "", "b": ""}, ["a", "b"], ["a", "b"], tmp_path) == []


def test_a_prediction_for_a_question_left_out_on_purpose_is_no_mistake(tmp_path):
    assert id_warnings({"a": "", "b": ""}, ["a"], ["a", "b"], tmp_path) == []


def test_unknown_and_missing_ids_are_counted_and_named(tmp_path):
    predictions = {"a": "", **{f"x{at}": "" for at in range(5)}}
    unknown, missing = id_warnings(predictions, ["a", "b"], ["a", "b"], tmp_path / "p.json")
    assert unknown.endswith("p.json: ignoring 5 of its 6 ids (not in the dataset): x0, x1, x2 and 2 more")
    assert missing.endswith("p.json: no prediction for 1 of 2 questions (counted as wrong): b")


@pytest.mark.parametrize("predictions", [{}, {"x": "Paris"}])
def test_predictions_of_another_dataset_are_refused(predictions, tmp_path):
    with pytest.raises(DataError) as caught:
        id_warnings(predictions, ["a"], ["a"], tmp_path / "p.json")
    assert f"p.json: none of its {len(predictions)} question ids occurs in the dataset" in str(caught.value)
    assert "give the predictions that were made for this dataset" in str(caught.value)
