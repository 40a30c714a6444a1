"""What was read is remembered: the same readings again, and the reader is not asked for them twice."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from odqa.errors import DataError, UsageError
from odqa.evaluation import readings as module
from odqa.evaluation.readings import Readings, default_folder, folder_of
from odqa.reader.model import Reader
from odqa.types import Reading, Span
from odqa.views import Context

PAIRS = [
    ("who built the tower", "The tower was built by the engineer Gustave."),
    ("where is the museum", "The museum is in Paris by the river Seine."),
    ("who built the tower", "The moon orbits the earth."),
    ("where is the museum", ""),
    ("what orbits the earth", "The moon orbits the earth in days. The light of the sun has a speed."),
]


@pytest.fixture(scope="module")
def reader(tiny_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder = tmp_path_factory.mktemp("own") / "reader"
    shutil.copytree(tiny_reader, folder)
    return Reader.load(folder, device="cpu", dtype="float32")


def refuse(*args: Any, **kwargs: Any) -> Any:
    raise AssertionError("the reader was asked")


def counted(reader: Any, asked: list[tuple[str, str]]) -> Callable[..., list[Reading]]:
    """The reader's ``read``, which notes what it is asked for."""
    read = reader.read

    def count(questions: Sequence[str], texts: Sequence[Context], **options: Any) -> list[Reading]:
        asked.extend(zip(questions, (context.text for context in texts), strict=True))
        return read(questions, texts, **options)

    return count


class Fake:
    """A reader that finds the whole text, with the length of the question as the null score."""

    precision = "torch-float32"
    content_hash = "f" * 64
    workers = 1

    def read(self, questions: Sequence[str], texts: Sequence[Context], n_best: int, **_: Any) -> list[Reading]:
        return [
            Reading((Span(0, len(context.text), float(n_best)),), float(len(question)), 3)
            for question, context in zip(questions, texts, strict=True)
        ]


@pytest.fixture
def fake(tmp_path: Path) -> Iterator[Readings]:
    with Readings(Fake(), tmp_path) as readings:
        yield readings


def test_it_reads_as_the_reader_does(reader: Reader, tmp_path: Path) -> None:
    with Readings(reader, tmp_path) as readings:
        found = readings.read(PAIRS, 5)
    for (question, text), one in zip(PAIRS, found, strict=True):
        (alone,) = reader.read([question], [text], n_best=5)
        assert [(span.start, span.end) for span in one.spans] == [(span.start, span.end) for span in alone.spans]
        assert one.null_score == pytest.approx(alone.null_score, abs=1e-4)
        assert one.windows == alone.windows


def test_what_was_read_is_not_read_again(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Readings(reader, tmp_path) as readings:
        first = readings.read(PAIRS, 5)
        monkeypatch.setattr(reader, "read", refuse)
        assert readings.read(PAIRS[::-1], 5) == first[::-1]
    with Readings(reader, tmp_path) as readings:
        assert readings.read(PAIRS, 5) == first
        with pytest.raises(AssertionError, match="the reader was asked"):
            readings.read(PAIRS, 6)


def test_a_pair_asked_for_twice_is_read_once(reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(reader, "read", counted(reader, asked))
    with Readings(reader, tmp_path) as readings:
        found = readings.read([PAIRS[0], PAIRS[1], PAIRS[0]], 5)
        assert found[0] == found[2] != found[1]
        assert sorted(asked) == sorted(PAIRS[:2])
        readings.read(PAIRS, 5)
        assert sorted(asked) == sorted(PAIRS)


@pytest.mark.parametrize("at_once", [1, 2, 1000])
def test_progress_sums_to_the_number_of_pairs(fake: Readings, monkeypatch: pytest.MonkeyPatch, at_once: int) -> None:
    monkeypatch.setattr(module, "AT_ONCE", at_once)
    pairs = [*PAIRS, PAIRS[0], PAIRS[2]]
    for wanted in (pairs[:2], pairs, pairs, []):
        done: list[int] = []
        fake.read(wanted, 5, done.append)
        assert sum(done) == len(wanted)
        assert min(done) >= 0
    done = []
    fake.read(pairs, 5, done.append)
    assert done == [7]  # All of them were remembered.


def test_where_a_question_ends_and_its_text_begins_tells_pairs_apart(fake: Readings) -> None:
    assert [one.null_score for one in fake.read([("ab", "c"), ("a", "bc"), ("", "abc")], 5)] == [2.0, 1.0, 0.0]


def test_every_number_is_kept(fake: Readings) -> None:
    pairs = [("who", "é𝄞 " * 30_000), ("\ud800", "x")]
    wanted = [Reading((Span(0, 90_000, 7.0),), 3.0, 3), Reading((Span(0, 1, 7.0),), 1.0, 3)]
    assert fake.read(pairs, 7) == fake.read(pairs, 7) == wanted


def test_more_pairs_than_one_look_up_takes(fake: Readings) -> None:
    pairs = [("q" * (at % 7), str(at)) for at in range(1201)]
    assert fake.read(pairs, 1) == fake.read(pairs, 1)
    assert [one.null_score for one in fake.read(pairs, 1)] == [at % 7 for at in range(1201)]


def test_another_length_penalty_has_another_file(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Readings(reader, tmp_path) as readings:
        plain = readings.read(PAIRS, 5)
    monkeypatch.setattr(reader, "length_penalty", 2.5)
    with Readings(reader, tmp_path) as readings:
        assert readings.read(PAIRS, 5) != plain
        again = readings.read(PAIRS, 5)
    assert len(list(tmp_path.glob("*.sqlite"))) == 2
    with Readings(reader, tmp_path) as readings:
        monkeypatch.setattr(reader, "read", refuse)
        assert readings.read(PAIRS, 5) == again


def test_a_file_that_holds_no_readings_is_named(tmp_path: Path) -> None:
    path = tmp_path / f"{'f' * 32}-torch-float32.sqlite"
    path.write_bytes(b"this is no database. " * 100)
    with pytest.raises(DataError, match="remove the file") as error:
        Readings(Fake(), tmp_path)
    assert str(path) in str(error.value)


def test_a_file_that_is_damaged_behind_its_beginning_is_named(tmp_path: Path) -> None:
    pairs = [("who?", f"{number} {'a' * 50}") for number in range(500)]
    with Readings(Fake(), tmp_path) as readings:
        readings.read(pairs, 5)
        path = readings.path
    content = path.read_bytes()
    path.write_bytes(content[:4096] + b"\xff" * (len(content) - 4096))
    with Readings(Fake(), tmp_path) as readings, pytest.raises(DataError, match="remove the file") as error:
        readings.read(pairs, 5)
    assert str(path) in str(error.value)


def test_a_run_that_was_killed_goes_on_where_it_was(
    reader: Reader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    asked: list[tuple[str, str]] = []
    count = counted(reader, asked)

    def killed(questions: Sequence[str], texts: Sequence[str], **options: Any) -> list[Reading]:
        if asked:
            raise KeyboardInterrupt
        return count(questions, texts, **options)

    with monkeypatch.context() as patch:
        patch.setattr(reader, "read", killed)
        with pytest.raises(KeyboardInterrupt), Readings(reader, tmp_path) as readings:
            readings.read(PAIRS, 5)
    assert len(asked) == 2

    monkeypatch.setattr(reader, "read", count)
    done: list[int] = []
    with Readings(reader, tmp_path) as readings:
        assert len(readings.read(PAIRS, 5, done.append)) == len(PAIRS)
    assert done == [2, 2, 1]
    assert sorted(asked) == sorted(PAIRS)  # Each of them once, both runs together.


def test_what_cannot_be_read_is_refused_and_not_remembered(reader: Reader, tmp_path: Path) -> None:
    with Readings(reader, tmp_path) as readings:
        for _ in range(2):
            with pytest.raises(UsageError, match="n_best must be at least 1, not 0"):
                readings.read(PAIRS, 0)


def test_a_folder_that_cannot_be_used_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=r"be kept in .*file/cache \(Not a directory\); name another folder with"):
        folder_of(tmp_path / "file" / "cache")
    assert folder_of(tmp_path / "new" / "cache").is_dir()


def test_readings_are_kept_in_the_user_s_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert default_folder() == tmp_path / "cache" / "odqa" / "readings"
    with Readings(SimpleNamespace(content_hash="0" * 64, precision="torch-float32")) as readings:
        assert readings.path.parent == default_folder()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert default_folder() == tmp_path / ".cache" / "odqa" / "readings"
