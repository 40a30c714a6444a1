"""A passage and spans of it go in, a short quotation with the spans marked comes out, of one line. Knows no answer.

A quotation ends where its block does: no heading runs into its text and no row of a table into the next one. A row is
quoted with the heads of its columns, as in ``Code: 24 · Meaning: vanished source files``.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from odqa.corpus.sentences import sentences
from odqa.reports.visible import visible
from odqa.types import Block, BlockKind, Passage
from odqa.views import cells

Span = tuple[int, int]
Mark = tuple[str, str]

AROUND = 120  # Characters of a sentence that are quoted at most on each side of an answer.
CELL = 60  # Characters of a cell that are quoted at most, unless it holds the answer.
EXCERPT = 300  # Characters of a passage that are quoted at most.
PARTED = " / "  # Between two blocks in one excerpt, as between lines of verse.
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")


def quote(passage: Passage, span: Span, mark: Mark) -> str:
    """The sentence, or the row of a table, that holds the span, shortened around it."""
    start, end = span
    block = _block_at(passage, start)
    if block and end <= block.end:
        cells = _cells(passage.text, block)
        if cells:
            return _row(passage.text, block, cells, [span], mark, AROUND)
        low, high = block.start, block.end
    else:
        low, high = _paragraph(passage.text, start, end)
    return _shortened(passage.text, sentence_around(passage.text, start, end, low, high), span, [span], mark, AROUND)


def excerpt(passage: Passage, matches: Sequence[tuple[int, int, str]], mark: Mark) -> tuple[int, str]:
    """Where the part of a passage begins that has most of the matches, and its quotation with all of them marked.

    ``matches`` are (start, end, what matches there), sorted. The part is of whole sentences where they are short.
    """
    pieces = list(_pieces(passage))
    if not pieces:
        return 0, ""
    first, last = _best_run(pieces, matches)
    spans = [(start, end) for start, end, _ in matches]
    shown: list[str] = []
    before: Block | None = None
    for at in range(first, last):
        start, end, block = pieces[at]
        cells = _cells(passage.text, block) if block else []
        if block and cells:
            part = _row(passage.text, block, cells, spans, mark, EXCERPT)
        else:
            inside = next((span for span in spans if start <= span[0] < end), (start, start))
            part = _shortened(passage.text, (start, end), inside, spans, mark, EXCERPT // 2)
        if part:
            shown += [part] if not shown else [" " if block is before else PARTED, part]
            before = block
    line = "".join(shown)
    before_it = "… " if first and not line.startswith("… ") else ""
    after_it = " …" if last < len(pieces) and not line.endswith(" …") else ""
    return pieces[first][0], before_it + line + after_it


def sentence_around(text: str, start: int, end: int, low: int = 0, high: int | None = None) -> Span:
    """The offsets of the sentence of ``text[low:high]`` that holds ``text[start:end]``, or of those that it crosses."""
    found = sentences(text, low, len(text) if high is None else high)
    spans = [span for span in found if span[0] < end and start < span[1]]
    return min([start, *(span[0] for span in spans)]), max([end, *(span[1] for span in spans)])


def _block_at(passage: Passage, offset: int) -> Block | None:
    at = bisect_right(passage.blocks, offset, key=lambda block: block.start) - 1
    return passage.blocks[at] if at >= 0 and offset < passage.blocks[at].end else None


def _paragraph(text: str, start: int, end: int) -> Span:
    """The stretch around ``text[start:end]`` without a blank line beyond it, where no block tells more."""
    low = 0
    for blank in _BLANK_LINE.finditer(text, 0, start):
        low = blank.end()
    after = _BLANK_LINE.search(text, end)
    return low, after.start() if after else len(text)


def _pieces(passage: Passage) -> Iterator[tuple[int, int, Block | None]]:
    """The sentences of a passage, of each block or paragraph by itself, and the rows of its tables, in order."""
    if passage.blocks:
        for block in passage.blocks:
            if block.kind is BlockKind.ROW:
                yield block.start, block.end, block
            else:
                yield from ((*span, block) for span in sentences(passage.text, block.start, block.end))
    else:
        yield from ((*span, None) for span in sentences(passage.text, 0, len(passage.text)))


def _best_run(pieces: Sequence[tuple[int, int, Block | None]], matches: Sequence[tuple[int, int, str]]) -> Span:
    """The first and last (exclusive) of those neighbouring pieces in which most different things match."""
    best, chosen = -1, (0, 1)
    for first, (start, _, _) in enumerate(pieces):
        last = first + 1
        while last < len(pieces) and pieces[last][1] - start <= EXCERPT:
            last += 1
        different = len({what for at, _, what in matches if start <= at < pieces[last - 1][1]})
        if different > best:
            best, chosen = different, (first, last)
    return chosen


def _cells(text: str, block: Block) -> list[Span]:
    """The cells of a row, one for each of its labels; none of anything else."""
    found = cells(text, block) if block.kind is BlockKind.ROW else []
    return found if len(found) == len(block.labels) else []


def _row(text: str, block: Block, cells: Sequence[Span], spans: Sequence[Span], mark: Mark, most: int) -> str:
    """The cells that are not empty with their labels: those with a span, the first, and their neighbours with room."""
    parts: dict[int, str] = {}
    held = [at for at, cell in enumerate(cells) if any(cell[0] <= start < cell[1] for start, _ in spans)]
    nearest = sorted(range(len(cells)), key=lambda at: min((abs(at - one) for one in held), default=at))
    left = 2 * most
    for at in dict.fromkeys([*held, 0, *nearest]):
        first, last = cells[at]
        if not text[first:last].strip():
            continue
        inside = next((span for span in spans if first <= span[0] < last), (first, first))
        label = visible(block.labels[at])
        part = (f"{label}: " if label else "") + _shortened(
            text, (first, last), inside, spans, mark, most if at in held else CELL
        )
        if len(part) > left and at not in held:
            break
        left -= len(part)
        parts[at] = part
    shown, before = "", -1
    for at in sorted(parts):
        skipped = any(text[first:last].strip() for first, last in cells[before + 1 : at])
        shown += (" · " if shown else "") + ("… · " if skipped else "") + parts[at]
        before = at
    return shown + (" · …" if any(text[first:last].strip() for first, last in cells[before + 1 :]) else "")


def _shortened(text: str, whole: Span, span: Span, spans: Sequence[Span], mark: Mark, most: int) -> str:
    """``text[whole]`` with all ``spans`` marked, and at most so many characters before and after ``span``."""
    low, high = whole
    left, right = max(low, span[0] - most), min(high, max(span) + most)
    if left > low:
        left = next((at for at in range(left, span[0]) if text[at - 1].isspace()), left)
    if right < high:
        right = next((at for at in range(right, span[1], -1) if text[at : at + 1].isspace()), right)
    line, at = "", left
    for start, end in spans:
        if left <= start and end <= right and at <= start:
            line += _keep_edges(text[at:start]) + mark[0] + visible(text[start:end]) + mark[1]
            at = end
    line = (line + _keep_edges(text[at:right])).strip()
    return ("… " if text[low:left].strip() else "") + line + (" …" if text[right:high].strip() else "")


def _keep_edges(text: str) -> str:
    """``visible``, with a space kept where the text begins or ends with white space."""
    return visible(f"|{text}|")[1:-1]
