"""A path or - for standard input in; questions, or the documents of a context, out. Knows no model and no index."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from odqa.answering.question import check_question
from odqa.errors import DataError, UsageError
from odqa.files import open_regular, parse_json
from odqa.types import Document

MOST_BYTES = 200_000_000  # Of questions or of a context, all of which is kept in memory.


def read_questions(path: str) -> list[tuple[str | int, str]]:
    """The (id, question) pairs of a file, or of standard input for ``-``; see :func:`parse_questions`."""
    return parse_questions(read_text(path), _name(path))


def parse_questions(text: str, source: str) -> list[tuple[str | int, str]]:
    """The (id, question) pairs of a list, one question a line; blank lines are skipped.

    Where the first line that is not blank begins with ``{``, every line is a JSON object with ``question`` and
    ``id`` (a string or a whole number; the line number where it is missing). Otherwise a line is a question, and its
    number, counted from 1, its id. Everything is checked here, before hours of answering begin.

    Raises DataError for a line that is not such an object and UsageError for a question that cannot be asked; both
    name ``source`` and the line.
    """
    numbered = enumerate(text.split("\n"), start=1)
    lines = [(number, line) for number, line in numbered if line.strip()]
    if not lines:
        raise UsageError(f"{source} holds no question; write one a line")
    is_json = lines[0][1].lstrip().startswith("{")
    pairs: list[tuple[str | int, str]] = []
    for number, line in lines:
        where = f"{source}, line {number}"
        name, question = _parse_object(line, number, source) if is_json else (number, line)
        try:
            pairs.append((name, check_question(question)))
        except UsageError as error:
            raise UsageError(f"{where}: {error}") from None
    return pairs


def read_context(path: str) -> tuple[list[Document], list[str]]:
    """The documents of a file, and a remark for each part of it that could not be used.

    The suffix decides the format, as it does for an index; a file with any other suffix, and ``-``, standard input, is
    one plain text. Raises UsageError for a path that is not a file, and DataError for a file without any usable text.
    """
    from odqa.corpus.base import Unusable, kind_of
    from odqa.corpus.files import LOADERS
    from odqa.corpus.read import read_file

    if path == "-" or kind_of(Path(path)) not in LOADERS:
        name = _name(path)
        text = read_text(path)
        if not text.strip():
            raise DataError(f"{name} is empty; give a text that may hold the answer")
        return [Document(name, "", text, name)], []
    _check_file(path)
    documents, remarks = [], []
    for item in read_file(Path(path)):
        if isinstance(item, Unusable):
            remarks.append(f"{item.source}: {item.reason}")
        else:
            documents.append(item)
    if not documents:
        raise DataError(f"no usable text for a context in {'; '.join(remarks) or path}")
    return documents, remarks


def read_text(path: str) -> str:
    """The text of a UTF-8 file, or of standard input for ``-``, of at most ``MOST_BYTES``.

    Raises UsageError for a path that is not a regular file, or holds too much, and DataError for what is not UTF-8.
    """
    if path == "-":
        try:
            content = sys.stdin.buffer.read(MOST_BYTES + 1)
        except OSError as error:
            raise UsageError(f"standard input cannot be read: {error.strerror}; give a file instead") from None
    else:
        _check_file(path)
        with open_regular(Path(path)) as stream:
            content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise UsageError(f"{_name(path)} holds more than {MOST_BYTES:,} bytes; give a part of it at a time")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{_name(path)} is not UTF-8 (byte {error.start:,}); convert it, as with iconv") from None


def _name(path: str) -> str:
    return "standard input" if path == "-" else path


def _check_file(path: str) -> None:
    path = str(Path(path))
    if not Path(path).exists():
        raise UsageError(f"{path} does not exist; check the path, or give - for standard input")
    if Path(path).is_dir():
        raise UsageError(f"{path} is a folder; name one file, or index the folder with: odqa index {path}")
    if not Path(path).is_file():
        raise UsageError(f"{path} is not a regular file; give - and pipe it to standard input, or save it first")


def _parse_object(line: str, number: int, source: str) -> tuple[str | int, str]:
    where = f"{source}, line {number}"
    record = parse_json(line, source, "the first line is JSON, so every line must be", line=number)
    question = record.get("question") if isinstance(record, dict) else None
    if not isinstance(question, str):
        raise DataError(f'{where} must be an object with a string "question", as in {{"id": 1, "question": "Who?"}}')
    name = record.get("id", number)
    if not isinstance(name, str | int) or isinstance(name, bool):
        raise DataError(f'{where}: "id" must be a string or a whole number, not {json.dumps(name)}')
    return name, question
