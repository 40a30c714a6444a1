from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.errors import DataError, IndexFolderError
from odqa.index.store import PassageStore, PassageWriter, hash_document
from odqa.types import Block, BlockKind, Document, Passage, Section

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(0, 10**9)


def document(id: str, **values: object) -> Document:
    return Document(id=id, title=f"Title {id}", text="unused", source=f"{id}.txt", metadata=values)


def passage(document: Document, number: int, text: str = "text") -> Passage:
    return Passage(
        id=f"{document.id}#{number}",
        document_id=document.id,
        title=document.title,
        text=text,
        start=number * 10,
        source=document.source,
    )


def write(path: Path, *parts: tuple[Document, list[Passage]]) -> None:
    with closing(PassageWriter(path)) as writer:
        for part in parts:
            writer.add(*part)
        writer.commit()


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(TEXT, TEXT, TEXT, NUMBERS, st.lists(TEXT), st.lists(st.tuples(NUMBERS, NUMBERS))), min_size=1)
)
def test_passages_come_back_as_they_were_by_the_row_they_went_in(
    values: list[tuple[str, str, str, int, list[str], list[tuple[int, int]]]],
) -> None:
    parts, expected = [], []
    for number, (name, title, text, start, headings, pages) in enumerate(values):
        made = Document(id=f"{name}{number}", title=title, text="", source=name)
        passages = [
            Passage(f"{made.id}#{at}", made.id, title, text, start, name, tuple(headings), tuple(pages))
            for at in (0, 1)
        ]
        parts.append((made, passages))
        expected += passages
    with TemporaryDirectory() as folder:
        write(Path(folder) / "p", *parts)
        with closing(PassageStore(Path(folder) / "p")) as store:
            assert (store.documents, store.passages) == (len(values), 2 * len(values))
            assert store.fetch(range(len(expected))) == dict(enumerate(expected))


def test_blocks_come_back_with_labels_that_are_stored_once(tmp_path: Path) -> None:
    made = document("d")
    heads = ("Zone " * 20, "Preis in €")
    rows = tuple(Block(at, at + 1, BlockKind.ROW, heads) for at in range(20))
    kinds = tuple(Block(at, at + 1, kind) for at, kind in enumerate(BlockKind, start=20))
    some = replace(passage(made, 0, "t" * 40), blocks=rows + kinds)
    write(tmp_path / "p", (made, [some]))
    with closing(PassageStore(tmp_path / "p")) as store:
        assert store.fetch([0]) == {0: some}
        ((stored,),) = store._db.execute("SELECT blocks FROM passages").fetchall()
    assert stored.count("Preis in €") == 1


def test_the_writer_gives_back_what_it_wrote_in_batches(tmp_path: Path) -> None:
    made = document("d")
    passages = [passage(made, number) for number in range(5)]
    with closing(PassageWriter(tmp_path / "p")) as writer:
        writer.add(made, passages)
        writer.commit()
        assert list(writer.batches(2)) == [passages[:2], passages[2:4], passages[4:]]


def test_documents_are_found_by_id_and_by_source_with_the_rows_of_their_passages(tmp_path: Path) -> None:
    one, two = document("one", lang="en"), document("two")
    again = Document("one", "", "other text", "other.csv")
    with closing(PassageWriter(tmp_path / "p")) as writer:
        writer.add(one, [passage(one, 0), passage(one, 1)])
        writer.add(two, [passage(two, 0)])
        assert [(item.first, item.end) for item in writer.find("one")] == [(0, 2)]
        writer.add(again, [passage(again, 0)])
        writer.add_source("one.txt", "ab")
        writer.commit()
    with closing(PassageStore(tmp_path / "p")) as store:
        first, later = store.find("one")
        assert (first.number, first.source, first.metadata, first.end) == (0, "one.txt", {"lang": "en"}, 2)
        assert (later.number, later.source, later.metadata, later.end) == (2, "other.csv", {}, 4)
        assert first.hash == hash_document(one) != later.hash == hash_document(again)
        assert store.from_source("two.txt") == store.find("two")
        assert [item.id for item in store.all()] == ["one", "two", "one"]
        assert store.sources() == {"one.txt": "ab"}
        assert store.find("none") == store.from_source("none") == []


def test_a_hash_tells_every_change_that_matters() -> None:
    one = document("d", year=2020)
    assert hash_document(one) == hash_document(replace(one, id="other", source="other"))
    for changed in (
        replace(one, text="other"),
        replace(one, title="other"),
        replace(one, metadata={"year": 2021}),
        replace(one, sections=(Section(0, ("Heading",)),)),
        replace(one, blocks=(Block(0, 6),)),
        replace(one, blocks=(Block(0, 6, BlockKind.ROW, ("Head",)),)),
    ):
        assert hash_document(changed) != hash_document(one)


def test_a_document_is_copied_under_a_new_number(tmp_path: Path) -> None:
    one, two = document("one"), document("two", lang="de")
    write(tmp_path / "p", (one, [passage(one, 0)]), (two, [passage(two, 0), passage(two, 1)]))
    with closing(PassageStore(tmp_path / "p")) as store, closing(PassageWriter(tmp_path / "q")) as writer:
        (held,) = store.find("two")
        writer.copy(held, list(store.fetch([1, 2]).values()))
        writer.commit()
    with closing(PassageStore(tmp_path / "q")) as copied:
        (stored,) = copied.all()
        assert stored == replace(held, number=0, first=0)
        assert copied.fetch([0, 1]) == {0: passage(two, 0), 1: passage(two, 1)}


def test_a_passage_id_is_given_once(tmp_path: Path) -> None:
    one = document("d")
    with (
        closing(PassageWriter(tmp_path / "p")) as writer,
        pytest.raises(DataError, match=r"d\.txt: 1 passages of .* d"),
    ):
        writer.add(one, [passage(one, 0), passage(one, 0)])


def test_a_file_that_sqlite_finds_broken_is_told(tmp_path: Path) -> None:
    made = document("d")
    write(tmp_path / "p", (made, [passage(made, number, "text " * 200) for number in range(50)]))
    with closing(PassageStore(tmp_path / "p")) as store:
        assert store.broken() == ""
    data = bytearray((tmp_path / "p").read_bytes())
    data[20_480:24_576] = b"\xff" * 4096
    (tmp_path / "p").write_bytes(data)
    with closing(PassageStore(tmp_path / "p")) as store:
        assert store.broken()


def test_many_rows_are_fetched_at_once_and_by_many_threads(tmp_path: Path) -> None:
    made = document("d")
    passages = [passage(made, number, f"text {number}") for number in range(2000)]
    write(tmp_path / "p", (made, passages))
    with closing(PassageStore(tmp_path / "p")) as store, ThreadPoolExecutor(8) as pool:
        assert store.fetch(range(2000)) == dict(enumerate(passages))
        for start, found in enumerate(pool.map(store.fetch, [range(start, 2000, 100) for start in range(100)])):
            assert found == {row: passages[row] for row in range(start, 2000, 100)}


def test_a_row_without_a_passage_is_told(tmp_path: Path) -> None:
    made = document("d")
    write(tmp_path / "p", (made, [passage(made, 0)]))
    with closing(PassageStore(tmp_path / "p")) as store, pytest.raises(IndexFolderError, match=r"no passage for .* 7"):
        store.fetch([0, 7])


def test_metadata_that_json_does_not_know_is_kept_as_words(tmp_path: Path) -> None:
    made = document("d", path=Path("a/b"), number=1.5, name="Straße")
    write(tmp_path / "p", (made, [passage(made, 0)]))
    with closing(PassageStore(tmp_path / "p")) as store:
        (stored,) = store._db.execute("SELECT metadata FROM documents").fetchone()
    assert stored == '{"path": "a/b", "number": 1.5, "name": "Straße"}'


def test_an_open_file_is_never_written(tmp_path: Path) -> None:
    made = document("d")
    write(tmp_path / "a #1?%20", (made, [passage(made, 0)]))
    before = (tmp_path / "a #1?%20").read_bytes()
    with closing(PassageStore(tmp_path / "a #1?%20")) as store, pytest.raises(Exception, match="readonly"):
        store._db.execute("DELETE FROM passages")
    assert (tmp_path / "a #1?%20").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["a #1?%20"]


@pytest.mark.parametrize("content", [b"", b"not a database, not a database"])
def test_what_is_no_database_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p").write_bytes(content)
    with pytest.raises(IndexFolderError, match=r"p is damaged: .*build the index again"):
        PassageStore(tmp_path / "p")


def tampered(path: Path, *statements: str) -> PassageStore:
    """A store of one document with two passages, after these statements of somebody else's."""
    with closing(PassageWriter(path)) as writer:
        one = document("d")
        writer.add(one, [passage(one, number, text) for number, text in enumerate(("one", "two"))])
        writer.commit()
    with closing(sqlite3.connect(path)) as db:
        db.executescript("PRAGMA writable_schema = ON;" + "".join(statements))
    return PassageStore(path)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE documents SET metadata = '['",
        "UPDATE documents SET metadata = '[]'",
        "UPDATE documents SET metadata = replace(hex(zeroblob(50000)), '00', '[')",
        "UPDATE documents SET first = -1",
        "UPDATE documents SET passages = 1 << 40",
        "UPDATE documents SET title = x'ff'",
        "UPDATE documents SET title = CAST(x'ff' AS TEXT)",
        "UPDATE documents SET hash = x'00'",
    ],
)
def test_a_document_that_is_none_is_told(tmp_path: Path, statement: str) -> None:
    with closing(tampered(tmp_path / "p", statement)) as store:
        for read in (lambda: store.find("d"), lambda: list(store.all()), lambda: store.from_source("d.txt")):
            with pytest.raises(IndexFolderError, match=r"p is damaged: .*; build the index again"):
                read()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE passages SET text = CAST(x'ff' AS TEXT)",
        "UPDATE passages SET text = x'00'",
        "UPDATE passages SET start = 'x'",
        "UPDATE passages SET headings = '{'",
        "UPDATE passages SET headings = '[1]'",
        "UPDATE passages SET headings = '3'",
        "UPDATE passages SET pages = '[[1]]'",
        "UPDATE passages SET pages = '[[1, null]]'",
        "UPDATE passages SET pages = '[[1, 2.5]]'",
        "UPDATE passages SET blocks = x'00'",
        "UPDATE passages SET blocks = '3'",
        "UPDATE passages SET blocks = '[3]'",
        "UPDATE passages SET blocks = '[[], 3]'",
        "UPDATE passages SET blocks = '[[], [0, 1]]'",
        "UPDATE passages SET blocks = '[[], [0, 1, \"no such kind\"]]'",
        "UPDATE passages SET blocks = '[[], [0, 99, \"pa\"]]'",
        "UPDATE passages SET blocks = '[[], [1, 1, \"pa\"]]'",
        'UPDATE passages SET blocks = \'[[], [0, 2, "pa"], [1, 3, "pa"]]\'',
        "UPDATE passages SET blocks = '[[], [0, 1, \"ro\", 0]]'",
        "UPDATE passages SET blocks = '[[[1]], [0, 1, \"ro\", 0]]'",
        'UPDATE passages SET blocks = \'[[["a"]], [0, 1, "ro", -1]]\'',
        "UPDATE passages SET blocks = replace(hex(zeroblob(50000)), '00', '[')",
        "UPDATE documents SET title = x'00'",
    ],
)
def test_a_passage_that_is_none_is_told(tmp_path: Path, statement: str) -> None:
    with (
        closing(tampered(tmp_path / "p", statement)) as store,
        pytest.raises(IndexFolderError, match=r"p is damaged: .*; build the index again"),
    ):
        store.fetch([0, 1])


ENDLESS = "WITH RECURSIVE n(row) AS (SELECT 0 UNION ALL SELECT row + 1 FROM n) SELECT row FROM n"


@pytest.mark.parametrize(
    "statements",
    [
        (f"DROP TABLE passages; CREATE VIEW passages AS {ENDLESS};",),
        ("CREATE TABLE more (x);",),
        ("CREATE TRIGGER t AFTER INSERT ON passages BEGIN SELECT 1; END;",),
        ("ALTER TABLE documents ADD COLUMN x AS (1);",),
        ("DROP INDEX documents_by_id;",),
        ("UPDATE sqlite_master SET sql = 'CREATE TABLE documents (x)' WHERE name = 'documents';",),
    ],
)
def test_a_store_of_another_schema_is_not_asked(tmp_path: Path, statements: tuple[str, ...]) -> None:
    with pytest.raises(IndexFolderError, match=r"p is damaged: .*; build the index again"):
        tampered(tmp_path / "p", *statements)


def test_a_byte_of_a_text_that_turned_is_told_wherever_it_is_read(tmp_path: Path) -> None:
    tampered(tmp_path / "p").close()
    data = (tmp_path / "p").read_bytes()
    (tmp_path / "p").write_bytes(data.replace(b"d#1two", b"d#1t\xffo"))
    with (
        closing(PassageStore(tmp_path / "p")) as store,
        pytest.raises(IndexFolderError, match=r"p is damaged: Could not decode to UTF-8 .*; build the index again"),
    ):
        store.fetch([1])
