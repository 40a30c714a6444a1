from __future__ import annotations

import resource
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.retrieval import postings
from odqa.retrieval.names import KEYWORDS
from odqa.retrieval.postings import PostingsWriter

NUMBERS = {"moon": 0, "earth": 1, "paris": 2, "sun": 3}
PASSAGES = [[0, 1, 0], [], [2, 0], [3, 3, 3, 3]]


def write(folder: Path, passages: list[list[int]], numbers: dict[str, int]) -> dict[str, bytes]:
    folder.mkdir(exist_ok=True)
    with closing(PostingsWriter(folder)) as writer:
        for terms in passages:
            writer.add(terms)
        writer.finish(numbers)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def arrays(folder: Path) -> list[np.ndarray]:
    return [np.load(folder / f"keywords.{name}.npy") for name in ("starts", "rows", "counts", "lengths")]


@contextmanager
def small_disk(size: int) -> Iterator[None]:
    """No file becomes longer than ``size`` bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_files_counted_by_hand(tmp_path: Path) -> None:
    assert set(write(tmp_path, PASSAGES, NUMBERS)) == set(KEYWORDS)
    starts, rows, counts, lengths = arrays(tmp_path)
    assert starts.tolist() == [0, 2, 3, 4, 5]
    assert rows.tolist() == [0, 2, 0, 2, 3]
    assert counts.tolist() == [2, 1, 1, 1, 4]
    assert lengths.tolist() == [3, 0, 2, 4]
    assert [str(values.dtype) for values in (starts, rows, counts, lengths)] == ["int64", "int32", "uint8", "int32"]
    with closing(sqlite3.connect(tmp_path / "keywords.sqlite")) as db:
        assert dict(db.execute("SELECT term, number FROM terms")) == NUMBERS
        assert db.execute("PRAGMA user_version").fetchone() == (4,)


@pytest.mark.parametrize("most, narrowest", [(255, "uint8"), (256, "uint16"), (65_535, "uint16"), (65_536, "uint32")])
def test_counts_are_as_narrow_as_the_largest_lets_them(tmp_path: Path, most: int, narrowest: str) -> None:
    write(tmp_path, [[0], [0] * most], {"moon": 0})
    counts = arrays(tmp_path)[2]
    assert (counts.tolist(), str(counts.dtype)) == ([1, most], narrowest)


@pytest.mark.parametrize("passages", [[], [[]], [[], [], []]])
def test_no_passages_and_passages_without_terms(tmp_path: Path, passages: list[list[int]]) -> None:
    write(tmp_path, passages, {})
    starts, rows, counts, lengths = arrays(tmp_path)
    assert (starts.tolist(), rows.tolist(), counts.tolist(), lengths.tolist()) == ([0], [], [], [0] * len(passages))


@settings(max_examples=20)
@given(passages=st.lists(st.lists(st.integers(0, 5), max_size=6), max_size=12), run=st.integers(1, 20))
def test_runs_of_any_size_make_the_same_files(passages: list[list[int]], run: int) -> None:
    order = dict.fromkeys(term for terms in passages for term in terms)
    numbers = {str(term): number for number, term in enumerate(order)}
    numbered = [[numbers[str(term)] for term in terms] for terms in passages]
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        whole = write(Path(folder) / "whole", numbered, numbers)
        patch.setattr(postings, "_RUN", run)
        assert write(Path(folder) / "runs", numbered, numbers) == whole
        starts, rows, counts, lengths = arrays(Path(folder) / "runs")
    found = [
        (number, row, count)
        for number in range(len(numbers))
        for row, count in zip(
            rows[starts[number] : starts[number + 1]].tolist(),
            counts[starts[number] : starts[number + 1]].tolist(),
            strict=True,
        )
    ]
    expected = [(number, row, count) for row, terms in enumerate(numbered) for number, count in Counter(terms).items()]
    assert found == sorted(expected)
    assert lengths.tolist() == [len(terms) for terms in numbered]


def test_nothing_stays_of_what_is_closed_unfinished(tmp_path: Path) -> None:
    writer = PostingsWriter(tmp_path)
    writer.add([0, 1])
    assert list(tmp_path.iterdir()) == []  # What is spooled has no name: it goes even if the process is killed.
    writer.close()
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_what_is_finished_stays_when_it_is_closed(tmp_path: Path) -> None:
    write(tmp_path, PASSAGES, NUMBERS)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(KEYWORDS)


def test_a_disk_that_is_full_while_passages_come_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postings, "_RUN", 1000)
    with (
        small_disk(50_000),
        pytest.raises(OSError, match="File too large"),
        closing(PostingsWriter(tmp_path)) as writer,
    ):
        for row in range(1000):
            writer.add(range(row, row + 100))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [1000, 3000, 10_000])
def test_a_disk_that_is_full_at_the_end_is_told(tmp_path: Path, size: int) -> None:
    numbers = {f"w{number}": number for number in range(2000)}
    with closing(PostingsWriter(tmp_path)) as writer:
        writer.add(range(2000))
        with small_disk(size), pytest.raises((OSError, sqlite3.OperationalError)):
            writer.finish(numbers)
    assert list(tmp_path.iterdir()) == []
