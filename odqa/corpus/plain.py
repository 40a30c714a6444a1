"""Plain text files (.txt) -> the text unchanged, without sections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from odqa.corpus.base import ReadOptions, document_of
from odqa.corpus.encoding import read_text
from odqa.types import Document


def load(path: Path, options: ReadOptions) -> Iterator[Document]:
    """Read one file. Raises DataError for an empty or binary one."""
    yield document_of(path, read_text(path))
