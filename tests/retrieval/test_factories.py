from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.errors import UsageError
from odqa.retrieval.factories import EXAMPLES, FLAT, FLAT_UP_TO, check_factory, choose, make, training_size


def test_few_vectors_are_compared_exactly_and_many_in_clusters_of_codes():
    assert choose(1, 384) == choose(FLAT_UP_TO, 384) == FLAT
    assert choose(1_000_000, 384) == "IVF4096,SQ8"
    assert choose(10_000_000, 384) == "IVF16384,SQ8"
    assert choose(FLAT_UP_TO // 2, 768) == FLAT
    assert choose(60_000, 768) == "IVF1024,SQ8"


@given(vectors=st.integers(0, 10**9), dimension=st.integers(1, 8192))
def test_what_is_chosen_has_vectors_enough_for_its_clusters(vectors, dimension):
    factory = choose(vectors, dimension)
    if factory != FLAT:
        clusters = int(factory.removeprefix("IVF").removesuffix(",SQ8"))
        assert clusters & (clusters - 1) == 0
        assert 32 * clusters <= vectors


@pytest.mark.parametrize(
    "factory", [*EXAMPLES, "HNSW32_SQ8", "IVF4096,PQ96x4fs", "IVF1024_HNSW32,SQ8", "OPQ48_192,IVF1024,PQ48x4fs"]
)
def test_common_factories_are_taken(factory):
    check_factory(factory, 384)
    check_factory(factory, 384, 10_000_000)


@pytest.mark.parametrize(
    "factory", ["Nonsense", "", "IVF", "IVF8,Flat,what", "PQ7", "SQ3", "LSH", "IVF0,Flat", "HNSW1"]
)
def test_what_faiss_refuses_is_named_with_its_reason_and_examples(factory):
    with pytest.raises(UsageError) as error:
        check_factory(factory, 16)
    message = str(error.value)
    assert message.startswith(f"FAISS refuses the factory {factory!r} for vectors of 16 numbers: ")
    assert "Flat, SQ8, HNSW32, IVF1024,Flat, IVF4096,SQ8" in message
    assert "/project/" not in message  # FAISS's source file.


@pytest.mark.parametrize(
    ("factory", "kind"),
    [
        ("IDMap,Flat", "IndexIDMap"),
        ("RaBitQ", "IndexRaBitQ"),
        ("PQ4x4", "IndexPQ"),
        ("HNSW8_PQ4x4", "IndexHNSWPQ"),
        ("IVF8,PQ4x4fs,RFlat", "IndexRefineFlat"),
        ("NSG8", "IndexNSGFlat"),
    ],
)
def test_kinds_without_filters_or_without_their_vectors_are_refused(factory, kind):
    with pytest.raises(UsageError, match=f"'{factory}' makes an {kind}, .*for example Flat"):
        check_factory(factory, 16)


@pytest.mark.parametrize(
    ("factory", "needed"),
    [
        *(("IVF1024,Flat", "1,024"), ("IVF16,PQ4", "256"), ("PCA8,IVF900,SQ8", "900")),
        *(("OPQ4,Flat", "256"), ("PCA8,OPQ4_8,SQ8", "256")),
    ],
)
def test_too_few_vectors_to_learn_from_are_counted_and_another_factory_proposed(factory, needed):
    check_factory(factory, 16)
    with pytest.raises(UsageError) as error:
        check_factory(factory, 16, 200)
    message = str(error.value)
    assert f"{factory!r} has to learn from at least {needed} vectors" in message
    assert "there are 200; use --factory Flat, or leave --factory out" in message


@pytest.mark.parametrize(
    ("factory", "said"),
    [
        ("PCA17,Flat", "makes 17 numbers of 16"),
        *(("PCAW8,SQ8", "cannot be undone (PCAMatrix)"), ("ITQ8,Flat", "cannot be undone (ITQTransform)")),
    ],
)
def test_what_no_vectors_can_be_stored_by_is_refused_before_any_is_made(factory, said):
    with pytest.raises(UsageError) as error:
        check_factory(factory, 16)
    assert said in str(error.value)


def test_the_more_clusters_the_more_vectors_are_learned_from():
    assert training_size(make("Flat", 16)) == training_size(make("HNSW8", 16)) == 0
    assert training_size(make("IVF16,SQ8", 16)) == training_size(make("SQ8", 16)) == 65_536
    assert training_size(make("IVF4096,SQ8", 16)) == 64 * 4096
