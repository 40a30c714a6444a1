"""Bytes -> text in the encoding that fits, or an error if they are not text. Knows no format.

What of a text is not in its encoding, or NUL, becomes U+FFFD, and is told: one bad byte never costs the file.
"""

from __future__ import annotations

import codecs
import io
import unicodedata
from collections.abc import Iterable
from itertools import chain

from odqa.corpus.base import OpenFile
from odqa.corpus.charsets import guess
from odqa.errors import DataError

CHUNK = 1 << 20
SAMPLE = 1 << 16  # Bytes on each side of the first one that is not UTF-8: enough to tell a language.
WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # Before UTF-16, since its mark begins with that of UTF-16.
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
WIDE = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")  # Without a mark.
MOST_DAMAGE = 0.1  # The share of characters that may be damaged in what is text.
# What browsers take for the name that a page gives (WHATWG Encoding, 4.2): supersets, as pages are written.
READ_AS = {
    "ascii": "cp1252", "iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874",
    "gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "shift_jis": "cp932", "euc_kr": "cp949",
}  # fmt: skip
# Codecs of Python that no page is written in, and that take quadratic time or decode anything; and those that a page
# whose declaration could be read as ASCII cannot be in.
NEVER_DECLARED = frozenset(("idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"))
NEVER_DECLARED |= frozenset(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"))
JAPANESE_SHIFT = (b"\x1b$B", b"\x1b$@")  # To two bytes a character, in ISO-2022-JP, which is ASCII else.
CONTROLS = bytes(set(range(32)) - set(b"\t\n\v\f\r\x1b"))
CONTROLS_OF_BINARY = 0.02  # A tenth of compressed or random bytes are control characters; legacy text has none.
REPLACEMENT = "\ufffd"


def read_text(file: OpenFile, declared: str | None = None) -> str:
    """A whole file, from where it is open, as text; its line ends are untouched.

    ``declared`` is the encoding that the content itself names; it is tried if the bytes are not UTF-8. What is damaged
    is told in the file's remarks. Raises DataError for an empty or binary file, or if no encoding fits.
    """
    data = file.stream.read()
    name = detect((data,), declared)
    try:
        text = data.decode(name)
        if "\0" not in text:
            return text
    except UnicodeDecodeError:
        pass
    _tell(file, name, (data,))
    return data.decode(name, "replace").replace("\0", REPLACEMENT)


def open_text(file: OpenFile, newline: str) -> io.TextIOWrapper:
    """A file that is too large to read at once, as a stream of text at its start. Tells and raises as ``read_text``."""
    name = detect(_chunks(file))
    damaged = _is_damaged(name, _chunks(file))
    if damaged:
        _tell(file, name, _chunks(file))
    file.stream.seek(0)
    return (_WithoutNul if damaged else io.TextIOWrapper)(file.stream, name, "replace", newline)


class _WithoutNul(io.TextIOWrapper):
    """A stream of text in which each NUL is read as U+FFFD; iterating calls ``readline``."""

    def read(self, size: int | None = -1, /) -> str:
        return super().read(size).replace("\0", REPLACEMENT)

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]
        return super().readline(size).replace("\0", REPLACEMENT)


def _is_damaged(name: str, chunks: Iterable[bytes]) -> bool:
    """Whether there is NUL in a text, or bytes that are not in its encoding."""
    strict = codecs.getincrementaldecoder(name)()
    try:
        return any("\0" in strict.decode(chunk, final=not chunk) for chunk in chain(chunks, (b"",)))
    except UnicodeDecodeError:
        return True


def detect(chunks: Iterable[bytes], declared: str | None = None) -> str:
    """The name of the codec: by byte order mark, else UTF-8 if nearly all of it is, else as declared, else a guess."""
    utf8 = codecs.getincrementaldecoder("utf-8")("replace")
    # Evidence for UTF-8: its characters of two bytes, and twice those of more. In text of another encoding there are
    # fewer of them than places that are none: 0.92 at most, in 300 pieces of each kind of benchmarks/encodings.py.
    name, good, bad = "utf-8", 0, 0
    before, sample = b"", b""
    nul, controls, size = False, 0, 0
    for number, chunk in enumerate(chunks):
        if number == 0:
            if wide := _wide(chunk):
                return wide
            name = "utf-8-sig" if chunk.startswith(codecs.BOM_UTF8) else name
        nul = nul or b"\0" in chunk
        controls += _controls(chunk)
        size += len(chunk)
        # A log has some NUL where the power failed. Asked of what is read so far: a disk image is not read to its end.
        if nul and controls > CONTROLS_OF_BINARY * size:
            raise DataError("binary")
        data = utf8.getstate()[0] + chunk
        if not data.isascii():
            text = utf8.decode(chunk)
            wrong = _replaced(text, data)
            good += len(text.encode()) - 3 * wrong - len(text)
            if wrong and not bad:
                sample = _around_first(before, data)
            bad += wrong
        elif any(shift in chunk for shift in JAPANESE_SHIFT) and _usable(chunk, "iso2022_jp"):
            return "iso2022_jp"
        before = data[-SAMPLE:]
    if not before:
        raise DataError("empty")
    if cut := utf8.getstate()[0]:
        bad += 1
        good += len(cut) > 1 or cut in (b"\xc2", b"\xc3")  # No word of another encoding ends in these.
        sample = sample or before
    return name if good >= bad else _other(sample, declared)


def _chunks(file: OpenFile) -> Iterable[bytes]:
    """A file from its start, piece by piece."""
    file.stream.seek(0)
    return iter(lambda: file.stream.read(CHUNK), b"")


def _replaced(text: str, data: bytes) -> int:
    """How many places of the text are not what its bytes in UTF-8 say: they may hold U+FFFD themselves."""
    return text.count(REPLACEMENT) - data.count(REPLACEMENT.encode())


def _around_first(before: bytes, data: bytes) -> bytes:
    """What stands around the first bytes of ``data`` that are not UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        start = max(0, error.start - SAMPLE)
        return before[-SAMPLE:] * (start == 0) + data[start : error.start + SAMPLE]
    return data[:SAMPLE]


def _wide(chunk: bytes) -> str | None:
    """UTF-16 or UTF-32, by its byte order mark, or by the zeros in what is text if they are skipped."""
    for mark, name in WIDE_MARKS:
        if chunk.startswith(mark):
            return name
    sample = chunk[:SAMPLE]
    zeros = sample.count(b"\0")
    if not zeros or (zeros * 3 < len(sample) and _usable(sample, "utf-8")):  # ASCII is half zeros, or more, in these.
        return None
    return next((name for name in WIDE if _is_text(sample, name)), None)


def _is_text(sample: bytes, name: str) -> bool:
    """Whether bytes, the last character of which may be cut, are characters that texts have, some of them ASCII."""
    try:
        text = codecs.getincrementaldecoder(name)().decode(sample)
    except UnicodeDecodeError:
        return False
    kinds = {unicodedata.category(character) for character in set(text) - set("\t\n\v\f\r\x1b\ufeff")}
    return not kinds & {"Cc", "Cn", "Co"} and any(character <= "\x7f" for character in text)


def _other(sample: bytes, declared: str | None) -> str:
    if _controls(sample) > CONTROLS_OF_BINARY * len(sample):
        raise DataError("binary")
    name = (declared and _usable(sample, declared)) or guess(sample)
    if not name:
        raise DataError("not UTF-8, and no other encoding fits: convert it to UTF-8")
    return name


def _controls(data: bytes) -> int:
    """How many bytes are control characters that texts have not."""
    return len(data) - len(data.translate(None, CONTROLS))


def _usable(sample: bytes, declared: str) -> str | None:
    """The codec for the encoding that is declared, where the bytes, the last ones of which may be cut, are in it."""
    try:
        name = codecs.lookup(declared).name
        if name in NEVER_DECLARED:
            return None
        name = READ_AS.get(name, name)
        b"a".decode(name, "replace")  # A LookupError for what is no encoding of text, as zlib: nothing public tells it.
        codecs.getincrementaldecoder(name)().decode(sample)
    except (LookupError, ValueError):
        return None
    return name


def _tell(file: OpenFile, name: str, chunks: Iterable[bytes]) -> None:
    """Add to the file's remarks how many places of it are NUL or not in its encoding. Raises DataError if most are."""
    decoder = codecs.getincrementaldecoder(name)("replace")
    damaged, nuls, characters, line, first = 0, 0, 0, 1, 0
    for chunk in chain(chunks, (b"",)):
        text = decoder.decode(chunk, final=not chunk)
        nuls += text.count("\0")
        text = text.replace("\0", REPLACEMENT)
        wrong = _replaced(text, chunk if name.startswith("utf-8") else b"")
        if wrong and not damaged:
            first = line + text.count("\n", 0, text.index(REPLACEMENT))
        damaged, characters, line = damaged + wrong, characters + len(text), line + text.count("\n")
    if damaged > 1 + MOST_DAMAGE * characters:
        raise DataError(f"not {name}, and no other encoding fits: convert it to UTF-8")
    places = "1 character is" if damaged == 1 else f"{damaged:,} characters are"
    what = "NUL" if nuls == damaged else f"not {name}"
    file.remarks.append(f"{places} damaged ({what}, at line {first:,}) and read as U+FFFD; the rest is used")
