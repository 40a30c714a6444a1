"""How the passages of a generation are stored: its fields, and its indexes by their number. Writes no passage."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from odqa.addresses import MilvusAddress
from odqa.errors import UsageError
from odqa.index.interface import Storage
from odqa.index.milvus.client import Milvus
from odqa.index.milvus.conditions import KEYS
from odqa.index.milvus.names import KEY_LENGTH, generation_name
from odqa.index.milvus.records import DENSE, KEY, MOST_BYTES, NUMBERS, SPARSE, TERMS, TEXTS
from odqa.retrieval.keywords import K1, B

TYPES = ("FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8", "DISKANN", "GPU_CAGRA", "AUTOINDEX")
IN_LITE = ("FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8", "AUTOINDEX")
_FEW = 20_000  # Up to so many vectors comparing each is fast, and finds all.
_MANY = 10_000_000  # Above, a graph and whole vectors take more memory than one machine has: a byte a number then.
_EF, _BEST_OF = 128, 2  # Candidates of a walk through a graph: at least so many, and so many for each that is wanted.
_PROBED = 32  # Of so many clusters one is looked through.


def check_storage(address: MilvusAddress, storage: Storage) -> None:
    """Raise UsageError for a type of index that the Milvus of an address does not have."""
    if storage.recall != Storage().recall:
        raise UsageError(
            "--tune-recall is for an index folder: a Milvus does not measure what a search finds; name a --factory "
            f"that finds more instead, of {', '.join(TYPES)}"
        )
    known = IN_LITE if address.file else TYPES
    if storage.factory and storage.factory not in known:
        raise UsageError(
            f"--factory {storage.factory} is no index of vectors in {'milvus-lite' if address.file else 'a Milvus'}: "
            f"there are {', '.join(known)}, and auto chooses by the number of passages"
        )


def stored_vectors(storage: Storage, passages: int) -> dict[str, Any]:
    """How so many vectors are stored, as ``MilvusManifest.vectors`` has it."""
    kind = storage.factory or ("FLAT" if passages <= _FEW else "HNSW" if passages <= _MANY else "IVF_SQ8")
    parameters = {}
    if kind.startswith("IVF"):
        parameters = {"nprobe": max(1, _clusters(passages) // _PROBED)}
    elif kind == "HNSW":
        parameters = {"efSearch": _EF}
    return {"factory": kind, "vectors": passages, "trained_on": 0, "parameters": parameters, "recall": None}


def search_parameters(vectors: Mapping[str, Any], depth: int) -> dict[str, Any]:
    """What a search for so many hits is asked to take the trouble of, by the kind of index."""
    match vectors["factory"]:
        case "HNSW":
            return {"ef": max(_BEST_OF * depth, vectors["parameters"].get("efSearch", _EF))}
        case "IVF_FLAT" | "IVF_SQ8":
            return {"nprobe": vectors["parameters"].get("nprobe", 1)}
        case "DISKANN":
            return {"search_list": max(_BEST_OF * depth, _EF)}
        case "GPU_CAGRA":
            return {"itopk_size": -(-max(_BEST_OF * depth, _EF) // 32) * 32}
    return {}


def create(milvus: Milvus, address: MilvusAddress, generation: int, dimension: int, vectors: Mapping[str, Any]) -> str:
    """Make the collection of a generation, empty, and have it ready; returns its name."""
    name = generation_name(address.name, generation)
    types, client = milvus.library.DataType, milvus.library.MilvusClient
    schema = client.create_schema(auto_id=False, enable_dynamic_field=False, description=f"odqa: {address.name}")
    schema.add_field(KEY, types.VARCHAR, is_primary=True, max_length=KEY_LENGTH)
    for field in TEXTS:
        schema.add_field(field, types.VARCHAR, max_length=MOST_BYTES)
    for field in NUMBERS:
        schema.add_field(field, types.INT64)
    schema.add_field(KEYS, types.JSON)
    schema.add_field(
        TERMS, types.VARCHAR, max_length=MOST_BYTES, enable_analyzer=True, analyzer_params={"tokenizer": "standard"}
    )
    schema.add_field(DENSE, types.FLOAT_VECTOR, dim=dimension)
    schema.add_field(SPARSE, types.SPARSE_FLOAT_VECTOR)
    bm25 = milvus.library.FunctionType.BM25
    schema.add_function(
        milvus.library.Function(name="bm25", function_type=bm25, input_field_names=[TERMS], output_field_names=[SPARSE])
    )
    index = client.prepare_index_params()
    lite = address.file is not None
    index.add_index(
        DENSE,
        index_type=vectors["factory"],
        metric_type="IP",
        params=_for(lite, _build_parameters(vectors["factory"], vectors["vectors"])),
    )
    index.add_index(
        SPARSE,
        index_type="SPARSE_INVERTED_INDEX",
        metric_type="BM25",
        params=_for(lite, {"bm25_k1": K1, "bm25_b": B}),
    )
    for field in ("row", "first", "part"):
        index.add_index(field, index_type="INVERTED")
    milvus.create(name, schema, index)
    return name


def _for(lite: bool, parameters: dict[str, Any]) -> dict[str, Any]:
    """Parameters of an index as they are sent: milvus-lite takes them only under the name that they once had."""
    return {"params": parameters} if lite and parameters else parameters


def _build_parameters(kind: str, passages: int) -> dict[str, Any]:
    match kind:
        case "HNSW":
            return {"M": 32, "efConstruction": 200}
        case "IVF_FLAT" | "IVF_SQ8":
            return {"nlist": _clusters(passages)}
        case "GPU_CAGRA":
            return {"intermediate_graph_degree": 64, "graph_degree": 32}
    return {}


def _clusters(passages: int) -> int:
    """The clusters of so many vectors: four times the root of their number, as Milvus's documentation has it."""
    return max(1, min(65_536, int(4 * sqrt(passages))))
