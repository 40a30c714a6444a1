"""A zip or gzip file -> the bytes or the XML of what is packed in it, as much as the limits allow. Knows no format.

No header's word is taken for a size, no entity is replaced by its text, and nothing is fetched.
"""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import IO, Any

from odqa.corpus.base import OpenFile
from odqa.errors import DataError

PIECE = 1 << 20  # Bytes unpacked at once.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Those of Office files; zipfile bounds no other.
OLD_OFFICE = b"\xd0\xcf\x11\xe0"  # The container of .doc, .xls and .ppt files, and of what is encrypted.
XML = {"resolve_entities": False, "no_network": True, "load_dtd": False}  # What keeps a parser harmless.


class Package:
    """The parts of a zip file, by name. Raises zipfile.BadZipFile, and what else damaged bytes make zipfile raise.

    Where no part has a name, one whose name differs in small and capital letters alone has it: Office takes them so.
    """

    def __init__(self, file: OpenFile) -> None:
        self._limits = file.limits
        self._archive = zipfile.ZipFile(file.stream)
        self._packed = file.stream.seek(0, 2)
        self._unpacked = 0
        self._names = {name.lower(): name for name in reversed(self._archive.NameToInfo)}  # The first one of each.

    def __contains__(self, name: str) -> bool:
        return name.lower() in self._names

    def read(self, name: str) -> bytes:
        """The bytes of a part. Raises KeyError where there is none, and DataError beyond the limits.

        The limits hold for all parts together that are read.
        """
        with self.open(name) as part:
            return b"".join(iter(lambda: part.read(PIECE), b""))

    @contextmanager
    def open(self, name: str) -> Iterator[_Counted]:
        """A part, to be read piece by piece. Raises as ``read`` does, and so do its pieces."""
        exact = name in self._archive.NameToInfo
        entry = self._archive.getinfo(name if exact else self._names.get(name.lower(), name))
        if entry.compress_type not in METHODS:
            raise DataError(f"its part {name} is packed in a way that Office files do not use")
        with self._archive.open(entry) as part:
            yield _Counted(part, self)

    def xml(self, name: str) -> Any:
        """The root element of a part. Raises as ``read`` does, and lxml's errors."""
        return parsed(self.read(name))

    def count(self, size: int) -> None:
        """Take ``size`` more bytes for unpacked. Raises DataError beyond the limits."""
        self._unpacked += size
        self._limits.check_unpacked(self._unpacked, self._packed)

    def check_length(self, length: int) -> None:
        """Raise DataError where the text that is made of the parts has more characters than they may have bytes."""
        self._limits.check_unpacked(length, self._packed)


class _Counted:
    """A part whose bytes count as they are read."""

    def __init__(self, part: IO[bytes], package: Package) -> None:
        self._part = part
        self._package = package

    def read(self, size: int = PIECE) -> bytes:
        piece = self._part.read(min(size, PIECE) if size >= 0 else PIECE)
        self._package.count(len(piece))
        return piece


@contextmanager
def unpacked(file: OpenFile) -> Iterator[Package]:
    """The parts of an open file. Raises DataError for one that is empty, encrypted or broken.

    So does whatever is raised inside by zipfile, zlib or lxml, which say the same in many ways.
    """
    suffix = file.kind
    start = file.stream.read(len(OLD_OFFICE))
    if not start:
        raise DataError("empty")
    if start == OLD_OFFICE:
        raise DataError(f"encrypted, or of an old kind: save it as {suffix} without a password")
    try:
        yield Package(file)
    except (DataError, MemoryError):
        raise
    except Exception as error:
        message = " ".join(str(error).split())[:200] or type(error).__name__
        raise DataError(f"broken {suffix} file ({message})") from None


def parsed(markup: bytes) -> Any:
    """The root element. Raises lxml's errors."""
    from lxml import etree

    return etree.fromstring(markup, etree.XMLParser(**XML))


def gunzip(file: OpenFile, *, whole: bool) -> OpenFile:
    """The file that is packed by gzip in ``file``: ``whole`` in memory, or unpacked as it is read, to stream it.

    Both raise DataError, here or where it is read, for a damaged file and for one that holds very many times its size;
    ``whole`` does so for one that is too large, too: of what is streamed, who reads it limits each piece.
    """
    stream = io.BufferedReader(_Unpacked(file, file.limits.check_unpacked if whole else file.limits.check_ratio))
    return replace(file, stream=io.BufferedReader(io.BytesIO(stream.read())) if whole else stream)  # type: ignore[arg-type]


class _Unpacked(io.RawIOBase):
    """The bytes that are packed in a file. To go back in it is to begin anew.

    ``check`` is told how many are unpacked, and how many the file has, and raises DataError beyond a limit.
    """

    def __init__(self, file: OpenFile, check: Callable[[int, int], None]) -> None:
        self._check = check
        self._packed = file.stream.seek(0, 2)
        file.stream.seek(0)
        self._stream = gzip.GzipFile(fileobj=file.stream)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._stream.read(min(len(buffer), PIECE))
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(f"its gzip data are damaged ({error}): pack it again") from None
        self._check(self._stream.tell(), self._packed)
        buffer[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
