from __future__ import annotations

import numpy as np
import pytest

from odqa.errors import UsageError
from odqa.retrieval import gpu
from odqa.retrieval.gpu import GpuIndex, gpus, to_gpu, why_not_gpu
from tests.retrieval.vector_files import brute_force, random_vectors, stored

VECTORS = random_vectors(500, 16)
QUERIES = random_vectors(30, 16, seed=1)


@pytest.fixture
def no_gpu():
    if gpus():
        pytest.skip("there is a GPU")


@pytest.fixture
def some_gpu():
    if not gpus():
        pytest.skip(str(why_not_gpu()))


@pytest.fixture
def half(monkeypatch):
    """In place of the copy on a GPU one on the CPU, of 16-bit numbers as there."""
    import faiss

    index = faiss.index_factory(16, "SQfp16", faiss.METRIC_INNER_PRODUCT)
    index.add(VECTORS)
    monkeypatch.setattr(gpu, "to_gpu", lambda *args, **kwargs: (GpuIndex(index), None))


@pytest.mark.usefixtures("no_gpu")
def test_auto_stays_on_the_cpu_and_says_why(tmp_path):
    vectors = stored(tmp_path, VECTORS)
    why_not = vectors.move("auto")
    assert why_not == why_not_gpu()
    assert why_not is not None and ("faiss-cpu" in why_not or "no GPU" in why_not)
    assert vectors.nearest(VECTORS[7:8], 1)[1].tolist() == [[7]]


@pytest.mark.usefixtures("no_gpu")
def test_cuda_is_refused_with_the_reason_and_the_remedy(tmp_path):
    vectors = stored(tmp_path, VECTORS)
    with pytest.raises(
        UsageError, match=r"no search on a GPU: .*(pip install \"odqa\[gpu\]\"|nvidia-smi).*--device auto"
    ):
        vectors.move("cuda")


def test_the_cpu_needs_no_reason(tmp_path):
    assert stored(tmp_path, VECTORS).move("cpu") is None


@pytest.mark.usefixtures("half")
def test_the_order_is_that_of_the_vectors_on_the_disk(tmp_path):
    vectors = stored(tmp_path, VECTORS)
    assert vectors.move("auto") is None
    scores, rows = vectors.nearest(QUERIES, 20)
    assert (scores.tolist(), rows.tolist()) == brute_force(VECTORS, QUERIES, 20)


@pytest.mark.usefixtures("half")
@pytest.mark.parametrize("most", [2048, 100], ids=["on the GPU", "on the CPU"])
def test_rows_that_are_not_allowed_are_dropped(tmp_path, most, monkeypatch):
    monkeypatch.setattr(gpu, "_MOST", most)
    monkeypatch.setattr("odqa.retrieval.dense._FEW", 0)
    vectors = stored(tmp_path, VECTORS)
    vectors.move("auto")
    allowed = np.arange(500) % 3 == 0
    scores, rows = vectors.nearest(QUERIES, 20, allowed)
    assert (scores.tolist(), rows.tolist()) == brute_force(VECTORS, QUERIES, 20, allowed)


def test_a_gpu_is_not_asked_for_more_than_it_can_give():
    import faiss

    index = faiss.IndexFlatIP(16)
    index.add(VECTORS)
    copy, allowed = GpuIndex(index), np.arange(500) % 100 > 0
    found = copy.search(QUERIES, 20, allowed)
    assert found is not None
    assert found[1].shape == (30, 20)
    assert allowed[found[1]].all()
    assert copy.search(QUERIES, 2044, allowed) is None
    assert copy.search(QUERIES, 2049, None) is None


@pytest.mark.gpu
@pytest.mark.usefixtures("some_gpu")
@pytest.mark.parametrize("factory", ["Flat", "IVF8,Flat", "IVF8,SQ8"])
def test_a_search_on_the_gpu_finds_what_one_on_the_cpu_finds(tmp_path, factory):
    vectors = stored(tmp_path, VECTORS, factory)
    if vectors.effort:
        vectors.set_parameters({"nprobe": 8})
    before = vectors.nearest(QUERIES, 20)
    assert vectors.move("cuda") is None
    after = vectors.nearest(QUERIES, 20)
    assert [item.tolist() for item in after] == [item.tolist() for item in before]
    allowed = np.arange(500) % 3 > 0
    assert (
        vectors.nearest(QUERIES, 20, allowed)[1].tolist()
        == brute_force(vectors.reconstruct(np.arange(500)), QUERIES, 20, allowed)[1]
    )


@pytest.mark.gpu
@pytest.mark.usefixtures("some_gpu")
def test_a_graph_stays_on_the_cpu_with_the_reason(tmp_path):
    vectors = stored(tmp_path, VECTORS, "HNSW8")
    assert "cannot put an IndexHNSWFlat on the GPU" in str(vectors.move("cuda"))
    assert vectors.nearest(VECTORS[7:8], 1)[1].tolist() == [[7]]


@pytest.mark.gpu
@pytest.mark.usefixtures("some_gpu")
def test_a_copy_is_sharded_over_all_gpus(tmp_path):
    copy, why_not = to_gpu(stored(tmp_path, VECTORS)._index, required=True)
    assert copy is not None and why_not is None
