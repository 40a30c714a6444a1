from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.errors import IndexFolderError, OdqaError
from odqa.retrieval import dense as module
from odqa.retrieval.dense import Vectors, VectorSearch
from odqa.retrieval.faiss_library import require_faiss
from odqa.retrieval.names import VECTORS
from tests.retrieval.vector_files import brute_force, random_vectors, stored, unit

KINDS = ["Flat", "SQ8", "HNSW8", "HNSW8_SQ8", "IVF8,Flat", "IVF8,SQ8", "IVF8,PQ4x4", "IVF8,PQ4x4fs", "PCAR12,IVF8,SQ8"]
COUNT = 300


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same 300 vectors in every kind of index."""
    folder = tmp_path_factory.mktemp("kinds")
    for kind in KINDS:
        stored(folder / kind, random_vectors(COUNT, 16), kind)
    return {kind: folder / kind / VECTORS for kind in KINDS}


def test_the_nearest_come_first_and_equals_by_row(tmp_path):
    vectors = stored(tmp_path, unit([[0, 1], [1, 0], [3, 4], [1, 0]]))
    scores, rows = vectors.nearest(unit([[1, 0], [0, 1]]), 4)
    assert rows.tolist() == [[1, 3, 2, 0], [0, 2, 1, 3]]
    assert scores.tolist() == [pytest.approx([1, 1, 0.6, 0]), pytest.approx([1, 0.8, 0, 0])]


def test_of_many_equal_vectors_those_of_the_first_rows_come_back(tmp_path):
    vectors = stored(tmp_path, np.concatenate([unit([[0, 1]]), np.repeat(unit([[1, 0]]), 200, axis=0)]))
    for queries in (1, 30):  # FAISS has another way for many queries.
        _, rows = vectors.nearest(np.repeat(unit([[1, 0]]), queries, axis=0), 3)
        assert rows.tolist() == [[1, 2, 3]] * queries


# Few directions in few dimensions, so that many vectors are equal or equally far.
grids = st.lists(st.tuples(*[st.integers(-1, 1)] * 3).filter(any), min_size=1, max_size=40)


@settings(max_examples=40)
@given(rows=grids, queries=grids, k=st.integers(1, 50), data=st.data())
def test_an_exact_search_is_brute_force(tmp_path_factory, rows, queries, k, data):
    mask = data.draw(st.none() | st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    allowed = None if mask is None else np.array(mask)
    vectors, queries = unit(rows), unit(queries)
    scores, found = stored(tmp_path_factory.mktemp("exact"), vectors).nearest(queries, k, allowed)
    assert (scores.tolist(), found.tolist()) == brute_force(vectors, queries, k, allowed)


@settings(max_examples=40)
@given(rows=grids, queries=grids, k=st.integers(1, 50), data=st.data())
def test_segments_search_as_one(tmp_path_factory, rows, queries, k, data):
    folder, vectors, queries = tmp_path_factory.mktemp("segments"), unit(rows), unit(queries)
    allowed = np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(rows)), max_size=3)))
    pieces = np.split(vectors, cuts)
    parts = [stored(folder / str(at), piece) for at, piece in enumerate(pieces)]
    one = stored(folder / "one", vectors)
    for mask in (None, allowed):
        apart, whole = VectorSearch(parts).nearest(queries, k, mask), one.nearest(queries, k, mask)
        assert [item.tolist() for item in apart] == [item.tolist() for item in whole]


@pytest.mark.parametrize("few", [0, 20_000], ids=["by FAISS", "row by row"])
@pytest.mark.parametrize("kind", KINDS)
def test_as_many_come_back_as_are_allowed(files, kind, few, monkeypatch):
    monkeypatch.setattr(module, "_FEW", few)
    vectors = Vectors.read(files[kind])
    if vectors.effort:
        vectors.set_parameters({vectors.effort[0]: 1})
    queries = random_vectors(5, 16, seed=1)
    row = np.arange(COUNT)
    for allowed in (None, row >= 0, row % 2 == 0, row % 30 == 7, row == 299, row < 0):
        count = COUNT if allowed is None else int(allowed.sum())
        for k in (1, 20, COUNT + 1):
            scores, rows = vectors.nearest(queries, k, allowed)
            assert scores.shape == rows.shape == (5, min(k, count))
            assert all(len(set(found)) == len(found) for found in rows.tolist())
            assert allowed is None or allowed[rows].all()
            assert (np.diff(scores, axis=1) <= 0).all()
            for query, some, found in zip(queries, scores, rows, strict=True):
                assert vectors.scores(query, found).tolist() == some.tolist()


@pytest.mark.parametrize("kind", ["IVF8,Flat", "HNSW8"])
def test_what_a_filter_leaves_is_found_where_a_search_without_it_would_not_look(files, kind, monkeypatch):
    monkeypatch.setattr(module, "_FEW", 0)
    vectors = Vectors.read(files[kind])
    vectors.set_parameters({vectors.effort[0]: 2})
    allowed = np.arange(COUNT) % 50 == 0
    queries = random_vectors(5, 16, seed=1)
    assert (
        vectors.nearest(queries, 3, allowed)[1].tolist()
        == brute_force(random_vectors(COUNT, 16), queries, 3, allowed)[1]
    )


def test_without_queries_or_vectors_nothing_comes_back(tmp_path):
    assert stored(tmp_path / "some", unit([[1, 0]])).nearest(np.empty((0, 2), np.float32), 3)[1].shape == (0, 1)
    none = stored(tmp_path / "none", np.empty((0, 2), np.float32))
    assert (len(none), none.dimension) == (0, 2)
    assert none.nearest(unit([[1, 0]]), 3)[1].shape == (1, 0)
    assert VectorSearch([none]).nearest(unit([[1, 0]]), 3)[1].shape == (1, 0)


def test_cosines_and_vectors_of_rows(tmp_path):
    vectors = stored(tmp_path, unit([[0, 1], [3, 4], [1, 0]]))
    rows = np.array([2, 1])
    assert vectors.scores(unit([[1, 0]])[0], rows).tolist() == pytest.approx([1, 0.6])
    assert vectors.reconstruct(rows).tolist() == [pytest.approx([1, 0]), pytest.approx([0.6, 0.8])]


@pytest.mark.parametrize("kind", ["IVF8,SQ8", "IVF8,PQ4x4fs", "HNSW8_SQ8", "SQ8"])
def test_compressed_vectors_are_given_back_nearly_as_they_were(files, kind):
    vectors, rows = Vectors.read(files[kind]), np.array([299, 0, 7])
    cosines = (vectors.reconstruct(rows) * random_vectors(COUNT, 16)[rows]).sum(axis=1)
    assert (cosines > (0.5 if "PQ" in kind else 0.99)).all()


def test_the_file_is_mapped_and_may_be_moved(tmp_path, files):
    for kind in ("Flat", "IVF8,SQ8", "HNSW8"):
        shutil.copy(files[kind], tmp_path / "before")
        (tmp_path / "before").rename(tmp_path / "after")
        vectors = Vectors.read(tmp_path / "after")
        assert str(tmp_path).encode() not in (tmp_path / "after").read_bytes()
        (tmp_path / "after").unlink()  # An index that is open outlives its file.
        query = random_vectors(COUNT, 16)[5:6]
        assert vectors.nearest(query, 1)[1].tolist() == [[5]]


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("kind", ["Flat", "SQ8", "HNSW8", "IVF8,SQ8"])
def test_codes_are_not_copied_into_memory(files, kind):
    vectors = Vectors.read(files[kind])
    faiss = require_faiss()
    index = vectors._core
    if isinstance(index, faiss.IndexIVF):
        address = int(index.invlists.get_codes(0))
    else:
        storage = faiss.downcast_index(index.storage) if isinstance(index, faiss.IndexHNSW) else index
        address = int(storage.codes.data())
    maps = (line.split() for line in Path("/proc/self/maps").read_text().splitlines())
    spans = [part[0].split("-") for part in maps if len(part) > 5 and part[5] == str(files[kind]).split(" ")[0]]
    assert any(int(low, 16) <= address < int(high, 16) for low, high in spans)


def test_parameters_are_set_and_others_refused(files):
    vectors = Vectors.read(files["IVF8,SQ8"])
    assert vectors.effort == ("nprobe", 1, 8)
    vectors.set_parameters({"nprobe": 3})
    assert vectors._core.nprobe == 3
    assert Vectors.read(files["HNSW8"]).effort == ("efSearch", 32, 4096)
    flat = Vectors.read(files["Flat"])
    assert flat.effort is None
    with pytest.raises(IndexFolderError, match=r"no search parameter nprobe.*build the index again"):
        flat.set_parameters({"nprobe": 3})


@pytest.mark.parametrize("content", [b"", b"no vectors here", b"IxFI" + bytes(20)], ids=["empty", "other", "start"])
def test_a_file_that_faiss_cannot_read_is_named(tmp_path, content):
    (tmp_path / "vectors").write_bytes(content)
    with pytest.raises(IndexFolderError, match=r"vectors cannot be read by FAISS .*build the index again"):
        Vectors.read(tmp_path / "vectors")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(IndexFolderError, match=r"vectors cannot be read by FAISS \(.*No such file"):
        Vectors.read(tmp_path / "vectors")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_is_cut_short_is_refused_and_harms_nothing(tmp_path, files, kind):
    whole = files[kind].read_bytes()
    for size in sorted({*range(1, 200, 7), *np.linspace(200, len(whole) - 8, 40).astype(int).tolist()}):
        (tmp_path / "vectors").write_bytes(whole[:size])
        with pytest.raises(IndexFolderError, match="cannot be read by FAISS"):
            Vectors.read(tmp_path / "vectors")


def test_vectors_of_another_metric_are_refused(tmp_path):
    import faiss

    faiss.write_index(faiss.IndexFlatL2(2), str(tmp_path / "vectors"))
    with pytest.raises(IndexFolderError, match="inner product; build the index again"):
        Vectors.read(tmp_path / "vectors")


def test_without_faiss_one_line_names_both_ways_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    with pytest.raises(OdqaError) as error:
        require_faiss()
    assert '`pip install "odqa[cpu]"`' in str(error.value)
    assert '`pip install "odqa[gpu]"`' in str(error.value)
    assert "\n" not in str(error.value)


def test_a_search_parameter_out_of_its_range_is_told(files):
    for kind, name, value in (("IVF8,Flat", "nprobe", 9), ("HNSW8", "efSearch", 1 << 30), ("HNSW8", "efSearch", 0)):
        with pytest.raises(IndexFolderError, match=rf"search parameter {name} is {value}, .*build the index again"):
            Vectors.read(files[kind]).set_parameters({name: value})


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_a_vector_that_is_not_of_numbers_alone_is_told(tmp_path, value):
    vectors = stored(tmp_path, np.full((3, 2), value, np.float32))
    with pytest.raises(IndexFolderError, match=r"vectors\.faiss is damaged: .*; build the index again"):
        vectors.nearest(unit([[1, 1]]), 2)


def test_what_faiss_finds_wrong_when_it_is_asked_names_the_file(files, tmp_path):
    """The map of an IVF index says in which list each row is; FAISS looks at it only when a row is asked for."""
    faiss = require_faiss()
    index = faiss.read_index(str(files["IVF8,Flat"]))
    wrong = faiss.vector_to_array(index.direct_map.array)
    wrong[:] = 1 << 50
    faiss.copy_array_to_vector(wrong, index.direct_map.array)
    faiss.write_index(index, str(tmp_path / VECTORS))
    with pytest.raises(IndexFolderError, match=r"vectors\.faiss is damaged: .*; build the index again"):
        Vectors.read(tmp_path / VECTORS).nearest(random_vectors(1, 16), 3)
