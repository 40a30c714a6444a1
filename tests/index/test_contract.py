"""What holds of an index wherever it lies: these tests run on a folder and on a milvus-lite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from odqa.addresses import Address
from odqa.cluster.documents import Encoded
from odqa.corpus import ChunkOptions, ReadOptions, split
from odqa.errors import DataError, IndexFolderError, OdqaError, UsageError
from odqa.index.build import add, build_index, new_manifest, update
from odqa.index.filters import fields_of, matches, parse
from odqa.index.ingest import Ingest, OnDuplicate, Rules
from odqa.index.interface import Storage
from odqa.index.lookup import all_rows, find_document, find_passage
from odqa.index.removal import remove
from odqa.index.retriever import Retriever
from odqa.index.stores import store_at
from odqa.types import Document
from tests.index.places import PLACES, new_address, opened
from tests.index.word_encoder import WordEncoder

CHUNK = ChunkOptions(max_tokens=8, overlap_tokens=0)
TEXTS = {
    "tea": "Water for tea has 80 degrees. It is poured over the leaves. After three minutes the tea is ready.",
    "ferry": "The ferry to the island costs 12 kroner. It leaves at noon.",
    "plant": "The plant was opened by Anna. Set max_connections to 40 there.",
    "copy": "The ferry to the island costs 12 kroner. It leaves at noon.",
    "café": "Le café de la gare ouvre à midi. 茶は熱い。",
}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def lite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("lite") / "indexes.db"


@pytest.fixture
def address(place: str, tmp_path: Path, lite: Path) -> Address:
    return new_address(place, tmp_path, lite)


@pytest.fixture
def encoder() -> WordEncoder:
    return WordEncoder()


def documents(**metadata: dict[str, Any]) -> list[Document]:
    return [Document(id, id.title(), text, metadata=metadata.get(id, {})) for id, text in TEXTS.items()]


@pytest.fixture
def own(address: Address, encoder: WordEncoder) -> Address:
    """An index that a test may change."""
    build_index(documents=documents(), folder=address, encoder=encoder, chunk=CHUNK)
    return address


@pytest.fixture(scope="module")
def made() -> dict[str, Address]:
    return {}


@pytest.fixture
def index(place: str, made: dict[str, Address], lite: Path, tmp_path_factory: pytest.TempPathFactory) -> Address:
    """An index that tests share, and do not change."""
    if place not in made:
        made[place] = new_address(place, tmp_path_factory.mktemp("made"), lite)
        build_index(documents=documents(), folder=made[place], encoder=WordEncoder(), chunk=CHUNK)
    return made[place]


def ids(address: Address, question: str, mode: str = "bm25", **options: Any) -> list[str]:
    """The documents of the passages that are found, best first, each once, and of copies of a text the first."""
    with (
        Retriever.open(address, mode=mode)
        if mode == "bm25"
        else Retriever(store_at(address).open(mode), WordEncoder()) as retriever
    ):
        (hits,) = retriever.search([question], options.pop("k", 10), **options)
    return list(dict.fromkeys(hit.passage.document_id for hit in hits))


@pytest.mark.parametrize("mode", ["dense", "bm25", "hybrid"])
def test_hits_are_those_of_a_folder(
    mode: str, index: Address, tmp_path: Path, encoder: WordEncoder, place: str
) -> None:
    build_index(documents=documents(), folder=tmp_path / "other", encoder=encoder, chunk=CHUNK)
    questions = ["the ferry to the island", "max_connections", "tea leaves", "熱い", "café", "nonesuch"]
    vectors = encoder.encode_queries(questions)
    with opened(index, mode) as one, opened(tmp_path / "other", mode) as other:
        assert len(one) == len(other) == one.manifest.passages
        for found, expected in zip(one.search(questions, 6, vectors), other.search(questions, 6, vectors), strict=True):
            assert [hit.passage for hit in found] == [hit.passage for hit in expected]
            assert [hit.rank for hit in found] == [hit.rank for hit in expected]
            assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-4)
            for hit, wanted in zip(found, expected, strict=True):
                assert hit.components.keys() == wanted.components.keys()
                for name, component in hit.components.items():
                    assert component.score == pytest.approx(wanted.components[name].score, abs=1e-4)
                    assert component.rank == wanted.components[name].rank


def test_vectors_that_were_made_before_are_stored_beside_those_that_are_encoded(
    address: Address, encoder: WordEncoder
) -> None:
    """As a cluster makes them; the first document is replaced, so that places and rows differ."""
    tea, ferry, plant, *_ = documents()
    texts = [(one, split(one, encoder.token_offsets, CHUNK)) for one in (tea, ferry, tea)]
    made = [Encoded(one, passages, -encoder.encode_passages(passages)) for one, passages in texts]
    rules = Rules(ReadOptions(), CHUNK, Storage(), OnDuplicate.REPLACE, strict=False)
    with store_at(address).changing(build=True) as change:
        ingest = Ingest(change, lambda: encoder, rules, None)
        ingest.take(made)
        ingest.take([plant])
        assert ingest.finish()
        change.land(new_manifest(encoder, rules))
    with opened(address) as one:
        rows = [row for some in all_rows(one, 3) for row in some]
        passages = one.fetch(rows)
        expected = encoder.encode_passages([passages[row] for row in rows])
        expected[[at for at, row in enumerate(rows) if passages[row].document_id != "plant"]] *= -1
        assert passages[rows[0]].document_id == "ferry"
        assert one.vectors(rows) == pytest.approx(expected, abs=1e-5)


def test_a_passage_is_a_slice_of_its_document(index: Address) -> None:
    with opened(index) as one:
        rows = [row for some in all_rows(one, 3) for row in some]
        passages = list(one.fetch(rows).values())
        assert len(passages) == len(one)
        for passage in passages:
            assert TEXTS[passage.document_id][passage.start : passage.end] == passage.text


def test_all_that_a_citation_needs_comes_back(address: Address, encoder: WordEncoder, tmp_path: Path) -> None:
    (tmp_path / "moon.md").write_text("# Moon\n\n## Orbit\n\n- It takes *days*.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n")
    build_index(tmp_path / "moon.md", tmp_path / "other", encoder=encoder)
    build_index(tmp_path / "moon.md", address, encoder=encoder)
    with opened(address) as one, opened(tmp_path / "other") as other:
        rows = range(len(other))
        assert one.fetch(rows) == other.fetch(rows)
        assert any(passage.blocks and passage.headings for passage in one.fetch(rows).values())
        np.testing.assert_allclose(one.vectors(rows), other.vectors(rows), atol=1e-6)
        (document,), (expected,) = one.documents(), other.documents()
        assert (document.id, document.hash, document.passages) == (expected.id, expected.hash, expected.passages)
        assert one.sources() == other.sources() != {}


def test_documents_and_passages_are_found_by_their_ids(index: Address) -> None:
    with opened(index) as one:
        assert [document.id for document in one.documents()] == list(TEXTS)
        found = find_document(one, "tea")
        assert found is not None and found.passages(1, 1)[0].id == "tea#1"
        passage = find_passage(one, "tea#1")
        assert passage is not None and passage.before[0].id == "tea#0"
        assert find_document(one, "te\"a' or 1 == 1") is None and find_passage(one, "tea#99") is None


FIELDS: list[dict[str, Any]] = [
    {"year": 2024, "lang": "en", "when": "2024-05", "tags": ["a", "b"], "author": {"name": "de Wit"}},
    {"year": "2,021", "lang": "de", "when": "2024-05-01T10:00:00Z", "tags": ["b"]},
    {"year": -7.50, "lang": ["en", "de"], "when": ["2023", "2024-05-02"], "tags": [], "odd \"key'": True},
    {"year": "12345678901234567890", "when": "2024-05-01T12:00:00+02:00", "lang": None},
    {"year": "none", "when": "someday", "lang": 'x" or 1==1'},
]
FILTERS = [
    "year=2024", "year=2024.0", "year!=2024", "year<2024", "year<=2021", "year>-7.5", "year>=-7.5", "year>2e3",
    "year>12345678901234567889", "year=12345678901234567890", "year<12345678901234567891", "year=none", "year!=none",
    "lang=en", "lang!=en", "lang~=e*", "lang~=[de]?", 'lang=x" or 1==1', "lang>d", "lang<=de",
    "when=2024", "when=2024-05", "when=2024-05-01", "when!=2024-05-01", "when<2024", "when<2024-05-02",
    "when<=2024-05-01", "when>2024-05-01", "when>=2024-05-01", "when=2024-05-01T10:00:00", "when>2023",
    "when=2024-05-01T10:00:00Z", "when=2024-05-01T12:00:00+02:00", "when>=2024-05-01T10:00:00Z", "when=someday",
    "tags=b", "tags!=b", "tags=a", "author.name=de Wit", "odd \"key'=true",
    "id=tea", "id!=tea", "id~=*e*", "id~=caf\u00e9", "id=cafe\u0301", "title=Tea", "source~=*", "title>P",
]  # fmt: skip


@pytest.mark.parametrize("filter", FILTERS)
def test_every_filter_lets_through_what_it_says(filter: str, filtered: Address) -> None:
    wanted = [
        id
        for id, fields in zip(TEXTS, FIELDS, strict=True)
        if matches([parse(filter)], fields_of(id, id.title(), id, fields))
    ]
    with opened(filtered, "dense") as one:
        (hits,) = one.search(["tea"], 100, WordEncoder().encode_queries(["tea"]), [filter])
        assert {hit.passage.document_id for hit in hits} == set(wanted)
        assert one.matching([filter]) == len(hits)


@pytest.fixture
def filtered(place: str, made: dict[str, Address], lite: Path, tmp_path_factory: pytest.TempPathFactory) -> Address:
    name = f"filtered {place}"
    if name not in made:
        made[name] = new_address(place, tmp_path_factory.mktemp("filtered"), lite)
        some = documents(**dict(zip(TEXTS, FIELDS, strict=True)))
        build_index(documents=some, folder=made[name], encoder=WordEncoder(), chunk=CHUNK)
    return made[name]


def test_filters_join_by_and_and_go_with_both_searches(filtered: Address) -> None:
    for mode in ("bm25", "hybrid"):
        assert ids(filtered, "the ferry", mode, filters=["lang=de", "year>2000"]) == ["ferry"]
        assert ids(filtered, "the ferry", mode, filters=["lang=de", "id~=f*", "year>3000"]) == []


def test_a_field_that_no_document_has_is_told(filtered: Address) -> None:
    with (
        opened(filtered) as one,
        pytest.raises(UsageError, match=r"no document has the field 'yaer'.*did you mean 'year'"),
    ):
        one.matching(["yaer=2024"])
    with pytest.raises(UsageError, match="no document has the field 'yaer'"):
        store_at(filtered).check_fields([parse("yaer=2024")])
    store_at(filtered).check_fields([parse("year=2024")])
    assert {"year", "lang", "author.name", "id"} <= store_at(filtered).fields(10)


def test_documents_are_added_changed_and_left_alone(own: Address, encoder: WordEncoder) -> None:
    new = [Document("ferry", "Ferry", "The boat costs 14 kroner."), Document("milk", "Milk", "Milk is white.")]
    report = update(documents=[*documents()[:1], *new], folder=own, encoder=encoder)
    assert (report.unchanged, report.changed, report.added, report.removed) == (1, 1, 1, 0)
    assert (report.documents, report.version, report.encoded) == (6, 2, 2)
    assert ids(own, "boat") == ["ferry"] and ids(own, "milk") == ["milk"]
    assert ids(own, "the ferry to the island")[0] == "copy", "what was replaced is found no more"
    again = update(documents=[*documents()[:1], *new], folder=own, encoder=encoder)
    assert (again.version, again.unchanged, again.encoded) == (2, 3, 0)
    assert not store_at(own).verify(lambda manifest: encoder).problems


def test_files_are_updated_by_their_bytes(address: Address, encoder: WordEncoder, tmp_path: Path) -> None:
    a, b = tmp_path / "a.txt", tmp_path / "b.txt"
    a.write_text("Apples are red.")
    b.write_text("Bananas are yellow.")
    build_index([a, b], address, encoder=encoder)
    b.write_text("Bananas are green.")
    report = update([a, b], address, encoder=encoder)
    assert (report.unchanged, report.changed, report.encoded) == (1, 1, 1)
    a.unlink()
    assert update([tmp_path], address, encoder=encoder).vanished == (str(a),)
    assert update([tmp_path], address, encoder=encoder, prune=True).removed == 1
    assert ids(address, "apples") == [] and ids(address, "green") == [str(b)]


def test_documents_are_removed_by_id_and_by_filter(own: Address, encoder: WordEncoder) -> None:
    report = remove(own, "ferry")
    assert (report.documents, report.removed) == (4, 1)
    assert ids(own, "the ferry to the island")[0] == "copy"
    remove(own, filters="id~=*a*")  # tea, plant, café
    with opened(own) as one:
        assert [document.id for document in one.documents()] == ["copy"]
        assert len(one) == one.manifest.passages == 2
    with pytest.raises(UsageError, match="nothing would be left"):
        remove(own, "copy")
    with pytest.raises(UsageError, match="no document, file or folder of the index is called 'nobody'"):
        remove(own, ["copy", "nobody"])
    assert ids(own, "ferry") == ["copy"], "as it was"


def test_two_documents_of_one_id_are_an_error_or_one_of_them_counts(address: Address, encoder: WordEncoder) -> None:
    two = [Document("a", "", "The first text."), Document("a", "", "The second text.")]
    with pytest.raises(DataError, match="two documents have the id 'a'"):
        build_index(documents=two, folder=address, encoder=encoder)
    assert not store_at(address).exists()
    for choice, word, other in (("replace", "second", "first"), ("skip", "first", "second")):
        build_index(documents=two, folder=address, encoder=encoder, on_duplicate=choice)
        assert ids(address, word) == ["a"] and ids(address, other) == []
        assert store_at(address).manifest().documents == 1
    with pytest.raises(DataError, match="in the index already"):
        add(documents=two[:1], folder=address, encoder=encoder)


def test_another_encoder_is_refused(index: Address, encoder: WordEncoder) -> None:
    other = WordEncoder()
    other.content_hash = "1" * 64
    with opened(index) as one, pytest.raises(IndexFolderError, match="was built with the encoder words"):
        one.check_encoder(other)
    with pytest.raises(IndexFolderError, match="vectors of different encoders cannot be compared"):
        add(documents=[Document("new", "", "New.")], folder=index, encoder=other)
    with pytest.raises(IndexFolderError, match="was built with the encoder words"):
        store_at(index).verify(lambda manifest: other)


def test_copies_of_a_text_are_one_hit(index: Address, encoder: WordEncoder) -> None:
    with Retriever(store_at(index).open(), encoder) as retriever:
        (hits,) = retriever.search(["the ferry to the island"], 3)
    assert (hits[0].passage.document_id, [copy.document_id for copy in hits[0].copies]) == ("ferry", ["copy"])


def test_who_has_an_index_open_goes_on_reading_it(own: Address, encoder: WordEncoder) -> None:
    with opened(own, "bm25") as before:
        remove(own, "ferry")
        (hits,) = before.search(["ferry"], 10)
        assert {hit.passage.document_id for hit in hits} == {"ferry", "copy"}
        assert before.manifest.version == 1
        with opened(own, "bm25") as after:
            (hits,) = after.search(["ferry"], 10)
            assert {hit.passage.document_id for hit in hits} == {"copy"} and after.manifest.version == 2


def test_a_change_that_fails_leaves_the_index_as_it_was(own: Address, encoder: WordEncoder) -> None:
    class Broken(WordEncoder):
        def encode_passages(self, passages: Any, progress: Any = None) -> Any:
            raise OdqaError("the power is gone")

    with pytest.raises(OdqaError, match="the power is gone"):
        add(documents=[Document("new", "", "New.")], folder=own, encoder=Broken())
    with pytest.raises(OdqaError, match="the power is gone"):
        build_index(documents=documents(), folder=own, encoder=Broken())
    assert store_at(own).manifest().version == 1
    assert ids(own, "ferry") == ["ferry"], "and its copy"
    report = add(documents=[Document("new", "", "New.")], folder=own, encoder=encoder)
    assert (report.documents, report.version) == (6, 2)
    assert not store_at(own).verify(lambda manifest: encoder).problems


def test_an_index_in_one_mode_is_searched_in_others(index: Address, encoder: WordEncoder) -> None:
    query = encoder.encode_queries(["ferry"])
    with opened(index) as one:
        for mode in ("dense", "bm25"):
            other = one.in_mode(mode)
            assert other.mode == mode
            (hits,) = other.search(["ferry"], 2, query)
            assert [list(hit.components) for hit in hits] == [[mode]] * 2
    with pytest.raises(UsageError, match="no such mode"):
        store_at(index).open("sparse")


@pytest.mark.parametrize("shape", [(31,), (1, 31), (2, 32)])
def test_vectors_of_another_shape_are_refused(index: Address, shape: tuple[int, ...]) -> None:
    with opened(index) as one, pytest.raises(UsageError, match=r"vectors have the shape .* takes \(1, 32\)"):
        one.search(["moon"], 1, np.zeros(shape, np.float32))


def test_verify_finds_an_index_whole(index: Address, encoder: WordEncoder) -> None:
    verified = store_at(index).verify(lambda manifest: encoder)
    assert (verified.problems, verified.version, verified.passages) == ((), 1, verified.encoded)
    assert verified.least_cosine == pytest.approx(1, abs=1e-4)


def test_an_index_that_is_not_there_is_told(address: Address) -> None:
    for ask in (store_at(address).manifest, store_at(address).open, lambda: remove(address, "a")):
        with pytest.raises(IndexFolderError, match=r"is not an index.*`odqa index PATH\.\.\. --index"):
            ask()
