"""What people said of answers → a file of rows that is a dataset; and back, and in numbers. Knows no server.

A row is a flat row of SQuAD, as :mod:`odqa.squad` reads it, with a few keys more. What people said is a reference where
it names an answer, or says that there is none; any other row has ``null`` for ``answers`` and ``is_impossible``, and is
no question of the dataset.
"""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO

from odqa.checked import checked
from odqa.errors import DataError, OdqaError, UsageError
from odqa.files import check_writable, open_regular, parse_json
from odqa.types import Passage

SUFFIX = ".jsonl"  # By which a dataset with a question a line is known.
LONGEST_LINE = 1 << 24  # Bytes of a row, far more than a passage and a question have.
_LOCK_SECONDS = 30
_REMEDY = "give the file that odqa serve --feedback wrote, or mend this line"


class Verdict(StrEnum):
    """What somebody said: the answer is right, it is wrong, or the right one was not among those given."""

    RIGHT = "right"
    WRONG = "wrong"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of a context: their texts, and the offset of each one's first character."""

    text: tuple[str, ...] = ()
    answer_start: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Feedback:
    """A row of the file. ``context`` is the text of the passage that it is about, empty where it is about none.

    ``answers`` are the right ones, and None where nobody named one; without any, ``is_impossible`` says that the
    context does not answer the question. ``plausible_answers`` are those that were given and called wrong.
    ``document`` and ``passage`` are ids, ``time`` is UTC.
    """

    id: str
    question: str
    verdict: Verdict
    time: str
    index: str = ""
    title: str = ""
    context: str = ""
    headings: tuple[str, ...] = ()
    answers: Spans | None = None
    is_impossible: bool | None = None
    plausible_answers: Spans = field(default_factory=Spans)
    document: str = ""
    passage: str = ""

    @property
    def answer(self) -> str:
        """The answer that was called right, marked, or called wrong; empty where there is none."""
        spans = self.answers or self.plausible_answers
        return spans.text[0] if spans.text else ""

    @property
    def labelled(self) -> bool:
        """Whether it is a question of the dataset: it has an answer, or is known to have none."""
        return self.answers is not None


@dataclass(frozen=True, slots=True)
class Asked:
    """What was said of one question: how often it was called what, and what its answers are.

    ``marked`` counts the answers that people marked themselves, ``none`` how often they said that there is none; the
    first are among ``missing``, the second among ``right``. ``last`` is the time of the last word.
    """

    question: str
    right: int
    wrong: int
    missing: int
    marked: int
    none: int
    answers: tuple[str, ...]
    last: str


def feedback(
    question: str,
    verdict: Verdict,
    *,
    index: str = "",
    passages: Iterable[Passage] = (),
    place: tuple[int, int] | None = None,
    text: str = "",
) -> Feedback:
    """What somebody says now of a question, as a row.

    ``place`` is where the answer ``text`` is in its document, of which ``passages`` are the passages. It is an answer
    that was given and is right or wrong; with the verdict "missing", it is the right one, which was not given. An
    empty place with the verdict "right" says that the passage there, the nearest one, does not answer the question.
    Raises UsageError where no passage holds the place, or another text is there.
    """
    said = Feedback(uuid.uuid4().hex, question, verdict, datetime.now(UTC).isoformat(timespec="seconds"), index)
    if place is None:
        return said
    start, end = place
    passage = _around(passages, start, end)
    at = start - passage.start
    if passage.text[at : at + end - start] != text:
        raise UsageError("the document has another text at that place; ask again, as its index may have changed")
    spans = Spans((text,), (at,)) if text else Spans()
    right = verdict is not Verdict.WRONG and (bool(text) or verdict is Verdict.RIGHT)
    return Feedback(
        said.id,
        question,
        verdict,
        said.time,
        index,
        title=passage.title,
        context=passage.text,
        headings=passage.headings,
        answers=spans if right else None,
        is_impossible=not text if right else None,
        plausible_answers=Spans() if right else spans,
        document=passage.document_id,
        passage=passage.id,
    )


def append(path: Path, record: Feedback) -> None:
    """Write a row at the end of the file, which then is on the disk; a last row that is not whole is removed first.

    Threads and processes may append at once. Raises OdqaError where it cannot be written, and the file is as it was.
    """
    # Half of a surrogate pair, which UTF-8 cannot hold, becomes an escape, as it is one in JSON.
    line = json.dumps(asdict(record), ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
    try:
        check_writable(path, "feedback")
        with _locked(path) as stream:
            _repair(stream, path)
            size = stream.seek(0, os.SEEK_END)
            try:
                _write(stream, line)
            except OSError:
                with suppress(OSError):
                    stream.truncate(size)
                raise
    except UsageError as error:  # Not of who says it: the file was there to be written when the server started.
        raise OdqaError(str(error)) from None
    except OSError as error:
        raise OdqaError(f"cannot write feedback to {path}: {error.strerror or error}; nothing of it was kept") from None


def prepare(path: Path) -> None:
    """Make sure that feedback can be appended to the file, before a server starts; mends what a crash left.

    Raises UsageError for a name that no dataset has or a file that cannot be written, and DataError for a file of
    something else.
    """
    if path.suffix.lower() != SUFFIX:
        raise UsageError(f"cannot write feedback to {path}: its name has to end in {SUFFIX}, as in feedback{SUFFIX}")
    check_writable(path, "feedback")
    if path.exists():
        with open_regular(path) as stream:
            first = stream.readline(LONGEST_LINE)
        if first.endswith(b"\n"):
            _parse(first, path, 1)
    try:
        with _locked(path) as stream:
            _repair(stream, path)
    except OSError as error:
        raise UsageError(f"cannot write feedback to {path}: {error.strerror or error}; choose another file") from None


def read(path: Path) -> Iterator[Feedback]:
    """The rows of the file, in their order; the beginning of a last row that is not whole is left out.

    Raises UsageError where there is no such file, and DataError with the number of the line that is no such row.
    """
    if not path.exists():
        raise UsageError(f"no such file: {path}; odqa serve --feedback {path} writes one")
    with open_regular(path) as stream:
        for number, line in enumerate(stream, start=1):
            if line.strip() and (line.endswith(b"\n") or _is_whole(line)):
                yield _parse(line, path, number)


def by_question(records: Iterable[Feedback]) -> list[Asked]:
    """What was said of each question, the last one first; questions that differ only in case and spaces are one."""
    found: dict[str, list[Feedback]] = {}
    for record in records:
        found.setdefault(" ".join(record.question.casefold().split()).rstrip("?!. "), []).append(record)
    return sorted(map(_asked, found.values()), key=lambda one: one.last, reverse=True)


def _asked(records: Sequence[Feedback]) -> Asked:
    said = [record.verdict for record in records]
    labelled = [record for record in records if record.labelled]
    return Asked(
        question=records[-1].question,
        right=said.count(Verdict.RIGHT),
        wrong=said.count(Verdict.WRONG),
        missing=said.count(Verdict.MISSING),
        marked=sum(record.verdict is Verdict.MISSING for record in labelled),
        none=sum(record.verdict is Verdict.RIGHT and not record.answer for record in records),
        answers=tuple(dict.fromkeys(record.answer for record in labelled if record.answer)),
        last=max(record.time for record in records),
    )


def _around(passages: Iterable[Passage], start: int, end: int) -> Passage:
    """The passage that has most text on both sides of the place."""
    holding = [one for one in passages if one.start <= start <= end <= one.end]
    if not holding:
        raise UsageError("no passage of that document holds the whole answer; mark a part that is in one passage")
    return max(holding, key=lambda one: min(start - one.start, one.end - end))


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The file, which nobody else writes to meanwhile; it is made where there is none. Raises OSError."""
    from filelock import FileLock, Timeout

    try:
        with FileLock(path.with_name(f".{path.name}.lock"), timeout=_LOCK_SECONDS):
            new = not path.exists()
            with path.open("a+b", buffering=0) as stream:
                yield stream
            if new:
                _sync_folder(path.parent)
    except Timeout:
        raise OSError(f"another process has held it for {_LOCK_SECONDS} seconds") from None


def _write(stream: BinaryIO, line: bytes) -> None:
    left = memoryview(line)
    while left:
        left = left[stream.write(left) :]
    os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    """Have the name of a new file on the disk too, where the system knows how."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _repair(stream: BinaryIO, path: Path) -> None:
    """End the last line: with a newline where only that is missing, else by removing what a crash left of it."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(max(0, size - LONGEST_LINE))
    tail = stream.read(LONGEST_LINE)
    torn = tail[tail.rfind(b"\n") + 1 :]
    if len(torn) == LONGEST_LINE:
        raise DataError(f"{path}: it ends in {LONGEST_LINE:,} bytes without an end of line; {_REMEDY}")
    if torn and _is_whole(torn):
        _write(stream, b"\n")
    elif torn:
        stream.truncate(size - len(torn))


def _is_whole(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _parse(line: bytes, path: Path, number: int) -> Feedback:
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: line {number}: not UTF-8 at its byte {error.start}; {_REMEDY}") from None
    value = parse_json(text, str(path), _REMEDY, line=number)
    row: Feedback = checked(Feedback, value, f"{path}: line {number}", _REMEDY)
    return row
