"""Files go in, what a model reads of them comes out: texts, titles above headings, questions. Knows no tokens."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from odqa.answering.question import tidy
from odqa.corpus import ReadOptions, Unusable, find_files, read_file
from odqa.corpus.blocks import blocks_of
from odqa.corpus.files import Found
from odqa.corpus.sentences import sentences
from odqa.errors import DataError, OdqaError
from odqa.files import sha256
from odqa.index.ownership import is_index
from odqa.pretraining.texts import Note, pieces, refuser, tell_more
from odqa.squad import load_questions
from odqa.types import Document
from odqa.views import Context, plain, view_of

_WORD = re.compile(r"\S{1,100}")
LONGEST = 1_000_000  # Characters that are cut into tokens at once: a longer text is read in parts, cut at lines' ends.
AT_ONCE = 1_000  # Texts.


@dataclass(slots=True)
class Counts:
    """What was read: files by path with their SHA-256, texts, characters, and how much could not be used."""

    files: dict[str, str] = field(default_factory=dict)
    texts: int = 0
    characters: int = 0
    unusable: int = 0


def find(paths: Sequence[Path]) -> Found:
    """The files that ``odqa index`` would read. Raises UsageError for a path that is not there."""
    return find_files(list(paths), passed_over=is_index)


def spool(found: Found, text_field: str, file: Path, note: Note, *, beginnings: bool = False) -> Counts:
    """Write all that a model reads of the files into ``file``, as JSON, a line each; count it.

    With ``beginnings`` the first words of all sentences are written once more, without a space before them, as where a
    passage begins there. Raises DataError where there is no text in all of them.
    """
    counts = Counts()
    with file.open("w", encoding="utf-8") as stream:
        for text in _texts(found, text_field, counts, note, beginnings):
            counts.texts += 1
            counts.characters += len(text)
            for piece in pieces(text, LONGEST):
                stream.write(json.dumps(piece) + "\n")
    tell_more(counts, note)
    if not counts.texts:
        raise DataError(
            f"there is no text in what --texts names: {len(found.files):,} file(s), {counts.unusable:,} of which "
            "cannot be used; give others"
        )
    return counts


def _texts(found: Found, text_field: str, counts: Counts, note: Note, beginnings: bool) -> Iterator[str]:
    refuse = refuser(counts, note)
    for one in found.unusable:
        refuse(one)
    for path in found.files:
        for item in read_file(path, ReadOptions(text_field=text_field)):
            if isinstance(item, Unusable):
                refuse(item)
            else:
                yield from _parts(item, beginnings)
        with suppress(OSError, OdqaError):  # Reading it has said why.
            counts.files[str(path)] = sha256(path)
            if path.suffix == ".json":  # In SQuAD's format: of its questions a document knows nothing.
                yield from (plain(tidy(one.question)) for one in load_questions(path) if one.question.strip())


def read(file: Path) -> Iterator[list[str]]:
    """The texts of a file that :func:`spool` wrote, some at a time."""
    batch: list[str] = []
    with file.open(encoding="utf-8") as stream:
        for text in map(json.loads, stream):
            batch.append(text)
            if len(batch) == AT_ONCE or sum(map(len, batch)) > LONGEST:
                yield batch
                batch = []
    if batch:
        yield batch


def _parts(document: Document, beginnings: bool) -> Iterator[str]:
    """A document's view, and the paths of title and headings that stand before its passages where they are read."""
    blocks = blocks_of(document)
    view = view_of(Context(document.text, (), blocks))
    yield view.text
    if beginnings:
        starts = [start for block in blocks for start, _ in sentences(document.text, block.start, block.end)]
        found = (_WORD.search(view.text, at) for at in np.searchsorted(view.begins, starts).tolist())
        yield "\n".join(word[0] for word in found if word)
    paths = {(document.title, *section.headings) for section in document.sections} or {(document.title,)}
    for path in sorted(paths):
        if read := " > ".join(part for part in path if part.strip()):
            yield f"{read}. "
