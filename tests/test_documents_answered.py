"""The shipped reader over small documents of every kind: what is found is what a person would copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.answering.pipeline import answer_from_context
from odqa.corpus import read_file
from odqa.reader.model import Reader
from odqa.types import Document
from tests.corpus.files import write_docx
from tests.corpus.pdf_files import paragraph as pdf_paragraph
from tests.corpus.pdf_files import text
from tests.corpus.pdf_files import write as write_pdf

INVOICE = """Invoice no.: 2031-0099
Customer: Alder & Pine
Net amount: 940.00 EUR
VAT (20%): 188.00 EUR
Total: 1,128.00 EUR
"""


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader.load(device="cpu")


def answers(reader: Reader, path: Path, question: str) -> list[str]:
    documents = [item for item in read_file(path) if isinstance(item, Document)]
    response = answer_from_context(question, documents, reader, n=20, min_confidence=0)
    assert response.answers
    for answer in response.answers:
        assert answer.passage.text[answer.span.start : answer.span.end] == answer.text
    return [answer.text for answer in response.answers]


@pytest.mark.parametrize(
    ("words", "question", "answer"),
    [
        (
            "Write to the harbour master at harbour.master@lowick-port.example or call at the office.",
            "What is the email address of the harbour master?",
            "harbour.master@lowick-port.example",
        ),
        (
            "Settings are kept in ~/.config/lowick/tide-02.toml and read once a minute.",
            "Where are settings kept?",
            "~/.config/lowick/tide-02.toml",
        ),
        (
            "The penalty is laid down in section 7(4)(a) of the Byelaws.",
            "Which section lays down the penalty?",
            "7(4)(a)",
        ),
        (
            "The oﬃce of the pilot is on the ﬁrst ﬂoor of the tower.",
            "On which floor is the office of the pilot?",
            "ﬁrst ﬂoor",
        ),
        ("The annual fee for moor­ing is £1,250.", "What is the annual fee for mooring?", "£1,250"),
        ("The tank must be kept between 4 °C and 9 °C.", "At what temperature must the tank be kept?", "9 °C"),
    ],
)
def test_answers_are_whole(reader: Reader, tmp_path: Path, words: str, question: str, answer: str) -> None:
    (tmp_path / "note.txt").write_text(words)
    assert answer in answers(reader, tmp_path / "note.txt", question)[0]


def test_no_answer_reaches_from_one_line_of_a_form_into_the_next(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "invoice.txt").write_text(INVOICE)
    found = answers(reader, tmp_path / "invoice.txt", "What is the total amount?")
    assert not any("\n" in answer for answer in found)
    assert any("1,128.00" in answer for answer in found[:3])


def test_no_answer_reaches_over_the_cell_of_a_table(reader: Reader, tmp_path: Path) -> None:
    rows = "".join(
        f"<tr><td>{a}<td>{b}<td>{c}" for a, b, c in (("Pier", "07:10", "09:40"), ("Dunes", "08:05", "10:15"))
    )
    page = f"<h1>Buses</h1><p>Times of the bus.</p><table><tr><th><th>Saturday<th>Sunday{rows}</table>"
    (tmp_path / "buses.html").write_text(page)
    for answer in answers(reader, tmp_path / "buses.html", "When does the bus to the pier leave on Sunday?"):
        assert not {"|", "\n"} & set(answer)


def test_a_footnote_answers(reader: Reader, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        "<p>The weir was built in 1874<sup>2</sup> for the mill.</p><p>It was paid for by the parish.</p>"
    )
    assert answers(reader, tmp_path / "page.html", "When was the weir built?")[0] == "1874"


def test_word_files_are_answered(reader: Reader, tmp_path: Path) -> None:
    path = write_docx(
        tmp_path / "lease.docx", [("The lease runs until 30 June 2034.", None), ("Keys are in the box.", None)]
    )
    assert "30 June 2034" in answers(reader, path, "Until when does the lease run?")[0]


def test_a_sentence_goes_on_over_the_end_of_a_page(reader: Reader, tmp_path: Path) -> None:
    head, feet = "Lowick Port - Report - Draft", ("Page 1 of 2", "Page 2 of 2")
    pages = (["The new crane was paid for by the Danish"], ["shipping company Thorsen Lines in 2018."])
    drawn = [
        [text(50, 40, head), *pdf_paragraph(50, 700 if number == 0 else 80, lines), text(50, 780, foot)]
        for number, (lines, foot) in enumerate(zip(pages, feet, strict=True))
    ]
    path = write_pdf(tmp_path / "report.pdf", drawn)
    assert "Thorsen Lines" in answers(reader, path, "Who paid for the new crane?")[0]
