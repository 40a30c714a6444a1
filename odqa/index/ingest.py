"""Files go in, a change has their documents: reads, compares with the index, splits, encodes. Lands nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from odqa.cluster.documents import Encoded, encoded, job_of
from odqa.cluster.documents import Item as Made
from odqa.cluster.join import joined
from odqa.cluster.work import Finished, Held
from odqa.corpus import ChunkOptions, ReadLimits, ReadOptions, Unusable, read_file, split
from odqa.corpus.base import LIMITS, source_of
from odqa.corpus.read import digest_of
from odqa.errors import DataError, UsageError
from odqa.index.interface import Change, Storage, Writer
from odqa.index.report import ENCODING, READING, Progress, ShowProgress
from odqa.index.store import StoredDocument, hash_document
from odqa.types import Document, Passage

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder


class OnDuplicate(StrEnum):
    """What happens when two documents have the same id: an error, or one of the two is left out."""

    ERROR = "error"
    REPLACE = "replace"
    SKIP = "skip"


def check_on_duplicate(name: OnDuplicate | str) -> OnDuplicate:
    """The choice of that name. Raises UsageError where there is none."""
    try:
        return OnDuplicate(name)
    except ValueError:
        raise UsageError(f"no such choice for duplicates: {name!r} ({', '.join(OnDuplicate)})") from None


@dataclass(frozen=True, slots=True)
class Rules:
    """How files become the passages of an index, and what happens to documents that are already in it.

    With ``update``, unchanged files and documents are left alone, and changed ones replace what was read from the same
    file. With ``strict`` the first file that cannot be used is an error. ``limits`` say what reading a file may cost.
    """

    read: ReadOptions
    chunk: ChunkOptions
    storage: Storage
    on_duplicate: OnDuplicate
    strict: bool
    update: bool = False
    limits: ReadLimits = LIMITS


class Ingest:
    """The documents of one change.

    ``counts`` are the numbers of documents by what happened to them, under the names of ``ChangeReport``.
    """

    def __init__(
        self,
        change: Change,
        encoder: Callable[[], Encoder],
        rules: Rules,
        progress: ShowProgress | None,
    ) -> None:
        """``encoder`` is called when a document needs it."""
        self.counts: Counter[str] = Counter()
        self.unusable: list[Unusable] = []
        self._change = change
        self._catalog = change.catalog
        self._known = self._catalog.hashes() if rules.update else {}
        self._encoder = encoder
        self._rules = rules
        self._progress = progress
        self._writer: Writer | None = None
        self._replaced: dict[int, StoredDocument] = {}  # Of this change's own documents.
        self._hashes: dict[str, str] = {}

    def read(self, files: Sequence[Path]) -> None:
        """Take the documents of all files. Raises DataError where ``Rules`` make it an error."""
        with closing(self._read(files)) as made:
            self._receive(files, made)

    def read_on(self, address: str, device: str, files: Sequence[Path]) -> None:
        """Take the documents of all files, which the Ray cluster at ``address`` reads, splits and encodes.

        In a change they come before all others. Raises DataError where ``Rules`` make it an error, OdqaError where the
        cluster cannot do it.
        """
        rules = self._rules
        with joined(address) as cluster:
            on = cluster.device(device)
            job = job_of(self._encoder(), rules.read, rules.limits, rules.chunk, hash_document, on)
            with closing(encoded(cluster, files, job, self._held)) as made:
                self._receive(files, made)

    def _read(self, files: Sequence[Path]) -> Generator[Document | Made]:
        """What ``encoded`` gives of the files, but for the passages."""
        for file in files:
            digest = digest_of(file, self._rules.limits)
            if not digest or digest != self._held(file).digest:
                yield from read_file(file, self._rules.read, self._rules.limits)
            yield Finished(digest)

    def _held(self, file: Path) -> Held:
        """What an update need not read, or not encode, of a file."""
        source = source_of(file)
        there = self._catalog.from_source(source) if self._rules.update else ()
        # Where its documents were removed since, it is read again.
        return Held(self._known.get(source, "") if there else "", {one.document.id: one.document.hash for one in there})

    def _receive(self, files: Sequence[Path], made: Iterable[Document | Made]) -> None:
        """Take what the files give, one after another."""
        sizes = [_size(file) for file in files]
        before, total, at = 0, sum(sizes), 0
        ids, usable, characters = set[str](), True, 0
        for item in made:
            if isinstance(item, Finished):
                self._finished(source_of(files[at]), item.digest, ids if usable else None)
                before, at = before + sizes[at], at + 1
                ids, usable, characters = set(), True, 0
            else:
                if not isinstance(item, Unusable):
                    document = item.document if isinstance(item, Encoded) else item
                    characters += len(document.text)
                    if self._rules.update:
                        ids.add(document.id)
                usable = self._take(item) and usable
            # A file of rows gives many documents; the length of their texts shows how far it has been read.
            self._show(READING, before + min(characters, sizes[at]) if at < len(files) else total, total)
        self._show(READING, total, total)

    def _finished(self, source: str, digest: str, ids: Collection[str] | None) -> None:
        """End a file that gave the documents ``ids``, None where not all of it could be used."""
        there = self._catalog.from_source(source) if self._rules.update else ()
        if there and digest and self._known.get(source) == digest:  # It was not read.
            self.counts["unchanged"] += len(there)
            return
        self._hashes[source] = digest
        if ids is None:  # What was read before is kept: better than nothing.
            return
        for gone in there:
            if gone.document.id not in ids:
                self._catalog.remove(gone)
                self.counts["removed"] += 1

    def take(self, items: Iterable[Document | Encoded | Unusable]) -> None:
        """Take documents that are in no file. Raises DataError where ``Rules`` make it an error."""
        for item in items:
            self._take(item)

    def _take(self, item: Document | Encoded | Unusable) -> bool:
        """Take a document, or note why there is none; whether it could be used."""
        problem = item if isinstance(item, Unusable) else self._append(item)
        if problem is None:
            return True
        self.unusable.append(problem)
        if self._rules.strict:
            raise DataError(f"{problem.source}: {problem.reason} (without --strict it would be left out)")
        return False

    def _append(self, item: Document | Encoded) -> Unusable | None:
        """Append a document, unless it is there already."""
        document = item.document if isinstance(item, Encoded) else item
        rules = self._rules
        held = self._catalog.find(document.id)
        same_file = rules.update and held is not None and held.document.source == document.source
        if held and same_file and held.document.hash == hash_document(document):
            self.counts["unchanged"] += 1
            return None
        twice = None if held else self._in_this_change(document.id)
        other = held.document if held else twice
        if other and not same_file and rules.on_duplicate is not OnDuplicate.REPLACE:
            if rules.on_duplicate is OnDuplicate.ERROR:
                raise DataError(_duplicate(other, document, in_index=held is not None))
            self.counts["skipped"] += 1
            return None
        passages, vectors = self._made(item)
        if not passages:
            return _without_passages(document)
        writer = self._open_writer()
        if problem := writer.unfit(document, passages):
            return Unusable(document.source, problem)
        if held:
            self._catalog.remove(held)
        if twice:
            self._replaced[twice.number] = twice
        else:
            self.counts["changed" if held else "added"] += 1
        writer.add(document, passages, vectors)
        return None

    def _made(self, item: Document | Encoded) -> tuple[Sequence[Passage], NDArray[np.float32] | None]:
        """The passages of a document, and their vectors, if it is not for ``finish`` to encode them."""
        if isinstance(item, Document):
            return split(item, self._encoder().token_offsets, self._rules.chunk), None
        passages, vectors = item.passages, item.vectors
        if not passages:  # It was held, and a document of another file has replaced it since.
            passages, _ = self._made(item.document)
            vectors = self._encoder().encode_passages(passages)
        self.counts["encoded"] += len(passages)
        return passages, vectors

    def finish(self) -> bool:
        """Encode and store what was read; whether there was anything."""
        if self._writer is None or not self._writer.store.documents:
            return False
        writer, encoder = self._writer, self._encoder()
        for source, digest in self._hashes.items():
            if digest:
                writer.store.add_source(source, digest)
        passages = writer.store.passages

        def advance(count: int) -> None:
            self.counts["encoded"] += count
            self._show(ENCODING, self.counts["encoded"], passages)

        def encode(batch: Sequence[Passage]) -> NDArray[np.float32]:
            return encoder.encode_passages(batch, advance)

        self._change.finish(encode, self._rules.storage, self._replaced.values())
        return True

    def _open_writer(self) -> Writer:
        if self._writer is None:
            self._writer = self._change.write(self._encoder().dimension, self._rules.chunk.language)
        return self._writer

    def _in_this_change(self, id: str) -> StoredDocument | None:
        found = self._writer.store.find(id) if self._writer else ()
        return next((item for item in found if item.number not in self._replaced), None)

    def _show(self, stage: str, done: int, total: int) -> None:
        if self._progress:
            store = self._writer.store if self._writer else None
            documents, passages = (store.documents, store.passages) if store else (0, 0)
            self._progress(Progress(stage, done, total, documents, passages))


def fit_chunk(chunk: ChunkOptions, encoder: Encoder) -> ChunkOptions:
    """``chunk`` with passages no longer than the encoder reads; the overlap keeps its share of them."""
    budget = encoder.passage_budget
    if chunk.max_tokens <= budget:
        return chunk
    overlap = chunk.overlap_tokens * budget // chunk.max_tokens
    return replace(chunk, max_tokens=budget, overlap_tokens=overlap)


def _duplicate(first: StoredDocument, document: Document, in_index: bool) -> str:
    where = f"{first.source}, in the index already," if in_index else first.source
    remedy = "`odqa update` takes in changed files, and " if in_index and first.source == document.source else ""
    return (
        f"two documents have the id {document.id!r}, one from {where} and one from {document.source}; {remedy}"
        f"--on-duplicate replace keeps the later one, --on-duplicate skip the earlier one"
    )


def _without_passages(document: Document) -> Unusable:
    which = "" if document.id == document.source else f" (document {document.id})"
    return Unusable(document.source, f"no character in it that the encoder knows{which}")


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # Reading the file reports what is wrong with it.
