from __future__ import annotations

import pytest

from odqa.corpus import Unusable, split
from odqa.corpus.read import read_file
from odqa.types import Section
from tests.corpus.files import break_page, write_pdf
from tests.corpus.invariants import words


def test_pages_are_sections(tmp_path):
    path = write_pdf(tmp_path / "report.pdf", ["One. It goes", "", "on here."], title="Annual  Report")
    (document,) = read_file(path)
    assert document.text == "One. It goes on here.\n\n"
    assert document.title == "Annual Report"
    assert document.sections == (Section(0, page=1), Section(13, page=2), Section(13, page=3))
    assert document.metadata == {"pages": 3, "pages_without_text": [2]}
    (passage,) = split(document, words)
    assert [passage.page_at(passage.text.index(word)) for word in ("One", "goes", "on here")] == [1, 1, 3]


@pytest.mark.parametrize("title", [None, "untitled", "Microsoft Word - draft.doc", " "])
def test_a_title_that_no_author_gave_is_not_used(tmp_path, title):
    (document,) = read_file(write_pdf(tmp_path / "report.pdf", ["One."], title=title))
    assert document.title == "report"
    assert document.metadata == {"pages": 1}


def test_an_encrypted_file_is_told_but_one_without_a_password_is_read(tmp_path):
    path = write_pdf(tmp_path / "secret.pdf", ["One."], password="secret")
    (told,) = read_file(path)
    assert isinstance(told, Unusable) and "encrypted" in told.reason and "without its password" in told.reason
    (document,) = read_file(write_pdf(tmp_path / "open.pdf", ["One."], password=""))
    assert document.text == "One.\n\n"


def test_a_file_encrypted_with_aes_is_told_and_read_likewise(tmp_path):
    from pypdf import PdfWriter

    for password, name in (("secret", "a.pdf"), ("", "b.pdf")):
        writer = PdfWriter(clone_from=str(write_pdf(tmp_path / name, ["One."])))
        writer.encrypt(password, "owner", algorithm="AES-256")
        writer.write(str(tmp_path / name))
    assert ["encrypted" in f.reason for f in read_file(tmp_path / "a.pdf")] == [True]
    assert [f.text for f in read_file(tmp_path / "b.pdf")] == ["One.\n\n"]


def test_scanned_pages_are_told_with_the_remedy(tmp_path):
    path = write_pdf(tmp_path / "scan.pdf", ["", ""])
    (told,) = read_file(path)
    assert isinstance(told, Unusable) and "no text" in told.reason and "OCR" in told.reason


def test_a_broken_page_costs_only_itself(tmp_path):
    path = write_pdf(tmp_path / "report.pdf", ["One.", "Two.", "Three."])
    break_page(path, 2)
    document, told = read_file(path)
    assert document.text == "One.\n\nThree.\n\n"
    assert [section.page for section in document.sections] == [1, 2, 3]
    assert isinstance(told, Unusable) and "1 of 3 pages" in told.reason and "page 2" in told.reason


def test_a_file_of_broken_pages_is_told(tmp_path):
    path = write_pdf(tmp_path / "report.pdf", ["One."])
    break_page(path, 1)
    (told,) = read_file(path)
    assert "broken PDF" in told.reason and "page 1" in told.reason


def test_a_broken_or_empty_file_is_told(tmp_path):
    path = write_pdf(tmp_path / "report.pdf", ["One."])
    path.write_bytes(path.read_bytes()[:300])
    (told,) = read_file(path)
    assert "broken PDF" in told.reason
    path.write_bytes(b"")
    assert list(read_file(path)) == [Unusable(str(path), "empty")]
