from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.corpus import encoding
from odqa.corpus.base import OpenFile
from odqa.corpus.encoding import detect, open_text
from odqa.errors import DataError

GERMAN = "Grüße aus München: schöne Straße, 5 € für Öl."


def opened(data: bytes) -> OpenFile:
    return OpenFile(Path("a.txt"), io.BufferedReader(io.BytesIO(data)))


def read_text(data: bytes, declared: str | None = None) -> str:
    """The text of bytes in which nothing is damaged."""
    file = opened(data)
    text = encoding.read_text(file, declared)
    assert file.remarks == []
    return text


def damaged(data: bytes) -> tuple[str, str]:
    """The text of bytes in which something is damaged, and what is told; the same as where they are streamed."""
    whole, streamed = opened(data), opened(data)
    text = encoding.read_text(whole)
    assert open_text(streamed, newline="").read() == text
    assert streamed.remarks == whole.remarks
    (remark,) = whole.remarks
    return text, remark


@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "cp1252"]
)
def test_the_text_comes_back(codec):
    data = GERMAN.encode(codec)
    assert read_text(data) == GERMAN
    assert open_text(opened(data), newline="").read() == GERMAN


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_both_orders_of_utf16_are_read_by_their_mark(mark):
    assert read_text(("\ufeff" + GERMAN).encode(mark)) == GERMAN


@pytest.mark.parametrize("mark", ["utf-16-le", "utf-16-be"])
def test_utf16_without_a_mark_is_told_by_its_ascii(mark):
    text = "明日の会議は十時に始まります。\n場所は本館です。"
    assert read_text(text.encode(mark)) == text


ENGLISH = [
    "The yearly fee is £45, or £60 for guests.",
    "Keep it between 2 °C and 8 °C.",
    "The Otter™ pump, the Heron® valve © 2020.",
    "It’s the firm’s 5th “annual” report – 2019.",
    "Mrs Müller lives in Zürich, near the café.",
    "Turn it 3½ times, ±5 µm; see § 4 • page 2 … and pay €300.",
    "The façade was naïve. " * 200,
    "A page of plain words. " * 500 + "£5",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english_with_a_few_signs_is_windows_1252(text):
    assert read_text(text.encode("cp1252")) == text


LANGUAGES = [
    ("cp1252 cp850 mac_roman", "Les élèves ont été reçus à la fenêtre du château, près de l'hôtel où il a neigé."),
    ("cp1252", "Dłużej?".replace("ł", "l").replace("ż", "z") + " Für Gäste: süße Äpfel, große Brötchen und Öl."),
    ("cp1250 iso8859_2 cp852", "Książka leży na półce, a źródło światła świeci się późną nocą obok żółtej ściany."),
    ("cp1250 iso8859_2", "Příliš mnoho hostů přišlo později, než bylo řečeno, a večeře už byla snědena."),
    ("cp1250 iso8859_2", "Az idő hűvös, a gyümölcsös előtt szőlő nő, és a tó vize csöndes, tükörsima éjjel."),
    ("cp1250 iso8859_2", "Sljedeći tjedan počinje škola, pa će đaci već učiti o životinjama i šumi punoj čuda."),
    ("cp1254 iso8859_9", "Çocuklar bahçede oynuyor, ışık sönünce eve dönüp sıcak çorbalarını içecekler."),
    (
        "cp1251 koi8_r iso8859_5 cp866 mac_cyrillic",
        "Завтра утром поезд прибывает на вокзал, и мы поедем к морю всей семьёй.",
    ),
    ("cp1251 koi8_u", "Її подруга їде до міста, щоб купити ґудзики й цікаву книжку для своєї дитини."),
    ("cp1253 iso8859_7", "Το πλοίο φεύγει νωρίς το πρωί και φτάνει στο νησί το βράδυ, αν ο άνεμος είναι καλός."),
    ("cp1255 iso8859_8", "הרכבת יוצאת מחר בבוקר ומגיעה אל העיר בצהריים, אם לא ירד שלג."),
    ("cp1256 iso8859_6", "يصل القطار إلى المدينة في الصباح، ثم نذهب معا إلى البحر إذا كان الجو جميلا."),
    ("cp874", "รถไฟจะออกพรุ่งนี้เช้า และถึงเมืองตอนเที่ยงถ้าฝนไม่ตก"),
    ("shift_jis euc_jp iso2022_jp", "列車はあしたの朝に出て、昼までに海の町へ着きます。雨が降ったら行きません。"),
    ("gb2312 gb18030", "火车明天早上出发，中午到达海边的城市。如果下雨，我们就不去了。"),
    ("big5", "火車明天早上出發，中午到達海邊的城市。如果下雨，我們就不去了。"),
    ("euc_kr cp949", "기차는 내일 아침에 떠나서 점심 때 바닷가 도시에 도착합니다. 비가 오면 가지 않습니다."),
]
ENCODED = [(text, codec) for codecs, text in LANGUAGES for codec in codecs.split()]


@pytest.mark.parametrize(("text", "codec"), ENCODED)
@pytest.mark.parametrize("times", [1, 20])
def test_a_language_tells_its_encoding(text, codec, times):
    assert read_text(((text + "\n") * times).encode(codec)) == (text + "\n") * times


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
    assert read_text(text.encode(codec)) == text


def test_a_declared_encoding_beats_a_guess_but_not_utf8():
    assert read_text("š".encode("cp1250"), declared="windows-1250") == "š"
    assert read_text("š".encode(), declared="windows-1250") == "š"
    assert read_text("“ž”".encode("cp1252"), declared="ISO-8859-1") == "“ž”"
    assert read_text("café au lait".encode("cp1252"), declared="no-such") == "café au lait"


def test_line_ends_stay():
    assert read_text(b"a\r\nb\rc\n") == "a\r\nb\rc\n"


def test_empty_and_binary_are_told():
    with pytest.raises(DataError, match=r"^empty$"):
        read_text(b"")
    with pytest.raises(DataError, match=r"^binary$"):
        read_text(b"GIF89a\x01\x00\x01\x00")
    noise = random.Random(0).randbytes(5000).replace(b"\0", b"\1")
    with pytest.raises(DataError, match=r"^binary$"):
        read_text(noise)


def test_what_no_encoding_fits_is_told():
    with pytest.raises(DataError, match="not UTF-8, and no other encoding fits: convert it to UTF-8"):
        read_text(bytes(range(0x80, 0x100)) * 4)
    with pytest.raises(DataError, match="not utf-16"):
        read_text(b"\xff\xfe" + b"\x00\xd8" * 50)


def test_a_bad_byte_in_utf8_costs_one_character_and_is_told():
    text, remark = damaged(("Schöne Grüße, 20 €.\n" * 30).encode() + b"Kaf\xff\xe9e.\n" + "Größe".encode())
    assert text == "Schöne Grüße, 20 €.\n" * 30 + "Kaf\ufffd\ufffde.\nGröße"
    assert "2 characters" in remark and "line 31" in remark and "U+FFFD" in remark


@pytest.mark.parametrize(
    ("cut", "text"), [("Preis: é, 5 €", "Preis: é, 5 \ufffd"), ("5 €", "5 \ufffd"), ("naïve", "naïv")]
)
def test_a_last_character_that_is_cut_costs_itself(cut, text):
    data = cut.encode()[:-1]
    if text == "naïv":
        assert read_text(data) == text
    else:
        assert damaged(data)[0] == text
        assert "1 character is damaged" in damaged(data)[1]


def test_what_is_cut_in_other_encodings_costs_one_character():
    assert damaged("\ufeffGrüße".encode("utf-16-le")[:-1])[0] == "Grüß\ufffd"
    assert damaged("火车明天早上出发，中午到达海边的城市。".encode("gb18030")[:-1])[0].endswith("城市\ufffd")


def test_u_fffd_that_is_in_the_text_itself_is_no_damage():
    assert read_text("ein \ufffd von früher".encode()) == "ein \ufffd von früher"
    assert "1 character is" in damaged("ein \ufffd von früher ".encode() + b"\xff und mehr")[1]


@pytest.mark.parametrize(
    ("text", "codec"),
    [("A line of the log.\n", "ascii"), ("Größe und Übermaß, 5 €.\n", "utf-8"), ("Größe und Übermaß.\n", "cp1252")],
)
def test_nul_costs_its_own_places(text, codec):
    before, after = text * 60, text * 60
    read, remark = damaged(before.encode(codec) + b"\0" * 20 + after.encode(codec))
    assert read == before + "\ufffd" * 20 + after
    assert remark == "20 characters are damaged (NUL, at line 61) and read as U+FFFD; the rest is used"


def test_nul_in_lines_that_are_streamed_is_counted_with_other_damage():
    file = opened("Größe\n".encode() * 100 + b"a\0b\n\xff\n")
    lines = list(open_text(file, newline=""))
    assert lines[-2:] == ["a\ufffdb\n", "\ufffd\n"]
    assert file.remarks == [
        "2 characters are damaged (not utf-8, at line 101) and read as U+FFFD; the rest is used",
    ]


@pytest.mark.parametrize(
    "data", [b"text " * 20 + b"\0" * 3, b"\x89PNG\0" + bytes(range(1, 256)) * 9, b"a\0" * 9 + b"\1\0"]
)
def test_too_much_nul_is_binary(data):
    with pytest.raises(DataError, match=r"^binary$"):
        read_text(data)


def test_one_bad_byte_far_inside_decides(monkeypatch):
    monkeypatch.setattr(encoding, "CHUNK", 16)
    assert open_text(opened(b"plain words, " * 20 + "schön, größer".encode("cp1252")), newline="").encoding == "cp1252"


def test_damage_is_counted_over_all_pieces(monkeypatch):
    monkeypatch.setattr(encoding, "CHUNK", 16)
    file = opened(("Grüße, 5 €\n" * 20).encode() + b"\xff\n" + ("Grüße\n" * 20).encode() + b"\xff")
    assert open_text(file, newline="").read().count("\ufffd") == 2
    assert "2 characters" in file.remarks[0] and "line 21" in file.remarks[0]


@pytest.mark.parametrize(
    "name",
    ["utf-16", "utf-7", "no-such", "unicode-escape", "zlib", "bz2", "rot13", "base64", "hex", "quopri", "uu"],
)
def test_what_a_page_cannot_be_in_is_not_believed(name):
    assert read_text("café au lait".encode("cp1252"), declared=name) == "café au lait"


@settings(deadline=None, derandomize=True)
@given(st.text(), st.integers(1, 5))
def test_utf8_is_known_however_the_bytes_come(text, size):
    data = text.replace("\0", "").encode()
    chunks = [data[at : at + size] for at in range(0, len(data), size)]
    if chunks and not data.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        assert detect(chunks) == "utf-8"
