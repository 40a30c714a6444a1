"""What is known of an index in a Milvus: short texts by name, in a small collection beside its generations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from odqa.addresses import MilvusAddress
from odqa.errors import DataError, IndexFolderError
from odqa.files import parse_json
from odqa.index.manifest import Description
from odqa.index.milvus.client import Milvus
from odqa.index.milvus.names import LAST, generation_name, generation_of, key_of, ledger_name
from odqa.index.schema import AtLeastOne, Size, StoredVectors, Text, parse

FORMAT = 1
_PIECE = 15_000  # Characters of a text in one row, which holds 65,535 bytes.
_MOST_PIECES = 10_000

MOST_NAMES, LONGEST_NAME = 100_000, 10_000  # Of fields, and characters of one, as ``Text`` has it.

_Fields = Annotated[tuple[Text, ...], Field(max_length=MOST_NAMES)]
_Generation = Annotated[int, Field(strict=True, ge=1, le=LAST)]


@dataclass(frozen=True, slots=True)
class MilvusManifest(Description):
    """Everything known about an index in a Milvus without opening it; its version is its generation.

    ``all_documents`` and ``all_passages`` count what is in it, ``size`` is about their bytes, ``names`` are the fields
    of its documents, ``vectors`` says how these are stored.
    """

    all_documents: AtLeastOne
    all_passages: AtLeastOne
    size: Size
    names: _Fields
    vectors: StoredVectors

    @property
    def documents(self) -> int:
        """The documents."""
        return self.all_documents

    @property
    def passages(self) -> int:
        """The passages."""
        return self.all_passages

    @property
    def bytes(self) -> int:
        """About the size of all rows."""
        return self.size

    @property
    def newest_vectors(self) -> Mapping[str, Any]:
        """How the vectors are stored."""
        return self.vectors


_ADAPTER = TypeAdapter(MilvusManifest)


def common(description: Description) -> dict[str, Any]:
    """The fields that every description has, by name."""
    return {field.name: getattr(description, field.name) for field in fields(Description)}


class Ledger:
    """The texts that are kept for the index of an address. Raises what ``Milvus.call`` raises."""

    def __init__(self, milvus: Milvus, address: MilvusAddress) -> None:
        self._milvus = milvus
        self._address = address
        self._collection = ledger_name(address.name)

    def exists(self) -> bool:
        """Whether there is one."""
        return bool(self._milvus.call("has_collection", self._collection))

    def make(self) -> None:
        """Make it, as far as it is not there, and have it ready."""
        types = self._milvus.library.DataType
        schema = self._milvus.library.MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("key", types.VARCHAR, is_primary=True, max_length=64)
        schema.add_field("name", types.VARCHAR, max_length=200)
        schema.add_field("piece", types.INT64)
        schema.add_field("pieces", types.INT64)
        schema.add_field("value", types.VARCHAR, max_length=65_535)
        schema.add_field("nothing", types.FLOAT_VECTOR, dim=2)  # Without a vector there is no collection.
        index = self._milvus.library.MilvusClient.prepare_index_params()
        index.add_index("nothing", index_type="FLAT", metric_type="IP")
        self._milvus.create(self._collection, schema, index)

    def read(self, name: str) -> str | None:
        """The text of this name; None where there is none. Raises IndexFolderError where a piece of it is missing."""
        if not self.exists():
            return None
        self._milvus.load(self._collection)
        rows = self._milvus.query(self._collection, f'name == "{name}"', ["piece", "pieces", "value"], strong=True)
        if not rows:
            return None
        rows.sort(key=lambda row: row["piece"])
        pieces = rows[0]["pieces"]
        if [row["piece"] for row in rows[:pieces]] != list(range(pieces)):
            raise IndexFolderError(f"{self._address} is damaged: a piece of its {name} is missing; build it again")
        return "".join(row["value"] for row in rows[:pieces])

    def write(self, name: str, text: str) -> None:
        """Keep a text under a name, in the place of what was kept there."""
        pieces = [text[at : at + _PIECE] for at in range(0, len(text), _PIECE)] or [""]
        if len(pieces) > _MOST_PIECES:
            raise IndexFolderError(f"what is known of {self._address} is too long to be kept beside it")
        rows = [
            {
                "key": key_of(f"{name}#{at}"),
                "name": name,
                "piece": at,
                "pieces": len(pieces),
                "value": piece,
                "nothing": [0.0, 0.0],
            }
            for at, piece in enumerate(pieces)
        ]
        self.make()
        self._milvus.write("upsert", self._collection, rows)
        self._milvus.write("delete", self._collection, filter=f'name == "{name}" and piece >= {len(pieces)}')

    def forget(self, names: Sequence[str]) -> None:
        """Keep these texts no longer."""
        for name in names:
            self._milvus.write("delete", self._collection, filter=f'name == "{name}"')


def manifest_name(generation: int) -> str:
    """What the manifest of a generation is kept under."""
    return f"generation {generation}"


def as_kept(manifest: MilvusManifest) -> dict[str, Any]:
    """A manifest as plain values."""
    return asdict(manifest)


def current_generation(milvus: Milvus, address: MilvusAddress) -> int | None:
    """The generation that the alias of an index leads to; None where there is no index, nor anything else.

    Raises IndexFolderError where something else than an index has its name.
    """
    target = milvus.target_of(address.name)
    if target is None:
        if milvus.call("has_collection", address.name):
            raise _foreign(address)
        return None
    generation = generation_of(address.name, target)
    if generation is None:
        raise _foreign(address)
    return generation


def read_manifest(milvus: Milvus, address: MilvusAddress, generation: int | None = None) -> MilvusManifest:
    """The manifest of an index as it is now, or of a ``generation``.

    Raises IndexFolderError where there is no index, or where it is damaged or of another format.
    """
    generation = generation or current_generation(milvus, address)
    rebuild = f"`odqa index PATH... --index {address}`"
    if generation is None:
        raise IndexFolderError(f"{address} is not an index: there is no such collection; make one with {rebuild}")
    text = Ledger(milvus, address).read(manifest_name(generation))
    if text is None:
        raise IndexFolderError(
            f"{address} is not an index, or is damaged: nothing is known of "
            f"{generation_name(address.name, generation)}; build the index again with {rebuild}"
        )
    try:
        value = parse_json(text, "its manifest", "")
        if not isinstance(value, dict) or type(value.get("format")) is not int:
            raise ValueError("it has no format version")
        if value["format"] != FORMAT:
            raise IndexFolderError(
                f"{address} has index format {value['format']}, this odqa reads format {FORMAT} of indexes in a "
                f"Milvus: upgrade with `pip install --upgrade odqa`, or build the index again with {rebuild}"
            )
        return parse(_ADAPTER, value)
    except (ValueError, DataError) as error:
        raise IndexFolderError(
            f"the manifest of {address} is damaged: {error}; build it again with {rebuild}"
        ) from None


def _foreign(address: MilvusAddress) -> IndexFolderError:
    return IndexFolderError(
        f"the collection {address.name} of {address} was not made by odqa, so it stays as it is; name another one with "
        f"--index"
    )
