"""Citations hold: what an answer shows is what stands at its offsets, whatever file it came from.

Files of every format are written here, so that it is known of every word under which headings and on which page it
stands; the loaders, the chunker and the decision must tell the same.
"""

from __future__ import annotations

import csv
import html
import io
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.answering.candidates import Candidates, merge_key, says_something
from odqa.answering.deciders import Decision, ReaderRule
from odqa.corpus import ChunkOptions, read_file, split
from odqa.types import Document, Hit, Passage, Place, Reading, Span
from tests.corpus.files import write_docx, write_pdf
from tests.corpus.invariants import section_at, words


@dataclass(frozen=True)
class Part:
    """A heading, or none, and the text under it."""

    text: str
    heading: str = ""
    level: int = 1


@dataclass(frozen=True)
class Written:
    """A document as it was written: its words in order, each with its headings and page; its text where it is known."""

    words: list[tuple[str, tuple[str, ...], int | None]]
    text: str | None = None


# One writer a format: (the file to write, its parts) -> its documents.


def write_text(path: Path, parts: Sequence[Part]) -> list[Written]:
    return [_in_source(path, "\n\n".join(part.text for part in parts), [Part(part.text) for part in parts])]


def write_markdown(path: Path, parts: Sequence[Part]) -> list[Written]:
    def heading(part: Part) -> str:
        return f"{part.heading}\n{'=-'[part.level - 1] * 3}\n\n" if part.level < 3 else f"### {part.heading} ###\n\n"

    return [_in_source(path, "\n".join((heading(p) if p.heading else "") + p.text + "\n" for p in parts), parts)]


def write_rst(path: Path, parts: Sequence[Part]) -> list[Written]:
    def heading(part: Part) -> str:
        line = "=~^"[part.level - 1] * (len(part.heading) + 2)
        return (f"{line}\n" if part.level == 1 else "") + f"{part.heading}\n{line}\n\n"

    levels = list(dict.fromkeys(part.level for part in parts if part.heading))  # A level is when it is first met.
    met = [Part(p.text, p.heading, levels.index(p.level) + 1 if p.heading else 1) for p in parts]
    return [_in_source(path, "\n".join((heading(p) if p.heading else "") + p.text + "\n\n" for p in met), met)]


def write_html(path: Path, parts: Sequence[Part]) -> list[Written]:
    blocks = (
        (f"<h{p.level}>{html.escape(p.heading)}</h{p.level}>" if p.heading else "") + f"<p>{html.escape(p.text)}</p>"
        for p in parts
    )
    path.write_text(f"<nav>Menu</nav><main>{''.join(blocks)}</main>", encoding="utf-8")
    return [Written(_under_headings(parts))]


def write_word(path: Path, parts: Sequence[Part]) -> list[Written]:
    paragraphs: list[tuple[str, str | None]] = []
    for part in parts:
        paragraphs += [(part.heading, f"Heading {part.level}")] if part.heading else []
        paragraphs.append((part.text, None))
    write_docx(path, paragraphs)
    return [Written(_under_headings(parts))]


def write_pages(path: Path, parts: Sequence[Part]) -> list[Written]:
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, NameObject

    # The fonts that every PDF has know no emoji: a tilde is written, and told to be one.
    write_pdf(path, [part.text.replace("😀", "~") for part in parts])
    writer = PdfWriter(clone_from=str(path))
    letters = DecodedStreamObject()
    letters.set_data(
        b"begincmap 1 begincodespacerange <00> <FF> endcodespacerange 1 beginbfchar <7E> <D83DDE00> endbfchar endcmap"
    )
    reference = writer._add_object(letters)
    for page in writer.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            font.get_object()[NameObject("/ToUnicode")] = reference
    writer.write(str(path))
    return [Written([(word, (), page) for page, part in enumerate(parts, start=1) for word in part.text.split()])]


def write_json_lines(path: Path, parts: Sequence[Part]) -> list[Written]:
    path.write_text("".join(json.dumps({"text": part.text}, ensure_ascii=False) + "\n" for part in parts), "utf-8")
    return _rows(parts)


def write_table(path: Path, parts: Sequence[Part]) -> list[Written]:
    rows = io.StringIO(newline="")
    sheet = csv.writer(rows, delimiter="\t" if path.suffix == ".tsv" else ",")
    sheet.writerows([("text", "note"), *((part.text, "beside it") for part in parts)])
    path.write_text(rows.getvalue(), "utf-8", newline="")
    return _rows(parts)


def write_squad(path: Path, parts: Sequence[Part]) -> list[Written]:
    paragraphs = [{"context": part.text, "qas": []} for part in parts]
    path.write_text(json.dumps({"data": [{"title": "Title", "paragraphs": paragraphs}]}))
    return _rows(parts)


def _in_source(path: Path, text: str, parts: Sequence[Part]) -> Written:
    path.write_bytes(text.encode("utf-8"))
    return Written(_under_headings(parts), path.read_bytes().decode("utf-8"))


def _rows(parts: Sequence[Part]) -> list[Written]:
    return [Written([(word, (), None) for word in part.text.split()], part.text) for part in parts]


def _under_headings(parts: Sequence[Part]) -> list[tuple[str, tuple[str, ...], int | None]]:
    found: list[tuple[str, tuple[str, ...], int | None]] = []
    above: list[Part] = []
    for part in parts:
        if part.heading:
            above = [*(other for other in above if other.level < part.level), part]
        path = tuple(other.heading for other in above)
        found += [(word, path, None) for word in [*part.heading.split(), *part.text.split()]]
    return found


WRITERS = {
    ".txt": write_text,
    ".md": write_markdown,
    ".rst": write_rst,
    ".html": write_html,
    ".pdf": write_pages,
    ".docx": write_word,
    ".jsonl": write_json_lines,
    ".csv": write_table,
    ".tsv": write_table,
    ".json": write_squad,
}
WITH_HEADINGS = (".md", ".rst", ".html", ".docx")

# Words that come again and again, so that answers have several places, and words of any letters.
PLAIN = st.sampled_from(["Paris", "the", "1889", "café", "über", "x" * 30])
LETTERS = st.text("aZ9éÅß😀", min_size=1, max_size=6)
FOREIGN = st.sampled_from(["👨‍👩‍👧", "e\u0301te\u0301", "中文", "مرحبا", "<b>", "&amp;", '"'])
FOREIGN_LETTERS = st.text("é\u0301ß中Ω𝒳𐍈", min_size=1, max_size=4)
STOPS = st.sampled_from(["river.", "Seine?", "5.5", "Dr.", "end!"])
HEADINGS = st.sampled_from(["Überblick", "Height  of 😀", "Part one", "𝒳 & co", "Höhe"])


@st.composite
def written_parts(draw: st.DrawFn, suffix: str) -> list[Part]:
    """Parts of a file; the first one is longer than any budget of a passage, without the end of a sentence or line."""
    pdf = suffix == ".pdf"  # Its fonts know the letters of Western Europe.
    word = PLAIN | LETTERS if pdf else PLAIN | LETTERS | FOREIGN | FOREIGN_LETTERS
    # fpdf2 has no tabs; HTML and .docx have line ends of their own.
    gaps = st.sampled_from([" ", " ", "  ", "\n", *([] if pdf else ["\t"]), *(["\r\n"] if suffix == ".txt" else [])])

    def text(word: st.SearchStrategy[str], fewest: int, gaps: st.SearchStrategy[str] = gaps) -> str:
        found = draw(st.lists(st.tuples(word, gaps), min_size=fewest, max_size=30))
        return "".join(word + gap for word, gap in found).strip()

    parts = [Part(text(word, 26, st.just(" ")))]
    for level in draw(st.lists(st.integers(0, 3), min_size=1, max_size=4)):
        heading = draw(HEADINGS) if level and suffix in WITH_HEADINGS else ""
        body = text(word | STOPS, 0 if heading or pdf else 1)  # A blank page, a heading with nothing under it.
        parts.append(Part(body, heading, max(level, 1)))
    return parts


@st.composite
def readings(draw: st.DrawFn, passages: Sequence[Passage]) -> list[Reading]:
    """What a reader may find in the passages: any characters, or words; many scores are equal."""
    found = []
    for passage in passages:
        spans = []
        for _ in range(draw(st.integers(0, 3))):
            borders = words(passage.text) if draw(st.booleans()) else [(i, i + 1) for i in range(len(passage.text))]
            first = draw(st.integers(0, len(borders) - 1))
            last = draw(st.integers(first, min(first + 3, len(borders) - 1)))
            spans.append(Span(borders[first][0], borders[last][1], draw(st.integers(-3, 3))))
        found.append(Reading(tuple(spans), draw(st.integers(-2, 2))))
    return found


def read_back(path: Path, count: int) -> list[Document]:
    documents = [found for found in read_file(path) if isinstance(found, Document)]
    assert len(documents) == count
    return documents


def hits_of(passages: Sequence[Passage]) -> list[Hit]:
    return [Hit(passage, -float(rank), rank) for rank, passage in enumerate(passages, start=1)]


def decide(hits: Sequence[Hit], found: Sequence[Reading], threshold: float = 0.0) -> Decision:
    return ReaderRule(threshold).decide("", Candidates.of(hits, found))


def located(document: Document, written: Written) -> list[tuple[int, int, tuple[str, ...], int | None]]:
    """Where in the document's text the words stand that were written: (start, end, headings, page)."""
    found = []
    at = 0
    for word, headings, page in written.words:
        start = document.text.index(word, at)  # Between two words is nothing that could be taken for one.
        at = start + len(word)
        found.append((start, at, tuple(" ".join(heading.split()) for heading in headings), page))
    return found


def check_decision(
    decision: Decision, hits: Sequence[Hit], found: Sequence[Reading], documents: Sequence[tuple[Document, Written]]
) -> None:
    """Every place of every answer is cited as the document has it, and no span that says something is lost."""
    by_id = {document.id: (document, written, located(document, written)) for document, written in documents}
    assert len(by_id) == len(documents)
    for hit in hits:
        check_passage(hit.passage, by_id[hit.passage.document_id][2])
    kept: dict[str, list[Place]] = {}
    for answer in decision.answers:
        first = answer.places[0]
        assert (answer.text, answer.start, answer.end) == (first.text, first.start, first.end)
        assert (answer.passage, answer.span, answer.mentions) == (first.passage, first.span, len(answer.places))
        assert answer.page == section_at(by_id[first.passage.document_id][0], answer.start)[1]
        for place in answer.places:
            check_place(place, *by_id[place.passage.document_id][:2])
            assert merge_key(place.text) == merge_key(answer.text)
            kept.setdefault(place.passage.document_id, []).append(place)
    for places in kept.values():
        assert not any(one.start < other.end and other.start < one.end for one, other in combinations(places, 2))
    for hit, reading in zip(hits, found, strict=True):
        for span in reading.spans:
            place = Place(hit, span, reading.null_score)
            if not says_something(hit.passage.text, span.start, span.end):
                continue
            rivals = kept[place.passage.document_id]
            assert any(one.start < place.end and place.start < one.end and one.margin >= place.margin for one in rivals)


def check_passage(passage: Passage, found: Sequence[tuple[int, int, tuple[str, ...], int | None]]) -> None:
    """Wherever an answer begins in the passage, it has the headings and the page that were written there."""
    for start, end, headings, page in found:
        for offset in range(max(start, passage.start), min(end, passage.end)):
            assert (passage.headings, passage.page_at(offset - passage.start)) == (headings, page)


def check_place(place: Place, document: Document, written: Written) -> None:
    passage = place.passage
    assert place.text
    assert place.text == document.text[place.start : place.end] == passage.text[place.span.start : place.span.end]
    if written.text is not None:
        assert place.text == written.text[place.start : place.end]
    assert passage.headings == section_at(document, passage.start)[0] == section_at(document, place.start)[0]
    assert passage.page_at(place.span.start) == section_at(document, place.start)[1]


@pytest.mark.parametrize("suffix", WRITERS)
@settings(max_examples=15)
@given(data=st.data(), max_tokens=st.integers(4, 12))
def test_every_place_of_every_answer_stands_in_the_document_at_its_offsets(suffix, data, max_tokens):
    parts = data.draw(written_parts(suffix))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"file{suffix}"
        written = WRITERS[suffix](path, parts)
        documents = read_back(path, len(written))
    split_up = [split(document, words, ChunkOptions(max_tokens, max_tokens // 2)) for document in documents]
    assert any(after.start < before.end for before, after in pairwise(split_up[0]))  # Passages overlap.
    hits = hits_of([passage for passages in split_up for passage in passages])
    found = data.draw(readings([hit.passage for hit in hits]))
    decision = decide(hits, found, -math.inf)
    check_decision(decision, hits, found, list(zip(documents, written, strict=True)))


def test_a_word_that_files_of_every_format_hold_is_cited_in_each_of_them(tmp_path):
    documents = []
    for suffix, write in WRITERS.items():
        path = tmp_path / f"file{suffix}"
        (written,) = write(path, [Part("Its engineer was Gustave 😀 Eiffel.", "Höhe 😀" * (suffix in WITH_HEADINGS))])
        documents.append((*read_back(path, 1), written))
    hits = hits_of([passage for document, _ in documents for passage in split(document, words)])
    starts = [hit.passage.text.index("Gustave") for hit in hits]
    found = [Reading((Span(start, start + len("Gustave 😀 Eiffel"), 1.0),), 0.0) for start in starts]
    decision = decide(hits, found)
    check_decision(decision, hits, found, documents)
    (answer,) = decision.shown(None, 5)
    assert answer.mentions == len(WRITERS) == 10
    for place in answer.places:
        suffix = Path(place.passage.source).suffix
        assert place.text == "Gustave 😀 Eiffel"
        assert place.passage.headings == (("Höhe 😀",) if suffix in WITH_HEADINGS else ())
        assert place.passage.page_at(place.span.start) == (1 if suffix == ".pdf" else None)


def test_an_answer_in_a_pdf_has_the_page_it_begins_on_counted_by_hand(tmp_path):
    path = write_pdf(tmp_path / "tower.pdf", ["The tower stands in Paris.", "It was built in 1889 by Gustave."])
    (document,) = read_back(path, 1)
    (passage,) = split(document, words)  # One passage over both pages; the second begins at 28.
    spans = {"Paris": (20, 25, 1), "1889": (44, 48, 2), "It": (28, 30, 2)}
    found = Reading(tuple(Span(start, end, 1.0) for start, end, _ in spans.values()), 0.0)
    decision = decide(hits_of([passage]), [found])
    assert {a.text: (a.start, a.end, a.page) for a in decision.answers} == spans
    assert all(document.text[a.start : a.end] == a.text for a in decision.answers)
    # What runs over the end of a page begins on the first one.
    (answer,) = decide(hits_of([passage]), [Reading((Span(20, 30, 1.0),), 0.0)]).answers
    assert (answer.text, answer.page) == ("Paris.\n\nIt", 1)


def test_an_answer_in_a_web_page_has_the_headings_above_it_counted_by_hand(tmp_path):
    path = tmp_path / "towers.html"
    path.write_text(
        "<title>Sights</title><nav><h1>Menu 330</h1></nav><main><h1>Towers</h1><p>They are tall."
        "<h2>Eiffel</h2><p>It is in <b>Par</b>is.<section><h3>Height</h3><p>It is 330&nbsp;metres high.</section>"
        "<h2>Louvre</h2><p>It has 330 rooms.</main>"
    )
    (document,) = read_back(path, 1)
    passages = split(document, words)
    assert [passage.start for passage in passages] == [0, 24, 49, 81]
    # By passage: the span inside of it.
    spans = [(8, 12), (17, 22), (14, 17), (15, 18)]
    found = [Reading((Span(start, end, -float(rank)),), -9.0) for rank, (start, end) in enumerate(spans)]
    decision = decide(hits_of(passages), found)
    assert [
        (answer.text, [(place.start, place.end, place.passage.headings) for place in answer.places])
        for answer in sorted(decision.answers, key=lambda answer: answer.start)
    ] == [
        ("They", [(8, 12, ("Towers",))]),
        ("Paris", [(41, 46, ("Towers", "Eiffel"))]),
        ("330", [(63, 66, ("Towers", "Eiffel", "Height")), (96, 99, ("Towers", "Louvre"))]),
    ]
    assert {answer.page for answer in decision.answers} == {None}
    for answer in decision.answers:
        assert [document.text[place.start : place.end] for place in answer.places] == [answer.text] * answer.mentions
