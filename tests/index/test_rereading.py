"""An update reads a file again until all of it is in the index, and nothing of it is lost, wherever the index lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from odqa.addresses import Address
from odqa.corpus import ReadLimits
from odqa.errors import DataError
from odqa.index.build import add, build_index, update
from odqa.index.compaction import compact
from odqa.index.ingest import INCOMPLETE
from odqa.index.report import ChangeReport
from odqa.index.stores import store_at
from odqa.types import Document
from tests.index.places import PLACES, new_address, opened
from tests.index.word_encoder import WordEncoder

ONE = ReadLimits(megabytes=1)
LARGE = f"{'l' * 99} " * 11_000  # Bytes enough in few words.


@pytest.fixture(scope="module")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lite") / "indexes.db"


@pytest.fixture(params=PLACES)
def address(request: pytest.FixtureRequest, tmp_path: Path, lite: Path) -> Address:
    return new_address(str(request.param), tmp_path, lite)


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return table(tmp_path / "a.csv", "1,cats", "2,dogs")


def table(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(["id,text", *rows, ""]))
    return path


def texts(address: Address) -> dict[str, str]:
    with opened(address, "bm25") as index:
        rows = [row for document in index.documents() for row in range(document.first, document.end)]
        return {passage.document_id: passage.text for passage in index.fetch(rows).values()}


def counts(report: ChangeReport) -> dict[str, int]:
    names = ("added", "changed", "removed", "unchanged", "skipped", "encoded")
    return {name: getattr(report, name) for name in names if getattr(report, name)}


def test_a_row_that_comes_back_into_a_file_comes_back_into_the_index(
    address: Address, encoder: WordEncoder, file: Path
) -> None:
    build_index(file, address, encoder=encoder)
    before = file.read_bytes()
    table(file, "1,cats")
    assert counts(update(file, address, encoder=encoder)) == {"removed": 1, "unchanged": 1, "encoded": 1}
    assert texts(address) == {"1": "cats"}
    assert counts(update(file, address)) == {"unchanged": 1}
    file.write_bytes(before)
    assert counts(update(file, address, encoder=encoder)) == {"added": 1, "unchanged": 1, "encoded": 1}
    assert texts(address) == {"1": "cats", "2": "dogs"}
    assert not store_at(address).verify(lambda manifest: encoder).problems


def test_one_document_is_written_again_for_all_files_that_lost_rows(
    address: Address, encoder: WordEncoder, tmp_path: Path, file: Path
) -> None:
    other = table(tmp_path / "b.csv", "3,some longer text of birds", "4,fish")
    build_index([file, other], address, encoder=encoder)
    before = [(one, one.read_bytes()) for one in (file, other)]
    table(file, "1,cats")
    table(other, "3,some longer text of birds")
    assert counts(update([file, other], address, encoder=encoder)) == {"removed": 2, "unchanged": 2, "encoded": 1}
    for one, content in before:
        one.write_bytes(content)
    assert counts(update([file, other], address, encoder=encoder)) == {"added": 2, "unchanged": 2, "encoded": 2}


def test_two_rows_of_one_id_are_no_change_of_the_first(address: Address, encoder: WordEncoder, file: Path) -> None:
    build_index(file, address, encoder=encoder)
    table(file, "1,cats", "2,dogs", "1,cows")
    with pytest.raises(DataError, match=r"the id '1', one from \S*a\.csv and one from \S*a\.csv; --on-duplicate"):
        update(file, address, encoder=encoder)
    assert texts(address) == {"1": "cats", "2": "dogs"}
    report = update(file, address, encoder=encoder, on_duplicate="skip")
    assert counts(report) == {"unchanged": 2, "skipped": 1}
    assert texts(address) == {"1": "cats", "2": "dogs"}
    report = update(file, address, encoder=encoder, on_duplicate="replace")
    assert counts(report) == {"changed": 1, "unchanged": 1, "encoded": 1}
    assert texts(address) == {"1": "cows", "2": "dogs"}


def test_the_same_row_twice_is_an_error_of_an_update_too(address: Address, encoder: WordEncoder, file: Path) -> None:
    build_index(file, address, encoder=encoder)
    table(file, "1,cats", "2,dogs", "1,cats")
    with pytest.raises(DataError, match="two documents have the id '1'"):
        update(file, address, encoder=encoder)


def test_two_documents_from_memory_with_one_id_are_no_change_of_the_first(
    address: Address, encoder: WordEncoder
) -> None:
    build_index(documents=[Document("1", "", "cats")], folder=address, encoder=encoder)
    with pytest.raises(DataError, match="two documents have the id '1'"):
        update(documents=[Document("1", "", "cats"), Document("1", "", "cows")], folder=address, encoder=encoder)


def test_what_a_limit_left_out_is_read_when_more_is_allowed(address: Address, encoder: WordEncoder, file: Path) -> None:
    table(file, "1,cats", f"2,{LARGE}")
    (said,) = build_index(file, address, encoder=encoder, limits=ONE).unusable
    assert "--max-file-size" in said.reason
    report = update(file, address, encoder=encoder, limits=ONE)
    assert (counts(report), report.unusable) == ({"unchanged": 1}, (said,)), "it is told again"
    report = update(file, address, encoder=encoder)
    assert (report.added, report.unchanged, report.unusable) == (1, 1, ())
    assert set(texts(address)) == {"1", "2"}
    assert counts(update(file, address)) == {"unchanged": 2}, "and is not read"
    with opened(address, "bm25") as index:
        assert INCOMPLETE not in index.sources().values()


def test_a_file_of_which_a_part_was_left_out_can_vanish(address: Address, encoder: WordEncoder, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    table(docs / "a.csv", "1,cats", "2,")
    table(docs / "b.csv", "3,birds")
    build_index(docs, address, encoder=encoder)
    (docs / "a.csv").unlink()
    assert update(docs, address).vanished == (str(docs / "a.csv"),)
    assert counts(update(docs, address, prune=True)) == {"removed": 1, "unchanged": 1}


@pytest.mark.parametrize("choice", ["skip", "replace"])
def test_an_update_takes_in_what_an_addition_of_a_changed_file_left(
    address: Address, encoder: WordEncoder, file: Path, choice: str
) -> None:
    build_index(file, address, encoder=encoder)
    table(file, "1,cows", "3,birds")
    add(file, address, encoder=encoder, on_duplicate=choice)
    assert texts(address) == {"1": "cats" if choice == "skip" else "cows", "2": "dogs", "3": "birds"}
    update(file, address, encoder=encoder)
    assert texts(address) == {"1": "cows", "3": "birds"}
    assert counts(update(file, address)) == {"unchanged": 2}


def test_a_bad_row_is_told_by_each_update_until_the_file_is_whole(
    address: Address, encoder: WordEncoder, tmp_path: Path
) -> None:
    file = table(tmp_path / "a.csv", "1,cats", "2,dogs", "3,birds")
    build_index(file, address, encoder=encoder)
    table(file, "1,cows", "3,")
    for expected in ({"changed": 1, "encoded": 1}, {"unchanged": 1}):
        report = update(file, address, encoder=encoder)
        assert (counts(report), len(report.unusable)) == (expected, 1)
    assert set(texts(address)) == {"1", "2", "3"}, "which of them is the bad one nobody knows"
    table(file, "1,cows", "3,fish")
    assert counts(update(file, address, encoder=encoder)) == {"removed": 1, "changed": 1, "unchanged": 1, "encoded": 1}
    assert texts(address) == {"1": "cows", "3": "fish"}


def test_a_row_without_a_word_stays_as_it_was_and_the_others_go(
    address: Address, encoder: WordEncoder, file: Path
) -> None:
    build_index(file, address, encoder=encoder)
    before = file.read_bytes()
    table(file, "1,!!!")
    report = update(file, address, encoder=encoder)
    assert (counts(report), len(report.unusable)) == ({}, 1)
    file.write_bytes(before)
    assert counts(update(file, address, encoder=encoder)) == {"unchanged": 2}
    table(file, "1,cats", "2,dogs", "3,birds")
    update(file, address, encoder=encoder)
    table(file, "1,!!!", "3,birds")
    assert update(file, address, encoder=encoder).removed == 1
    assert texts(address) == {"1": "cats", "3": "birds"}
    assert len(update(file, address, encoder=encoder).unusable) == 1, "it is told again"


def test_a_mark_of_what_is_not_all_there_outlives_compaction(tmp_path: Path, encoder: WordEncoder, file: Path) -> None:
    table(file, "1,cats", f"2,{LARGE}")
    build_index(file, tmp_path / "index", encoder=encoder, limits=ONE)
    add(documents=[Document("3", "", "birds")], folder=tmp_path / "index", encoder=encoder)
    compact(tmp_path / "index")
    assert update(file, tmp_path / "index", encoder=encoder).added == 1


@pytest.mark.parametrize(
    "error", [sqlite3.OperationalError("no such table: notes"), FileNotFoundError(2, "No such file", "notes.txt")]
)
def test_an_error_of_the_callers_documents_is_not_told_as_one_of_the_index(
    address: Address, encoder: WordEncoder, error: Exception
) -> None:
    def failing() -> Iterator[dict[str, Any]]:
        yield {"id": "1", "text": "cats"}
        raise error

    build_index(documents=[Document("0", "", "fish")], folder=address, encoder=encoder)
    for change in (build_index, add, update):
        with pytest.raises(type(error)) as raised:
            change(documents=failing(), folder=address, encoder=encoder)
        assert raised.value is error
    assert texts(address) == {"0": "fish"}
