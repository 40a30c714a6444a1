"""Files go in, their documents with passages and vectors come out, in the order of the files, made by a cluster.

It is a pipeline of Ray Data: tasks read and split the files, actors that hold the encoder give passages their vectors.
What is finished and not yet taken is held back in Ray's object store, of which a pipeline takes no more than its share;
when that is full, reading waits. What a lost node had in work, Ray does again on another one.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from odqa.cluster import work
from odqa.cluster.join import SHARE, Cluster, failures
from odqa.cluster.work import Encode, Finished, Held, Job, Missing
from odqa.corpus import ChunkOptions, ReadLimits, ReadOptions, Unusable
from odqa.corpus.base import source_of
from odqa.errors import OdqaError
from odqa.retrieval.encoder import Encoder
from odqa.types import Document, Passage

if TYPE_CHECKING:
    from pyarrow import Table

_FILES, _BYTES = 64, 4_000_000  # A task reads so many files, or files of so many bytes, at most; or one file.
_BLOCK = 1_000_000  # Bytes of rows that go from worker to worker at a time: a few hundred passages.
_READER = 0.75  # Of a core, what a task that reads asks for: all its cores read, and there is room for encoders.
_NO_VECTORS: NDArray[np.float32] = np.zeros((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Encoded:
    """A document, its passages in order, and their vectors, float32 (passages, dimension); none of one that is held."""

    document: Document
    passages: Sequence[Passage]
    vectors: NDArray[np.float32]


Item: TypeAlias = Encoded | Unusable | Finished


def job_of(
    encoder: Encoder,
    read: ReadOptions,
    limits: ReadLimits,
    chunk: ChunkOptions,
    hash_of: Callable[[Document], str],
    device: str = "cpu",
) -> Job:
    """How files become vectors on a cluster as they do here, by ``encoder``; ``device`` is cpu or cuda.

    ``hash_of`` is a function of a module, see ``odqa.cluster.work.Job``.
    """
    backend = encoder.backend if device == "cpu" else None
    return Job(
        str(Path.cwd()),
        read,
        limits,
        chunk,
        encoder.tokenizer_json,
        encoder.name,
        encoder.content_hash,
        device,
        backend,
        hash_of,
    )


def encoded(cluster: Cluster, files: Sequence[Path], job: Job, held: Callable[[Path], Held]) -> Generator[Item]:
    """The documents of the files, in their order, what of each is unusable, and ``Finished`` at the end of each.

    ``held`` says what is there of a file already; it is asked for all of them before the first is read.

    Raises OdqaError where a node does not see the files or has another encoder, where a worker fails for good, and
    where a row is missing or comes twice, which Ray sees to that it does not.
    """
    following = _Order(files)
    document: Document | None = None
    passages: list[Passage] = []
    vectors: list[bytes] = []

    def whole() -> Iterator[Encoded]:
        nonlocal document
        if document is not None:
            found = np.frombuffer(b"".join(vectors), np.float32).reshape(len(passages), -1) if passages else _NO_VECTORS
            yield Encoded(document, tuple(passages), found)
        document = None
        passages.clear()
        vectors.clear()

    with closing(_rows(cluster, files, job, held)) as rows:
        for file, number, packed, vector in rows:
            item: work.Item = pickle.loads(packed)  # Of our own process on another node.
            if isinstance(item, OdqaError):
                raise item
            following.check(file, number, last=isinstance(item, Finished))
            if isinstance(item, Passage):
                passages.append(item)
                vectors.append(vector)
                continue
            yield from whole()
            if isinstance(item, Document):
                document = item
            elif isinstance(item, Missing):
                yield _missing(files[file], item)
            else:
                yield item
    following.check_end()


class _Order:
    """Sees that the rows of all files come one after another, each once."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = files
        self._next = (0, 0)

    def check(self, file: int, number: int, *, last: bool) -> None:
        """Raise OdqaError for a row that is not the next one; ``last`` is said of the last one of a file."""
        if (file, number) != self._next:
            raise OdqaError(
                f"the Ray cluster gave row {number} of {self._files[file]} when another one was due: a file changed "
                f"while it was read, or rows were lost; run it again"
            )
        self._next = (file + 1, 0) if last else (file, number + 1)

    def check_end(self) -> None:
        """Raise OdqaError where a file is still to come."""
        if self._next != (len(self._files), 0):
            raise OdqaError(f"the Ray cluster gave nothing, or not all, of {self._files[self._next[0]]}; run it again")


def _missing(file: Path, item: Missing) -> Unusable:
    """What is to be said of a file that a node does not see. Raises OdqaError where it is there for this one."""
    if os.path.lexists(file):
        raise OdqaError(
            f"{file} is there, but not for the node {item.node} of the Ray cluster; put the files on storage that all "
            f"nodes have in the same place"
        )
    return Unusable(source_of(file), os.strerror(2))


def _rows(
    cluster: Cluster, files: Sequence[Path], job: Job, held: Callable[[Path], Held]
) -> Generator[tuple[int, int, bytes, bytes]]:
    """The rows of all files, with vectors, in order. Close it to end the work."""
    if not files:
        return
    from ray.data import ActorPoolStrategy, DataContext, from_arrow

    logging.getLogger("ray.data").setLevel(logging.ERROR)  # Importing it has set another one.
    context = DataContext.get_current().copy()
    context.execution_options.preserve_order = True
    context.target_max_block_size = _BLOCK
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    on_gpu = job.device == "cuda"
    workers = len(cluster.places(job.device))
    with failures(), DataContext.current(context):
        rows = (
            from_arrow([_table(group, held) for group in groups(files)])
            .map_batches(work.read, fn_args=[job], batch_format="pyarrow", num_cpus=_READER)
            .map_batches(
                Encode,
                fn_constructor_args=[job],
                batch_format="pyarrow",
                compute=ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers),
                num_gpus=1 if on_gpu else None,
                num_cpus=SHARE,
            )
        )
        batches = iter(rows.iter_batches(batch_size=None, batch_format="pyarrow"))
    with closing(batches):
        while True:
            with failures():
                batch = next(batches, None)
            if batch is None:
                return
            columns = (batch[name].to_pylist() for name in ("file", "number", "item", "vector"))
            yield from zip(*columns, strict=True)


def groups(files: Sequence[Path]) -> Iterator[list[tuple[int, Path]]]:
    """The files, numbered, in groups that a task reads."""
    group: list[tuple[int, Path]] = []
    total = 0
    for number, file in enumerate(files):
        size = _size(file)
        if group and (len(group) == _FILES or total + size > _BYTES):
            yield group
            group, total = [], 0
        group.append((number, file))
        total += size
    if group:
        yield group


def _table(group: Sequence[tuple[int, Path]], held: Callable[[Path], Held]) -> Table:
    import pyarrow

    numbers, paths = zip(*group, strict=True)
    # Bytes: not every name of a file is text.
    names = pyarrow.array([os.fsencode(path) for path in paths], pyarrow.binary())
    there = pyarrow.array([pickle.dumps(held(path)) for path in paths], pyarrow.large_binary())
    return pyarrow.table({"file": pyarrow.array(numbers, pyarrow.int64()), "path": names, "held": there})


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
