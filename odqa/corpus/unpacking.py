"""A zip or gzip file -> what is packed in it, as much as the limits allow, whatever it says. Knows no format."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from dataclasses import replace
from typing import IO, Any

from odqa.corpus.base import OpenFile
from odqa.errors import DataError

PIECE = 1 << 20  # Bytes unpacked at once.
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # Those of Office files; zipfile bounds no other.


class Package:
    """The parts of a zip file, by name. Raises zipfile.BadZipFile, and what else damaged bytes make zipfile raise."""

    def __init__(self, file: OpenFile) -> None:
        self._limits = file.limits
        self._archive = zipfile.ZipFile(file.stream)
        self._packed = file.stream.seek(0, 2)
        self._unpacked = 0

    def __contains__(self, name: str) -> bool:
        return name in self._archive.NameToInfo

    def read(self, name: str) -> bytes:
        """The bytes of a part. Raises KeyError where there is none, and DataError beyond the limits.

        The limits hold for all parts together that are read.
        """
        entry = self._archive.getinfo(name)
        if entry.compress_type not in METHODS:
            raise DataError(f"its part {name} is packed in a way that Office files do not use")
        with self._archive.open(entry) as part:
            return self._within_limits(part)

    def _within_limits(self, part: IO[bytes]) -> bytes:
        pieces: list[bytes] = []
        while piece := part.read(PIECE):
            pieces.append(piece)
            self._unpacked += len(piece)
            self._limits.check_unpacked(self._unpacked, self._packed)
        return b"".join(pieces)


def gunzip(file: OpenFile, *, whole: bool) -> OpenFile:
    """The file that is packed by gzip in ``file``: ``whole`` in memory, or unpacked as it is read, to stream it.

    Both raise DataError, here or where it is read, for a damaged file and for one beyond the limits.
    """
    stream = io.BufferedReader(_Unpacked(file))
    return replace(file, stream=io.BufferedReader(io.BytesIO(stream.read())) if whole else stream)  # type: ignore[arg-type]


class _Unpacked(io.RawIOBase):
    """The bytes that are packed in a file. To go back in it is to begin anew."""

    def __init__(self, file: OpenFile) -> None:
        self._limits = file.limits
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
        self._limits.check_unpacked(self._stream.tell(), self._packed)
        buffer[: len(piece)] = piece
        return len(piece)

    def seek(self, offset: int, whence: int = 0) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()
