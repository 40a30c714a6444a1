"""An update reads a file again until all of it is in the index, and nothing of it is lost, wherever the index lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from odqa.addresses import Address
from odqa.corpus import ReadLimits
from odqa.errors import DataError, UsageError
from odqa.index.build import add, build_index, update
from odqa.index.compaction import compact
from odqa.index.ingest import INCOMPLETE
from odqa.index.manifest import read_manifest
from odqa.index.removal import remove
from odqa.index.report import ChangeReport, Progress
from odqa.index.stores import store_at
from odqa.types import Document, Passage
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


@pytest.mark.parametrize("emptied", ["update", "remove", "prune"])
def test_a_row_comes_back_though_the_hash_was_stored_beside_a_document_that_is_gone(
    address: Address, encoder: WordEncoder, tmp_path: Path, file: Path, emptied: str
) -> None:
    docs, note = tmp_path / "docs", tmp_path / "docs" / "note.txt"
    docs.mkdir()
    note.write_text("day zero")
    build_index([docs, file], address, encoder=encoder)
    before = file.read_bytes()
    table(file, "1,cats")
    note.write_text("day one")
    update([docs, file], address, encoder=encoder)
    if emptied == "update":
        note.write_text("day two")
        assert update([docs, file], address, encoder=encoder).changed == 1
    elif emptied == "remove":
        assert remove(address, [str(note)]).removed == 1
    else:
        note.unlink()
        assert update([docs, file], address, prune=True).removed == 1
    assert update(file, address).unchanged == 1, "it is not read"
    file.write_bytes(before)
    assert update(file, address, encoder=encoder).added == 1
    assert texts(address).keys() >= {"1", "2"}
    assert not store_at(address).verify(lambda manifest: encoder).problems


def test_hashes_that_a_removal_would_lose_are_kept_with_the_shortest_document_and_its_vectors(
    tmp_path: Path, encoder: WordEncoder, file: Path
) -> None:
    """Where it was the last document of its segment, the hashes of that one go with it too."""
    index, other, note = tmp_path / "index", tmp_path / "b.csv", tmp_path / "note.txt"
    note.write_text("a note")
    table(other, "3,birds", "4,fish")
    build_index(note, index, encoder=encoder)
    add(file, index, encoder=encoder)
    add(other, index, encoder=encoder)
    table(file, "1,cats", "2,cows")
    table(other, "3,birds")
    note.write_text("another note")
    update([file, other, note], index, encoder=encoder)
    with opened(index) as one:
        hashes = one.sources()
    remove(index, ["2", str(note)])
    assert [record.name for record in read_manifest(index).segments] == ["000003", "000005"]
    with opened(index) as one:
        assert {source: hashes[source] for source in map(str, (file, other))} == {
            source: digest for source, digest in one.sources().items() if source != str(note)
        }
    assert texts(index) == {"1": "cats", "3": "birds"}
    assert not store_at(index).verify(lambda manifest: encoder).problems
    assert counts(update([file, other], index, encoder=encoder)) == {"unchanged": 2}


@pytest.mark.parametrize("choice", ["error", "skip", "replace"])
@pytest.mark.parametrize("moved", ["forwards", "back"])
def test_a_row_may_move_from_file_to_file(
    address: Address, encoder: WordEncoder, tmp_path: Path, choice: str, moved: str
) -> None:
    """It is read again from its new file when the old one, which comes later, is known to have it no longer."""
    files = [tmp_path / "a.csv", tmp_path / "b.csv"]
    for one, rows in zip(files, (("1,cats",), ("2,dogs", "3,birds")), strict=True):
        table(one, *rows)
    build_index(files if moved == "back" else files[::-1], address, encoder=encoder)
    table(files[0], "1,cats", "2,dogs")
    table(files[1], "3,birds")
    report = update(files if moved == "back" else files[::-1], address, encoder=encoder, on_duplicate=choice)
    assert counts(report) == {"added": 1, "removed": 1, "unchanged": 2, "encoded": 1}
    assert texts(address) == {"1": "cats", "2": "dogs", "3": "birds"}
    assert counts(update(files, address)) == {"unchanged": 3}, "and nothing is read"


def test_rows_may_change_places(address: Address, encoder: WordEncoder, tmp_path: Path) -> None:
    a, b = table(tmp_path / "a.csv", "1,cats", "2,dogs"), table(tmp_path / "b.csv", "3,birds", "4,fish")
    build_index([a, b], address, encoder=encoder)
    table(a, "1,cats", "3,birds")
    table(b, "2,dogs", "4,fish")
    assert counts(update([a, b], address, encoder=encoder)) == {
        "added": 2, "removed": 2, "unchanged": 2, "encoded": 2,
    }  # fmt: skip
    assert texts(address) == {"1": "cats", "2": "dogs", "3": "birds", "4": "fish"}


def test_a_row_that_another_file_still_has_is_an_error(address: Address, encoder: WordEncoder, tmp_path: Path) -> None:
    a, b = table(tmp_path / "a.csv", "1,cats"), table(tmp_path / "b.csv", "2,dogs")
    build_index([a, b], address, encoder=encoder)
    table(a, "1,cats", "2,cows")
    for rows in (("2,dogs",), ("2,dogs", "3,birds"), ("2,sheep",)):
        table(b, *rows)
        with pytest.raises(DataError, match="two documents have the id '2'"):
            update([a, b], address, encoder=encoder)
    assert counts(update([a, b], address, encoder=encoder, on_duplicate="replace"))["skipped"] == 1, (
        "b is the later one"
    )
    assert texts(address) == {"1": "cats", "2": "sheep"}


@pytest.mark.parametrize("choice", ["skip", "replace"])
def test_what_was_left_out_for_another_file_comes_when_that_one_loses_it(
    address: Address, encoder: WordEncoder, tmp_path: Path, choice: str
) -> None:
    a, b = table(tmp_path / "a.csv", "1,cats", "2,dogs"), table(tmp_path / "b.csv", "1,cows", "3,birds")
    kept, other = (a, b) if choice == "skip" else (b, a)
    build_index([a, b], address, encoder=encoder, on_duplicate=choice)
    assert texts(address)["1"] == ("cats" if choice == "skip" else "cows")
    for on_duplicate in ("error", "replace", "skip"):
        for files in ([a, b], [b, a], [other]):
            report = update(files, address, encoder=encoder, on_duplicate=on_duplicate)
            assert (report.skipped, report.encoded) == (1, 0), "neither an error nor a change"
    table(kept, "2,dogs" if kept == a else "3,birds")
    report = update([a, b], address, encoder=encoder)
    assert counts(report) == {"added": 1, "removed": 1, "unchanged": 2, "encoded": 1}
    assert texts(address) == {"1": "cows" if choice == "skip" else "cats", "2": "dogs", "3": "birds"}
    assert counts(update([a, b], address)) == {"unchanged": 3}, "both are in the index as they are"


def test_a_row_of_an_update_that_is_skipped_comes_when_the_other_file_is_gone(
    address: Address, encoder: WordEncoder, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    a, b = table(docs / "a.csv", "1,cats", "2,dogs"), table(docs / "b.csv", "3,birds")
    build_index(docs, address, encoder=encoder)
    table(b, "2,cows", "3,birds", "4,fish")
    assert counts(update(docs, address, encoder=encoder, on_duplicate="skip")) == {
        "added": 1, "unchanged": 3, "skipped": 1, "encoded": 1,
    }  # fmt: skip
    a.unlink()
    assert counts(update(docs, address, encoder=encoder, prune=True)) == {
        "added": 1, "removed": 2, "unchanged": 2, "encoded": 1,
    }  # fmt: skip
    assert texts(address) == {"2": "cows", "3": "birds", "4": "fish"}


def test_a_row_that_an_addition_replaced_comes_back_when_the_added_file_is_gone(
    address: Address, encoder: WordEncoder, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    table(docs / "a.csv", "1,cats", "2,dogs")
    build_index(docs, address, encoder=encoder)
    added = table(docs / "b.csv", "1,cows")
    add(added, address, encoder=encoder, on_duplicate="replace")
    assert counts(update(docs, address, encoder=encoder)) == {"unchanged": 2, "skipped": 1}
    assert texts(address) == {"1": "cows", "2": "dogs"}
    added.unlink()
    assert counts(update(docs, address, encoder=encoder, prune=True)) == {
        "added": 1, "removed": 1, "unchanged": 1, "encoded": 1,
    }  # fmt: skip
    assert texts(address) == {"1": "cats", "2": "dogs"}


def test_a_document_from_memory_in_the_place_of_a_row_leaves_its_file_alone(
    address: Address, encoder: WordEncoder, file: Path
) -> None:
    build_index(file, address, encoder=encoder)
    add(documents=[Document("1", "", "cows")], folder=address, encoder=encoder, on_duplicate="replace")
    assert counts(update(file, address)) == {"unchanged": 1}
    assert texts(address) == {"1": "cows", "2": "dogs"}


def test_a_named_path_that_is_gone_has_vanished(address: Address, encoder: WordEncoder, tmp_path: Path) -> None:
    docs, solo = tmp_path / "docs", tmp_path / "solo.txt"
    (docs / "sub").mkdir(parents=True)
    (docs / "a.txt").write_text("cats")
    (docs / "sub" / "b.txt").write_text("dogs")
    solo.write_text("birds")
    paths = [docs, docs / "sub", solo]
    build_index(paths, address, encoder=encoder)
    solo.unlink()
    (docs / "sub" / "b.txt").unlink()
    (docs / "sub").rmdir()
    assert update(paths, address).vanished == (str(docs / "sub" / "b.txt"), str(solo))
    with pytest.raises(UsageError, match=r"no such file or folder: \S*typo\.txt"):
        update([*paths, tmp_path / "typo.txt"], address, prune=True)
    with pytest.raises(UsageError, match=r"no such file or folder: \S*solo\.txt"):
        update(solo, address, prune=True)
    assert len(texts(address)) == 3
    assert counts(update(paths, address, prune=True)) == {"removed": 2, "unchanged": 1}
    assert texts(address) == {str(docs / "a.txt"): "cats"}


@pytest.mark.parametrize("where", ["load", "encode", "progress"])
def test_an_error_of_the_encoder_or_the_display_is_not_told_as_one_of_the_index(
    address: Address, encoder: WordEncoder, where: str
) -> None:
    """Such an error has the number of a full disk, for which both places have a remedy of their own."""
    error = OSError(28, "No space left on device")

    class Broken(WordEncoder):
        def token_offsets(self, text: str) -> list[tuple[int, int]]:
            if where == "load":  # As a library does that loads what it needs with the first text.
                raise error
            return super().token_offsets(text)

        def encode_passages(self, passages: Sequence[Passage], progress: Callable[[int], None] | None = None) -> Any:
            if where == "encode":
                raise error
            return super().encode_passages(passages, progress)

    def show(progress: Progress) -> None:
        if where == "progress":
            raise error

    build_index(documents=[Document("0", "", "fish")], folder=address, encoder=encoder)
    for change in (build_index, add, update):
        with pytest.raises(OSError) as raised:
            change(documents=[Document("1", "", "cats")], folder=address, encoder=Broken(), progress=show)
        assert raised.value is error
    assert texts(address) == {"0": "fish"}


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
