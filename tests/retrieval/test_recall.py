from __future__ import annotations

import numpy as np
import pytest

from odqa.retrieval.recall import probe_queries, recall_at, tune
from tests.retrieval.vector_files import random_vectors, stored

VECTORS = random_vectors(1000, 16)


@pytest.fixture(scope="module")
def exact(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("exact"), VECTORS)


@pytest.fixture
def clusters(tmp_path):
    return stored(tmp_path, VECTORS, "IVF32,Flat")


def test_recall_is_the_share_of_the_exact_rows_that_are_found():
    exact = np.array([[1, 2, 3, 4], [5, 6, 7, 8]])
    assert recall_at(exact[:, ::-1], exact) == 1
    assert recall_at(np.array([[1, 2, 9, 4], [0, 6, 1, 2]]), exact) == pytest.approx((3 / 4 + 1 / 4) / 2)


def test_queries_are_as_far_from_the_vectors_as_questions_are(exact):
    queries = probe_queries(exact, 300)
    assert queries.tolist() == probe_queries(exact, 300).tolist()
    assert np.linalg.norm(queries, axis=1).tolist() == pytest.approx([1] * 300)
    rows = np.sort(np.random.default_rng(0).choice(1000, 300, replace=False))
    assert np.mean((queries * VECTORS[rows]).sum(axis=1)) == pytest.approx(0.6, abs=0.05)
    assert len(probe_queries(exact, 5000)) == 1000


def test_queries_are_no_easier_than_questions(tmp_path):
    """Vectors that lie in few of their dimensions: noise in the others would leave the order of neighbours as it is."""
    random = np.random.default_rng(1)
    flat = random.standard_normal((2000, 4)) @ random.standard_normal((4, 64)) + 0.05 * random.standard_normal(
        (2000, 64)
    )
    vectors = (flat / np.linalg.norm(flat, axis=1, keepdims=True)).astype(np.float32)
    queries = probe_queries(stored(tmp_path, vectors), 200)
    axes = np.linalg.svd(vectors - vectors.mean(axis=0), full_matrices=False)[2][:4]
    assert np.mean(((queries @ axes.T) ** 2).sum(axis=1)) > 0.95


def test_vectors_that_are_all_one_have_queries(tmp_path):
    queries = probe_queries(stored(tmp_path, np.tile(VECTORS[:1], (30, 1))), 10)
    assert np.isfinite(queries).all()


def test_the_least_effort_that_reaches_the_target_is_taken(clusters, exact):
    low, high = tune(clusters, exact, 0.6), tune(clusters, exact, 0.95)
    assert 0.6 <= low.recall < 0.8
    assert high.recall >= 0.95
    assert low.parameters["nprobe"] < high.parameters["nprobe"] < 32
    # It is what the recall is that a search finds from now on.
    queries = probe_queries(exact)
    assert recall_at(clusters.found(queries, 20), exact.nearest(queries, 20)[1]) == high.recall
    clusters.set_parameters({"nprobe": high.parameters["nprobe"] // 2})
    assert recall_at(clusters.found(queries, 20), exact.nearest(queries, 20)[1]) < 0.95


def test_all_is_looked_through_where_everything_is_to_be_found(clusters, exact):
    tuned = tune(clusters, exact, 1.0)
    assert tuned.recall == 1
    assert tuned.parameters["nprobe"] <= 32


def test_a_target_out_of_reach_costs_no_more_effort_than_it_is_worth(tmp_path, exact):
    coarse = stored(tmp_path, VECTORS, "IVF32,PQ4x4")
    tuned = tune(coarse, exact, 0.95)
    coarse.set_parameters({"nprobe": 32})
    queries = probe_queries(exact)
    most = recall_at(coarse.found(queries, 20), exact.nearest(queries, 20)[1])
    assert most < 0.95
    assert tuned.recall >= most - 0.005


def test_a_graph_is_searched_with_more_candidates(tmp_path, exact):
    tuned = tune(stored(tmp_path, VECTORS, "HNSW8"), exact, 0.9)
    assert tuned.parameters.keys() == {"efSearch"}
    assert tuned.recall >= 0.9


def test_an_exhaustive_search_has_a_recall_and_nothing_to_set(tmp_path, exact):
    assert tune(exact, exact, 0.95).recall == 1
    tuned = tune(stored(tmp_path, VECTORS, "SQ4"), exact, 0.95)
    assert tuned.parameters == {}
    assert 0.5 < tuned.recall < 1
