"""What holds for the passages of every document, checked the slow and plain way."""

from __future__ import annotations

import re
from itertools import pairwise

from odqa.corpus import ChunkOptions, TokenOffsets
from odqa.types import Document, Passage


def words(text: str) -> list[tuple[int, int]]:
    """A tokenizer that a reader can count by hand: a token is a run of anything but white space."""
    return [match.span() for match in re.finditer(r"\S+", text)]


def section_at(document: Document, offset: int) -> tuple[tuple[str, ...], int | None]:
    headings, page = (), None
    for section in document.sections:
        if section.start <= offset:
            headings, page = section.headings, section.page
    return headings, page


def check(document: Document, passages: list[Passage], tokenize: TokenOffsets, options: ChunkOptions) -> None:
    covered = [False] * len(document.text)
    for number, passage in enumerate(passages):
        assert passage.id == f"{document.id}#{number}"
        assert (passage.document_id, passage.title, passage.source) == (
            document.id,
            document.title,
            document.source,
        )
        assert document.text[passage.start : passage.start + len(passage.text)] == passage.text
        assert passage.text
        assert passage.text == passage.text.strip()
        assert 0 < len(tokenize(passage.text)) <= options.max_tokens or len(passage.text) == 1
        assert len(passage.text) <= options.max_characters
        for offset in range(passage.start, passage.end):
            headings, page = section_at(document, offset)
            assert headings == passage.headings
            assert page == passage.page_at(offset - passage.start)
            covered[offset] = True
    for before, after in pairwise(passages):
        assert before.start < after.start
        assert before.end < after.end
        if after.start < before.end:
            repeated = document.text[after.start : before.end]
            assert len(tokenize(repeated)) <= options.overlap_tokens + 1  # A slice may have a token more.
    for offset, sign in enumerate(document.text):
        if not covered[offset] and tokenize(sign) and not sign.isspace():
            assert is_lone_heading(document, offset, section_at(document, offset)[0])


def is_lone_heading(document: Document, offset: int, headings: tuple[str, ...]) -> bool:
    """Whether a section holds its heading alone and the next one is below it."""
    starts = [section.start for section in document.sections]
    start = max(at for at in starts if at <= offset)
    end = min((at for at in starts if at > offset), default=len(document.text))
    following = section_at(document, end)[0]
    letters = [character for character in document.text[start:end] if character.isalnum()]
    heading = [character for character in headings[-1] if character.isalnum()] if headings else []
    return bool(headings) and following[: len(headings)] == headings and letters == heading
