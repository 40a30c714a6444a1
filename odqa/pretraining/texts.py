"""Files, folders and hub datasets go in, their texts come out, each once, some of them held out. Knows no tokens."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from odqa import extras
from odqa.corpus import ReadOptions, Unusable, find_files, read_file
from odqa.corpus.base import OpenFile, source_of, well_formed
from odqa.corpus.encoding import open_text
from odqa.errors import DataError, UsageError
from odqa.files import exists, open_regular, sha256
from odqa.index.ownership import is_index
from odqa.pretraining.recipe import LanguageRecipe
from odqa.training.data import KNOWN_BY, drawn
from odqa.types import Document

PIECE = 10_000  # Characters: longer texts are cut, at a line's end where there is one, and longer lines anywhere.
LONGEST_LINE = 1_000_000  # Characters: one that is longer is several texts.
REMEMBERED = 5_000_000  # Texts that are known again: some 500 MB of memory.
SHOWN = 5  # Files that could not be used of which the reason is said.
_HUB = re.compile(r"[\w.-]+/[\w.-]+(:[\w.-]+)?")

Note: TypeAlias = Callable[[str], None]


@dataclass(slots=True)
class Counts:
    """What was read: texts and characters, in training and held out, texts that had been read before, bad files."""

    texts: int = 0
    characters: int = 0
    held_out: int = 0
    repeated: int = 0
    unusable: int = 0


@dataclass(frozen=True, slots=True)
class Sources:
    """The files and the hub datasets (id, configuration or none) of a recipe, and what cannot be read of them."""

    files: tuple[Path, ...]
    datasets: tuple[tuple[str, str | None], ...]
    unusable: tuple[Unusable, ...] = field(default=())

    def hashes(self) -> dict[str, str]:
        """The SHA-256 of every file by its path; those that cannot be read are left out."""
        found = {}
        for path in self.files:
            try:
                found[str(path)] = sha256(path)
            except (OSError, UsageError):
                continue  # Reading it says why.
        return found


def find(recipe: LanguageRecipe) -> Sources:
    """Where the texts are. A name that is no path and looks like one on the hub is a dataset there.

    Raises UsageError for a path that does not exist, OdqaError for a dataset where what reads it is not installed.
    """
    hub = [one for one in recipe.texts if _HUB.fullmatch(one) and not exists(Path(one))]
    if hub:
        extras.need("train", f"there is no file {hub[0]}, and a dataset of the hub", "datasets")
    paths = [Path(one) for one in recipe.texts if one not in hub]
    found = find_files(paths, passed_over=is_index) if paths else None
    datasets = tuple((name, kind or None) for name, _, kind in (one.partition(":") for one in hub))
    return Sources(found.files if found else (), datasets, found.unusable if found else ())


def spool(recipe: LanguageRecipe, sources: Sources, training: Path, held_out: Path, note: Note) -> Counts:
    """Write every text once, as JSON, a line each, into the file ``training`` or ``held_out``; count them.

    Whether a text is held out is a hash of its first letters: the same in every run, wherever the text stands. Raises
    DataError where no text is left for one of the two, UsageError where the hub does not give a dataset.
    """
    counts, seen = Counts(), set[bytes]()
    with training.open("w", encoding="utf-8") as to_train, held_out.open("w", encoding="utf-8") as to_hold:
        texts = _texts(recipe, sources, counts, note)
        for text in islice(texts, recipe.limit) if recipe.limit else texts:
            digest = hashlib.sha256(" ".join(text.split()).encode()).digest()[:16]
            if digest in seen:
                counts.repeated += 1
                continue
            if len(seen) < REMEMBERED:
                seen.add(digest)
            held = place(text) < recipe.held_out
            counts.texts, counts.held_out = counts.texts + (not held), counts.held_out + held
            counts.characters += len(text)
            for piece in pieces(text):
                (to_hold if held else to_train).write(json.dumps(piece) + "\n")
    names = ", ".join(recipe.texts)
    if not counts.texts:
        raise DataError(f"{names}: no text in it to train on ({counts.unusable} file(s) cannot be used); give others")
    if recipe.held_out and not counts.held_out:
        raise DataError(
            f"{names}: by their hashes none of the {counts.texts:,} texts is among the {recipe.held_out:.0%} that are "
            "held out; give more of them (--lines where each line is one), a larger --held-out, or --held-out 0 to "
            "score the model on nothing"
        )
    return counts


def read_spool(path: Path) -> Iterator[str]:
    """The texts of a file that :func:`spool` wrote."""
    with path.open(encoding="utf-8") as stream:
        yield from map(json.loads, stream)


def place(text: str) -> float:
    """A number from 0 to 1, as if drawn at random, by the first letters and digits of a text, in lower case."""
    return drawn(text, 4 * KNOWN_BY)


def pieces(text: str, most: int = PIECE) -> Iterator[str]:
    r"""The text in pieces of at most ``most`` characters, cut at the ends of lines where there are some.

    >>> list(pieces("one\ntwo\nthree", 8)), list(pieces("seventeen", 4))
    (['one\ntwo\n', 'three'], ['seve', 'ntee', 'n'])
    """
    start = 0
    while start < len(text):
        end = start + most
        if end < len(text):
            end = text.rfind("\n", start, end) + 1 or end
        yield text[start:end]
        start = end


class _Counted(Protocol):
    unusable: int


def refuser(counts: _Counted, note: Note) -> Callable[[Unusable], None]:
    """What counts a file that cannot be used, and says why of the first ``SHOWN``."""

    def refuse(one: Unusable) -> None:
        counts.unusable += 1
        if counts.unusable <= SHOWN:
            note(f"left out {one.source}: {one.reason}")

    return refuse


def tell_more(counts: _Counted, note: Note) -> None:
    """Say at the end how many more there were."""
    if counts.unusable > SHOWN:
        note(f"left out {counts.unusable - SHOWN:,} more")


def _texts(recipe: LanguageRecipe, sources: Sources, counts: Counts, note: Note) -> Iterator[str]:
    """The texts of all sources that are not empty, in order; what cannot be read is counted and noted."""
    refuse = refuser(counts, note)
    for one in sources.unusable:
        refuse(one)
    for path in sources.files:
        items: Iterator[str | Document | Unusable]
        items = _lines(path) if recipe.lines else read_file(path, ReadOptions(text_field=recipe.text_field))
        for item in items:
            if isinstance(item, Unusable):
                refuse(item)
            elif text := (item.text if isinstance(item, Document) else item).strip():
                yield text
    for name, kind in sources.datasets:
        yield from filter(None, (text.strip() for text in _rows(name, kind, recipe)))
    tell_more(counts, note)


def _lines(path: Path) -> Iterator[str | Unusable]:
    """The lines of a file of text, in whatever encoding; one that is no text is Unusable."""
    try:
        with open_regular(path) as stream:
            file = OpenFile(path, stream)
            lines = open_text(file, newline="\n")
            while line := lines.readline(LONGEST_LINE):
                yield well_formed(line)
            yield from (Unusable(source_of(path), remark) for remark in file.remarks)
    except (DataError, UsageError) as error:
        yield Unusable(source_of(path), str(error))
    except OSError as error:
        yield Unusable(source_of(path), error.strerror or str(error))


def _rows(name: str, kind: str | None, recipe: LanguageRecipe) -> Iterator[str]:
    """The texts of a hub dataset, streamed. Raises UsageError where the hub does not give it, or no such field."""
    import datasets

    try:
        rows: Any = datasets.load_dataset(name, kind, split=recipe.split, streaming=True)
        for row in rows:
            text = row.get(recipe.text_field)
            if not isinstance(text, str):
                raise UsageError(
                    f"{name}: its rows have no text {recipe.text_field!r} but {', '.join(sorted(row))}; name one of "
                    "them with --text-field"
                )
            yield well_formed(text)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetNotFoundError) as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"no dataset {name!r}: there is no such file or folder, and the hub did not give its split "
            f"{recipe.split!r} ({detail}); check the path, or the id and the network"
        ) from None
