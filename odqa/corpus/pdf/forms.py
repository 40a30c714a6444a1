"""The lines of a page and the fields of its form -> lines in which each label has its value beside it. Knows no PDF."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from odqa.corpus.pdf.lines import Line, Piece
from odqa.corpus.pdf.page import Box, Field

NEAR = 40.0  # Points from a label to the field beside it, at most: times the number of letters of 10 points.
FAR_LEFT = 250.0  # Points from a label at the margin to its field.
ABOVE = 2.2  # Times the size of a label above its field.


def with_values(lines: Sequence[Line], fields: Sequence[Field]) -> list[Line]:
    """The lines of a page with a line "Label: value" for each field, in place of its label.

    A field's label is the text before it on its line; before a box that is ticked, the text after it; else the text
    right above. A field without a label there goes by its name.
    """
    labelled: dict[int, list[tuple[Piece, str]]] = {}
    placed: list[tuple[float, Line]] = []
    taken: set[int] = set()
    said: set[str] = set()
    for filled in sorted(fields, key=lambda field: (round(field.box.y0), field.box.x0)):
        found = _label(lines, filled, taken)
        if found:
            at, piece = found
            taken.add(id(piece))
            labelled.setdefault(at, []).append((piece, _pair(piece.text, filled.value)))
            continue
        text = _pair(_name(filled.name), filled.value)
        if text not in said:
            said.add(text)
            y, size = (filled.box.y0 + filled.box.y1) / 2, 10.0
            placed.append((y, Line([Piece(text, filled.box.x0, filled.box.x1)], y, size, apart=True)))
    whole = [part for at, line in enumerate(lines) for part in _split(line, labelled.get(at, []))]
    for y, line in placed:
        at = next((at for at, other in enumerate(whole) if other.y > y), len(whole))
        whole.insert(at, replace(line, region=whole[max(at - 1, 0)].region if whole else 0))
    return whole


def _pair(label: str, value: str) -> str:
    label = re.sub(r"[\s._…:]+$", "", label)
    return f"{label}: {value}" if label else value


def _name(name: str) -> str:
    """The last part of a field's name as words: topmost.page[0].home_address[0] is home address."""
    last = re.sub(r"\[\d+\]$", "", name).rpartition(".")[2]
    return " ".join(re.sub(r"(?<=[a-z])(?=[A-Z])|[_\s]+", " ", last).split())


def _label(lines: Sequence[Line], filled: Field, taken: set[int]) -> tuple[int, Piece] | None:
    """The line and the piece of it that names a field."""
    box = filled.box
    beside: list[tuple[float, int, Piece]] = []
    for at, line in enumerate(lines):
        for piece in line.pieces:
            if id(piece) in taken or not any(letter.isalnum() for letter in piece.text):
                continue
            distance = _distance(box, line, piece, filled.mark)
            if distance is not None:
                beside.append((distance, at, piece))
    if not beside:
        return None
    _, at, piece = min(beside, key=lambda some: some[0])
    return at, piece


def _distance(box: Box, line: Line, piece: Piece, mark: bool) -> float | None:
    on_line = box.y0 - 0.3 * line.size <= line.y <= box.y1 + 0.6 * line.size
    if on_line and piece.x1 <= box.x0 + 4:
        return (box.x0 - piece.x1) * (2.0 if mark else 1.0) if box.x0 - piece.x1 <= FAR_LEFT else None
    if mark:
        return piece.x0 - box.x1 if on_line and box.x1 - 4 <= piece.x0 <= box.x1 + NEAR else None
    over = piece.x0 < box.x1 and piece.x1 > box.x0
    if over and 0 <= box.y0 - line.y <= ABOVE * line.size:
        return 50 + (box.y0 - line.y)  # What is before it on its line is rather its label.
    return None


def _split(line: Line, labelled: Sequence[tuple[Piece, str]]) -> list[Line]:
    """A line cut into its labels with their values and the pieces between them."""
    if not labelled:
        return [line]
    texts = {id(piece): text for piece, text in labelled}
    found: list[Line] = []
    for piece in line.pieces:
        if id(piece) in texts:
            named = Piece(texts[id(piece)], piece.x0, piece.x1, piece.bold)
            found.append(replace(line, pieces=[named], apart=True))
        elif found and not found[-1].apart:
            found[-1].pieces.append(piece)
        else:
            found.append(replace(line, pieces=[piece]))
    return found
