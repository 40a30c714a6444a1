"""What the workers of a cluster do: paths in, rows of documents and passages out; these in, with vectors out.

A row has the number of its file, its own number within the file, an item, and the vector of an item that is a passage.
The items of a file are, in the order in which it gives them, its Documents, each followed by its Passages unless it is
:class:`Held`, what of it is Unusable, and last :class:`Finished`. An OdqaError among them is why a worker cannot work.
The rows of a file are the same however often they are made, so that whoever takes them can see that none is missing and
none is there twice.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from odqa.cluster.same import check_same, node
from odqa.corpus import ChunkOptions, ReadLimits, ReadOptions, TokenOffsets, Unusable, read_file, split
from odqa.corpus.read import digest_of
from odqa.errors import OdqaError
from odqa.retrieval.encoder import Encoder
from odqa.threads import limit
from odqa.types import Document, Passage

if TYPE_CHECKING:
    from pyarrow import Table

_ROWS = 256  # That a reader of files gives at a time.


@dataclass(frozen=True, slots=True)
class Job:
    """How files become vectors, for every worker the same.

    ``folder`` is what relative paths are relative to, ``tokenizer`` the encoder's, as JSON. ``encoder``,
    ``encoder_hash``, ``device`` and ``backend`` (None for any) say which model computes the vectors, and how.
    ``hash_of`` gives the hash by which a document is known to be :class:`Held`; it is a function of a module.
    """

    folder: str
    read: ReadOptions
    limits: ReadLimits
    chunk: ChunkOptions
    tokenizer: str
    encoder: str
    encoder_hash: str
    device: str
    backend: str | None
    hash_of: Callable[[Document], str]


@dataclass(frozen=True, slots=True)
class Held:
    """What is there already of a file: it is not read where it has this ``digest``, its SHA-256 (hex).

    Otherwise those of its documents that have the hash that is here by their id are neither split nor encoded.
    """

    digest: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no such file on this ``node``."""

    node: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of a file. ``digest`` is its SHA-256 (hex), empty where it could not be read whole."""

    digest: str


Item: TypeAlias = Document | Passage | Unusable | Missing | Finished | OdqaError


def read(files: Table, job: Job) -> Iterator[Table]:
    """The rows of some files, which have a number (``file``), a ``path`` and what is ``held``; vectors are empty."""
    rows: list[tuple[int, int, bytes, bytes]] = []
    columns = (files[name].to_pylist() for name in ("file", "path", "held"))
    for file, path, held in zip(*columns, strict=True):
        for number, item in enumerate(items_of(Path(os.fsdecode(path)), job, pickle.loads(held))):
            rows.append((file, number, pickle.dumps(item), b""))
            if len(rows) == _ROWS:
                yield table_of(rows)
                rows = []
    yield table_of(rows)


def items_of(path: Path, job: Job, held: Held) -> Iterator[Item]:
    """The items of a file, of which some may be ``held``."""
    try:
        os.chdir(job.folder)  # Of this worker's process, which does nothing else.
    except OSError as error:
        yield OdqaError(
            f"the node {node()} of the Ray cluster has no folder {job.folder} ({error.strerror}), from which the "
            f"files are named; put them on storage that all nodes have in the same place"
        )
        return
    digest = digest_of(path, job.limits)
    if not os.path.lexists(path):
        yield Missing(node())
    elif not digest or digest != held.digest:
        offsets = _offsets(job.tokenizer)
        for item in read_file(path, job.read, job.limits):
            yield item
            if isinstance(item, Document) and not _is_held(item, job, held):
                yield from split(item, offsets, job.chunk)
    yield Finished(digest)


def _is_held(document: Document, job: Job, held: Held) -> bool:
    return document.id in held.hashes and held.hashes[document.id] == job.hash_of(document)


class Encode:
    """A worker that holds the encoder: rows go in, the same rows come out, those of passages with their vectors."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._encoder: Encoder | None = None

    def __call__(self, rows: Table) -> Table:
        """Encode a table of rows; where that is not possible, their items are an OdqaError."""
        files, numbers, packed = (rows[name].to_pylist() for name in ("file", "number", "item"))
        vectors = [b""] * len(packed)
        try:
            items = [pickle.loads(one) for one in packed]  # Of our own process on another node.
            at = [place for place, item in enumerate(items) if isinstance(item, Passage)]
            if at:
                if self._encoder is None:  # Not in the constructor: what fails there, Ray tries again and again.
                    self._encoder = _load(self._job)
                for place, vector in zip(at, self._encoder.encode_passages([items[one] for one in at]), strict=True):
                    vectors[place] = vector.tobytes()
        except OdqaError as error:
            packed = [pickle.dumps(error)] * len(packed)
        return table_of(list(zip(files, numbers, packed, vectors, strict=True)))


def table_of(rows: list[tuple[int, int, bytes, bytes]]) -> Table:
    """Rows as Arrow has them."""
    import pyarrow

    kinds = {
        "file": pyarrow.int64(),
        "number": pyarrow.int64(),
        "item": pyarrow.large_binary(),
        "vector": pyarrow.large_binary(),
    }
    columns: Any = zip(*rows, strict=True) if rows else [()] * len(kinds)
    arrays = [pyarrow.array(column, kind) for column, kind in zip(columns, kinds.values(), strict=True)]
    return pyarrow.table(arrays, names=list(kinds))


def _load(job: Job) -> Encoder:
    """The encoder, which must be the one that the index is made with."""
    if job.device == "cpu":
        limit(1)  # There is a worker for each core.
    check_same("encoder", job.encoder, job.encoder_hash)
    return Encoder.load(job.encoder, job.device, backend=job.backend)


@cache
def _offsets(tokenizer: str) -> TokenOffsets:
    """What cuts a text into the encoder's tokens, without the model."""
    from tokenizers import Tokenizer

    loaded = Tokenizer.from_str(tokenizer)

    def offsets(text: str) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = loaded.encode(text, add_special_tokens=False).offsets
        return found

    return offsets
