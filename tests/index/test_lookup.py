"""Documents and passages by their ids, as an open index has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.errors import UsageError
from odqa.index.build import update
from odqa.index.lookup import find_document, find_passage
from odqa.index.removal import remove
from odqa.index.search import Index
from odqa.types import Document, Mode

TEXT = "\n\n".join(f"The tower {number} was built in the city of Paris by the river." for number in range(12))
DOCUMENTS = [
    Document("long", "Long", TEXT),
    Document("a#1", "Sharp", "The moon orbits the earth."),
    Document("a", "Plain", "The sun has a speed."),
]


@pytest.fixture
def index(tiny_encoder: Path, tmp_path: Path) -> Path:
    from odqa.index.build import build_index

    build_index(documents=DOCUMENTS, folder=tmp_path / "index", encoder=tiny_encoder, device="cpu")
    return tmp_path / "index"


def test_a_passage_and_its_neighbours(index: Path) -> None:
    with Index.open(index) as opened:
        document = find_document(opened, "long")
        assert document is not None
        passages = document.passages(0, 1000)
        assert len(passages) == document.stored.passages > 3
        assert document.passages(1, 2) == passages[1:3]
        assert document.passages(len(passages), 5) == []
        for at, passage in enumerate(passages):
            found = find_passage(opened, passage.id, around=2)
            assert found is not None
            assert (found.passage, found.number) == (passage, at)
            assert list(found.before) == passages[max(0, at - 2) : at]
            assert list(found.after) == passages[at + 1 : at + 3]


def test_a_sign_in_an_id_is_no_number(index: Path) -> None:
    with Index.open(index) as opened:
        sharp, plain = find_passage(opened, "a#1#0"), find_passage(opened, "a#0")
        assert sharp is not None and plain is not None
        assert (sharp.passage.title, plain.passage.title) == ("Sharp", "Plain")
        for id in ("a#1", "a", "#0", "a#", "a#00", "a#0 ", "a#-0", "a#٠", "a#" + "9" * 5000, "A#0"):
            assert find_passage(opened, id) is None, id


def test_what_was_deleted_or_replaced_is_not_found(index: Path) -> None:
    update(documents=[Document("a", "Plain", "The sun has another speed.")], folder=index, device="cpu")
    remove(index, ["a#1"])
    with Index.open(index) as opened:
        assert find_document(opened, "a#1") is None
        found = find_passage(opened, "a#0")
        assert found is not None and "another" in found.passage.text
        assert sorted(document.id for document in opened.documents()) == ["a", "long"]


def test_an_open_index_searches_in_other_modes(index: Path) -> None:
    with Index.open(index) as both, Index.open(index, "bm25") as words:
        assert both.in_mode("hybrid") is both
        assert both.in_mode("bm25").search(["moon"], 2) == words.search(["moon"], 2)
        assert both.in_mode(Mode.DENSE).mode is Mode.DENSE
        with pytest.raises(UsageError, match="hybrid"):
            words.in_mode("dense")
        with pytest.raises(UsageError, match="no such mode"):
            both.in_mode("sparse")
