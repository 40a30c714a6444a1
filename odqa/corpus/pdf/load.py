"""PDF files -> their text in reading order, in blocks, with headings and pages. Does no OCR.

pdfium reads the file (see ``docs/decisions/pdf-library.md``); what the places of its letters mean is worked out here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from odqa.corpus.base import OpenFile, Unusable, document_of, source_of, well_formed
from odqa.corpus.composer import Composer
from odqa.corpus.pdf.blocks import PdfBlock, Words, blocks_of, join_pages
from odqa.corpus.pdf.columns import reading_order
from odqa.corpus.pdf.contents import contents_and_index
from odqa.corpus.pdf.forms import with_values
from odqa.corpus.pdf.furniture import furniture
from odqa.corpus.pdf.headings import Bookmark, body_size, mark_headings, title_of
from odqa.corpus.pdf.lines import Line
from odqa.corpus.pdf.page import Box, Note, read_page
from odqa.corpus.pdf.turned import stamps
from odqa.errors import DataError
from odqa.types import BlockKind, Document

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument

MOST_BOOKMARKS = 20_000
DEEPEST = 8  # Levels of bookmarks.
MOST_HEADS = 50  # Different running heads that are compared with the whole text.
FEWEST_WORDS = 2  # Of three letters or more, of a running head that may say something: "Page 3 of 9" does not.
MOSTLY = 0.5  # The share of letters of one width from which on they are no sign of code.


@dataclass(slots=True)
class _Pages:
    """What was read, page by page."""

    lines: list[list[Line]] = field(default_factory=list)
    rules: list[list[Box]] = field(default_factory=list)
    notes: list[list[Note]] = field(default_factory=list)
    turned: list[list[tuple[list[Line], list[Box]]]] = field(default_factory=list)  # What runs another way, and rules.
    failures: list[str] = field(default_factory=list)
    drawn: bool = False


def load(file: OpenFile) -> Iterator[Document | Unusable]:
    """Read one file; a page that cannot be read is left out, and the others are used.

    The metadata give the number of pages, which of them have no text (scanned, blank or damaged ones), and how many
    are nothing but a table of contents or an index, which are left out as running heads and page numbers are. Raises
    DataError for a file that is empty, broken, encrypted with a password, without any text, or with far more text than
    its size allows for (pages that share their content).
    """
    size = file.stream.seek(0, 2)
    if not size:
        raise DataError("empty")
    document = _open(file)
    try:
        pages = _read(document, file, size)
        count = len(pages.lines)
        read = zip(pages.lines, pages.notes, pages.turned, strict=True)
        blank = [number for number, each in enumerate(read, start=1) if not any(each)]
        if len(blank) == count:
            raise _unreadable(pages)
        bookmarks = list(_bookmarks(document))
        title = title_of(_given_title(document), pages.lines[0], body_size(pages.lines))
    finally:
        document.close()
    metadata: dict[str, Any] = {"pages": count}
    if blank:
        metadata["pages_without_text"] = blank
    composer, removed = _composed(pages, bookmarks)
    if removed:
        metadata["pages_of_contents"] = removed
    yield document_of(
        file.path,
        composer.text,
        title=title,
        sections=composer.sections,
        blocks=composer.blocks,
        metadata=metadata,
    )
    if pages.failures:
        reason = f"{len(pages.failures)} of {count} pages cannot be read ({pages.failures[0]}); the others are used"
        yield Unusable(source_of(file.path), reason)


def _open(file: OpenFile) -> PdfDocument:
    import pypdfium2
    import pypdfium2.raw as pdfium

    file.stream.seek(0)
    try:
        document = pypdfium2.PdfDocument(file.stream)
        if document.get_formtype() != pdfium.FORMTYPE_NONE:
            document.init_forms()
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise DataError("encrypted PDF: save a copy without its password") from None
        if error.err_code == pdfium.FPDF_ERR_SECURITY:
            raise DataError("encrypted PDF, in a way that is not known: save a copy without its encryption") from None
        raise DataError(f"broken PDF ({_describe(error)})") from None
    if not len(document):
        raise DataError("broken PDF (no pages in it)")
    return document


def _read(document: PdfDocument, file: OpenFile, size: int) -> _Pages:
    import pypdfium2

    found = _Pages()
    length = 0

    def check(more: int) -> None:
        nonlocal length
        length += more
        file.limits.check_unpacked(length, size)

    for number in range(len(document)):
        lines: list[Line] = []
        rules: list[Box] = []
        notes: list[Note] = []
        turned: list[tuple[list[Line], list[Box]]] = []
        try:
            page = read_page(document, number, check)
        except pypdfium2.PdfiumError as error:
            found.failures.append(f"page {number + 1}: {_describe(error)}")
        else:
            check(sum(len(note.text) for note in page.notes) + sum(len(filled.value) for filled in page.fields))
            lines = with_values(reading_order(page.words, page.rules), page.fields)
            rules, notes = page.rules, page.notes
            turned = [(reading_order(side.words, side.rules), side.rules) for side in page.turned]
            found.drawn |= page.drawn
        found.lines.append(lines)
        found.rules.append(rules)
        found.notes.append(notes)
        found.turned.append(turned)
    return found


def _unreadable(pages: _Pages) -> DataError:
    count = len(pages.lines)
    if pages.failures:
        return DataError(f"broken PDF: none of its {count} pages can be read ({pages.failures[0]})")
    scanned = "scanned pages need OCR first (ocrmypdf makes a PDF with text)"
    if not pages.drawn:
        return DataError(f"no text in the PDF, nor anything else: its pages are blank or damaged, or {scanned}")
    return DataError(f"no text in the PDF: {scanned}")


def _bookmarks(document: PdfDocument) -> Iterator[Bookmark]:
    """The outline; a bookmark without a page leads out of the file."""
    for number, entry in enumerate(document.get_toc(max_depth=DEEPEST)):
        if number >= MOST_BOOKMARKS:
            return
        target = entry.get_dest()
        page = None if target is None else target.get_index()
        title = " ".join(well_formed(entry.get_title()).split())
        if page is not None and title:
            yield Bookmark(title, entry.level + 1, page)


def _given_title(document: PdfDocument) -> str:
    return well_formed(document.get_metadata_value("Title"))


def _composed(pages: _Pages, bookmarks: Sequence[Bookmark]) -> tuple[Composer, int]:
    """The text without furniture, contents and index, and how many pages of the latter there were."""
    lines = pages.lines
    heads = furniture(lines)
    _drop(lines, [{id(line) for line in page} for page in heads])
    removed = contents_and_index(lines, [(mark.page, mark.title) for mark in bookmarks])
    if sum(len(page) for page in lines) > len(removed.lines):
        _drop(lines, [removed.lines] * len(lines))
    mark_headings(lines, bookmarks)
    words = Words(line.text for page in lines for line in page)
    letters = [(len(line.text), line.mono) for page in lines for line in page]
    is_code = sum(count for count, mono in letters if mono) < MOSTLY * sum(count for count, _ in letters)
    stamped = stamps([[line for side, _ in sides for line in side] for sides in pages.turned], heads)
    blocks: list[PdfBlock] = []
    for number, page in enumerate(lines):
        found = blocks_of(page, pages.rules[number], number, words, is_code)
        blocks += _with_notes(found, pages.notes[number], number)
        for side, rules in pages.turned[number]:
            kept = [line for line in side if id(line) not in stamped]
            blocks += (replace(block, aside=True) for block in blocks_of(kept, rules, number, words, is_code))
    blocks = join_pages(blocks, words)
    for head in reversed(_said_once(lines, heads)):
        at = next((at for at, block in enumerate(blocks) if block.page >= head.page), len(blocks))
        blocks.insert(at, head)
    return _written(blocks, len(lines)), len(removed.pages)


def _drop(pages: list[list[Line]], dropped: Sequence[set[int]]) -> None:
    for number, (page, some) in enumerate(zip(pages, dropped, strict=True)):
        if some:
            pages[number] = [line for line in page if id(line) not in some]


def _with_notes(blocks: Sequence[PdfBlock], notes: Sequence[Note], page: int) -> list[PdfBlock]:
    """A page's blocks with what was written on it, each note after the block that begins beside or above it."""
    found = list(blocks)
    text = _letters(" ".join(block.text for block in blocks)) if notes else ""
    for note in notes:
        if _letters(note.text) in text:
            continue  # The same as on the page: its words were written into it.
        above = [at for at, block in enumerate(found) if block.y <= note.box.y1]
        found.insert(above[-1] + 1 if above else 0, PdfBlock(BlockKind.NOTE, note.text, page, note.box.y1))
    return found


def _said_once(pages: Sequence[Sequence[Line]], heads: Sequence[Sequence[Line]]) -> list[PdfBlock]:
    """The words of running heads and feet that the text has nowhere else, once each, where they are met first."""
    text = " ".join(line.text for page in pages for line in page)
    said = {digits: _letters(text, digits) for digits in (False, True)}
    times = Counter(line.text for lines in heads for line in lines)
    found: list[PdfBlock] = []
    seen: set[str] = set()
    for number, lines in enumerate(heads):
        for line in lines:
            # A number that stands on several pages is none of a page: that of a year, a norm, an order.
            again = times[line.text] > 1
            letters = _letters(line.text, again)
            numbered = not again and (line.text[0].isdigit() or line.text[-1].isdigit())
            if len(seen) >= MOST_HEADS or letters in seen or numbered or _count_words(line.text) < FEWEST_WORDS:
                continue
            seen.add(letters)
            if letters and letters not in said[again]:
                found.append(PdfBlock(BlockKind.NOTE, line.text, number))
    return found


def _count_words(text: str) -> int:
    return sum(len(_letters(word)) > 2 for word in text.split())


def _letters(text: str, digits: bool = False) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalpha() or (digits and sign.isdigit()))


def _written(blocks: Sequence[PdfBlock], count: int) -> Composer:
    composer = Composer()
    page = 0

    def turn_to(number: int, ahead: int = 0) -> None:
        nonlocal page
        while page <= number:
            page += 1
            composer.page(page, ahead)

    for block in blocks:
        turn_to(block.page)
        for ahead, number in block.breaks:
            turn_to(number, ahead)
        if block.table:
            composer.table(block.table.rows, block.table.heads, block.table.repeated)
        elif block.kind is BlockKind.HEADING:
            composer.heading(block.level, block.text)
        else:
            composer.block(block.text, block.kind)
    turn_to(count - 1)
    return composer


def _describe(error: Exception) -> str:
    message = " ".join(str(error).split()).rstrip(".")
    return message[:200] or type(error).__name__
