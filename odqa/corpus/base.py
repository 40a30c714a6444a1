"""A file's path and text -> a Document, or an Unusable with its reason: what all loaders share. Knows no format."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path
from typing import Any, TypeAlias

from odqa.errors import DataError, UsageError
from odqa.types import Block, Document, Section


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which fields of a row (.jsonl, .csv, .tsv) hold its text, its id and its title."""

    text_field: str = "text"
    id_field: str = "id"
    title_field: str = "title"


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """What reading one file may cost: its ``megabytes``, packed or unpacked, and the ``seconds`` it takes.

    Of a file of rows the megabytes limit each row, as no more than one is held. They are no part of how an index was
    made: an index from elsewhere must not raise them. Raises UsageError for less than 1.
    """

    megabytes: int = 250
    seconds: int = 300

    def __post_init__(self) -> None:
        if min(self.megabytes, self.seconds) < 1:
            raise UsageError(f"a file needs at least 1 MB and 1 s, not {self.megabytes} MB and {self.seconds} s")

    @property
    def bytes(self) -> int:
        """The most bytes that a file may have, and the most that may be unpacked from it."""
        return self.megabytes * 1_000_000

    @property
    def memory(self) -> int:
        """The most bytes of memory that a parser may take."""
        return max(self.bytes * MEMORY, LEAST_MEMORY)

    def too_large(self, what: str = "") -> DataError:
        """The reason of a file, or of ``what`` in it, with too many bytes."""
        return DataError(f"{what}larger than {self.megabytes:,} MB: split it, or allow more with --max-file-size")

    def check_unpacked(self, size: int, packed: int) -> None:
        """Raise DataError where a file of ``packed`` bytes holds more than it may: ``size`` bytes or characters."""
        if size > self.bytes:
            raise self.too_large("unpacked, it is ")
        self.check_ratio(size, packed)

    def check_ratio(self, size: int, packed: int) -> None:
        """Raise DataError where a file of ``packed`` bytes holds so many times more that it was made to do harm."""
        if size > max(UNSUSPICIOUS, MOST_RATIO * packed):
            raise DataError(f"unpacked, it is more than {MOST_RATIO} times as large: made to fill the memory")

    def too_long(self) -> DataError:
        """The reason of a file whose reading takes too many seconds."""
        return DataError(f"reading it takes more than {self.seconds:,} s: allow more with --max-file-seconds")


DEFAULTS = ReadOptions()
LIMITS = ReadLimits()
MEMORY = 8  # Bytes of memory for each byte that a file may have: trees of elements are large.
LEAST_MEMORY = 1_000_000_000  # Python and a parser's libraries alone take some.
UNSUSPICIOUS = 20_000_000  # Bytes that a file may hold, however small it is.
MOST_RATIO = 200  # Beyond them, how many times its size: the XML of an Office file shrinks to a tenth, seldom a 50th.
# Files of prose that have no suffix.
PROSE = re.compile(
    "(readme|licen[cs]e|copying|copyright|notice|changelog|changes|history|news|authors|contributors|contributing"
    "|maintainers|credits|thanks|todo|faq|install|upgrading|security|about)([-_][^.]*)?",
    re.IGNORECASE,
)
NOT_UTF8 = re.compile("(?<![\ud800-\udbff])[\udc80-\udcff]")  # What Python makes of such bytes (PEP 383).
LONGEST_TITLE = 1_000  # Characters. Titles and headings are repeated with every passage below them.


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A regular file that is open at its beginning, and how it is read. ``path`` only names it.

    Its loader adds to ``remarks`` what has to be told of a file that is used all the same.
    """

    path: Path
    stream: BufferedReader
    options: ReadOptions = DEFAULTS
    limits: ReadLimits = LIMITS
    remarks: list[str] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """What decides on the loader."""
        return kind_of(self.path)


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file, or a part of one, without usable text, and the reason."""

    source: str
    reason: str


Loader: TypeAlias = Callable[[OpenFile], Iterator[Document | Unusable]]
"""Reads one file. Raises DataError with just the reason (the caller knows the file) if all of it is unusable."""


def kind_of(path: Path) -> str:
    """The suffix that says how a file is read, in small letters: of a ``.gz`` that of what is packed in it.

    README, LICENSE and their like are plain text.

    >>> kind_of(Path("data/Cities.CSV.gz")), kind_of(Path("README"))
    ('.csv', '.txt')
    """
    inner = Path(path.stem) if is_packed(path) else path
    return ".txt" if PROSE.fullmatch(inner.name) else inner.suffix.lower()


def is_packed(path: Path) -> bool:
    """Whether a file is packed by gzip, by its name."""
    return path.suffix.lower() == ".gz"


def source_of(path: Path) -> str:
    """The path as it was given, with forward slashes, in characters that can be stored anywhere."""
    return storable(path.as_posix())


def storable(name: str) -> str:
    r"""The name of a file, with ``%E4`` for a byte that is not UTF-8: names that differ in such a byte stay apart.

    >>> storable("stra\udcdfe.txt")
    'stra%DFe.txt'
    """
    return well_formed(NOT_UTF8.sub(lambda found: f"%{ord(found[0]) - 0xDC00:02X}", name))


def document_of(
    path: Path,
    text: str,
    *,
    title: str = "",
    sections: tuple[Section, ...] = (),
    blocks: tuple[Block, ...] = (),
    metadata: Mapping[str, Any] | None = None,
) -> Document:
    """The one Document of a file; without a title it is named after the file. Raises DataError if the text is empty."""
    if not text or text.isspace():
        raise DataError("empty: only white space in it")
    source = source_of(path)
    return Document(source, shortened(title) or storable(path.stem), text, source, metadata or {}, sections, blocks)


def shortened(title: str) -> str:
    """A title or heading of LONGEST_TITLE characters at most."""
    return title if len(title) <= LONGEST_TITLE else title[: LONGEST_TITLE - 1] + "…"


def well_formed(text: str) -> str:
    """Replace each half of a surrogate pair by U+FFFD: no UTF-8 file, database or tokenizer accepts one."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
