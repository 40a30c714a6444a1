"""Twice the input takes about twice the time, for every construct that a loader looks for."""

from __future__ import annotations

import gc
import json
import time
from pathlib import Path

import pytest

from odqa.corpus.base import OpenFile
from odqa.corpus.blocks import blocks_of
from odqa.corpus.load import load
from odqa.files import open_regular
from odqa.types import Document
from tests.corpus.files import write_parts
from tests.corpus.hostile import WORD, paragraph, relations, word_xml, write_styled, write_word

ENOUGH = 0.01  # Seconds of computing: beneath, other costs than those of the construct decide.
MOST = 3.4

TEXTS = {
    "spaces in a heading": (".md", lambda n: "# a" + " " * n + "b"),
    "number signs in a heading": (".md", lambda n: "# a" + " #" * n + "b"),
    "front matter without an end": (".md", lambda n: "---\n" + "--- x\n" * n),
    "spaces in the title of front matter": (".md", lambda n: "---\ntitle: a" + " " * n + "b\n---\nx"),
    "brackets in a heading": (".md", lambda n: "# " + "[" * n),
    "links without an end": (".md", lambda n: "# " + "[a](" * n),
    "references without an end": (".md", lambda n: "# " + "[a][" * n),
    "a link with many parentheses": (".md", lambda n: "# [a](" + "(b)" * n),
    "attributes without an end": (".md", lambda n: "# " + "{#" * n),
    "spaces before attributes": (".md", lambda n: "# a" + " {#" * n + "}"),
    "headings": (".md", lambda n: "# a\n## b\n" * n),
    "roles without text": (".rst", lambda n: ":a" * n + "\n====="),
    "spaces in a role": (".rst", lambda n: ":a:`" + " " * n + "\n====="),
    "roles without an end": (".rst", lambda n: ":a:`<" * n + "\n====="),
    "headings and overlines": (".rst", lambda n: "====\na\n====\n" * n),
    "paragraphs of lines": (".txt", lambda n: "word and word\n" * n),
    "lines in columns": (".txt", lambda n: "a   b   c\na   b\n" * n),
    "lines of one width with two spaces": (
        ".txt",
        lambda n: "Nov 28 host daemon:  heartbeat received, all services up\n" * n,
    ),
    "lines of one width in three columns": (
        ".txt",
        lambda n: "2026-11-28 08:00:01  INFO   worker-a accepted a connection from client\n" * n,
    ),
    "rulers below a row": (".txt", lambda n: "a  b\n" + "---  ---\n" * n),
    "a grid": (".txt", lambda n: "+---+---+\n| a | b |\n+===+===+\n| c | d |\n" + "|   | e |\n" * n + "+---+---+\n"),
    "NUL": (".txt", lambda n: b"ab " * 100 * n + b"\0" * n),
    "rulers after bars": (".txt", lambda n: "a | b\nc | d | e\n" * n + "x\n---\n" * n),
    "a line of tabs": (".txt", lambda n: "a\t" * n),
    "a line of spaces": (".txt", lambda n: "a" + "  " * n + "b\n" + "a  b  " * n),
    "a line of bars": (".txt", lambda n: "|" * n + "\n" + "a|" * n),
    "a drawn line that is none": (".txt", lambda n: "-" * n + "x\n" + "- " * n + "x\n" + "." * n),
    "options without an end": (".txt", lambda n: "-a\n" * n + "  b\n" + "-a\n" * n + "  b"),
    "keys without an end": (".txt", lambda n: "a" * n + "\n" + "a:" * n + "\n" + "a b" * n + ": c"),
    "bullets": (".md", lambda n: "- " * n + "\n" + "> " * n + "\n" + "1. " * n),
    "fences": (".md", lambda n: "```\na\n~~~\n" * n),
    "fences in items": (".md", lambda n: "- " * n + "```\n" + "> " * n + "~~~\n" + "> " * n + "x\n" + "- ```\nx\n" * n),
    "comments of Markdown": (".md", lambda n: "<!--a-->" * n + "\n" + "<!--" * n + "\n" + "<!-- a\nb -->\n" * n),
    "comments without an end": (".md", lambda n: "<!-- a\n" * n),
    "elements without an end": (".md", lambda n: "<pre " * n + "\n" + "<h1>" * n + "</h1" * n + "\n" + "<pre>\n" * n),
    "tags in a heading": (".md", lambda n: "# " + "<a " * n + "<!--" * n + "&" * n + "<br " * n),
    "code in a heading": (".md", lambda n: "# " + "`" * n + " a`" * n + " ``a```" * n + "\\" * n),
    "a title of many lines": (".md", lambda n: "---\ntitle: 'a\n" + "  b ''\n" * n + "c: d\n" * n + "---\n"),
    "cells": (".ipynb", lambda n: json.dumps({"cells": [{"cell_type": "markdown", "source": "<!-- # a"}] * n})),
    "terms and colons": (".md", lambda n: "a\n: b\n" * n),
    "tables": (".md", lambda n: "| a | b |\n|---|---|\n| c |\n" * n),
    "simple tables": (".rst", lambda n: "== ==\na b\n" * n),
    "a simple table of many columns": (".rst", lambda n: "= " * n + "=\n" + "a " * n),
    "cells that go on": (".rst", lambda n: "== ==\na  b\n" + "   c\n" * n + "== ==\n"),
    "items with code": (".rst", lambda n: "- " * n + "::\n" + "* a::\n\n    b\n\n  c\n\n" * n),
    "directives": (".rst", lambda n: ".. code::\n   :a: b\n\n   c\n" * n),
    "lists of fields": (".rst", lambda n: ":a" * n + "\n" + ":a: b\n" * n),
    "bytes that are not UTF-8": (".txt", lambda n: b"caf\xe9 " * n),
    "menus in menus": (".html", lambda n: "<div class=nav>" * n + "x"),
    "menus named after a heading": (".html", lambda n: "<div id=nav>" * n + "<h1>nav</h1>"),
    "headers in headers": (".html", lambda n: "<div class=header>" * n + "<a>x</a>y"),
    "forms in forms": (".html", lambda n: "<form><div>" * n + "x"),
    "links in links": (".html", lambda n: "<a href='#'><div>" * n + "x"),
    "headings in headings": (".html", lambda n: "<h1><div>" * n + "x"),
    "tables in tables": (".html", lambda n: "<table><tr><td>" * n + "x"),
    "rows in rows": (".html", lambda n: "<table>" + "<tr><div>" * n + "x"),
    "main elements deep below": (".html", lambda n: "<div>" * n + "<main>x</main>" * n),
    "articles deep below": (".html", lambda n: "<div>" * n + "<article>x</article>" * n),
    "superscripts in superscripts": (".html", lambda n: "a<sup>" * n + "x"),
    "superscripts": (".html", lambda n: "10<sup>4</sup>" * n),
    "cells over many rows and columns": (".html", lambda n: "<table>" + "<tr><td rowspan=9999 colspan=9999>a<td>" * n),
    "heads of many columns": (".html", lambda n: "<table><tr>" + "<th>a" * n + "<tr><td>a<td>b" * n),
    "hidden copies": (".html", lambda n: "<div><b aria-hidden=true>a" * n),
    "panels of tabs": (".html", lambda n: "<p role=tab id=a>a<div role=tabpanel aria-labelledby=a>" * n + "x"),
    "rubies in rubies": (".html", lambda n: "<ruby>a<rt>" * n + "x"),
    "attributes": (".html", lambda n: "<p " + " ".join(f"a{i}" for i in range(n)) + ">x"),
    "comments": (".html", lambda n: "<!--a-->" * n + "x"),
    "entities": (".html", lambda n: "&amp;&x" * n),
    "rows": (".jsonl", lambda n: '{"text": "a"}\n' * n),
    "fields": (".jsonl", lambda n: json.dumps({"text": "a", **dict.fromkeys(map(str, range(n)))})),
    "columns of one name": (".csv", lambda n: "text" + ",a" * min(n, 16_000) + "\n" + "a\n" * n),
    "short rows of a wide table": (".csv", lambda n: "text" + "," * n + "\n" + "a\n" * n),
    "quotes without an end": (".csv", lambda n: "text\n" + '"a\n' * n),
    "quotes that close and open again": (".csv", lambda n: "text,b\n" + 'a",b,"c\n' * n),
    "doubled quotes": (".csv", lambda n: 'text\n"' + '""' * n + "\n" + '"""a,' * n),
    "a long title of many paragraphs": (
        ".json",
        lambda n: json.dumps({"data": [{"title": "t" * n, "paragraphs": [{"context": "a"}] * n}]}),
    ),
}


def seconds(path: Path) -> float:
    """What reading a file takes of the processor, once."""
    began = time.process_time()
    with open_regular(path) as stream:
        for found in load(OpenFile(path, stream)):
            if isinstance(found, Document):
                blocks_of(found)
    return time.process_time() - began


def check_linear(path: Path, write) -> None:
    """``write(n)`` writes the file with n times the construct. What a size takes is what it takes at best.

    One step from a size to its double may cross the end of a cache; what is not linear takes too long in both of two.
    """
    n = 1_000
    write(n)
    seconds(path)  # Imports what is needed.
    while seconds(path) < ENOUGH and n < 10**6:
        n *= 2
        write(n)
    assert any(doubles(path, write, size) for size in (n, 2 * n))


def doubles(path: Path, write, n: int) -> bool:
    """Whether twice ``n`` takes about twice the time."""
    write(n)
    before = min(seconds(path) for _ in range(3))
    write(2 * n)
    limit = MOST * max(before, ENOUGH / 4)
    return any(seconds(path) < limit for _ in range(3))


@pytest.fixture(autouse=True)
def no_collection():
    """Python's cycle collector goes through whatever other tests left behind."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("construct", TEXTS)
def test_reading_takes_linear_time(construct, tmp_path):
    suffix, make = TEXTS[construct]
    path = tmp_path / f"a{suffix}"

    def write(n: int) -> None:
        content = make(n)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    check_linear(path, write)


def test_styles_based_on_one_another_take_linear_time(tmp_path):
    path = tmp_path / "a.docx"

    def write(n: int) -> None:
        styles = "".join(f'<w:style w:styleId="{i}"><w:basedOn w:val="{i + 1}"/></w:style>' for i in range(n))
        write_styled(path, word_xml(paragraph("Text.")), styles)

    check_linear(path, write)


def test_paragraphs_and_cells_take_linear_time(tmp_path):
    path = tmp_path / "a.docx"
    cell = f"<w:tc>{paragraph('a')}</w:tc>"
    check_linear(path, lambda n: write_word(path, word_xml(f"<w:tbl><w:tr>{cell * n}</w:tr></w:tbl>" + "<w:p/>" * n)))


BEGIN, BREAK = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>', "<w:r><w:br/></w:r>"
NOTED = '<w:p><w:r><w:t>a</w:t><w:footnoteReference w:id="{}"/></w:r></w:p>'
MERGED = f"<w:tr><w:tc><w:tcPr><w:vMerge/></w:tcPr><w:p/></w:tc><w:tc>{paragraph('a')}</w:tc></w:tr>"
BODIES = {
    "fields in fields": lambda n: f"<w:p>{(BEGIN + paragraph('a')[5:-6]) * n}</w:p>",
    "breaks": lambda n: f"<w:p>{(BREAK + '<w:r><w:t>  </w:t></w:r>') * n}<w:r><w:t>x</w:t></w:r></w:p>",
    "boxes": lambda n: "<w:p><w:r>" + f"<w:txbxContent>{paragraph('a')}</w:txbxContent>" * n + "</w:r></w:p>",
    "merged cells": lambda n: f"<w:tbl>{MERGED * n}</w:tbl>",
    "equations": lambda n: (
        f"<w:p><m:oMath xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'>"
        f"{'<m:r><m:t>a =  </m:t></m:r>' * n}</m:oMath></w:p>"
    ),
}


@pytest.mark.parametrize("construct", BODIES)
def test_reading_a_word_file_takes_linear_time(construct, tmp_path):
    path = tmp_path / "a.docx"
    check_linear(path, lambda n: write_word(path, word_xml(BODIES[construct](n))))


def test_notes_that_refer_to_one_another_take_linear_time(tmp_path):
    path = tmp_path / "a.docx"

    def write(n: int) -> None:
        notes = "".join(f'<w:footnote w:id="{at}">{NOTED.format(at + 1)}</w:footnote>' for at in range(n))
        refers = "".join(NOTED.format(at) for at in range(n))
        parts = {
            "word/_rels/document.xml.rels": relations(footnotes="footnotes.xml"),
            "word/footnotes.xml": f"<w:footnotes {WORD}>{notes}</w:footnotes>",
        }
        write_word(path, word_xml(refers), parts)

    check_linear(path, write)


def test_columns_and_merged_cells_of_a_sheet_take_linear_time(tmp_path):
    path = tmp_path / "a.xlsx"

    def write(n: int) -> None:
        rows = "".join(f'<row><c t="str"><v>a</v></c><c><v>{at}</v></c></row>' for at in range(n))
        inside = "<cols>" + '<col min="2" max="9999" hidden="1"/>' * n + f"</cols><sheetData>{rows}</sheetData>"
        inside += "<mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * n + "</mergeCells>"
        workbook = (
            '<s:workbook xmlns:s="s" xmlns:r="{}"><s:sheets><s:sheet name="S" r:id="r0"/></s:sheets></s:workbook>'
        )
        kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
        parts = {
            "_rels/.rels": relations(officeDocument="xl/workbook.xml"),
            "xl/workbook.xml": workbook.format(kind),
            "xl/_rels/workbook.xml.rels": relations(worksheet="sheet.xml"),
            "xl/sheet.xml": f"<worksheet>{inside}</worksheet>",
        }
        write_parts(path, parts)

    check_linear(path, write)
