"""Jupyter notebooks (.ipynb) -> their Markdown, with code and short outputs fenced, and sections by headings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import accumulate
from typing import Any

from odqa.corpus.base import OpenFile, document_of, well_formed
from odqa.corpus.encoding import read_text
from odqa.corpus.text.front_matter import front_matter
from odqa.corpus.text.markdown import outline
from odqa.corpus.text.markdown_blocks import markdown_blocks
from odqa.errors import DataError
from odqa.types import Document

LONGEST_OUTPUT = 2_000  # Characters: what is longer is a listing, and nobody reads it to the end.
ESCAPES = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
TICKS = re.compile(r"`{3,}")


def load(file: OpenFile) -> Iterator[Document]:
    """Read one file. Raises DataError for one that is empty, binary or no notebook."""
    try:
        notebook = json.loads(read_text(file))
    except (ValueError, RecursionError) as error:
        raise DataError(f"broken notebook: {str(error)[:200]}") from None
    cells = notebook.get("cells") if isinstance(notebook, dict) else None
    if not isinstance(cells, list):
        raise DataError("not a notebook of format 4: convert it with jupyter nbconvert --to notebook")
    parts = [(cell, well_formed(part)) for cell in cells if isinstance(cell, dict) for part in _parts(cell)]
    text = "".join(f"{part}\n\n" for _, part in parts)
    ends = list(accumulate(len(part) + 2 for _, part in parts))
    first, beginning = parts[0] if parts else ({}, "")
    # A notebook shows every cell by itself: what one leaves open does not go on in the next.
    title, start = front_matter(beginning) if first.get("cell_type") == "raw" else ("", 0)
    found = outline(text, start, ends)
    blocks = markdown_blocks(text, start, ends)
    yield document_of(file.path, text, title=title or found.title, sections=found.sections, blocks=blocks)


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    source = _joined(cell.get("source"))
    if cell.get("cell_type") in ("markdown", "raw"):
        if source.strip():
            yield source.strip("\n")
    elif cell.get("cell_type") == "code":
        outputs = cell.get("outputs")
        for text in (source, *map(_output, outputs if isinstance(outputs, list) else ())):
            if text.strip():
                yield _fenced(text.strip("\n"))


def _output(output: Any) -> str:
    """The text of what a cell wrote, as far as it is short; empty for pictures."""
    if not isinstance(output, dict):
        return ""
    data = output.get("data")
    if output.get("output_type") == "error":
        text = f"{output.get('ename', '')}: {output.get('evalue', '')}"
    else:
        text = _joined(data.get("text/plain") if isinstance(data, dict) else output.get("text"))
    text = ESCAPES.sub("", text)
    if len(text) <= LONGEST_OUTPUT:
        return text
    whole = text[: text.rfind("\n", 0, LONGEST_OUTPUT) + 1]
    return whole if whole.strip() else text[:LONGEST_OUTPUT]  # A line is cut only where nothing is before it.


def _joined(lines: Any) -> str:
    """A text that a notebook keeps whole or in lines."""
    return "".join(line for line in lines if isinstance(line, str)) if isinstance(lines, list) else str(lines or "")


def _fenced(code: str) -> str:
    fence = "`" * (1 + max((len(run) for run in TICKS.findall(code)), default=2))
    return f"{fence}\n{code}\n{fence}"
