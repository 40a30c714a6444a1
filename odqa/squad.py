"""Question-answering datasets (SQuAD JSON, JSONL, Parquet, a hub id) go in; Examples and OwnQuestions come out.

The shapes are those of SQuAD v2 (Rajpurkar, Jia and Liang 2018): nested
``data[].paragraphs[].{context, qas[].{id, question, answers[].{text, answer_start}, is_impossible}}`` for ``.json``,
and one flat question a row, as the hub has them, for ``.jsonl`` and ``.parquet``:
``{id, title, context, question, answers: {text: [...], answer_start: [...]}}``. Beside a context may stand
``headings``, those above it in its document, outermost first. A flat row that has ``null`` both for ``answers`` and for
``is_impossible`` says that nobody has answered it yet, and is left out.

A flat row without a context is somebody's own question, an :class:`OwnQuestion`: ``question``, ``answer`` (a text) or
``answers`` (texts, ``[]`` where there is none), and, if wanted, ``id`` and ``source``. Other keys are comments. A row
whose ``question`` is empty, as in the template that ``odqa questions`` writes, is not written yet, and left out.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa import extras
from odqa.errors import DataError, UsageError
from odqa.files import open_regular, parse_json, read_json, read_json_lines, whole
from odqa.types import Example, Reference

FORMATS = (".json", ".jsonl", ".parquet")
MOST_UNPACKED = 200  # Bytes that a byte of a Parquet file unpacks to.
SURELY_UNPACKED = 1 << 28  # Bytes that any Parquet file may unpack to.
ROWS_AT_ONCE = 256
SQUAD = "SQuAD format is needed"
OWN = 'without a context, a question needs "question" and "answer" (a text) or "answers" (texts)'


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """A question that came without a context: where its answers stand is to be found in an index.

    ``answers`` are right ones, as texts; none where nothing in the index answers it. ``source`` is the document or the
    file that they are in, empty where it may be any. ``where`` is the file and the line, for messages.
    """

    id: str
    question: str
    answers: tuple[str, ...]
    source: str = ""
    where: str = ""


def load_questions(source: str | Path, split: str | None = None) -> list[Example | OwnQuestion]:
    """Read every question of a dataset, with its context or without.

    ``source`` is a file (by its suffix: .json, .jsonl, .parquet) or a hub id such as ``rajpurkar/squad_v2``;
    ``split`` is only for hub ids. Raises UsageError where there is no such dataset, OdqaError where what reads it is
    not installed and DataError, with the JSON path or the line, where its content is in neither format.
    """
    check_source(source)
    path = Path(source)
    if path.is_file():
        return list(_from_file(path))
    named = str(source)
    return list(_from_rows(_hub_rows(named, split or "validation"), named))


def load_examples(source: str | Path, split: str | None = None) -> list[Example]:
    """Read every question of a dataset as :func:`load_questions` does, each with its context.

    Raises UsageError for a question that came without one.
    """
    return with_contexts(load_questions(source, split))


def with_contexts(questions: Iterable[Example | OwnQuestion]) -> list[Example]:
    """The questions, each with its context. Raises UsageError for one that came without."""
    examples = []
    for one in questions:
        if isinstance(one, OwnQuestion):
            raise UsageError(
                f"{one.where}: a question without a context, so its answer has to be found in an index; name the index "
                "(odqa eval, tune, train-reader and train-retriever take --index), or give a context"
            )
        examples.append(one)
    return examples


def texts_of(question: Example | OwnQuestion) -> tuple[str, ...]:
    """The texts of the right answers."""
    if isinstance(question, OwnQuestion):
        return question.answers
    return tuple(reference.text for reference in question.references)


def check_source(source: str | Path) -> None:
    """Raise UsageError for what is neither a file nor can be the id of a dataset on the hub. Opens nothing.

    Raises OdqaError where what reads it is not installed.
    """
    path, named = Path(source), str(source)
    if path.is_file():
        if path.suffix.lower() == ".parquet":
            extras.need("train", f"{source} is a Parquet file, which", "pyarrow")
        return
    if path.suffix.lower() in FORMATS or path.exists() or not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", named):
        raise UsageError(f"no such dataset file: {source} (a .json, .jsonl or .parquet file, or a hub id)")
    extras.need("train", f"there is no file {named}, and a dataset of the hub", "datasets")


def iter_paragraphs(path: Path, text: str | None = None) -> Iterator[tuple[str, int, str, tuple[str, ...]]]:
    """Give (title, paragraph number from 0 inside its article, context, headings) for a SQuAD-format .json file.

    ``text`` is what is in the file, where it has been read already. Raises DataError with the JSON path where the file
    is not in SQuAD format.
    """
    for title, number, paragraph, where in _paragraphs(path, text):
        yield title, number, _get(paragraph, "context", str, where), _headings(paragraph, where)


def write_examples(path: Path, examples: Iterable[Example]) -> None:
    """Write examples as flat JSONL, one question a line; ``load_examples`` reads them back the same."""
    # What UTF-8 cannot hold, half of a surrogate pair, becomes an escape, as it is one in JSON.
    with whole(path) as unfinished, unfinished.open("w", encoding="utf-8", errors="backslashreplace") as stream:
        for example in examples:
            row = {
                "id": example.id,
                "title": example.title,
                "context": example.context,
                "question": example.question,
                "answers": _columns(example.references),
                "is_impossible": not example.answerable,
                "plausible_answers": _columns(example.plausible),
                "headings": list(example.headings),
            }
            stream.write(json.dumps(row, ensure_ascii=False) + "\n")


def _from_file(path: Path) -> Iterator[Example | OwnQuestion]:
    if path.suffix.lower() == ".jsonl":
        return _from_rows(_json_lines(path), str(path))
    if path.suffix.lower() == ".parquet":
        return _from_rows(_parquet_rows(path), str(path))
    return _from_squad(path)


def _from_squad(path: Path) -> Iterator[Example]:
    for title, _, paragraph, where in _paragraphs(path):
        context = _get(paragraph, "context", str, where)
        headings = _headings(paragraph, where)
        for at, question in enumerate(_get(paragraph, "qas", list, where)):
            place = f"{where}.qas[{at}]"
            _expect(question, dict, place)
            impossible = _impossible(question, place)
            answers = _references(question, "answers", place, required=not impossible)
            yield Example(
                id=str(_get(question, "id", (str, int), place)),
                question=_get(question, "question", str, place),
                context=context,
                references=() if impossible else answers,
                title=title,
                plausible=_references(question, "plausible_answers", place, required=False),
                headings=headings,
            )


def _paragraphs(path: Path, text: str | None = None) -> Iterator[tuple[str, int, dict[str, Any], str]]:
    remedy = "SQuAD format is needed, in UTF-8"
    content = read_json(path, remedy) if text is None else parse_json(text, str(path), remedy)
    _expect(content, dict, str(path))
    for a, article in enumerate(_get(content, "data", list, str(path))):
        where = f"{path}: data[{a}]"
        _expect(article, dict, where)
        title = article.get("title")
        for p, paragraph in enumerate(_get(article, "paragraphs", list, where)):
            place = f"{where}.paragraphs[{p}]"
            _expect(paragraph, dict, place)
            yield title if isinstance(title, str) else "", p, paragraph, place


def _references(holder: Mapping[str, Any], key: str, where: str, *, required: bool) -> tuple[Reference, ...]:
    if not required and holder.get(key) is None:
        return ()
    references = []
    for at, answer in enumerate(_get(holder, key, list, where)):
        place = f"{where}.{key}[{at}]"
        _expect(answer, dict, place)
        references.append(Reference(_get(answer, "text", str, place), _get(answer, "answer_start", int, place)))
    return tuple(references)


def _from_rows(rows: Iterable[tuple[str, Mapping[str, Any]]], source: str) -> Iterator[Example | OwnQuestion]:
    read = unwritten = 0
    for place, row in rows:
        where = f"{source}: {place}"
        if row.get("context") is None and "question" in row and not isinstance(row.get("answers"), dict):
            own = _own(row, place, where)
            read, unwritten = read + (own is not None), unwritten + (own is None)
            if own is not None:
                yield own
            continue
        read += 1
        if all(key in row and row[key] is None for key in ("answers", "is_impossible")):
            continue
        impossible = _impossible(row, where)
        # Where there is no answer, some writers leave the column empty.
        none = impossible and row.get("answers") is None
        references = () if none else _zip(_get(row, "answers", dict, where), f"{where}.answers")
        plausible = row.get("plausible_answers")
        yield Example(
            id=str(_get(row, "id", (str, int), where)),
            question=_get(row, "question", str, where),
            context=_get(row, "context", str, where),
            references=() if impossible else references,
            title=str(title) if isinstance(title := row.get("title"), str | int | float) and title else "",
            plausible=() if plausible is None else _zip(plausible, f"{where}.plausible_answers"),
            headings=_headings(row, where),
        )
    if unwritten and not read:
        raise DataError(f'{source}: {unwritten:,} rows, but no question is written; fill in "question" and "answer"')


def _own(row: Mapping[str, Any], place: str, where: str) -> OwnQuestion | None:
    """The question of a row without a context; None where it is not written yet."""
    question = _get(row, "question", str, where, OWN)
    answers = _own_answers(row, where)
    if not question.strip():
        if answers:
            raise DataError(f"{where}: an answer without a question; write the question, or remove the line")
        return None
    if answers is None:
        raise DataError(f'{where}: no answer; write it as "answer", or "answers": [] where there is none')
    source = "" if row.get("source") is None else _get(row, "source", str, where, OWN)
    name = place if row.get("id") is None else str(_get(row, "id", (str, int), where, OWN))
    return OwnQuestion(name, question, answers, source.strip(), where)


def _own_answers(row: Mapping[str, Any], where: str) -> tuple[str, ...] | None:
    """The texts of ``answer`` or ``answers``, each once; None where neither says anything."""
    one = None if row.get("answer") is None else _get(row, "answer", str, where, OWN).strip()
    if row.get("answers") is None:
        return (one,) if one else None
    texts = list(_get(row, "answers", (list, tuple), where, OWN))
    if one:
        raise DataError(f'{where}: both "answer" and "answers"; give one of them')
    for at, text in enumerate(texts):
        _expect(text, str, f"{where}.answers[{at}]", OWN)
        if not text.strip():
            raise DataError(f'{where}.answers[{at}]: an empty text; "answers": [] says that there is none')
    return tuple(dict.fromkeys(text.strip() for text in texts))


def _headings(holder: Mapping[str, Any], where: str) -> tuple[str, ...]:
    found = holder.get("headings")
    headings = [] if found is None else _get(holder, "headings", (list, tuple), where)
    for at, heading in enumerate(headings):
        _expect(heading, str, f"{where}.headings[{at}]")
    return tuple(headings)


def _impossible(question: Mapping[str, Any], where: str) -> bool:
    value = question.get("is_impossible")
    if value is not None:
        _expect(value, bool, f"{where}.is_impossible")
    return bool(value)


def _zip(answers: Any, where: str) -> tuple[Reference, ...]:
    _expect(answers, dict, where)
    columns: dict[str, list[Any]] = {}
    for key, kind in (("text", str), ("answer_start", int)):
        columns[key] = list(_get(answers, key, (list, tuple), where))
        for at, value in enumerate(columns[key]):
            _expect(value, kind, f"{where}.{key}[{at}]")
    texts, starts = columns["text"], columns["answer_start"]
    if len(texts) != len(starts):
        raise DataError(f"{where}: {len(texts)} texts but {len(starts)} starts; each answer needs one of each")
    return tuple(Reference(text, start) for text, start in zip(texts, starts, strict=True))


def _columns(references: Iterable[Reference]) -> dict[str, list[Any]]:
    found = list(references)
    return {"text": [r.text for r in found], "answer_start": [r.start for r in found]}


def _json_lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, row in read_json_lines(path, "SQuAD format is needed, a question a line"):
        _expect(row, dict, f"{path}: line {number}")
        yield f"line {number}", row


def _parquet_rows(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The rows of a Parquet file; equal texts are one text, as they are in the file, so that little stays little."""
    import pyarrow
    from pyarrow import parquet

    number = 0
    with open_regular(path) as stream:
        size = stream.seek(0, os.SEEK_END)
        try:
            schema = parquet.read_schema(stream)
            texts = [field.name for field in schema if field.type in (pyarrow.string(), pyarrow.large_string())]
            file = parquet.ParquetFile(stream, read_dictionary=texts)
            _check_unpacked(file.metadata, size, path)
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, use_threads=False):
                batch.validate(full=True)  # A text by its number in a list may be beyond the list's end.
                columns = [_parquet_column(column) for column in batch.columns]
                for values in zip(*columns, strict=True):
                    yield f"row {number}", dict(zip(batch.schema.names, values, strict=True))
                    number += 1
        except (pyarrow.ArrowException, OSError, ValueError, OverflowError, RecursionError, MemoryError) as error:
            detail = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise DataError(f"{path}: not a whole Parquet file: {detail}") from None


def _check_unpacked(metadata: Any, size: int, path: Path) -> None:
    """Raise DataError where a file of ``size`` bytes says that it unpacks to very many, or to very many values."""
    groups = [metadata.row_group(at) for at in range(metadata.num_row_groups)]
    values = _in_a_child(
        lambda: sum(group.column(at).num_values for group in groups for at in range(group.num_columns))
    )
    if values is None:
        raise DataError(f"{path}: not a whole Parquet file: what it says of its columns does not fit")
    unpacked = max(sum(group.total_byte_size for group in groups), values, metadata.num_rows)
    if unpacked > max(MOST_UNPACKED * size, SURELY_UNPACKED):
        raise DataError(f"{path}: its {size:,} bytes unpack to {unpacked:,} bytes or values; give it as .jsonl")


def _in_a_child(count: Callable[[], int]) -> int | None:
    """A number that is counted in a forked process; None where that process ends without it.

    pyarrow ends the process where a column's description is damaged in a certain way, and no exception tells of it.
    """
    if not hasattr(os, "fork"):  # Windows.
        return count()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # What C++ says of it is for nobody.
            os.write(writing, str(count()).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as stream:
        found = stream.read()
    os.waitpid(child, 0)
    return int(found) if found else None


def _parquet_column(column: Any) -> list[Any]:
    """The values of a column; those of one with a dictionary are the dictionary's own, not copies of them."""
    import pyarrow

    if not isinstance(column, pyarrow.DictionaryArray):
        return list(column.to_pylist())
    known = column.dictionary.to_pylist()
    return [None if at is None else known[at] for at in column.indices.to_pylist()]


def _hub_rows(name: str, split: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    import datasets

    try:
        rows = datasets.load_dataset(name, split=split)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetNotFoundError) as error:
        detail = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(
            f"no dataset {name!r}: there is no such file, and the hub did not give its split {split!r} ({detail}). "
            "Give a SQuAD-format .json, .jsonl or .parquet file, or check the id and the network"
        ) from None
    for number, row in enumerate(rows):
        yield f"row {number}", row


def _get(holder: Mapping[str, Any], key: str, kind: type | tuple[type, ...], where: str, needed: str = SQUAD) -> Any:
    if key not in holder:
        names = sorted(str(name)[:40] for name in holder)
        present = ", ".join(names[:10]) + (", …" if len(names) > 10 else "") if names else "nothing"
        raise DataError(f"{where}: missing key {key!r} (there is: {present}); {needed}")
    _expect(holder[key], kind, f"{where}.{key}", needed)
    return holder[key]


def _expect(value: object, kind: type | tuple[type, ...], where: str, needed: str = SQUAD) -> None:
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is int):
        names = {dict: "an object", list: "a list", str: "text", int: "a whole number", tuple: "a list"}
        names[bool] = "true or false"
        kinds = kind if isinstance(kind, tuple) else (kind,)
        wanted = " or ".join(dict.fromkeys(names[k] for k in kinds))
        raise DataError(f"{where}: expected {wanted}, found {type(value).__name__}; {needed}")
