"""Files go in, a change has their documents: reads, compares with the index, splits, encodes. Lands nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
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
from odqa.index.spelling import finder, is_gone
from odqa.index.store import StoredDocument, hash_document
from odqa.index.theirs import theirs
from odqa.types import Document, Passage

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder


# Begins what stands in place of the hash of a file of which not all is in the index. No hash is equal to it, so that an
# update reads the file again. It is not empty: in a Milvus that says that a document is from no file.
INCOMPLETE = "incomplete"


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


@dataclass(slots=True)
class _Given:
    """What a file has given so far: the ``ids`` of its documents, for an update alone.

    ``same`` are the ids of those that the index has as they are, ``waiting`` of those that it has from a file that is
    still to be read. ``read`` is whether all of the file could be read, ``used`` whether all that it gave is in the
    index. ``again`` is whether it is as it was when it was last read, though not all of it is in the index, ``last``
    whether nothing more comes from other files.
    """

    ids: set[str] = field(default_factory=set)
    same: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    read: bool = True
    used: bool = True
    again: bool = False
    last: bool = False


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
        self._known = self._catalog.hashes()
        self._encoder = encoder
        self._rules = rules
        self._progress = progress
        self._writer: Writer | None = None
        self._replaced: dict[int, StoredDocument] = {}  # Of this change's own documents.
        self._hashes: dict[str, str] = {}
        self._places: dict[str, int] = {}  # Of the files in the order in which they are read, by their paths.
        self._waiting: list[tuple[Path, _Given]] = []  # Files that gave documents which other ones may still lose.
        self._again: Document | None = None  # The shortest of those that the index has as they are.
        self._hashes_matter = False  # Whether they must be stored even if nothing else is.

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
            job = job_of(self._loaded(), rules.read, rules.limits, rules.chunk, hash_document, on)
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
        self._places = {source_of(file): place for place, file in enumerate(files)}
        before, total, at = 0, sum(sizes), 0
        given, characters = self._begun(files, at), 0
        for item in made:
            if isinstance(item, Finished):
                self._finished(source_of(files[at]), item.digest, given)
                if given.waiting:
                    self._waiting.append((files[at], given))
                before, at = before + sizes[at], at + 1
                given, characters = self._begun(files, at), 0
            else:
                if not isinstance(item, Unusable):
                    document = item.document if isinstance(item, Encoded) else item
                    characters += len(document.text)
                    if self._rules.update:
                        given.ids.add(document.id)
                self._take(item, given)
            # A file of rows gives many documents; the length of their texts shows how far it has been read.
            self._show(READING, before + min(characters, sizes[at]) if at < len(files) else total, total)
        self._take_waiting()
        self._show(READING, total, total)

    def _begun(self, files: Sequence[Path], at: int) -> _Given:
        """What the file at a place has given before it is read."""
        if not self._rules.update or at == len(files):
            return _Given()
        before = self._known.get(source_of(files[at]), "")
        if not before.startswith(f"{INCOMPLETE} ") or before != self._held(files[at]).digest:
            return _Given()
        return _Given(again=before == incomplete(digest_of(files[at], self._rules.limits)))

    def _take_waiting(self) -> None:
        """Take the documents that waited for other files to be read, from their own files, which are read again.

        Of a large table that moved, only the ids are in memory.
        """
        for file, given in self._waiting:
            given.last = True
            for item in read_file(file, self._rules.read, self._rules.limits):
                if isinstance(item, Document) and item.id in given.waiting:
                    self._take(item, given)
            if not given.used:
                self._is_incomplete(source_of(file))
        self._waiting.clear()

    def _is_incomplete(self, source: str) -> None:
        """Note that not all of a file is in the index, though all of it may have been."""
        self._hashes[source] = incomplete(self._hashes.get(source, self._known.get(source, "")))

    def _finished(self, source: str, digest: str, given: _Given) -> None:
        """End a file: take out what is no longer in it, and note its hash."""
        there, update = self._catalog.from_source(source), self._rules.update
        if there and digest and self._known.get(source) == digest:
            if update:  # It was not read.
                self.counts["unchanged"] += len(there)
            else:
                self._hashes[source] = digest
            return
        # An update has left nothing else of the file; an addition leaves what it does not replace.
        whole = given.read and given.used and (update or not there)
        self._hashes[source] = digest if whole and digest else incomplete(digest)
        gone = [one for one in there if one.document.id not in given.ids]
        if not (update and given.read):  # What was read before is kept: better than nothing.
            if update and gone:
                self._tell_kept(source)
            return
        if len(gone) < len(there) and not given.same:  # All that stays cannot be used as it is now: see below.
            return
        for one in gone:
            self._catalog.remove(one)
        self.counts["removed"] += len(gone)
        # With the old hash, what was removed would never come back where the file takes back the change. A new one is
        # stored with a document, and one that is as it was will do.
        self._hashes_matter |= bool(gone and given.same)

    def _tell_kept(self, source: str) -> None:
        """Say where it is said that the file read last cannot be used: of it the index has what is no longer in it."""
        at = len(self.unusable)
        while at and self.unusable[at - 1].source == source:
            at -= 1
            one = self.unusable[at]
            self.unusable[at] = replace(one, reason=f"{one.reason}; what was read from it before is kept")

    def take(self, items: Iterable[Document | Encoded | Unusable]) -> None:
        """Take documents that are in no file. Raises DataError where ``Rules`` make it an error."""
        given = _Given(last=True)
        for item in items:
            self._take(item, given)

    def _take(self, item: Document | Encoded | Unusable, given: _Given) -> None:
        """Take a document, or note why there is none."""
        problem = item if isinstance(item, Unusable) else self._append(item, given)
        if problem is None:
            return
        self.unusable.append(problem)
        if self._rules.strict:
            raise DataError(f"{problem.source}: {problem.reason} (without --strict it would be left out)")
        given.used = False
        if problem is item:
            given.read = False

    def _append(self, item: Document | Encoded, given: _Given) -> Unusable | None:
        """Append a document, unless it is there already."""
        document = item.document if isinstance(item, Encoded) else item
        rules = self._rules
        held = self._catalog.find(document.id)
        met = document.id in given.same  # Then it is no change of the other one: the file has both.
        same_file = rules.update and held is not None and held.document.source == document.source and not met
        if held and same_file and held.document.hash == hash_document(document):
            self.counts["unchanged"] += 1
            given.same.add(document.id)
            if self._again is None or len(document.text) < len(self._again.text):
                self._again = document
            return None
        twice = None if held else self._in_this_change(document.id)
        other = held.document if held else twice
        apart = other is not None and self._are_two_files(other.source, document.source)
        if other and not same_file:
            later = apart and self._places.get(other.source, -1) > self._places[document.source]
            if rules.update and later and not given.last:
                given.waiting.add(document.id)  # The other file may have it no longer.
                return None
            choice = self._choice(given, apart, later)
            if choice is OnDuplicate.ERROR:
                gone = rules.update and apart and is_gone(other.source, finder())
                raise DataError(_duplicate(other, document, in_index=held is not None and not met, gone=gone))
            if choice is OnDuplicate.SKIP:
                self.counts["skipped"] += 1
                given.used &= not apart  # The other file may lose it one day.
                return None
        passages, vectors = self._made(item)
        if not passages:
            return _without_passages(document)
        writer = self._open_writer()
        if problem := writer.unfit(document, passages):
            return Unusable(document.source, problem)
        if held:
            self._catalog.remove(held)
        if met:
            given.same.remove(document.id)
            self.counts["unchanged"] -= 1
        if twice:
            self._replaced[twice.number] = twice
        else:
            self.counts["changed" if held else "added"] += 1
        if other and apart:
            self._is_incomplete(other.source)
        writer.add(document, passages, vectors)
        return None

    def _choice(self, given: _Given, apart: bool, later: bool) -> OnDuplicate:
        """What happens to a document that is there already, ``apart`` in another file, which is read ``later`` or not.

        What was left out of a file that is as it was is left out again. Of two files the later one is that which is
        read later, even where its document was there before.
        """
        choice = self._rules.on_duplicate
        left_out = (apart and given.again) or (later and given.last and choice is OnDuplicate.REPLACE)
        return OnDuplicate.SKIP if left_out else choice

    def _are_two_files(self, one: str, other: str) -> bool:
        """Whether of two sources, of which ``other`` is read in this change, each is a file, and not the same one."""
        return one != other and other in self._places and (one in self._places or one in self._known)

    def _made(self, item: Document | Encoded) -> tuple[Sequence[Passage], NDArray[np.float32] | None]:
        """The passages of a document, and their vectors, if it is not for ``finish`` to encode them."""
        if isinstance(item, Document):
            encoder = self._loaded()
            with theirs():
                return split(item, encoder.token_offsets, self._rules.chunk), None
        passages, vectors = item.passages, item.vectors
        if not passages:  # It was held, and another document of its file has replaced it since.
            passages, _ = self._made(item.document)
            vectors = self._encoded(passages)
        self.counts["encoded"] += len(passages)
        return passages, vectors

    def finish(self) -> bool:
        """Encode and store what was read; whether there was anything."""
        if self._hashes_matter and self._again is not None and not (self._writer and self._writer.store.documents):
            self._write_again(self._again)
        if self._writer is None or not self._writer.store.documents:
            return False
        writer = self._writer
        for source, digest in self._hashes.items():
            writer.store.add_source(source, digest)
        passages = writer.store.passages

        def advance(count: int) -> None:
            self.counts["encoded"] += count
            self._show(ENCODING, self.counts["encoded"], passages)

        def encode(batch: Sequence[Passage]) -> NDArray[np.float32]:
            return self._encoded(batch, advance)

        self._change.finish(encode, self._rules.storage, self._replaced.values())
        return True

    def _write_again(self, document: Document) -> None:
        """Write a document that the index has as it is: hashes are stored beside documents alone."""
        held = self._catalog.find(document.id)
        passages, vectors = self._made(document)
        if held and passages:
            self._catalog.remove(held)
            self._open_writer().add(document, passages, vectors)

    def _open_writer(self) -> Writer:
        if self._writer is None:
            self._writer = self._change.write(self._loaded().dimension, self._rules.chunk.language)
        return self._writer

    def _loaded(self) -> Encoder:
        with theirs():
            return self._encoder()

    def _encoded(
        self, passages: Sequence[Passage], advance: Callable[[int], None] | None = None
    ) -> NDArray[np.float32]:
        """The vectors of passages, (passages, dimension)."""
        encoder = self._loaded()
        with theirs():
            return encoder.encode_passages(passages, advance)

    def _in_this_change(self, id: str) -> StoredDocument | None:
        found = self._writer.store.find(id) if self._writer else ()
        return next((item for item in found if item.number not in self._replaced), None)

    def _show(self, stage: str, done: int, total: int) -> None:
        if self._progress:
            store = self._writer.store if self._writer else None
            documents, passages = (store.documents, store.passages) if store else (0, 0)
            with theirs():
                self._progress(Progress(stage, done, total, documents, passages))


def incomplete(digest: str) -> str:
    """What stands in place of a file's hash ``digest``, or of what stands there already; none where it has none."""
    return digest if digest.startswith(INCOMPLETE) else f"{INCOMPLETE} {digest}".rstrip()


def fit_chunk(chunk: ChunkOptions, encoder: Encoder) -> ChunkOptions:
    """``chunk`` with passages no longer than the encoder reads; the overlap keeps its share of them."""
    budget = encoder.passage_budget
    if chunk.max_tokens <= budget:
        return chunk
    overlap = chunk.overlap_tokens * budget // chunk.max_tokens
    return replace(chunk, max_tokens=budget, overlap_tokens=overlap)


def _duplicate(first: StoredDocument, document: Document, *, in_index: bool, gone: bool) -> str:
    where = f"{first.source}, in the index already," if in_index else first.source
    remedy = "`odqa update` takes in changed files, and " if in_index and first.source == document.source else ""
    remedy = "the first is no longer there, and --prune removes what was read from it; " if gone else remedy
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
