"""SQuAD-format data in three shapes, read back the same, and every way in which a file can be wrong."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.errors import DataError, UsageError
from odqa.squad import OwnQuestion, _in_a_child, iter_paragraphs, load_examples, load_questions, write_examples
from odqa.types import Example, Reference

CONTEXT = "Paris is the capital of France. The river in Paris is the Seine."
SEINE = (Reference("the Seine", 54), Reference("Seine", 58))
EXAMPLES = [
    Example("capital", "What is the capital?", CONTEXT, (Reference("Paris", 0),), "Paris"),
    Example("river", "Which river?", CONTEXT, SEINE, "Paris"),
    Example("mayor", "Who is the mayor?", CONTEXT, (), "Paris", (Reference("France", 24),)),
]


def answers(*references: Reference) -> list[dict[str, object]]:
    return [{"text": reference.text, "answer_start": reference.start} for reference in references]


def squad() -> dict[str, object]:
    """The three examples as the official format has them; a fresh copy, for a test to damage."""
    qas: list[dict[str, object]] = [
        {
            "id": example.id,
            "question": example.question,
            "answers": answers(*example.references),
            "is_impossible": not example.answerable,
        }
        for example in EXAMPLES
    ]
    qas[2]["plausible_answers"] = answers(*EXAMPLES[2].plausible)
    return {"version": "v2.0", "data": [{"title": "Paris", "paragraphs": [{"context": CONTEXT, "qas": qas}]}]}


def row(**changes: object) -> dict[str, object]:
    return {
        "id": "capital",
        "title": "Paris",
        "context": CONTEXT,
        "question": "What is the capital?",
        "answers": {"text": ["Paris"], "answer_start": [0]},
    } | changes


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content) if not isinstance(content, str) else content, encoding="utf-8")
    return path


def test_the_official_format(tmp_path):
    assert load_examples(write(tmp_path / "dev.json", squad())) == EXAMPLES


def test_the_official_format_saved_with_a_byte_order_mark_and_an_upper_case_suffix(tmp_path):
    path = tmp_path / "DEV.JSON"
    path.write_text(json.dumps(squad()), encoding="utf-8-sig")
    assert load_examples(str(path)) == EXAMPLES


def test_version_1_has_neither_flag_nor_plausible_answers(tmp_path):
    content = squad()
    (paragraph,) = content["data"][0]["paragraphs"]
    paragraph["qas"] = [{key: entry[key] for key in ("id", "question", "answers")} for entry in paragraph["qas"][:2]]
    assert load_examples(write(tmp_path / "v1.json", content)) == EXAMPLES[:2]


def test_the_flag_overrides_answers_and_excuses_their_absence(tmp_path):
    content = squad()
    first, _, last = content["data"][0]["paragraphs"][0]["qas"]
    first["is_impossible"] = True
    del last["answers"]
    loaded = load_examples(write(tmp_path / "dev.json", content))
    assert [example.answerable for example in loaded] == [False, True, False]


def test_an_article_without_title_and_an_id_that_is_a_number(tmp_path):
    content = squad()
    del content["data"][0]["title"]
    content["data"][0]["paragraphs"][0]["qas"][0]["id"] = 7
    first, *_ = load_examples(write(tmp_path / "dev.json", content))
    assert (first.id, first.title) == ("7", "")


def test_written_examples_are_read_back_the_same(tmp_path):
    path = tmp_path / "out.jsonl"
    write_examples(path, EXAMPLES)
    assert path.read_text(encoding="utf-8").count("\n") == 3
    assert load_examples(path) == EXAMPLES


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
references = st.lists(st.builds(Reference, text, st.integers(-5, 50)), max_size=3).map(tuple)


@given(st.lists(st.builds(Example, text, text, text, references, text, references), max_size=4))
def test_whatever_is_written_is_read_back(tmp_path_factory, examples):
    path = tmp_path_factory.mktemp("examples") / "out.jsonl"
    write_examples(path, examples)
    assert load_examples(path) == examples


def test_json_lines_with_blank_lines_and_no_title(tmp_path):
    path = write(tmp_path / "dev.jsonl", "\n" + json.dumps(row(title=None)) + "\n\n")
    assert load_examples(path) == [Example("capital", "What is the capital?", CONTEXT, (Reference("Paris", 0),))]


def test_a_row_flagged_impossible_needs_no_answers(tmp_path):
    path = write(tmp_path / "dev.jsonl", json.dumps(row(answers=None, is_impossible=True)))
    assert not load_examples(path)[0].answerable


def test_a_row_that_nobody_has_answered_yet_is_no_question(tmp_path):
    row = {"id": "a", "question": "Why?", "context": CONTEXT, "answers": None, "is_impossible": None}
    known = {**row, "id": "b", "is_impossible": True}
    path = tmp_path / "rows.jsonl"
    path.write_text(f"{json.dumps(row)}\n{json.dumps(known)}\n", encoding="utf-8")
    assert [example.id for example in load_examples(path)] == ["b"]


def test_parquet_as_the_hub_has_it(tmp_path):
    path = tmp_path / "dev.parquet"
    none = row(id="mayor", question="Who is the mayor?", answers={"text": [], "answer_start": []})
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row(), none]), path)
    loaded = load_examples(path)
    assert loaded[0] == EXAMPLES[0]
    assert (loaded[1].id, loaded[1].references) == ("mayor", ())


def test_parquet_without_a_column(tmp_path):
    path = tmp_path / "dev.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([{"id": "a", "question": "?"}]), path)
    with pytest.raises(DataError, match=r"dev\.parquet: row 0: no answer"):
        load_examples(path)


def test_a_truncated_parquet_file(tmp_path):
    path = tmp_path / "dev.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([row()]), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"dev\.parquet: not a whole Parquet file"):
        load_examples(path)


PARAGRAPH = "data[0].paragraphs[0]"


@pytest.mark.parametrize(
    ("place", "new", "said"),
    [
        ("", {}, "dev.json: missing key 'data' (there is: nothing)"),
        ("", [], "dev.json: expected an object, found list"),
        ("data", {}, "data: expected a list, found dict"),
        ("data.0.paragraphs.0", 1, f"{PARAGRAPH}: expected an object, found int"),
        ("data.0.paragraphs.0.context", 1, f"{PARAGRAPH}.context: expected text, found int"),
        ("data.0.paragraphs.0.qas.1.id", 1.5, f"{PARAGRAPH}.qas[1].id: expected text or a whole number, found float"),
        ("data.0.paragraphs.0.qas.1.answers.1.answer_start", True, "answers[1].answer_start: expected a whole number"),
        ("data.0.paragraphs.0.qas.1.is_impossible", "false", f"{PARAGRAPH}.qas[1].is_impossible: expected true or"),
        (
            "data.0.paragraphs.0.qas.2.plausible_answers.0",
            {"text": "x"},
            f"{PARAGRAPH}.qas[2].plausible_answers[0]: missing key 'answer_start' (there is: text)",
        ),
    ],
)
def test_what_has_the_wrong_type_is_named_by_its_json_path(tmp_path, place, new, said):
    content: object = squad()
    *parents, last = place.split(".")
    holder = content
    for step in parents:
        holder = holder[int(step) if step.isdigit() else step]
    if place:
        holder[int(last) if last.isdigit() else last] = new
    else:
        content = new
    path = write(tmp_path / "dev.json", content)
    with pytest.raises(DataError) as error:
        load_examples(path)
    assert said in str(error.value)
    assert str(error.value).startswith(str(path))


@pytest.mark.parametrize(
    ("steps", "where"),
    [
        (["paragraphs"], "data[0]"),
        (["paragraphs", 0, "context"], PARAGRAPH),
        (["paragraphs", 0, "qas", 0, "id"], f"{PARAGRAPH}.qas[0]"),
        (["paragraphs", 0, "qas", 0, "answers", 0, "text"], f"{PARAGRAPH}.qas[0].answers[0]"),
    ],
)
def test_a_missing_key_is_named_by_its_json_path(tmp_path, steps, where):
    content = squad()
    holder = content["data"][0]
    for step in steps[:-1]:
        holder = holder[step]
    del holder[steps[-1]]
    path = write(tmp_path / "dev.json", content)
    with pytest.raises(DataError) as error:
        load_examples(path)
    assert f"{path}: {where}: missing key {steps[-1]!r} (there is: " in str(error.value)


def test_broken_json_is_named_with_line_and_column(tmp_path):
    path = write(tmp_path / "dev.json", '{"data": [\n  {"title": "x",}\n]}')
    with pytest.raises(DataError, match=r"dev\.json: broken JSON at line 2, column 17: "):
        load_examples(path)


def test_json_that_is_not_utf_8(tmp_path):
    path = tmp_path / "dev.json"
    path.write_bytes('{"data": "é"}'.encode("latin-1"))
    with pytest.raises(DataError, match=r"dev\.json: not UTF-8 at byte 10"):
        load_examples(path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": }', "broken JSON at line 2, column 8"),
        ("[]", "line 2: expected an object, found list"),
        (json.dumps(row(answers=["Paris"])), "line 2.answers: expected an object, found list"),
        (json.dumps(row(answers={"text": "Paris", "answer_start": [0]})), "line 2.answers.text: expected a list"),
        (
            json.dumps(row(answers={"text": ["Paris", "x"], "answer_start": [0]})),
            "line 2.answers: 2 texts but 1 starts",
        ),
        (
            json.dumps(row(answers={"text": ["Paris"], "answer_start": ["0"]})),
            "line 2.answers.answer_start[0]: expected",
        ),
        (json.dumps(row(plausible_answers=["Paris"])), "line 2.plausible_answers: expected an object, found list"),
    ],
)
def test_what_is_wrong_in_json_lines_is_named_by_its_line(tmp_path, line, said):
    path = write(tmp_path / "dev.jsonl", json.dumps(row()) + "\n" + line + "\n")
    with pytest.raises(DataError) as error:
        load_examples(path)
    assert str(error.value).startswith(f"{path}: {said}")


def test_a_line_that_is_not_utf_8(tmp_path):
    path = tmp_path / "dev.jsonl"
    path.write_bytes(json.dumps(row()).encode() + b'\n{"id": "\xe9"}\n')
    with pytest.raises(DataError, match=r"dev\.jsonl: line 2: not UTF-8 at its byte 8"):
        load_examples(path)


@pytest.mark.parametrize("name", ["absent.jsonl", "no/such/folder/x", "/absent", "./absent", "", "~/x"])
def test_what_can_only_be_a_file_is_never_looked_for_on_the_hub(name):
    began = time.perf_counter()
    with pytest.raises(UsageError, match=r"no such dataset file: .*\.json, \.jsonl or \.parquet"):
        load_examples(name)
    assert time.perf_counter() - began < 1


def test_a_folder_is_no_dataset(tmp_path):
    with pytest.raises(UsageError, match="no such dataset file"):
        load_examples(tmp_path)


def test_a_hub_id_without_a_network_says_what_was_tried_and_what_to_give():
    import datasets  # noqa: F401  Its import takes seconds; what is timed is the answer.

    began = time.perf_counter()
    with pytest.raises(UsageError, match=r"'nobody/no-such-set'.*hub.*'train'.*Give a SQuAD-format \.json.*network"):
        load_examples("nobody/no-such-set", "train")
    assert time.perf_counter() - began < 10


def test_paragraphs_are_counted_inside_their_article(tmp_path):
    content = {
        "data": [
            {"title": "A", "paragraphs": [{"context": "one"}, {"context": "two"}]},
            {"paragraphs": [{"context": "three", "headings": ["Guide", "Leave"]}]},
        ]
    }
    found = list(iter_paragraphs(write(tmp_path / "x.json", content)))
    assert found == [("A", 0, "one", ()), ("A", 1, "two", ()), ("", 0, "three", ("Guide", "Leave"))]


def test_headings_are_those_above_the_context(tmp_path):
    question = {"id": "a", "question": "Who?", "answers": [], "is_impossible": True}
    paragraph = {"context": "one", "headings": ["Guide", "Leave"], "qas": [question]}
    (example,) = load_examples(write(tmp_path / "x.json", {"data": [{"title": "A", "paragraphs": [paragraph]}]}))
    assert example.headings == ("Guide", "Leave")
    write_examples(tmp_path / "x.jsonl", [example])
    assert load_examples(tmp_path / "x.jsonl") == [example]
    paragraph["headings"] = ["Guide", 7]
    with pytest.raises(DataError, match=r"headings\[1\]"):
        load_examples(write(tmp_path / "y.json", {"data": [{"title": "A", "paragraphs": [paragraph]}]}))


def test_paragraphs_of_a_file_in_another_format(tmp_path):
    with pytest.raises(DataError, match=r"x\.json: missing key 'data' \(there is: text\)"):
        list(iter_paragraphs(write(tmp_path / "x.json", {"text": "no"})))


def test_a_count_that_ends_its_process_is_none() -> None:
    assert _in_a_child(lambda: 7) == 7
    assert _in_a_child(lambda: os._exit(1)) is None
    assert _in_a_child(lambda: 1 // 0) is None


def lines(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_questions_of_ones_own_need_no_context(tmp_path):
    path = lines(
        tmp_path / "mine.jsonl",
        {"question": "Who?", "answer": " Gustave "},
        {"question": "", "answer": "", "passage": "not written yet"},
        {"question": "Where?", "answers": ["Paris", "the city", "Paris"], "source": "a.md", "id": 7},
        {"question": "Why?", "answers": [], "answer": ""},
        row(),
    )
    found = load_questions(path)
    assert found[:3] == [
        OwnQuestion("line 1", "Who?", ("Gustave",), "", f"{path}: line 1"),
        OwnQuestion("7", "Where?", ("Paris", "the city"), "a.md", f"{path}: line 3"),
        OwnQuestion("line 4", "Why?", (), "", f"{path}: line 4"),
    ]
    assert isinstance(found[3], Example)
    with pytest.raises(UsageError, match=r"line 1.*--index"):
        load_examples(path)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"question": "Who?"}, "no answer"),
        ({"question": "Who?", "answer": " "}, "no answer"),
        ({"question": "Who?", "answer": 5}, "answer: expected text"),
        ({"question": "Who?", "answers": "Gustave"}, "answers: expected a list"),
        ({"question": "Who?", "answers": [{"text": "Gustave"}]}, r"answers\[0\]: expected text"),
        ({"question": "Who?", "answers": [" "]}, "empty text"),
        ({"question": "Who?", "answer": "a", "answers": ["b"]}, "give one of them"),
        ({"question": "", "answer": "Gustave"}, "without a question"),
        ({"question": "Who?", "answer": "a", "source": ["x"]}, "source: expected text"),
        ({"question": ["Who?"], "answer": "a"}, "question: expected text"),
        ({"question": "", "answer": ""}, "no question is written"),
    ],
)
def test_what_is_no_question_of_ones_own_is_refused_with_its_line(tmp_path, wrong, message):
    with pytest.raises(DataError, match=f"(line 1.*|1 rows.*){message}|{message}"):
        load_questions(lines(tmp_path / "mine.jsonl", wrong))
