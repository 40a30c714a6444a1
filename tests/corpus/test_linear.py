"""Twice the input takes about twice the time, for every construct that a loader looks for."""

from __future__ import annotations

import gc
import json
import time
from pathlib import Path

import pytest

from odqa.corpus.base import OpenFile
from odqa.corpus.load import load
from odqa.files import open_regular
from tests.corpus.hostile import paragraph, word_xml, write_styled, write_word

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
    "attributes": (".html", lambda n: "<p " + " ".join(f"a{i}" for i in range(n)) + ">x"),
    "comments": (".html", lambda n: "<!--a-->" * n + "x"),
    "entities": (".html", lambda n: "&amp;&x" * n),
    "rows": (".jsonl", lambda n: '{"text": "a"}\n' * n),
    "fields": (".jsonl", lambda n: json.dumps({"text": "a", **dict.fromkeys(map(str, range(n)))})),
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
    """What reading a file takes of the processor, at best."""
    taken = []
    for _ in range(3):
        began = time.process_time()
        with open_regular(path) as stream:
            for _ in load(OpenFile(path, stream)):
                pass
        taken.append(time.process_time() - began)
    return min(taken)


def check_linear(path: Path, write) -> None:
    """``write(n)`` writes the file with n times the construct."""
    n = 1_000
    write(n)
    seconds(path)  # Imports what is needed.
    while (before := seconds(path)) < ENOUGH and n < 10**6:
        n *= 4
        write(n)
    write(2 * n)
    assert seconds(path) < MOST * max(before, ENOUGH / 4)


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
