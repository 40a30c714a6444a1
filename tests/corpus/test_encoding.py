from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.corpus import encoding
from odqa.corpus.encoding import detect, read_text, text_encoding
from odqa.errors import DataError

GERMAN = "Grüße aus München: schöne Straße, 5 € für Öl."


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
def test_the_text_comes_back(codec):
    stream = io.BytesIO(GERMAN.encode(codec))
    assert read_text(stream) == GERMAN
    stream.seek(0)
    assert io.TextIOWrapper(stream, text_encoding(stream)).read() == GERMAN


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_both_orders_of_utf16_are_read_by_their_mark(mark):
    assert read_text(io.BytesIO(("\ufeff" + GERMAN).encode(mark))) == GERMAN


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("Le café est fermé à midi, naïve.", "cp1252"),
        ("El niño comió mañana, ¿verdad? Sí, señor.", "latin-1"),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю.", "cp1251"),
        ("日本語のテキストです。これは試験です。", "shift_jis"),
        ("Zażółć gęślą jaźń", "cp1250"),
    ],
)
def test_other_encodings_are_guessed(text, codec):
    assert read_text(io.BytesIO(text.encode(codec))) == text


def test_a_declared_encoding_beats_a_guess_but_not_utf8():
    assert read_text(io.BytesIO("š".encode("cp1250")), declared="windows-1250") == "š"
    assert read_text(io.BytesIO("š".encode()), declared="windows-1250") == "š"
    assert read_text(io.BytesIO("“ž”".encode("cp1252")), declared="ISO-8859-1") == "“ž”"
    assert read_text(io.BytesIO("café au lait".encode("cp1252")), declared="no-such") == "café au lait"


def test_line_ends_stay():
    assert read_text(io.BytesIO(b"a\r\nb\rc\n")) == "a\r\nb\rc\n"


def test_empty_and_binary_are_told():
    with pytest.raises(DataError, match=r"^empty$"):
        read_text(io.BytesIO(b""))
    with pytest.raises(DataError, match=r"^binary$"):
        read_text(io.BytesIO(b"GIF89a\x01\x00\x01\x00"))
    noise = random.Random(0).randbytes(5000).replace(b"\0", b"\1")
    with pytest.raises(DataError, match=r"^binary$"):
        read_text(io.BytesIO(noise))


def test_what_no_encoding_fits_is_told():
    with pytest.raises(DataError, match="not UTF-8, and no other encoding fits: convert it to UTF-8"):
        read_text(io.BytesIO(bytes(range(0x80, 0x100)) * 4))
    with pytest.raises(DataError, match=r"not utf-16 either \(byte 4\): convert"):
        read_text(io.BytesIO(b"\xff\xfea\0\0"))


def test_a_character_cut_short_at_the_end_is_no_utf8():
    assert detect([b"caf\xc3\xa9 and caf\xc3"]) != "utf-8"


def test_one_bad_byte_far_inside_decides(monkeypatch):
    monkeypatch.setattr(encoding, "CHUNK", 16)
    assert text_encoding(io.BytesIO(b"plain words, " * 20 + "schön, größer".encode("cp1252"))) == "cp1252"


@settings(deadline=None, derandomize=True)
@given(st.text(), st.integers(1, 5))
def test_utf8_is_known_however_the_bytes_come(text, size):
    data = text.replace("\0", "").encode()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    if chunks and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        assert detect(chunks) == "utf-8"
