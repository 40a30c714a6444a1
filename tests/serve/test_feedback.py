"""What people said of answers: kept, read again, counted, and read as a dataset."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from odqa.errors import DataError, OdqaError, UsageError
from odqa.serve import feedback as module
from odqa.serve.feedback import Feedback, Verdict, append, by_question, feedback, prepare, read
from odqa.squad import load_examples
from odqa.types import Passage

TEXT = "Green tea is brewed at 80 degrees. Black tea at 95."
FIRST = Passage("tea#0", "tea", "Tea", TEXT, 10, headings=("Tea", "Water"))
SECOND = Passage("tea#1", "tea", "Tea", "Black tea at 95. White tea at 75.", 45)


def said(verdict: str = "right", question: str = "How hot?", text: str = "80 degrees", **other) -> Feedback:
    start = 10 + FIRST.text.index(text)
    place = (start, start + len(text))
    return feedback(question, Verdict(verdict), passages=[FIRST, SECOND], place=place, text=text, index="t", **other)


def written(path: Path, *records: Feedback) -> Path:
    for record in records:
        append(path, record)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "feedback.jsonl"


def test_a_right_answer_is_the_reference_of_its_passage(file) -> None:
    record = said()
    (example,) = load_examples(written(file, record))
    assert (example.question, example.context, example.title) == ("How hot?", FIRST.text, "Tea")
    assert example.headings == ("Tea", "Water")
    assert [(one.text, one.start) for one in example.references] == [("80 degrees", 23)]
    row = json.loads(file.read_text())
    assert (row["verdict"], row["index"], row["document"], row["passage"]) == ("right", "t", "tea", "tea#0")
    assert row["time"].endswith("+00:00") and row["is_impossible"] is False


def test_a_marked_span_is_a_reference_too(file) -> None:
    (example,) = load_examples(written(file, said("missing", text="95")))
    assert example.references[0].text == "95"


def test_of_two_passages_that_hold_a_span_the_one_with_more_around_it_is_taken() -> None:
    start = SECOND.start + SECOND.text.index("95")
    record = feedback("How hot?", Verdict.RIGHT, passages=[FIRST, SECOND], place=(start, start + 2), text="95")
    assert record.passage == "tea#1"


def test_nothing_answers_is_an_unanswerable_question_about_the_nearest_passage(file) -> None:
    record = feedback("How cold?", Verdict.RIGHT, passages=[FIRST, SECOND], place=(10, 10), text="")
    (example,) = load_examples(written(file, record))
    assert not example.answerable and example.context == FIRST.text


@pytest.mark.parametrize(
    "record",
    [
        said("wrong"),
        feedback("How hot?", Verdict.WRONG),
        feedback("How hot?", Verdict.MISSING),
        feedback("How hot?", Verdict.RIGHT),
        feedback("How hot?", Verdict.MISSING, passages=[FIRST], place=(10, 10), text=""),
    ],
)
def test_what_tells_no_answer_is_kept_and_is_no_question(file, record) -> None:
    assert load_examples(written(file, record)) == []
    assert list(read(file)) == [record]


def test_a_wrong_answer_is_kept_as_one_that_looks_right(file) -> None:
    (record,) = read(written(file, said("wrong")))
    assert record.plausible_answers.text == ("80 degrees",) and record.plausible_answers.answer_start == (23,)
    assert record.answer == "80 degrees" and not record.labelled


@pytest.mark.parametrize("place, text", [((13, 23), "80 degrees"), ((0, 5), "Green"), ((40, 90), "x"), ((20, 15), "")])
def test_a_place_that_does_not_hold_the_text_is_refused(place, text) -> None:
    with pytest.raises(UsageError, match=r"again|one passage"):
        feedback("How hot?", Verdict.RIGHT, passages=[FIRST, SECOND], place=place, text=text)


def test_any_text_is_one_line_and_comes_back(file) -> None:
    question = 'two\nlines \u2028 "quoted" \ud800 <script>'
    written(file, said(question=question), said())
    assert [record.question for record in read(file)] == [question, "How hot?"]
    assert len(file.read_bytes().splitlines()) == 2
    assert len(load_examples(file)) == 2


@pytest.mark.parametrize("torn", [b'{"id": "x", "ques', b'{"id": "\xc3', b"{", b'{"a": 1}x'])
def test_a_torn_last_line_is_left_out_and_then_removed(file, torn) -> None:
    written(file, said())
    with file.open("ab") as stream:
        stream.write(torn)
    assert len(list(read(file))) == 1
    written(file, said(question="And now?"))
    assert [record.question for record in read(file)] == ["How hot?", "And now?"]
    assert len(load_examples(file)) == 2


def test_a_last_line_that_lacks_only_its_end_is_kept(file) -> None:
    written(file, said())
    file.write_bytes(file.read_bytes().rstrip(b"\n"))
    assert len(list(read(file))) == 1
    assert len(list(read(written(file, said())))) == 2


def test_a_line_in_the_middle_that_is_none_is_named(file) -> None:
    written(file, said())
    file.write_bytes(file.read_bytes() + b"{broken\n" + file.read_bytes())
    with pytest.raises(DataError, match="line 2"):
        list(read(file))
    file.write_text('{"id": "1", "question": "a", "verdict": "perhaps", "time": ""}\n')
    with pytest.raises(DataError, match=r"line 1.*verdict"):
        list(read(file))


def test_a_write_that_fails_leaves_the_file_as_it_was(file, monkeypatch) -> None:
    before = written(file, said()).read_bytes()

    def full(stream, line) -> None:
        stream.write(line[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "_write", full)
    with pytest.raises(OdqaError, match="No space left"):
        append(file, said())
    assert file.read_bytes() == before


def test_threads_append_whole_lines(file) -> None:
    def work(name: int) -> None:
        for at in range(20):
            append(file, said(question=f"{name} {at} " + "x" * 5000))

    threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(" ".join(record.question.split()[:2]) for record in read(file)) == sorted(
        f"{name} {at}" for name in range(4) for at in range(20)
    )


def test_a_killed_process_loses_nothing_that_it_had_acknowledged(file) -> None:
    code = (
        "import sys; from pathlib import Path; from odqa.serve.feedback import *\n"
        "at = 0\n"
        "while True:\n"
        "    append(Path(sys.argv[1]), feedback(f'{at} ' + 'x' * 20000, Verdict.MISSING))\n"
        "    print(at, flush=True); at += 1\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(file)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(10)]
    process.send_signal(signal.SIGKILL)
    lines += process.stdout.readlines()
    process.wait()
    written(file, said(question="after"))
    questions = [record.question.split()[0] for record in read(file)]
    acknowledged = [line.strip() for line in lines if line.endswith("\n")]
    assert questions[: len(acknowledged)] == acknowledged and questions[-1] == "after"


def test_a_server_can_make_sure_beforehand(file, tmp_path: Path) -> None:
    prepare(file)
    assert file.read_bytes() == b""
    with pytest.raises(UsageError, match=r"\.jsonl"):
        prepare(tmp_path / "feedback.txt")
    with pytest.raises(UsageError, match="folder"):
        prepare(tmp_path / "absent" / "feedback.jsonl")
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "a document"}\n')
    with pytest.raises(DataError, match=r"other\.jsonl"):
        prepare(other)
    assert other.read_text() == '{"text": "a document"}\n'
    (tmp_path / "folder.jsonl").mkdir()
    with pytest.raises(OdqaError, match="regular") as raised:
        append(tmp_path / "folder.jsonl", said())
    assert not isinstance(raised.value, UsageError), "a client of a server can do nothing about it"


def test_a_server_that_starts_mends_what_the_last_one_left(file) -> None:
    written(file, said())
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:50])
    prepare(file)
    assert file.read_bytes() == whole


def test_a_file_that_is_not_there(file) -> None:
    with pytest.raises(UsageError, match="--feedback"):
        list(read(file))


def test_questions_are_counted_whatever_their_case_and_spaces() -> None:
    none = feedback("how  HOT", Verdict.RIGHT, passages=[FIRST], place=(10, 10), text="")
    records = [said(), said("wrong", "how hot ?"), none, said("missing", "Other?", "95")]
    one = next(one for one in by_question(records) if one.question == "how  HOT")
    assert (one.right, one.wrong, one.missing, one.marked, one.none) == (2, 1, 0, 0, 1)
    assert one.answers == ("80 degrees",)
    other = next(one for one in by_question(records) if one.question == "Other?")
    assert (other.missing, other.marked, other.answers) == (1, 1, ("95",))
