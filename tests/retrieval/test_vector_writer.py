from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from odqa.errors import UsageError
from odqa.retrieval import vector_writer
from odqa.retrieval.dense import Vectors
from odqa.retrieval.names import VECTORS
from odqa.retrieval.vector_writer import VectorRecord, VectorWriter, fitting
from tests.retrieval.vector_files import random_vectors, write


def test_a_flat_index_is_the_file_that_faiss_would_write(tmp_path):
    import faiss

    vectors = random_vectors(100, 16)
    writer = VectorWriter(tmp_path, 16)
    for block in (vectors[:1], vectors[1:1], vectors[1:70], vectors[70:]):
        writer.add(block)
    assert len(writer) == 100
    assert writer.finish() == VectorRecord("Flat", 100)
    index = faiss.IndexFlatIP(16)
    index.add(vectors)
    faiss.write_index(index, str(tmp_path / "faiss"))
    assert (tmp_path / VECTORS).read_bytes() == (tmp_path / "faiss").read_bytes()


@pytest.mark.parametrize("factory", ["Flat", "IVF8,SQ8", "HNSW8"])
def test_the_spool_does_not_stay(tmp_path, factory):
    write(tmp_path, random_vectors(100, 16), factory)
    assert [path.name for path in tmp_path.iterdir()] == [VECTORS]
    given_up = VectorWriter(tmp_path / "..", 16)
    given_up.add(random_vectors(3, 16))
    given_up.close()
    assert not list(tmp_path.parent.glob("*.spool"))


def test_what_was_learned_and_measured_is_recorded(tmp_path):
    record = write(tmp_path, random_vectors(400, 16), "IVF16,SQ8", recall=0.9)
    assert (record.factory, record.vectors, record.trained_on) == ("IVF16,SQ8", 400, 400)
    assert record.recall is not None and 0.9 <= record.recall <= 1
    assert 1 < record.parameters["nprobe"] < 16
    # The file itself has the parameters too.
    assert Vectors.read(tmp_path / VECTORS)._core.nprobe == record.parameters["nprobe"]


def test_a_higher_recall_takes_more_effort(tmp_path):
    low, high = (write(tmp_path / str(at), random_vectors(400, 16), "IVF16,Flat", recall=at) for at in (0.5, 1.0))
    assert low.parameters["nprobe"] < high.parameters["nprobe"]
    assert high.recall == 1


def test_no_more_vectors_are_learned_from_than_it_takes(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_writer, "training_size", lambda index: 0 if index.is_trained else 50)
    assert write(tmp_path / "clusters", random_vectors(400, 16), "IVF8,SQ8").trained_on == 50
    assert write(tmp_path / "graph", random_vectors(400, 16), "HNSW8").trained_on == 0


def test_the_same_vectors_make_the_same_file(tmp_path):
    for name in ("one", "two"):
        write(tmp_path / name, random_vectors(400, 16), "IVF8,SQ8")
    assert (tmp_path / "one" / VECTORS).read_bytes() == (tmp_path / "two" / VECTORS).read_bytes()


def test_rows_are_the_order_in_which_vectors_come(tmp_path, monkeypatch):
    monkeypatch.setattr(vector_writer, "_BLOCK", 64)
    vectors = random_vectors(300, 16)
    write(tmp_path, vectors, "IVF8,Flat")
    assert np.array_equal(Vectors.read(tmp_path / VECTORS).reconstruct(np.arange(300)), vectors)


def test_a_factory_that_does_not_fit_is_refused_and_nothing_written(tmp_path):
    with pytest.raises(UsageError, match=r"at least 1,024 vectors, and there are 100; use --factory Flat"):
        write(tmp_path, random_vectors(100, 16), "IVF1024,Flat")
    assert not (tmp_path / VECTORS).exists()


@pytest.mark.parametrize(
    ("factory", "least"),
    [
        *(("PCA8,Flat", 8), ("PCAR8,SQ8", 8), ("PCA8,RR16,Flat", 8), ("OPQ4_8,SQ8", 256), ("IVF9,Flat", 9)),
        *(("RR32,SQ8", 1), ("L2norm,Flat", 1), ("Pad32,SQ8", 1)),
    ],
)
def test_a_factory_is_kept_from_as_many_vectors_on_as_it_needs(tmp_path, factory, least):
    assert [fitting(factory, 16, count) for count in (least - 1, least)] == [None if least > 1 else factory, factory]
    assert write(tmp_path, random_vectors(least, 16), factory).factory == factory


def test_what_faiss_cannot_build_is_a_usage_error(tmp_path):
    # What its clusters are found by has itself 256 clusters to learn, from the 8 of them.
    with pytest.raises(UsageError, match=r"FAISS cannot build .* of 100 vectors: .*; use --factory Flat"):
        write(tmp_path, random_vectors(100, 16), "IVF8(PQ4),Flat")


def test_no_vectors_are_a_flat_index(tmp_path):
    assert write(tmp_path, np.empty((0, 16), np.float32), "IVF8,SQ8") == VectorRecord("Flat", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_an_os_error_that_names_the_file(tmp_path):
    (tmp_path / VECTORS).symlink_to("/dev/full")
    with pytest.raises(OSError) as error:
        write(tmp_path, random_vectors(400, 16), "IVF8,SQ8")
    assert error.value.filename == str(tmp_path / VECTORS)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_disk_that_fills_up_while_vectors_come_leaves_no_spool(tmp_path):
    writer = VectorWriter(tmp_path, 16)
    writer._stream.close()
    writer._stream = Path("/dev/full").open("wb")  # noqa: SIM115
    writer._stream.write(b"what is still to be written when it is closed")
    with pytest.raises(OSError, match="No space left"):
        writer.add(random_vectors(1000, 16))
    with pytest.raises(OSError, match="No space left"):
        writer.close()
    assert not list(tmp_path.iterdir())


def test_blocks_change_nothing(tmp_path, monkeypatch):
    write(tmp_path / "one", random_vectors(150, 16), "IVF8,SQ8")
    monkeypatch.setattr(vector_writer, "_BLOCK", 64)
    write(tmp_path / "three", random_vectors(150, 16), "IVF8,SQ8")
    assert (tmp_path / "one" / VECTORS).read_bytes() == (tmp_path / "three" / VECTORS).read_bytes()
