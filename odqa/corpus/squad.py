"""SQuAD-format .json files: each paragraph is a Document under its article's title. Reads no question."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from odqa.corpus.base import ReadOptions, Unusable, source_of, well_formed
from odqa.errors import DataError
from odqa.squad import iter_paragraphs
from odqa.types import Document


def load(path: Path, options: ReadOptions) -> Iterator[Document | Unusable]:
    """Read one file, one id per paragraph: ``path:number``, counted from 1 over the whole file.

    Raises DataError with the JSON path where the file is not in SQuAD format.
    """
    if not path.stat().st_size:
        raise DataError("empty")
    source = source_of(path)
    empty = 0
    count = 0
    for title, number, context in iter_paragraphs(path):
        count += 1
        text = well_formed(context)
        if not text.strip():
            empty += 1
            continue
        title = well_formed(title)
        yield Document(
            id=f"{source}:{count}",
            title=title.replace("_", " ") or well_formed(path.stem),
            text=text,
            source=source,
            metadata={"article": title, "paragraph": number},
        )
    if not count:
        yield Unusable(source, "empty: no paragraphs in it")
    elif empty:
        yield Unusable(source, f"{empty:,} of {count:,} paragraphs have no text; the others are used")
