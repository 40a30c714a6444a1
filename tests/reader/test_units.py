"""What answers are made of: whole words, numbers and identifiers, and what no answer crosses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.reader.units import balanced, units_of
from odqa.types import Block, BlockKind
from odqa.views import Context

any_text = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from("ab1 .-/@:()'$%\n|")))


def units(text, *blocks):
    context = Context(text, (), blocks)
    found = units_of(context)
    return [text[start:stop] for start, stop in zip(found.starts, found.stops, strict=True)]


def segments(text, *blocks):
    context = Context(text, (), blocks)
    found = units_of(context)
    groups: dict[int, list[str]] = {}
    for start, stop, segment in zip(found.starts, found.stops, found.segments, strict=True):
        groups.setdefault(int(segment), []).append(text[start:stop])
    return [" ".join(words) for words in groups.values()]


@pytest.mark.parametrize(
    "whole",
    [
        "press.office@kestrel-marine.example",
        "https://files.kestrel.example/v2/get?id=77&lang=en",
        "/var/log/kestrel/pump-01/error.log",
        "~/.config/kestrel",
        "../build/run.sh",
        "C:\\Users\\Public",
        "runtests.py",
        ".gitignore",
        "12(3)(b)",
        "open()",
        "max_connections",
        "std::vector",
        "--dry-run",
        "-n",
        "£45",
        "$1,200.50",
        "45 €",
        "40 °C",
        "-3.5 %",
        "10%",
        "+1",
        "10:30",
        "2024-01-05",
        "v1.2.3",
        "C++",
        "AT&T",
        "U.S.",
        "don't",
        "O'Brien",
        "10⁴",
        "cm²",
        "#12",
        "file:///etc/hosts",
        "x^2",
        "10^-3",
        "2^(n+1)",
        "37°42′N",
        "48°51'24\"N",
        "5'11\"",
        "US$ 5",
        "HK$1,200",
        "%PATH%",
        "${HOME}/bin",
        "odqa[cpu]",
        "1\u202f200,50 €",
        "12\u00a0000\u00a0000",
        "٣٫١٤",
        "&&",
    ],
)
def test_what_a_person_copies_in_one_piece(whole):
    assert whole in units(f"so {whole} is")
    if whole != "&&":
        assert whole in units(f"(see {whole}), or")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The tour's end.", ["The", "tour", "end"]),
        ("1939–1945", ["1939", "1945"]),
        ("word--another, wait...what", ["word", "another", "wait", "what"]),
        ("module=None, key=`x`", ["module", "None", "key", "x"]),
        ("1998^1, note^2, Paris[1], costs $5", ["1998", "1", "note", "2", "Paris", "1", "costs", "$5"]),
        ("2019\u00a0300 people, 50% off %", ["2019", "300", "people", "50%", "off"]),
        ("東京は", ["東", "京", "は"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("1. Foo\n12) Bar\n(3) Baz\na. Qux\n2015. A year", ["Foo", "Bar", "Baz", "Qux", "2015", "A", "year"]),
        ('What? "Paris" (Bern) - `x` • y * z | .', ["What", "Paris", "Bern", "x", "y", "z"]),
        ("the ﬁfth so\u00adft", ["the", "ﬁfth", "so\u00adft"]),
        ("", []),
        ("... ?", []),
    ],
)
def test_units(text, found):
    assert units(text) == found


def test_marks_between_blocks_are_no_units():
    text = "```python\nrun()\n```"
    assert units(text, Block(10, 15, BlockKind.CODE)) == ["run()"]


def test_what_no_answer_crosses():
    text = "Net: 5 EUR\n\nVAT: 3\nTotal | 8 EUR | paid"
    row = Block(text.index("Total"), len(text), BlockKind.ROW)
    line = Block(text.index("VAT"), row.start - 1, BlockKind.PARAGRAPH)
    first = Block(0, text.index("\n"))
    assert segments(text, first, line, row) == ["Net 5 EUR", "VAT 3", "Total", "8 EUR", "paid"]
    assert segments(text) == ["Net 5 EUR", "VAT 3 Total 8 EUR paid"]


@given(any_text)
def test_units_are_in_order_and_apart(text):
    context = Context(text)
    found = units_of(context)
    assert (found.begins < found.ends).all()
    assert (found.ends[:-1] <= found.begins[1:]).all()
    assert (found.starts < found.stops).all()
    assert (found.segments[:-1] <= found.segments[1:]).all()


@pytest.mark.parametrize(
    ("text", "span", "found"),
    [
        ("the (old) tower", "old", "old"),
        ("tower (in Paris)", "tower (in Paris", "tower (in Paris)"),
        ("(the old) tower", "the old) tower", "(the old) tower"),
        ("tower (in Paris)", "tower (in", None),
        ("a] tower", "a] tower", None),
        ("say “no” twice", "say “no", "say “no”"),
        ('the "Hotel Adler" (Bern)', 'Hotel Adler" (Bern', '"Hotel Adler" (Bern)'),
        ("run `make` now", "run `make", "run `make`"),
        ('a 5" pipe', '5" pipe', '5" pipe'),
        ("f(g(x))", "f(g(x))", "f(g(x))"),
    ],
)
def test_brackets_and_quotes_are_whole(text, span, found):
    start = text.index(span)
    place = balanced(text, start, start + len(span))
    assert (place and text[place[0] : place[1]]) == found
