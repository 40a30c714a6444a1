"""Bytes -> text in the encoding that fits, or an error if they are not text. Knows no format."""

from __future__ import annotations

import codecs
from collections.abc import Iterable
from typing import BinaryIO

from odqa.errors import DataError

CHUNK = 1 << 20
SAMPLE = 1 << 16  # Bytes on each side of the first one that is not UTF-8: enough to tell a language.
MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # Before UTF-16, since its mark begins with that of UTF-16.
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Languages, as charset-normalizer names them, with letters that Windows-1252 lacks.
NOT_WESTERN = frozenset(("Czech", "Polish", "Hungarian", "Slovak", "Slovene", "Croatian", "Romanian", "Turkish"))
# Codecs of Python that no page is written in, and that take quadratic time or decode anything.
NEVER_DECLARED = frozenset(("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"))
CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
CONTROLS_OF_BINARY = 0.02  # A tenth of compressed or random bytes are control characters; legacy text has none.


def read_text(stream: BinaryIO, declared: str | None = None) -> str:
    """A whole file, from where it is open, as text; its line ends are untouched.

    ``declared`` is the encoding that the content itself names; it is tried if the bytes are not UTF-8. Raises
    DataError for an empty or binary file, or if no encoding fits.
    """
    data = stream.read()
    return _decode(data, detect((data,), declared))


def text_encoding(stream: BinaryIO) -> str:
    """The encoding of a file that is too large to read at once, left at its start. Raises as ``read_text`` does."""
    encoding = detect(iter(lambda: stream.read(CHUNK), b""))
    stream.seek(0)
    return encoding


def detect(chunks: Iterable[bytes], declared: str | None = None) -> str:
    """The name of the codec: by byte order mark, else UTF-8 if all of it is, else as declared, else a guess."""
    utf8 = codecs.getincrementaldecoder("utf-8")()
    encoding = ""
    before = b""
    for number, chunk in enumerate(chunks):
        if number == 0:
            for mark, name in MARKS:
                if chunk.startswith(mark):
                    return name
        if b"\0" in chunk:
            raise DataError("binary")
        if not encoding:
            try:
                utf8.decode(chunk)
            except UnicodeDecodeError as error:
                encoding = _other(before[-SAMPLE:] + chunk, error, declared)
        before = chunk
    if not before:
        raise DataError("empty")
    if not encoding:
        try:
            utf8.decode(b"", final=True)
        except UnicodeDecodeError as error:
            encoding = _other(before, error, declared)
    return encoding or "utf-8"


def _other(data: bytes, error: UnicodeDecodeError, declared: str | None) -> str:
    controls = len(data) - len(data.translate(None, CONTROLS))
    if controls > CONTROLS_OF_BINARY * len(data):
        raise DataError("binary")
    encoding = (declared and _usable(data, declared)) or _guess(data, error.start)
    if not encoding:
        raise DataError("not UTF-8, and no other encoding fits: convert it to UTF-8")
    return encoding


def _usable(data: bytes, declared: str) -> str | None:
    try:
        name = codecs.lookup(declared).name
        if name in NEVER_DECLARED:
            return None
        # Browsers read Latin-1 as its superset Windows-1252, and pages are written accordingly (WHATWG Encoding, 4.2).
        name = "cp1252" if name in ("iso8859-1", "ascii") else name
        data.decode(name)
    except (LookupError, ValueError):
        return None
    return name


def _guess(data: bytes, bad: int) -> str | None:
    """charset-normalizer's best guess; Windows-1252, by far the most common, wins if it fits equally well."""
    from charset_normalizer import from_bytes

    matches = from_bytes(data[max(0, bad - SAMPLE) : bad + SAMPLE])
    best = matches.best()
    if best is None:
        return None
    for match in matches:
        as_good = match.chaos <= best.chaos and match.coherence >= best.coherence
        if as_good and "cp1252" in match.could_be_from_charset and best.language not in NOT_WESTERN:
            return "cp1252"
    return best.encoding


def _decode(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise DataError(f"not UTF-8, and not {encoding} either (byte {error.start:,}): convert it to UTF-8") from None
