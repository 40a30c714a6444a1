"""Plain text files (.txt) -> the text unchanged, without sections."""

from __future__ import annotations

from collections.abc import Iterator

from odqa.corpus.base import OpenFile, document_of
from odqa.corpus.encoding import read_text
from odqa.types import Document


def load(file: OpenFile) -> Iterator[Document]:
    """Read one file. Raises DataError for an empty or binary one."""
    yield document_of(file.path, read_text(file))
