"""The manifest of an index: its segments, their files with size and checksum, and how it was made. Opens no data file.

A folder is an index when its ``manifest.json`` is whole. Every change writes new files first and the manifest last,
in place of the old one in a single step: the manifest is the index, and what it does not name is not part of it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from odqa.errors import DataError, IndexFolderError
from odqa.files import read_json, sha256

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder

FORMAT = 3
MANIFEST = "manifest.json"
SEGMENTS = "segments"


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One data file as it was written: its size in bytes and its SHA-256 (hex)."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SegmentRecord:
    """One segment: what a change wrote, in the folder ``segments/<name>``, and what later changes deleted of it.

    ``documents`` and ``passages`` count everything written. ``deleted`` names the file with the numbers of the deleted
    documents, ``deleted_documents`` of them with ``deleted_passages``; it is empty where there are none. ``vectors``
    says how the vectors are stored: the FAISS factory, what it was trained on, the parameters of its search. ``files``
    are all its files, by name.
    """

    name: str
    documents: int
    passages: int
    vectors: Mapping[str, Any]
    files: Mapping[str, FileRecord]
    deleted: str = ""
    deleted_documents: int = 0
    deleted_passages: int = 0

    @property
    def live_passages(self) -> int:
        """The passages that were not deleted."""
        return self.passages - self.deleted_passages


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything known about an index without opening it.

    ``version`` counts the changes since the index was made, from 1. ``encoder`` is the name to load the encoder by and
    ``encoder_hash`` the hash of its files. ``reading``, ``chunking`` and ``keywords`` say how files become documents,
    passages and terms, and ``storage`` what FAISS factory and recall were asked for: documents added later are treated
    alike. ``created`` and ``changed`` are ISO 8601 in UTC.
    """

    format: int
    version: int
    odqa_version: str
    created: str
    changed: str
    encoder: str
    encoder_hash: str
    dimension: int
    pooling: str
    prompts: Mapping[str, str]
    reading: Mapping[str, Any]
    chunking: Mapping[str, Any]
    keywords: Mapping[str, Any]
    storage: Mapping[str, Any]
    segments: tuple[SegmentRecord, ...] = field(default=())

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


# Vectors are compared by their cosine. Nothing reads these, but earlier releases refuse a manifest without them.
_CONSTANTS = {"metric": "inner_product", "normalized": True}
_STORED = ("factory", "vectors", "trained_on", "parameters", "recall")  # What is known of how vectors are stored.
_JSON_TYPES: dict[str, tuple[type, str]] = {
    "int": (int, "a whole number"),
    "str": (str, "a string"),
    "bool": (bool, "true or false"),
    "Mapping": (dict, "an object"),
    "tuple": (list, "a list"),
}


def rebuild_command(folder: Path) -> str:
    """The command that rebuilds the index, as messages quote it."""
    return f"`odqa index PATH... --index {folder}`"


def segment_folder(folder: Path, name: str) -> Path:
    """Where a segment's files are."""
    return folder / SEGMENTS / name


def record_file(path: Path) -> FileRecord:
    """Size and checksum of a file that is written and closed."""
    return FileRecord(size=path.stat().st_size, sha256=sha256(path))


def as_stored(manifest: Manifest) -> dict[str, Any]:
    """The content of ``manifest.json``: the manifest, with what is the same in every index of this format."""
    content = asdict(manifest)
    segments = content.pop("segments")
    return {**content, **_CONSTANTS, "segments": segments}


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace ``manifest.json``, whole or not at all.

    It is flushed to the disk, as the files that it names are, before it counts. Its temporary name is always the same,
    so that the next change finds and deletes what a killed one left (``odqa.files.whole`` does neither).
    """
    new = folder / f".{MANIFEST}.new"
    with new.open("w", encoding="utf-8") as stream:
        json.dump(as_stored(manifest), stream, ensure_ascii=False, indent=2)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())
    new.replace(folder / MANIFEST)


def is_index(folder: Path) -> bool:
    """Whether the folder holds a manifest of this project, whole or of another format version."""
    try:
        value = read_json(folder / MANIFEST, "")
    except (OSError, DataError):
        return False
    return isinstance(value, dict) and isinstance(value.get("format"), int) and "encoder_hash" in value


def read_manifest(folder: str | Path) -> Manifest:
    """Read and check the manifest of ``folder``.

    Raises IndexFolderError when there is no index, and when the manifest is damaged or of another format version.
    """
    folder = Path(folder)
    path = folder / MANIFEST
    remedy = f"build the index again with {rebuild_command(folder)}"
    try:
        value = read_json(path, remedy)
    except DataError as error:
        raise IndexFolderError(str(error)) from None
    except (FileNotFoundError, NotADirectoryError):
        what = "has no manifest.json" if folder.is_dir() else "does not exist"
        raise IndexFolderError(
            f"{folder} is not an index: it {what}; make one with {rebuild_command(folder)}"
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
        manifest: Manifest = _parse(Manifest, value)
    except ValueError as error:
        raise IndexFolderError(f"{path} is damaged: {error}; {remedy}") from None
    return manifest


def check_sizes(folder: Path, manifest: Manifest) -> None:
    """Compare the data files' sizes with the manifest, without reading them.

    Raises IndexFolderError naming the file that is missing, cut short or too long.
    """
    remedy = f"build the index again with {rebuild_command(folder)}"
    for segment in manifest.segments:
        for name, record in segment.files.items():
            path = segment_folder(folder, segment.name) / name
            try:
                size = path.stat().st_size
            except (FileNotFoundError, NotADirectoryError):
                raise IndexFolderError(f"{path} is missing; {remedy}") from None
            if size != record.size:
                raise IndexFolderError(f"{path} is damaged: it has {size} bytes, not {record.size}; {remedy}")


def check_sums(folder: Path, segment: SegmentRecord, names: Collection[str]) -> None:
    """Compare the checksums of a segment's files called ``names`` with the manifest.

    Raises IndexFolderError naming the file.
    """
    for name in names:
        path = segment_folder(folder, segment.name) / name
        if record_file(path).sha256 != segment.files[name].sha256:
            raise IndexFolderError(
                f"{path} is damaged: its checksum is not the one in the manifest; "
                f"build the index again with {rebuild_command(folder)}"
            )


def check_encoder(folder: Path, manifest: Manifest, encoder: Encoder) -> None:
    """Raise IndexFolderError unless ``encoder`` is the one whose vectors are stored, file for file."""
    if encoder.content_hash != manifest.encoder_hash:
        raise IndexFolderError(
            f"{folder} was built with the encoder {manifest.encoder} "
            f"({manifest.encoder_hash[:12]}), not with {encoder.name} ({encoder.content_hash[:12]}), and "
            f"vectors of different encoders cannot be compared; build the index again with "
            f"`odqa index PATH... --index {folder} --encoder {encoder.name}`"
        )


def _parse(kind: type[Any], value: object, where: str = "") -> Any:
    """``value`` as ``kind``, unknown keys ignored. Raises ValueError naming the key that is missing or wrong."""
    if not isinstance(value, dict):
        raise ValueError(f"{where.rstrip('.')} is not an object")
    for item in fields(kind):
        expected, words = _JSON_TYPES[str(item.type).partition("[")[0]]
        found = value.get(item.name)
        if type(found) is not expected:
            name = f"{where}{item.name}"
            raise ValueError(f"{name} is not {words}" if item.name in value else f"{name} is missing")
    known: dict[str, Any] = {item.name: value[item.name] for item in fields(kind)}
    if kind is Manifest:
        parts = enumerate(value["segments"])
        known["segments"] = tuple(_parse(SegmentRecord, part, f"segments[{number}].") for number, part in parts)
    if kind is SegmentRecord:
        files = value["files"].items()
        known["files"] = {name: _parse(FileRecord, record, f"{where}files[{name!r}].") for name, record in files}
        for key in _STORED:
            if key not in value["vectors"]:
                raise ValueError(f"{where}vectors.{key} is missing")
        for name in known["files"]:
            if Path(name).name != name:
                raise ValueError(f"{where}files[{name!r}] is not the name of a file")
        if Path(value["name"]).name != value["name"]:
            raise ValueError(f"{where}name is not the name of a folder")
        if value["deleted"] and value["deleted"] not in known["files"]:
            raise ValueError(f"{where}files does not list {value['deleted']}")
    return kind(**known)
