"""SQuAD-format .json files -> a Document per paragraph, under its article's title and its headings."""

from __future__ import annotations

from collections.abc import Iterator

from odqa.corpus.base import OpenFile, Unusable, shortened, source_of, storable, well_formed
from odqa.corpus.encoding import read_text
from odqa.squad import iter_paragraphs
from odqa.types import Document, Section


def load(file: OpenFile) -> Iterator[Document | Unusable]:
    """Read one file; the id of a paragraph is ``path:number``, counted from 1 over the whole file.

    Raises DataError, with the JSON path, if the file is not in SQuAD format.
    """
    text = read_text(file)
    path = file.path
    source = source_of(path)
    empty = 0
    count = 0
    for title, number, context, headings in iter_paragraphs(path, text):
        count += 1
        paragraph = well_formed(context)
        if not paragraph.strip():
            empty += 1
            continue
        title = shortened(well_formed(title))
        yield Document(
            id=f"{source}:{count}",
            title=title.replace("_", " ") or storable(path.stem),
            text=paragraph,
            source=source,
            metadata={"article": title, "paragraph": number},
            sections=(Section(0, tuple(shortened(well_formed(heading)) for heading in headings)),) if headings else (),
        )
    if not count:
        yield Unusable(source, "empty: no paragraphs in it")
    elif empty:
        yield Unusable(source, f"{empty:,} of {count:,} paragraphs have no text; the others are used")
