"""A zip file -> the bytes of its parts, as many as the limits allow, whatever its headers say. Knows no format."""

from __future__ import annotations

import zipfile
from typing import IO

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
