from __future__ import annotations

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from odqa.index.filters import parse
from odqa.index.milvus.conditions import _number_key, expression, keys_of
from odqa.index.milvus.terms import terms_text
from odqa.retrieval.words import Analyzer

NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12)


@given(NUMBERS, NUMBERS)
def test_numbers_are_written_in_their_order(one: Decimal, other: Decimal) -> None:
    assert (one < other) == (_number_key(one) < _number_key(other))
    assert (one == other) == (_number_key(one) == _number_key(other))
    assert _number_key(one) == _number_key(Decimal(f"{one}000"))


def test_what_can_break_out_of_an_expression_never_stands_in_one() -> None:
    for text in ('x" or 1 == 1', "a\\", "line\nbreak", "名前", "a" * 1000):
        said, rest = expression([parse(f"{text.replace('=', '')}='{text}'")])
        assert not rest
        assert said.isascii() and said.isprintable() and "\\" not in said
        assert said.count('"') == 4, "a key of the field, and one that is looked for"
    assert keys_of({"a": 'x"y'})["=:a"] == keys_of({"a": ['x"y', 'x"y']})["=:a"]


def test_patterns_and_the_order_of_texts_are_left_to_who_asks() -> None:
    some = [parse(text) for text in ("year>=2020", "id~=a*", "title<M", "lang!=en")]
    said, rest = expression(some)
    assert rest == some[1:3] and "n>:year" in said and "not (" in said


def test_a_field_that_says_nothing_has_no_keys() -> None:
    assert keys_of({"a": None, "b": [], "c": [None]}) == {}
    assert keys_of({"id": "2024-05"}) == {"=:id": ["*", "t:2024-05"]}, "an id is no date"


@given(st.text(max_size=40))
def test_terms_are_words_of_ascii_and_as_many_as_there_are(text: str) -> None:
    analyze = Analyzer("de")
    terms, written = analyze(text), terms_text(analyze, text).split()
    assert len(written) == len(terms)
    assert all(word.isascii() and word.isalnum() and word == word.lower() for word in written)
    assert [terms[at] == terms[0] for at in range(len(terms))] == [word == written[0] for word in written]
