"""What a file may cost: size, unpacked size, seconds; and what is beyond is told with its reason."""

from __future__ import annotations

import gzip
import json
import random
import zipfile

import pytest

from odqa.corpus import ReadLimits, Unusable, base, read, read_file
from odqa.corpus.base import OpenFile
from odqa.corpus.load import load
from odqa.errors import UsageError
from odqa.files import open_regular
from odqa.types import Document
from tests.corpus.hostile import paragraph, pdf_of_shared_pages, relations, word_xml, write_styled, write_word

SMALL = ReadLimits(megabytes=1)


def told(found) -> list[str]:
    return [item.reason for item in found if isinstance(item, Unusable)]


def texts(found) -> list[str]:
    return [item.text for item in found if isinstance(item, Document)]


@pytest.mark.parametrize("limits", [(0, 1), (1, 0), (-1, 1)])
def test_limits_that_no_file_keeps_are_refused(limits):
    with pytest.raises(UsageError, match="at least 1"):
        ReadLimits(*limits)


@pytest.mark.parametrize(
    "suffix", [".txt", ".md", ".rst", ".html", ".pdf", ".docx", ".xlsx", ".pptx", ".odt", ".epub", ".ipynb", ".json"]
)
def test_a_file_over_the_limit_is_told_with_the_option_that_allows_more(tmp_path, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"word " * 200_001)
    (reason,) = told(read_file(path, limits=SMALL))
    assert "larger than 1 MB" in reason and "--max-file-size" in reason


def test_a_row_over_the_limit_costs_that_row(tmp_path):
    rows = tmp_path / "a.jsonl"
    rows.write_text("".join(json.dumps({"text": text}) + "\n" for text in ("One.", "x" * 1_000_000, "Three.") * 2))
    found = list(read_file(rows, limits=SMALL))
    assert texts(found) == ["One.", "Three."] * 2
    assert "too long at line 2" in told(found)[0] and "1 more" in told(found)[0]


def test_a_line_of_a_table_over_the_limit_costs_that_row(tmp_path):
    cells = tmp_path / "a.csv"
    cells.write_text("text\nOne.\n" + "x" * 1_000_001 + "\nThree.\n")
    found = list(read_file(cells, limits=SMALL))
    assert texts(found) == ["One.", "Three."]
    assert "too long at line 3" in told(found)[0] and "1 of 3 rows" in told(found)[0]


def test_a_cell_over_the_limit_is_no_cell(tmp_path):
    cells = tmp_path / "a.csv"
    cells.write_text("text\nOne.\n" + '"' + ("x" * 99_999 + "\n") * 11 + '"\nThree.\n')
    found = list(read_file(cells, limits=SMALL))
    assert texts(found)[0] == "One." and texts(found)[-1] == "Three."
    assert "broken quotes at line 3" in told(found)[0]


@pytest.mark.parametrize("name", ["a.txt.gz", "a.jsonl.gz", "a.csv.gz", "a.html.gz"])
def test_a_small_file_that_unpacks_to_very_much_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(b" " * 30_000_000))
    (reason,) = told(read_file(path))
    assert "more than 200 times as large" in reason


@pytest.mark.parametrize("name", ["a.txt.gz", "a.html.gz", "a.json.gz"])
def test_a_file_that_is_too_large_when_unpacked_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(random.Random(0).randbytes(600_000).hex().encode()))
    (reason,) = told(read_file(path, limits=SMALL))
    assert "larger than 1 MB" in reason and "--max-file-size" in reason


def test_many_rows_are_no_large_file(tmp_path):
    rows = tmp_path / "a.jsonl"
    rows.write_text((json.dumps({"text": "x" * 999}) + "\n") * 1_500)
    assert len(texts(read_file(rows, limits=SMALL))) == 1_500


def test_many_packed_rows_are_no_large_file(tmp_path):
    rows = tmp_path / "a.jsonl.gz"
    texts_of_rows = [f"{number} " + "x" * 999 for number in range(1_500)]
    lines = [json.dumps({"text": text}) + "\n" for text in (*texts_of_rows, "y" * 1_000_000)]
    rows.write_bytes(gzip.compress("".join(lines).encode()))
    found = list(read_file(rows, limits=SMALL))
    assert texts(found) == texts_of_rows
    assert "too long at line 1,501" in told(found)[0]
    cells = tmp_path / "a.csv.gz"
    cells.write_bytes(gzip.compress("\n".join(("text", *texts_of_rows)).encode()))
    assert texts(read_file(cells, limits=SMALL)) == texts_of_rows


def test_a_file_that_takes_too_long_is_told_and_what_was_read_is_kept(tmp_path, monkeypatch):
    rows = tmp_path / "a.jsonl"
    rows.write_text('{"text": "One."}\n' * 100)
    clock = iter(range(0, 10_000, 20))
    monkeypatch.setattr(read.time, "monotonic", lambda: next(clock))
    found = list(read_file(rows, limits=ReadLimits(seconds=100)))
    assert len(texts(found)) == 5
    assert "more than 100 s" in told(found)[0] and "--max-file-seconds" in told(found)[0]


def test_a_word_file_that_unpacks_to_gigabytes_is_refused_before(tmp_path):
    path = write_word(tmp_path / "a.docx", word_xml("<w:p/>" * 5_000_000))
    assert path.stat().st_size < 100_000
    (reason,) = told(read_file(path))
    assert "200 times as large" in reason


@pytest.mark.parametrize("where", ["document", "styles", "relations"])
def test_all_parts_of_a_word_file_are_counted_as_they_are_unpacked(tmp_path, where):
    filler = f"<!--{'x' * 1_000_000}-->"
    if where == "styles":
        path = write_styled(tmp_path / "a.docx", word_xml(paragraph("Text.")), filler)
    elif where == "relations":
        content = relations(officeDocument="word/document.xml").replace("</", filler + "</")
        path = write_word(tmp_path / "a.docx", word_xml(paragraph("Text.")), {"_rels/.rels": content})
    else:
        path = write_word(tmp_path / "a.docx", word_xml(paragraph("Text.") + filler))
    (reason,) = told(read_file(path, limits=SMALL))
    assert "unpacked" in reason and "larger than 1 MB" in reason
    assert told(read_file(path)) == []


def test_the_sizes_in_a_zip_file_are_not_trusted(tmp_path):
    path = write_word(tmp_path / "a.docx", word_xml(paragraph("x" * 1_000_000)))
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("word/document.xml").file_size
    path.write_bytes(path.read_bytes().replace(size.to_bytes(4, "little"), (100).to_bytes(4, "little")))
    (reason,) = told(read_file(path, limits=SMALL))
    assert "broken .docx" in reason


def test_parts_that_are_not_read_are_not_unpacked(tmp_path):
    path = write_word(tmp_path / "a.docx", word_xml(paragraph("Text.")), {"word/media/a.bmp": bytes(50_000_000)})
    assert texts(read_file(path, limits=SMALL)) == ["Text.\n\n"]


def test_a_way_of_packing_without_bounds_is_refused(tmp_path):
    path = write_word(tmp_path / "a.docx", word_xml(""))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("_rels/.rels", relations(officeDocument="word/document.xml"))
    assert "packed in a way" in told(read_file(path))[0]


def test_pages_that_share_their_content_have_a_limit_together(tmp_path, monkeypatch):
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_of_shared_pages(20, b"a word " * 2_000))
    monkeypatch.setattr(base, "UNSUSPICIOUS", 1_000)
    monkeypatch.setattr(base, "MOST_RATIO", 10)
    with open_regular(path) as stream:
        (reason,) = told(load(OpenFile(path, stream)))
    assert "10 times as large" in reason
    assert [len(text) for text in texts(read_file(path))] == [20 * 14_000 + 1]  # One paragraph, and its end.
