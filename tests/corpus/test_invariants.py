"""From a file of every format to its passages: nothing is lost, nothing is invented, every offset is exact."""

from __future__ import annotations

import csv
import html
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.corpus import ChunkOptions, read_file, split
from odqa.types import Document
from tests import tiny
from tests.corpus.files import write_docx, write_pdf
from tests.corpus.invariants import check, words

TOKENIZER = tiny.make_tokenizer(model_max_length=10**9)
WORDS = st.sampled_from(["Paris", "the", "river.", "1889", "built?", "Eiffel", "Dr.", "x" * 30, "height", "in"])
FOREIGN = st.sampled_from(
    ["é", "e\u0301te\u0301", "😀", "👨‍👩‍👧", "中文。", "مرحبا", "<b>", "&amp;", '"', "a|b", "«x."]
)


def paragraphs(word):
    """(a heading or none, the text under it), several times."""
    text = st.lists(word, min_size=1, max_size=40).map(" ".join)
    return st.lists(st.tuples(st.one_of(st.none(), WORDS), text), min_size=1, max_size=6)


def pieces(text: str) -> list[tuple[int, int]]:
    return TOKENIZER(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]


def write_text(path, parts):
    path.write_text("\n\n".join(text for _, text in parts), encoding="utf-8", newline="")


def write_markdown(path, parts):
    path.write_text("\n".join((f"# {h}\n\n" if h else "") + t + "\n" for h, t in parts), encoding="utf-8")


def write_rst(path, parts):
    path.write_text("\n".join((f"{h}\n{'=' * 40}\n\n" if h else "") + t + "\n" for h, t in parts), encoding="utf-8")


def write_html(path, parts):
    blocks = ((f"<h2>{h}</h2>" if h else "") + f"<p>{html.escape(t)}</p>" for h, t in parts)
    path.write_text("<nav>menu</nav>" + "".join(blocks), encoding="utf-8")


def write_word(path, parts):
    write_docx(path, [pair for h, t in parts for pair in ([(h, "Heading 1")] if h else []) + [(t, None)]])


def write_pages(path, parts):
    write_pdf(path, [text for _, text in parts])


def write_jsonl(path, parts):
    path.write_text("".join(json.dumps({"text": text, "title": h}) + "\n" for h, text in parts))


def write_rows(path, parts):
    rows = io.StringIO(newline="")
    writer = csv.writer(rows, delimiter="\t" if path.suffix == ".tsv" else ",")
    writer.writerows([("title", "text"), *((h or "", t) for h, t in parts)])
    path.write_text(rows.getvalue(), encoding="utf-8", newline="")


def write_squad(path, parts):
    articles = [{"title": h, "paragraphs": [{"context": text, "qas": []}]} for h, text in parts]
    path.write_text(json.dumps({"data": articles}))


WRITERS = {
    ".txt": write_text,
    ".md": write_markdown,
    ".rst": write_rst,
    ".html": write_html,
    ".docx": write_word,
    ".jsonl": write_jsonl,
    ".csv": write_rows,
    ".tsv": write_rows,
    ".json": write_squad,
    ".pdf": write_pages,
}


@pytest.mark.parametrize("suffix", WRITERS)
@settings(max_examples=8, deadline=None, derandomize=True)
@given(data=st.data(), max_tokens=st.integers(4, 40))
def test_every_format_keeps_every_word_and_every_offset(suffix, data, max_tokens):
    parts = data.draw(paragraphs(WORDS if suffix == ".pdf" else WORDS | FOREIGN))
    options = ChunkOptions(max_tokens, max_tokens // 4)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        WRITERS[suffix](path, parts)
        found = list(read_file(path))
    assert all(isinstance(document, Document) for document in found)
    assert len({document.id for document in found}) == len(found)
    read = " ".join(document.text for document in found)
    at = 0
    for _, text in parts:
        for word in text.split():
            at = read.index(word, at) + len(word)  # In this order, and each as often as it was written.
    for document in found:
        for tokenize in (words, pieces):
            check(document, split(document, tokenize, options), tokenize, options)


@pytest.mark.parametrize("suffix", [".txt", ".md", ".rst", ".html", ".pdf", ".docx", ".jsonl", ".csv", ".tsv", ".json"])
@settings(max_examples=20, deadline=None, derandomize=True)
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_no_content_whatever_breaks_a_loader(suffix, content):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        path.write_bytes(content)
        found = list(read_file(path))
    assert found
    for document in found:
        if isinstance(document, Document):
            check(document, split(document, words), words, ChunkOptions())
        else:
            assert "cannot be read" not in document.reason or suffix == ".json"
