"""What an index folder says of itself: the layout, the manifest, its checks. Standard library only; opens no data.

A folder is an index when its ``manifest.json`` is whole. The manifest is written last, after every file that it
lists, so a build that was cut short never leaves one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from odqa.errors import IndexFolderError
from odqa.index.replace import put_back
from odqa.retrieval import keywords

FORMAT = 2
MANIFEST = "manifest.json"
VECTORS = "vectors.faiss"
PASSAGES = "passages.sqlite"
KEYWORDS = keywords.FILES
FILES = (VECTORS, PASSAGES, *KEYWORDS)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """One data file as it was written: its size in bytes and its SHA-256 (hex)."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that is fixed when an index is built.

    ``encoder`` is the name to load the encoder by and ``encoder_hash`` the hash of its files; ``metric`` is
    ``inner_product``, the cosine where vectors are ``normalized``. ``keywords`` says how words are counted: the
    parameters of BM25 and the language. ``created`` is ISO 8601 in UTC.
    """

    format: int
    odqa_version: str
    created: str
    encoder: str
    encoder_hash: str
    dimension: int
    metric: str
    normalized: bool
    pooling: str
    prompts: Mapping[str, str]
    chunking: Mapping[str, Any]
    keywords: Mapping[str, Any]
    documents: int
    passages: int
    files: Mapping[str, FileRecord]

    @property
    def bytes(self) -> int:
        """The size of the data files together."""
        return sum(record.size for record in self.files.values())


_JSON_TYPES: dict[str, tuple[type, str]] = {
    "int": (int, "a whole number"),
    "str": (str, "a string"),
    "bool": (bool, "true or false"),
    "Mapping": (dict, "an object"),
}


def rebuild_command(folder: Path) -> str:
    """The command that makes the index anew, as messages quote it."""
    return f"`odqa index PATH... --index {folder}`"


def record_file(path: Path) -> FileRecord:
    """Size and checksum of a file that is written and closed."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return FileRecord(size=path.stat().st_size, sha256=digest)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write ``manifest.json`` and flush it to the disk."""
    with (folder / MANIFEST).open("w", encoding="utf-8") as stream:
        json.dump(asdict(manifest), stream, ensure_ascii=False, indent=2)
        stream.write("\n")
        stream.flush()
        os.fsync(stream.fileno())


def is_index(folder: Path) -> bool:
    """Whether the folder holds a manifest of this project, whole or of another format version."""
    try:
        value = json.loads((folder / MANIFEST).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(value, dict) and isinstance(value.get("format"), int) and "encoder_hash" in value


def read_manifest(folder: str | Path) -> Manifest:
    """Read and check the manifest of ``folder``.

    Raises IndexFolderError when there is no index, when the manifest is damaged or of another format version.
    """
    folder = Path(folder)
    put_back(folder)
    path = folder / MANIFEST
    try:
        raw = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        what = "has no manifest.json" if folder.is_dir() else "does not exist"
        raise IndexFolderError(
            f"{folder} is not an index: it {what}; make one with {rebuild_command(folder)}"
        ) from None
    remedy = f"build the index again with {rebuild_command(folder)}"
    try:
        value = json.loads(raw)
    except ValueError as error:
        raise IndexFolderError(f"{path} is damaged: it is not JSON ({error}); {remedy}") from None
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
        return _parse(value)
    except ValueError as error:
        raise IndexFolderError(f"{path} is damaged: {error}; {remedy}") from None


def check_sizes(folder: Path, manifest: Manifest) -> None:
    """Compare the data files' sizes with the manifest, without reading them.

    Raises IndexFolderError naming the file that is missing, cut short or too long.
    """
    for name, record in manifest.files.items():
        path = folder / name
        remedy = f"build the index again with {rebuild_command(folder)}"
        if not path.is_file():
            raise IndexFolderError(f"{path} is missing; {remedy}")
        size = path.stat().st_size
        if size != record.size:
            raise IndexFolderError(f"{path} is damaged: it has {size} bytes, not {record.size}; {remedy}")


def check_files(folder: Path, manifest: Manifest, names: Collection[str] = FILES) -> None:
    """Compare the sizes of all data files, and the checksums of those called ``names``, with the manifest.

    Raises IndexFolderError naming the file.
    """
    check_sizes(folder, manifest)
    for name in names:
        if record_file(folder / name).sha256 != manifest.files[name].sha256:
            raise IndexFolderError(
                f"{folder / name} is damaged: its checksum is not the one in the manifest; "
                f"build the index again with {rebuild_command(folder)}"
            )


def _parse(value: dict[str, Any]) -> Manifest:
    """The manifest in ``value``; keys it does not know are left alone. Raises ValueError naming the key."""
    for field in fields(Manifest):
        expected, words = _JSON_TYPES[str(field.type).partition("[")[0]]
        found = value.get(field.name)
        if type(found) is not expected:
            raise ValueError(f"{field.name} is not {words}" if field.name in value else f"{field.name} is missing")
    files = {name: _parse_file(name, record) for name, record in value["files"].items()}
    if sorted(files) != sorted(FILES):
        raise ValueError(f"files does not list {' and '.join(FILES)}")
    return Manifest(**{field.name: value[field.name] for field in fields(Manifest)} | {"files": files})


def _parse_file(name: str, record: object) -> FileRecord:
    if isinstance(record, dict) and type(record.get("size")) is int and isinstance(record.get("sha256"), str):
        return FileRecord(size=record["size"], sha256=record["sha256"])
    raise ValueError(f"files[{name!r}] is not an object with size and sha256")
