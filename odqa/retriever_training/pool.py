"""Pairs and an encoder go in; an index of all that may be found comes out, and the passage of each pair in it.

It lies in the run's folder. With ``--index`` it begins as a copy of that one, whose passages are what is searched; the
texts that came with questions are added, cut into passages as an index cuts them.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from odqa.corpus import ChunkOptions
from odqa.errors import DataError
from odqa.index.build import add, build_index
from odqa.index.layout import MANIFEST, segment_folder
from odqa.index.lookup import all_rows, find_document, find_passage
from odqa.index.manifest import check_sizes, read_manifest
from odqa.index.reencoding import reencode
from odqa.index.report import ENCODING, Progress
from odqa.index.search import Index
from odqa.retrieval.encoder import Encoder
from odqa.retriever_training.questions import Pair
from odqa.training.watch import at_each_tenth
from odqa.types import Document, Mode, Passage

AT_ONCE = 1000
_ID = "text {}"  # Of a document that came with a question.


def make(
    folder: Path,
    pairs: Iterable[Pair],
    encoder: Encoder,
    *,
    index: str,
    language: str,
    tell: Callable[[str], None],
) -> None:
    """Write the index of the passages of all pairs into ``folder``, which is not there yet."""
    documents = {document.id: document for pair in pairs if (document := _stored(pair)) is not None}
    show = told(tell)
    if index:
        _copy(Path(index), folder)
        reencode(folder, encoder, progress=show)
        if documents:
            add((), folder, documents=documents.values(), encoder=encoder, on_duplicate="skip", progress=show)
    else:
        chunk = ChunkOptions(language=language)
        build_index((), folder, documents=documents.values(), encoder=encoder, chunk=chunk, progress=show)


def chunk_of(index: str, language: str) -> ChunkOptions:
    """How the documents of a run are cut: as those of ``index`` are, where there is one."""
    return ChunkOptions(**read_manifest(index).chunking) if index else ChunkOptions(language=language)


def told(tell: Callable[[str], None]) -> Callable[[Progress], None]:
    """What says, at each tenth, how many passages of an index are encoded."""
    say = at_each_tenth(lambda done, total: tell(f"encoded {done:,} of {total:,} passages"))

    def show(progress: Progress) -> None:
        if progress.stage == ENCODING and progress.total > AT_ONCE:
            say(progress.done, progress.total)

    return show


def positives(folder: Path, pairs: Sequence[Pair]) -> list[Passage]:
    """The passage of each pair in the index ``folder``: of its text, the piece that holds the answer, else the first.

    Raises DataError where one is not there.
    """
    with Index.open(folder, mode=Mode.BM25) as index:
        wanted = {_key(pair.example.context) for pair in pairs if pair.document is None}
        known = {_key(one.text): one for one in _all(index) if _key(one.text) in wanted} if wanted else {}
        pieces: dict[str, list[Passage]] = {}
        found = []
        for pair in pairs:
            document = _stored(pair)
            if document is None:
                some = [known[key]] if (key := _key(pair.example.context)) in known else []
            elif document.id in pieces:
                some = pieces[document.id]
            else:
                there = find_document(index, document.id)
                some = pieces[document.id] = there.passages(0, there.stored.passages) if there else []
            if not some:
                raise DataError(f"{pair.example.id}: its passage has no character that the encoder knows; leave it out")
            found.append(_piece(pair, some))
    return found


def fetch(folder: Path, ids: Iterable[str]) -> dict[str, Passage]:
    """Passages of the index ``folder`` by their ids. Raises DataError where one is not there."""
    found: dict[str, Passage] = {}
    with Index.open(folder, mode=Mode.BM25) as index:
        for id in dict.fromkeys(ids):
            there = find_passage(index, id, around=0)
            if there is None:
                raise DataError(f"{folder} has no passage {id!r} any more; remove it and train again")
            found[id] = there.passage
    return found


def _copy(index: Path, folder: Path) -> None:
    """Copy the files of an index, and of what lies beside them none. Raises IndexFolderError where one is damaged."""
    manifest = read_manifest(index)
    check_sizes(index, manifest)
    for record in manifest.segments:
        segment_folder(folder, record.name).mkdir(parents=True)
        for name in record.files:
            shutil.copyfile(segment_folder(index, record.name) / name, segment_folder(folder, record.name) / name)
    shutil.copyfile(index / MANIFEST, folder / MANIFEST)


def _stored(pair: Pair) -> Document | None:
    """A pair's document under the id that it has in the index, which is its content's: equal texts are one document."""
    one = pair.document
    if one is None:
        return None
    content = repr((one.title, one.sections, one.blocks, one.text))
    return replace(one, id=_ID.format(hashlib.sha256(content.encode("utf-8", "replace")).hexdigest()[:24]), source="")


def _piece(pair: Pair, pieces: Sequence[Passage]) -> Passage:
    """The piece of a pair's text that holds an answer, whole if any does."""
    if pair.document is None:
        return pieces[0]
    for answer in pair.example.references:
        end = answer.start + len(answer.text)
        if whole := next((one for one in pieces if one.start <= answer.start and end <= one.end), None):
            return whole
    starts = (one for answer in pair.example.references for one in pieces if one.start <= answer.start < one.end)
    return next(starts, pieces[0])


def _all(index: Index) -> Iterator[Passage]:
    for some in all_rows(index, AT_ONCE):
        yield from index.fetch(some).values()


def _key(text: str) -> str:
    return " ".join(text.split())
