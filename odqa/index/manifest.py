"""The manifest of an index: its segments, their files with size and checksum, and how it was made. Opens no data file.

A folder is an index when its ``manifest.json`` is whole. Every change writes new files first and the manifest last,
in place of the old one in a single step: the manifest is the index, and what it does not name is not part of it.
"""

from __future__ import annotations

import json
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter

from odqa.addresses import Address
from odqa.errors import IndexFolderError
from odqa.files import sha256
from odqa.index.layout import (
    DATA_FILES,
    MANIFEST,
    NEW_MANIFEST,
    PASSAGES,
    check_kinds,
    entries,
    segment_folder,
    wrong_kind,
)
from odqa.index.ownership import manifest_value
from odqa.index.schema import (
    AtLeastOne,
    Chunking,
    Count,
    DeletedName,
    Dimension,
    Keywords,
    OldFile,
    Prompts,
    Reading,
    SegmentName,
    Sha256,
    Size,
    Storage,
    StoredVectors,
    Text,
    Version,
    parse,
)
from odqa.types import DEFAULT_INDEX

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder

T = TypeVar("T")

FORMAT = 4
_NEIGHBOURS = 1000  # Entries of a folder that are looked at for a guess.
_ATTEMPTS = 10  # A change may land while an index is read; so many in a row are more than bad luck.


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One data file as it was written: its size in bytes and its SHA-256 (hex)."""

    size: Size
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """One segment: what a change wrote, in the folder ``segments/<name>``, and what later changes deleted of it.

    ``documents`` and ``passages`` count everything written. ``deleted`` names the file with the numbers of the deleted
    documents, ``deleted_documents`` of them with ``deleted_passages``; it is empty where there are none. ``vectors``
    says how the vectors are stored: the FAISS factory, what it was trained on, the parameters of its search. ``files``
    are all its files, by name.
    """

    name: SegmentName
    documents: AtLeastOne
    passages: AtLeastOne
    vectors: StoredVectors
    files: Mapping[str, FileRecord]
    deleted: DeletedName
    deleted_documents: Count
    deleted_passages: Count

    @property
    def live_passages(self) -> int:
        """The passages that were not deleted."""
        return self.passages - self.deleted_passages


@dataclass(frozen=True, slots=True)
class Description(ABC):
    """What is known about an index without opening it, wherever it lies.

    ``version`` counts the changes since the index was made, from 1. ``encoder`` is the name to load the encoder by and
    ``encoder_hash`` the hash of its files. ``reading``, ``chunking`` and ``keywords`` say how files become documents,
    passages and terms, and ``storage`` what kind of index of vectors and recall were asked for: documents added later
    are treated alike. ``created`` and ``changed`` are ISO 8601 in UTC.
    """

    format: int
    version: Version
    odqa_version: Text
    created: Text
    changed: Text
    encoder: Text
    encoder_hash: Sha256
    dimension: Dimension
    pooling: Text
    prompts: Prompts
    reading: Reading
    chunking: Chunking
    keywords: Keywords
    storage: Storage

    @property
    @abstractmethod
    def documents(self) -> int:
        """The documents that were not deleted."""

    @property
    @abstractmethod
    def passages(self) -> int:
        """The passages that were not deleted."""

    @property
    @abstractmethod
    def bytes(self) -> int:
        """The size of what is stored."""

    @property
    @abstractmethod
    def newest_vectors(self) -> Mapping[str, Any]:
        """How the vectors that the last change wrote are stored, as ``SegmentRecord.vectors``."""


@dataclass(frozen=True, slots=True)
class Manifest(Description):
    """Everything known about an index folder without opening it.

    ``outdated`` names files beside the manifest that an index of an older format had, in whose place this one came:
    they are to be deleted.
    """

    segments: tuple[SegmentRecord, ...]
    outdated: tuple[OldFile, ...] = ()

    @property
    def documents(self) -> int:
        """The documents that were not deleted."""
        return sum(segment.documents - segment.deleted_documents for segment in self.segments)

    @property
    def passages(self) -> int:
        """The passages that were not deleted."""
        return sum(segment.live_passages for segment in self.segments)

    @property
    def deleted_passages(self) -> int:
        """The passages that were deleted and are still on the disk."""
        return sum(segment.deleted_passages for segment in self.segments)

    @property
    def bytes(self) -> int:
        """The size of the data files together."""
        return sum(record.size for segment in self.segments for record in segment.files.values())

    @property
    def newest_vectors(self) -> Mapping[str, Any]:
        """How the vectors of the newest segment are stored."""
        return self.segments[-1].vectors


_ADAPTER = TypeAdapter(Manifest)
# Vectors are compared by their cosine. Nothing reads these, but earlier releases refuse a manifest without them.
_CONSTANTS = {"metric": "inner_product", "normalized": True}


def rebuild_command(folder: Path) -> str:
    """The command that rebuilds the index, as messages quote it."""
    return f"`odqa index PATH... --index {quote(str(folder))}`"


def record_file(path: Path) -> FileRecord:
    """Size and checksum of a file that is written and closed. Raises OSError where it cannot be read."""
    return FileRecord(size=path.stat().st_size, sha256=sha256(path))


def as_stored(manifest: Manifest) -> dict[str, Any]:
    """The content of ``manifest.json``: the manifest, with what is the same in every index of this format."""
    content = asdict(manifest)
    segments, outdated = content.pop("segments"), content.pop("outdated")
    return {**content, **_CONSTANTS, "segments": segments, **({"outdated": outdated} if outdated else {})}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace ``manifest.json``, whole or not at all.

    It is flushed to the disk, as the files that it names are, before it counts. Its temporary name is always the same,
    so that the next change finds and deletes what a killed one left (``odqa.files.whole`` does neither).
    """
    new = folder / NEW_MANIFEST
    new.unlink(missing_ok=True)
    with new.open("x", encoding="utf-8") as stream:  # Through no link that is there.
        json.dump(as_stored(manifest), stream, ensure_ascii=False, indent=2)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(folder / MANIFEST)


def read_manifest(folder: str | Path) -> Manifest:
    """Read and check the manifest of ``folder``.

    Raises IndexFolderError when there is no index, and when the manifest is damaged or of another format version.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    remedy = f"build the index again with {rebuild_command(folder)}"
    try:
        value = manifest_value(folder, remedy)
    except (FileNotFoundError, NotADirectoryError):
        what = "has no manifest.json" if folder.is_dir() else "does not exist"
        raise IndexFolderError(
            f"{folder} is not an index: it {what}; {_instead(folder)}make one with {rebuild_command(folder)}"
        ) from None
    if not isinstance(value, dict) or type(value.get("format")) is not int:
        raise IndexFolderError(f"{path} is not the manifest of an index: it has no format version; {remedy}")
    if value["format"] > FORMAT:
        raise IndexFolderError(
            f"{folder} has index format {value['format']}, this odqa reads format {FORMAT}: "
            f"upgrade with `pip install --upgrade odqa`, or {remedy}"
        )
    if value["format"] < FORMAT:
        raise IndexFolderError(f"{folder} has index format {value['format']}, which is no longer read; {remedy}")
    try:
        manifest = parse(_ADAPTER, value)
    except ValueError as error:
        raise IndexFolderError(f"{path} is damaged: {error}; {remedy}") from None
    if problem := next(_contradictions(manifest), ""):
        raise IndexFolderError(f"{path} is damaged: {problem}; {remedy}")
    return manifest


def of_one_version(
    folder: Path, read: Callable[[Manifest], T], is_whole: Callable[[T], bool] = lambda found: True
) -> T:
    """What ``read`` finds in the files of an index, by its manifest; in those of a new version that comes meanwhile.

    A change takes the files of the version before away, which is no damage. Raises what ``read`` raises of the version
    that is there, and IndexFolderError where each time there is another one. ``is_whole`` says of what was found
    whether it is without a fault.
    """
    for _ in range(_ATTEMPTS):
        manifest = read_manifest(folder)
        try:
            found = read(manifest)
        except (IndexFolderError, OSError):
            if read_manifest(folder) == manifest:
                raise
        else:
            if is_whole(found) or read_manifest(folder) == manifest:
                return found
    raise IndexFolderError(
        f"{folder} was changed each of the {_ATTEMPTS} times that it was read; try again when no change is made to it"
    )


def _instead(folder: Path) -> str:
    """What may have been meant by a folder that is no index; empty where there is nothing to guess.

    That is an index of a like name, beside it or where indexes usually are; else one that is in it, and where none was
    named, any.
    """
    inside, beside, usual = map(_indexes, (folder, folder.parent, DEFAULT_INDEX.parent))
    named = {path.name.casefold(): path for path in (*usual, *beside)}
    if close := get_close_matches(folder.name.casefold(), named, n=1):
        return f"did you mean {str(named[close[0]])!r}? Or "
    others = inside or (usual if folder == DEFAULT_INDEX else [])
    return f"name another one, such as {others[0]}, or " if others else ""


def _indexes(folder: Path) -> list[Path]:
    """The indexes in a folder, as far as it is looked through."""
    try:
        return [path for path in islice(entries(folder), _NEIGHBOURS) if (path / MANIFEST).is_file()]
    except OSError:  # It may not be looked into.
        return []


def check_sizes(folder: Path, manifest: Manifest) -> None:
    """Compare the data files' sizes with the manifest, without opening them.

    Raises IndexFolderError naming the file that is missing, cut short or too long, or not a regular file.
    """
    check_kinds(folder)
    remedy = f"build the index again with {rebuild_command(folder)}"
    for segment in manifest.segments:
        for name, record in segment.files.items():
            path = segment_folder(folder, segment.name) / name
            if problem := wrong_size(path, record):
                raise IndexFolderError(f"{problem}; {remedy}")


def wrong_size(path: Path, record: FileRecord) -> str:
    """What is wrong with a file at first sight: its kind or its size; empty where nothing is. Opens nothing."""
    try:
        size = path.lstat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return f"{path} is missing"
    if problem := wrong_kind(path):
        return problem
    return "" if size == record.size else f"{path} is damaged: it has {size} bytes, not {record.size}"


def check_sums(folder: Path, segment: SegmentRecord, names: Collection[str]) -> None:
    """Compare the checksums of a segment's files called ``names`` with the manifest.

    Raises IndexFolderError naming the file.
    """
    for name in names:
        path = segment_folder(folder, segment.name) / name
        if problem := wrong_size(path, segment.files[name]):
            raise IndexFolderError(f"{problem}; build the index again with {rebuild_command(folder)}")
        if record_file(path).sha256 != segment.files[name].sha256:
            raise IndexFolderError(
                f"{path} is damaged: its checksum is not the one in the manifest; "
                f"build the index again with {rebuild_command(folder)}"
            )


def check_encoder(folder: Address, manifest: Description, encoder: Encoder) -> None:
    """Raise IndexFolderError unless ``encoder`` is the one whose vectors are stored, file for file."""
    if encoder.content_hash != manifest.encoder_hash:
        raise IndexFolderError(
            f"{folder} was built with the encoder {manifest.encoder} "
            f"({manifest.encoder_hash[:12]}), not with {encoder.name} ({encoder.content_hash[:12]}), and "
            f"vectors of different encoders cannot be compared; build the index again with "
            f"`odqa index PATH... --index {quote(str(folder))} --encoder {quote(encoder.name)}`"
        )


def _contradictions(manifest: Manifest) -> Iterator[str]:
    """What in a manifest, whose values are each as they may be, does not go together."""
    if not manifest.segments:
        yield "segments is empty"
    names = [segment.name for segment in manifest.segments]
    if len(set(names)) < len(names):
        yield f"segments lists {next(name for name in names if names.count(name) > 1)} twice"
    if manifest.chunking["overlap_tokens"] >= manifest.chunking["max_tokens"]:
        yield "chunking.overlap_tokens is not below chunking.max_tokens"
    for at, segment in enumerate(manifest.segments):
        if int(segment.name) > manifest.version:
            yield f"segments[{at}].name is not of version {manifest.version} or before"
        yield from (f"segments[{at}].{problem}" for problem in _contradictions_within(segment))


def _contradictions_within(segment: SegmentRecord) -> Iterator[str]:
    for name in DATA_FILES:
        if name not in segment.files:
            yield f"files does not list {name}"
            return
    for name in segment.files.keys() - {*DATA_FILES, segment.deleted}:
        yield f"files[{name!r}] is not the name of a file that a segment has"
    if segment.deleted and segment.deleted not in segment.files:
        yield f"files does not list {segment.deleted}"
    if bool(segment.deleted) != bool(segment.deleted_documents):
        yield f"deleted_documents is {segment.deleted_documents}, and deleted is {segment.deleted!r}"
    if segment.vectors["vectors"] != segment.passages:
        yield f"vectors.vectors is {segment.vectors['vectors']}, and passages is {segment.passages}"
    if segment.vectors["trained_on"] > segment.passages:
        yield f"vectors.trained_on is above the {segment.passages} passages"
    live = segment.documents - segment.deleted_documents
    # A document has a passage at least, and a segment without a live one is left out.
    if not 1 <= live <= segment.live_passages or segment.deleted_documents > segment.deleted_passages:
        yield (
            f"documents, passages, deleted_documents and deleted_passages do not go together: {segment.documents}, "
            f"{segment.passages}, {segment.deleted_documents}, {segment.deleted_passages}"
        )
    # Memory is allocated by the passages, so that there are no more of them than the files can hold.
    if segment.passages > segment.files[PASSAGES].size:
        yield f"passages is {segment.passages}, more than a file of {segment.files[PASSAGES].size} bytes can hold"
