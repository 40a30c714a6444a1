from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from odqa.corpus import ChunkOptions, split
from odqa.errors import UsageError
from odqa.types import Block, BlockKind, Document, Section
from odqa.views import context_of_passage, view_of
from tests import tiny
from tests.corpus.invariants import check, words

TOKENIZER = tiny.make_tokenizer(model_max_length=10**9)


def pieces(text: str) -> list[tuple[int, int]]:
    """The tiny WordPiece tokenizer: unknown words fall into letters, unknown signs are one token."""
    return TOKENIZER(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]


def halves(text: str) -> list[tuple[int, int]]:
    """A tokenizer whose count of a slice differs from that of the whole: it pairs characters from the start."""
    return [(at, min(at + 2, len(text))) for at in range(0, len(text), 2)]


def document(text: str, *sections: Section) -> Document:
    return Document("doc", "Title", text, "doc.txt", sections=sections)


def texts(text: str, max_tokens: int, overlap_tokens: int = 0, *sections: Section) -> list[str]:
    options = ChunkOptions(max_tokens, overlap_tokens)
    passages = split(document(text, *sections), words, options)
    check(document(text, *sections), passages, words, options)
    return [passage.text for passage in passages]


def test_passages_are_whole_sentences_up_to_the_budget():
    text = "One two three. Four five. Six seven eight. Nine."
    assert texts(text, 5) == ["One two three. Four five.", "Six seven eight. Nine."]
    assert texts(text, 100) == [text]


def test_overlap_is_whole_sentences_that_fit():
    text = "One two three. Four five. Six seven. Eight nine."
    assert texts(text, 5, 2) == ["One two three. Four five.", "Four five. Six seven.", "Six seven. Eight nine."]
    assert texts(text, 5, 1) == ["One two three. Four five.", "Six seven. Eight nine."]


def test_overlap_gives_way_to_a_long_sentence():
    assert texts("One. Two three four five.", 4, 3) == ["One.", "Two three four five."]


def test_a_long_sentence_is_cut_at_words_and_its_pieces_overlap():
    assert texts("a b c d e f g h i j", 4, 2) == ["a b c d", "c d e f", "e f g h", "g h i j"]
    assert texts("a b c d e f g h i j", 4) == ["a b c d", "e f g h", "i j"]


def test_a_long_sentence_is_cut_at_line_breaks_first():
    rows = "\n".join(f"{name} | 1 | 2" for name in "abcdefgh")
    assert texts(rows, 12) == [
        "a | 1 | 2\nb | 1 | 2",
        "c | 1 | 2\nd | 1 | 2",
        "e | 1 | 2\nf | 1 | 2",
        "g | 1 | 2\nh | 1 | 2",
    ]


def test_a_passage_never_crosses_a_heading():
    text = "Intro here.\n\nOne\n\nFirst text.\n\nTwo\n\nSecond text."
    sections = (Section(13, ("One",)), Section(31, ("Two",)))
    passages = split(document(text, *sections), words, ChunkOptions())
    assert [(p.text, p.headings) for p in passages] == [
        ("Intro here.", ()),
        ("One\n\nFirst text.", ("One",)),
        ("Two\n\nSecond text.", ("Two",)),
    ]


def test_a_passage_may_cross_pages_and_knows_where():
    text = "Page one ends, and what was begun on it ends\nhere. More.\n\nLast."
    sections = (Section(0, page=1), Section(45, page=2), Section(57, page=3), Section(58, page=4))
    options = ChunkOptions()
    (passage,) = split(document(text, *sections), words, options)
    assert passage.text == text
    assert passage.pages == ((0, 1), (45, 2), (57, 3), (58, 4))
    assert [passage.page_at(at) for at in (0, 44, 45, 56, 58)] == [1, 1, 2, 2, 4]
    assert [p.pages for p in split(document(text, *sections), words, ChunkOptions(11, 0))] == [
        ((0, 1), (45, 2)),
        ((0, 2), (6, 3), (7, 4)),
    ]


def test_a_page_without_text_has_no_place_in_a_passage():
    (passage,) = split(document("One.", Section(0, page=1), Section(0, page=2)), words)
    assert passage.pages == ((0, 2),)


def test_a_lone_heading_lives_on_in_the_headings_below_it():
    text = "# Guide\n\n## Install\n\nRun it.\n\n## Empty\n"
    sections = (Section(0, ("Guide",)), Section(9, ("Guide", "Install")), Section(30, ("Guide", "Empty")))
    passages = split(document(text, *sections), words)
    assert [(p.text, p.headings) for p in passages] == [
        ("## Install\n\nRun it.", ("Guide", "Install")),
        ("## Empty", ("Guide", "Empty")),
    ]


def test_text_under_a_heading_that_says_more_than_the_heading_stays():
    text = "Paris is large.\nSub\nx"
    passages = split(document(text, Section(0, ("Paris",)), Section(16, ("Paris", "Sub"))), words)
    assert [p.text for p in passages] == ["Paris is large.", "Sub\nx"]


def test_nothing_comes_of_nothing():
    assert split(document(""), words) == []
    assert split(document(" \n\t "), words) == []
    assert split(document("\u200b"), pieces) == []  # The tokenizer sees no token in it.


@pytest.mark.parametrize(
    "text",
    ["family 👨‍👩‍👧 " * 9, "👍🏽" * 40, "🇫🇷🇩🇪" * 20, "e\u0301" * 50, "नमस्ते" * 30, "각" * 30],
)
def test_a_cut_falls_inside_no_grapheme(text):
    def characters(part):
        return [(at, at + 1) for at in range(len(part)) if not part[at].isspace()]

    options = ChunkOptions(9, 0)
    passages = split(document(text), characters, options)
    check(document(text), passages, characters, options)
    for passage in passages:
        assert passage.text[0] not in "\u0301\u200d🏽👧\u11a8\u1161"


def test_what_tokenizes_differently_alone_is_cut_again():
    text = "abc. " * 30
    options = ChunkOptions(4, 0)
    passages = split(document(text), halves, options)
    check(document(text), passages, halves, options)
    assert "".join(p.text for p in passages).replace(" ", "") == "abc." * 30


def test_a_character_of_more_tokens_than_the_budget_stands_alone():
    def bytes_of(part):
        return [(at, at + 1) for at, sign in enumerate(part) for _ in sign.encode() if not sign.isspace()]

    assert [p.text for p in split(document("a😀b"), bytes_of, ChunkOptions(2, 0))] == ["a", "😀", "b"]
    assert [p.text for p in split(document("ab😀c"), bytes_of, ChunkOptions(4, 0))] == ["ab", "😀", "c"]


def test_a_word_without_end_makes_no_passage_without_end():
    passages = split(document("x" * 100_000), words, ChunkOptions(10, 2))
    assert all(len(p.text) <= 400 for p in passages)
    assert sum(len(p.text) for p in passages) >= 100_000


@pytest.mark.parametrize("unit", ["word ", "x", "A b. ", "a\n", "\n", " ", "«a. "])
def test_work_grows_with_the_text_and_no_faster(unit):
    def work(count):
        lengths = []

        def counted(part):
            lengths.append(len(part))
            return words(part)

        split(document(unit * count), counted)
        assert max(lengths) <= 16_000
        return sum(lengths)

    assert work(20_000) <= 2.5 * work(10_000)


@pytest.mark.parametrize(
    ("max_tokens", "overlap_tokens", "message"),
    [(0, 0, "at least 1 token, not 0"), (10, 10, "overlap of 10 tokens"), (10, -1, "overlap of -1 tokens")],
)
def test_a_budget_that_cannot_be_kept_is_refused(max_tokens, overlap_tokens, message):
    with pytest.raises(UsageError, match=message):
        ChunkOptions(max_tokens, overlap_tokens)


ALPHABET = st.sampled_from(
    [
        *"abz.!?;,'\"()[]«»“”#-=| \n\t\r",
        "\r\n",
        "\n\n",
        ". ",
        "Dr. ",
        "é",
        "e\u0301",
        "😀",
        "👨‍👩‍👧",
        "中",
        "。",
        "م",
        "؟ ",
        "\u00a0",
        "\u200b",
        "\x0c",
        "\u2028",
        "the ",
        "Paris ",
    ]
)
TEXTS = st.lists(ALPHABET, max_size=200).map("".join)


@st.composite
def documents(draw):
    text = draw(TEXTS)
    starts = sorted(draw(st.sets(st.integers(0, max(len(text) - 1, 0)), max_size=5)))
    headings = st.lists(st.sampled_from(["a", "b", "Paris"]), max_size=2).map(tuple)
    paged = draw(st.booleans())
    if paged:
        return document(text, *(Section(at, (), number) for number, at in enumerate(starts, start=1)))
    return document(text, *(Section(at, draw(headings)) for at in starts))


@pytest.mark.parametrize("tokenize", [words, pieces, halves])
@settings(max_examples=100, deadline=None, derandomize=True)
@given(document=documents(), max_tokens=st.integers(3, 30), overlap=st.integers(0, 12))
@example(document=document("a. " * 50), max_tokens=3, overlap=2)
def test_the_invariants_hold_for_every_text(tokenize, document, max_tokens, overlap):
    options = ChunkOptions(max_tokens, min(overlap, max_tokens - 1))
    passages = split(document, tokenize, options)
    check(document, passages, tokenize, options)
    assert split(document, tokenize, options) == passages


def blocked(text: str, *kinds: BlockKind, labels: dict[int, tuple[str, ...]] | None = None) -> Document:
    """A document whose blocks are its lines."""
    starts = [match.span() for match in re.finditer(r"\S.*", text)]
    blocks = tuple(
        Block(start, end, kind, (labels or {}).get(at, ()))
        for at, ((start, end), kind) in enumerate(zip(starts, kinds, strict=True))
    )
    return replace(document(text), blocks=blocks)


def cut(made: Document, max_tokens: int, overlap_tokens: int = 0) -> list[str]:
    options = ChunkOptions(max_tokens, overlap_tokens)
    passages = split(made, words, options)
    check(made, passages, words, options)
    for passage in passages:
        for block in passage.blocks:
            whole = next(b for b in made.blocks if b.start < passage.start + block.end <= b.end)
            assert (block.kind, block.labels) == (whole.kind, whole.labels)
            assert passage.text[block.start : block.end] in made.text[whole.start : whole.end]
    return [passage.text for passage in passages]


P, TERM, ROW, HEADING = BlockKind.PARAGRAPH, BlockKind.TERM, BlockKind.ROW, BlockKind.HEADING


def test_a_block_that_would_be_whole_in_the_next_passage_is_not_begun_in_the_second_half_of_one():
    text = "One two. Three four. Five six.\n\nA b. C d. E f."
    assert cut(blocked(text, P, P), 8) == ["One two. Three four. Five six.", "A b. C d. E f."]
    assert cut(blocked(text, P, P), 14) == [text]
    assert cut(blocked("One.\n\nAnn bakes. Carl digs. Eve fries.", P, P), 5) == [
        "One.\n\nAnn bakes. Carl digs.",
        "Eve fries.",
    ]


@pytest.mark.parametrize("kind", [TERM, HEADING, BlockKind.CAPTION])
def test_what_the_next_block_explains_is_never_last(kind):
    text = "One two three four.\n\n-n\n\nA b. C d.\n\n-m\n\nE f."
    assert cut(blocked(text, P, kind, P, kind, P), 6) == ["One two three four.", "-n\n\nA b. C d.", "-m\n\nE f."]
    text = "-n\n-m\n\nAnn bakes. Carl digs. Eve fries."
    assert cut(blocked(text, kind, kind, P), 6) == ["-n\n-m\n\nAnn bakes.", "Carl digs. Eve fries."]


def test_a_term_leaves_the_overlap_behind_and_its_sentence_is_cut_where_both_are_too_long():
    text = "One. Two.\n\n-n\n\nA b c d."
    assert cut(blocked(text, P, TERM, P), 6, 2) == ["One. Two.", "-n\n\nA b c d."]
    first, second = cut(blocked("-n\n\nA b c d e f g h.", TERM, P), 8)
    assert first.startswith("-n\n\nA b") and second.endswith("h.")


def test_the_lines_after_a_colon_are_not_left_alone():
    assert cut(blocked("One two.\n\nThese:\n- a b", P, P, BlockKind.ITEM), 4) == ["One two.", "These:\n- a b"]


def test_a_row_is_whole_and_its_labels_count():
    text = "Zone | Price\nA b | c\nD e | f\nG h | i"
    made = blocked(text, ROW, ROW, ROW, ROW, labels=dict.fromkeys((1, 2, 3), ("Zone", "Price")))
    # Three labels with the sign between them, and one: 4 tokens beside the 4 of a row. And 1 for the end of a row.
    assert cut(made, 12) == ["Zone | Price\nA b | c", "D e | f", "G h | i"]
    assert cut(made, 17)[1:] == ["D e | f\nG h | i"]
    assert cut(made, 4) == ["Zone | Price", "A b | c", "D e | f", "G h | i"]


def test_a_row_over_the_budget_is_cut_and_keeps_its_labels():
    made = blocked("a b c d e f | g", ROW, labels={0: ("One", "Two")})
    passages = split(made, words, ChunkOptions(3, 0))
    assert [p.text for p in passages] == ["a b c", "d e f", "| g"]
    assert all(block.labels == ("One", "Two") for p in passages for block in p.blocks)


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"- w{at}\n" for at in range(88)),
        "".join(f"One. Two {at}\n\n" for at in range(40)),
        "".join(f"-{at}\n    what it does\n\n" for at in range(40)),
        "".join(f"a{at} | b | c\n" for at in range(40)),
    ],
)
@pytest.mark.parametrize("overlap", [0, 9])
def test_the_signs_that_models_read_between_blocks_are_in_the_budget(text, overlap):
    options = ChunkOptions(30, overlap)
    read = [
        len(pieces(view_of(context_of_passage(passage)).text)) for passage in split(document(text), pieces, options)
    ]
    assert len(read) > 2 and 24 < max(read) <= 30


def test_no_sign_is_counted_where_nothing_follows_and_where_the_text_has_one():
    assert cut(blocked("A b. C d e", P), 5) == ["A b. C d e"]
    assert cut(blocked("A b.\n\nC d\n\nE f g h i", P, P, P), 5) == ["A b.\n\nC d", "E f g h i"]
    assert cut(blocked("A b.\n\nC d.\n\nE", P, P, P), 5) == ["A b.\n\nC d.\n\nE"]
    assert cut(blocked("A b\n\nC d\n\nE", P, P, P), 5) == ["A b\n\nC d", "E"]


def test_long_labels_are_kept_short():
    made = blocked("a | b", ROW, labels={0: ("x" * 1000, "y")})
    (passage,) = split(made, words)
    assert [len(label) for label in passage.blocks[0].labels] == [100, 1]


def test_marks_stand_with_their_block():
    text = "Run:\n\n```sh\npump\n```\n\nThen wait.\n\n- one\n- two"
    made = replace(
        document(text),
        blocks=(Block(0, 4), Block(12, 16, BlockKind.CODE), Block(22, 32), Block(36, 39), Block(42, 45)),
    )
    assert cut(made, 4) == ["Run:\n\n```sh\npump\n```", "Then wait.\n\n- one", "- two"]


def test_a_passage_knows_its_blocks():
    text = "Net: 1,250.00 EUR\nVAT: 237.50 EUR\nTotal: 1,487.50 EUR"
    (passage,) = split(document(text), words)
    assert [passage.text[block.start : block.end] for block in passage.blocks] == text.split("\n")
    (first, second) = split(document("One two three. Four five six.\n\nSeven."), words, ChunkOptions(3, 0))[:2]
    assert [first.blocks, second.blocks] == [(Block(0, 14),), (Block(0, 14),)]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    text=st.lists(st.sampled_from(["a", "b ", ". ", "| ", "\n", "\n\n", "- ", ": "]), max_size=80).map("".join),
    kinds=st.lists(st.sampled_from(list(BlockKind)), min_size=80, max_size=80),
    labels=st.dictionaries(st.integers(0, 20), st.just(("x", "y z"))),
    max_tokens=st.integers(1, 12),
    overlap=st.integers(0, 5),
)
def test_the_invariants_hold_for_all_blocks(text, kinds, labels, max_tokens, overlap):
    found = re.findall(r"\S.*", text)
    cut(blocked(text, *kinds[: len(found)], labels=labels), max_tokens, min(overlap, max_tokens - 1))
