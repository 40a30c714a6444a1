from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.errors import UsageError
from odqa.index.filters import Filter, Operator, fields_of, matches, parse, select

# What a reader can count by hand: who is old enough, who is English, what lies under policies/.
LIBRARY: dict[str, dict[str, Any]] = {
    "a": {"lang": "en", "year": 2019, "tags": ["red", "blue"], "author": {"name": "Ada", "born": 1815}},
    "b": {"lang": "en", "year": 2020, "tags": ["red"], "public": True},
    "c": {"lang": "de", "year": "2021", "tags": [], "public": False, "price": "9.50"},
    "d": {"lang": None, "date": "2020-03-01", "authors": [{"name": "Bo"}, {"name": "Cy"}], "price": 10},
}
SOURCES = {"a": "hr/policies/leave.md", "b": "hr/policies/old/pay.md", "c": "hr/notes.md", "d": "policies.md"}
DOCUMENTS = [
    (number, fields_of(id, f"Title {id.upper()}", SOURCES[id], metadata))
    for number, (id, metadata) in enumerate(LIBRARY.items(), start=10)
]


def found(*texts: str) -> str:
    """The ids of the documents that meet the filters."""
    return "".join("abcd"[number - 10] for number in select(DOCUMENTS, [parse(text) for text in texts]))


@pytest.mark.parametrize(
    ("text", "field", "operator", "value"),
    [
        ("lang=en", "lang", "=", "en"),
        (" year >= 2020 ", "year", ">=", "2020"),
        ("source~=*/policies/*", "source", "~=", "*/policies/*"),
        ("author.name!='de Vries '", "author.name", "!=", "de Vries "),
        ('name="', "name", "=", '"'),
        ("name=it's", "name", "=", "it's"),
        ("name='\"x\"'", "name", "=", '"x"'),
        ("name=''", "name", "=", ""),
        ("name='=x'", "name", "=", "=x"),
        ("formula=a=b", "formula", "=", "a=b"),
        ("two words<3", "two words", "<", "3"),
        ("größe>1\n2", "größe", ">", "1\n2"),
    ],
)
def test_a_filter_is_a_field_an_operator_and_a_value(text: str, field: str, operator: str, value: str) -> None:
    assert parse(text) == Filter(field, Operator(operator), value)


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("", r"the filter '' has no operator after its field .*'year>=2020'"),
        ("lang", r"the filter 'lang' has no operator after its field \(one of = != < <= > >= ~=\).*'lang=en'"),
        ("a!b=c", "the filter 'a!b=c' has no operator"),
        (" = en", "the filter ' = en' has no field before =; write it like 'lang=en'"),
        ("lang= ", r"the filter 'lang= ' has no value after =; write it like 'lang=en'.*\"lang=''\" where the empty"),
        ("lang==en", r"the filter 'lang==en' has no operator == .*quote a value that begins with ="),
        ("year=>2020", "has no operator =>"),
        ("year<>2020", "has no operator <>"),
        ("year!==2020", "has no operator !=="),
        ("source=~x", "has no operator =~"),
    ],
)
def test_a_broken_filter_is_told_with_what_it_lacks_and_an_example(text: str, lacks: str) -> None:
    with pytest.raises(UsageError, match=lacks) as error:
        parse(text)
    assert error.value.exit_code == 2


def test_filters_are_counted_by_hand() -> None:
    assert found() == "abcd"
    assert found("lang=en") == "ab"
    assert found("lang=EN") == ""
    assert found("lang=en", "year>=2020") == "b"
    assert found("source~=*/policies/*") == "ab"
    assert found("source~=policies*") == "d", "the pattern is for the whole value"
    assert found("source~=*/POLICIES/*") == ""
    assert found("id=c") == found("title=Title C") == found("title~=*[cC]") == "c"


def test_numbers_are_compared_as_numbers() -> None:
    assert found("year>=2020") == found("year>2019.5") == "bc"
    assert found("year=2020.0") == found("year=2.02e3") == "b"
    assert found("year<2021") == "ab"
    assert found("price<10") == "c", "as text 9.50 would come behind 10"
    assert found("price=9.5") == "c"
    assert found("price~=9.5") == "", "a pattern is for the text"
    assert found("year~=20?0") == "b"
    assert found("date>=2020-01-31") == found("date<2020-12-01") == found("date>=2020") == "d"


def test_text_that_only_looks_like_a_number_stays_text() -> None:
    documents = [(0, {"code": "007"}), (1, {"code": "7"}), (2, {"code": "12345678901234567890"}), (3, {"code": "nan"})]
    for text, expected in [
        ("code=7", [1]),
        ("code=007", [0]),
        ("code=12345678901234567891", []),
        ("code=nan", [3]),
        ("code=1_2345678901234567890", []),
    ]:
        assert select(documents, [parse(text)]) == expected


def test_thousands_may_be_separated_by_commas() -> None:
    documents = list(enumerate({"n": value} for value in ["1,200", "900", 900.0, "1,200,000.5", "12,00", "1,200 EUR"]))

    def values(text: str) -> list[object]:
        return [documents[number][1]["n"] for number in select(documents, [parse(text)])]

    assert values("n>1000") == values("n>1,000") == ["1,200", "1,200,000.5"]
    assert values("n=1200") == ["1,200"]
    assert values("n<=900") == ["900", 900.0]
    assert values("n=12,00") == ["12,00"], "no number, but a text"


@pytest.mark.parametrize("value", ["n/a", "unknown", "$45", "2022/23", "020", "May 2024", "", "true"])
@pytest.mark.parametrize("wanted", ["20", "2020", "2020-05-01"])
def test_what_is_no_number_or_date_is_neither_less_nor_greater_but_different(value: str, wanted: str) -> None:
    met = [operator for operator in Operator if matches([Filter("x", operator, wanted)], {"x": value})]
    assert met == [Operator.DIFFERENT]


DATES = {
    "a": "2024-05-01",
    "b": "2024-05-01T10:00:00Z",
    "c": "2024-5-2",
    "d": "2024-05-01T12:00:00+02:00",
    "e": "2024-04-30 23:59",
    "f": "2024-05",
    "g": 2024,
    "h": "01/05/2024",
    "i": "2024-02-30",
    "j": ["2023-01-01", "2025-01-01"],
}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("=2024-05-01", "abd"),
        ("!=2024-05-01", "cefghij"),
        (">2024-05-01", "cj"),
        (">=2024-05-01", "abcdfj"),
        ("<=2024-05-01", "abdej"),
        ("<2024-05-01", "ej"),
        ("=2024-05", "abcdf"),
        ("=2024", "abcdefg"),
        (">=2024", "abcdefgj"),
        (">2023", "abcdefgj"),
        ("<2024", "j"),
        ("=2024-05-01T10:00Z", "bd"),
        ("=2024-05-01T10:00", "b"),
        ("=2024-05-01 12:00", "d"),
        (">2024-05-01T11:00Z", "cj"),
        (">2024-05-01T11:00", "cdj"),
    ],
)
def test_dates_are_compared_as_far_as_they_are_known(asked: str, expected: str) -> None:
    documents = [(number, {"date": value}) for number, value in enumerate(DATES.values())]
    assert "".join("abcdefghij"[number] for number in select(documents, [parse(f"date{asked}")])) == expected


def test_moments_at_the_ends_of_the_calendar_compare() -> None:
    first, last = "0001-01-01T00:00+23:59", "9999-12-31T23:59-23:59"
    assert matches([parse(f"x<{last}"), parse("x<2024"), parse("x<2024-01-01T00:00Z")], {"x": first})
    assert matches([parse(f"x>{first}"), parse("x>2024"), parse("x=9999")], {"x": last})


def test_an_id_or_a_title_is_no_date() -> None:
    fields = fields_of("2024-05-01", "2024-05-01", "2024-05-01", {})
    for field in ("id", "title", "source"):
        assert not matches([parse(f"{field}=2024")], fields)
        assert matches([parse(f"{field}=2024-05-01")], fields)


def test_composed_and_decomposed_letters_are_equal() -> None:
    composed, decomposed = "Jos\u00e9", "Jose\u0301"
    documents = [
        (0, fields_of("0", "", "", {"pr\u00e9nom": composed})),
        (1, fields_of("1", "", "", {"pre\u0301nom": decomposed})),
    ]
    for field in ("pr\u00e9nom", "pre\u0301nom"):
        for value in (composed, decomposed):
            assert select(documents, [parse(f"{field}={value}")]) == [0, 1]
            assert select(documents, [parse(f"{field}!={value}")]) == []
            assert select(documents, [parse(f"{field}~=J?s{value[3:]}")]) == [0, 1]
        assert select(documents, [parse(f"{field}~=Jos?")]) == [0, 1]
        assert select(documents, [parse(f"{field}=jos\u00e9")]) == []


def test_truth_is_written_true_and_false() -> None:
    assert found("public=true") == found("public!=false") == "b"
    assert found("public=false") == "c"
    assert found("public=1") == "", "true is no number"


def test_one_element_of_a_list_is_enough_but_none_may_equal_for_unequal() -> None:
    assert found("tags=red") == "ab"
    assert found("tags=blue") == found("tags~=bl*") == "a"
    assert found("tags!=blue") == "b", "c has no tags"


def test_objects_inside_the_metadata_are_reached_by_dots() -> None:
    assert found("author.name=Ada") == found("author.born<1900") == "a"
    assert found("authors.name=Cy") == found("authors.name!=Ada") == "d"
    assert found("authors.name!=Cy") == ""


def test_a_document_that_says_nothing_of_a_field_meets_no_filter_on_it() -> None:
    assert found("lang!=en") == "c", "the lang of d is null"
    assert found("public!=true") == "c", "a and d have none"
    assert found("price~=*") == "cd"


def test_metadata_never_hides_what_a_document_is() -> None:
    fields = fields_of("1", "Moon", "sky.md", {"id": 7, "title": "Sun", "source": None, "lang": "en"})
    assert fields == {"id": "1", "title": "Moon", "source": "sky.md", "lang": "en"}


def test_fields_are_the_metadata_flattened() -> None:
    metadata = {"a": {"b": {"c": 1}, "d": [2, [3, {"e": 4}]]}, "a.d": 5, "none": None, "empty": [], "object": {}}
    fields = fields_of("1", "", "", metadata)
    assert {name: fields[name] for name in fields.keys() - {"id", "title", "source"}} == {
        "a.b.c": 1,
        "a.d": [2, 3, 5],
        "a.d.e": 4,
        "none": None,
        "empty": [],
        "object": [],
    }


def test_what_is_nested_deeper_than_python_recurses_is_flattened_too() -> None:
    metadata: dict[str, Any] = {"x": 1}
    for _ in range(3000):
        metadata = {"x": [metadata]}
    assert 1 in fields_of("1", "", "", metadata).values()


def test_an_unknown_field_is_told_with_those_there_are() -> None:
    every = (
        "The fields are author.born, author.name, authors.name, date, id, lang, price, public, source, tags, title, "
    )
    with pytest.raises(UsageError, match=rf"no document has the field 'langs' of the filter 'langs=en': .*{every}year"):
        found("year>1", "langs=en")
    with pytest.raises(UsageError, match=re.escape("did you mean 'lang'? ")):
        found("LANG=en")
    with pytest.raises(UsageError) as error:
        found("quite another=1")
    assert "did you mean" not in str(error.value)
    with pytest.raises(UsageError, match=r"name 0047 and 953 more$") as error:
        select(
            [(1, {f"name {number:04}": 1 for number in range(999)} | {"name 0000" + "x" * 10_000: 1})], [parse("y=1")]
        )
    assert len(str(error.value)) < 2000


def test_a_field_of_a_single_document_is_known_wherever_it_comes() -> None:
    assert select([(0, {"x": "1"}), (1, {}), (2, {"y": "1"})], [parse("y=1"), parse("x=1")]) == []
    assert select(iter([]), [parse("id=3")]) == []
    assert select([(5, {"empty": []})], [parse("empty=1")]) == []


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
FILTERS = st.builds(
    Filter,
    WORDS.map(lambda text: re.sub("[=!<>~]", "", text).strip()).filter(bool),
    st.sampled_from(list(Operator)),
    WORDS | st.sampled_from(["''", '"', "'a\"", " x ", "=1", ">", "\t", "1"]),
)
INTEGERS = st.integers()
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | INTEGERS | FLOATS | WORDS
KEYS = st.sampled_from(["x", "y", "a", "b"])
FEW = st.sampled_from([None, True, 1, 2.5, "1", "10", "true", "x"])
METADATA = st.dictionaries(
    KEYS,
    st.recursive(FEW, lambda some: st.lists(some, max_size=2) | st.dictionaries(KEYS, some, max_size=2), max_leaves=4),
    max_size=3,
)
ASKED = st.builds(
    Filter,
    st.sampled_from(["x", "y", "a", "a.b", "id"]),
    st.sampled_from(list(Operator)),
    st.sampled_from(["1", "2", "10", "true", "*", "x"]),
)


@given(FILTERS)
def test_a_filter_is_the_text_it_was_read_from(some: Filter) -> None:
    assert parse(str(some)) == some


@given(WORDS)
def test_any_text_is_a_filter_or_a_usage_error(text: str) -> None:
    try:
        some = parse(text)
    except UsageError as error:
        assert repr(text) in str(error)
    else:
        assert parse(str(some)) == some


@given(st.tuples(INTEGERS, INTEGERS) | st.tuples(FLOATS, FLOATS))
def test_numbers_compare_as_python_compares_them(pair: tuple[float, float]) -> None:
    left, right = pair
    value = json.dumps(right)
    for field in (left, json.dumps(left)):
        met = {operator for operator in Operator if matches([Filter("n", operator, value)], {"n": field})}
        expected = {
            Operator.EQUAL: left == right,
            Operator.DIFFERENT: left != right,
            Operator.LESS: left < right,
            Operator.AT_MOST: left <= right,
            Operator.GREATER: left > right,
            Operator.AT_LEAST: left >= right,
        }
        assert met - {Operator.LIKE} == {operator for operator, holds in expected.items() if holds}


POINTS = st.sampled_from(["5", "n/a", "1,200", "2024-05-01", "2024", "2024-05-01T10:00Z", "Zoë"])


@given(VALUES.filter(lambda value: value is not None) | POINTS, WORDS | POINTS)
def test_at_most_one_of_less_equal_and_greater_holds(value: object, other: str) -> None:
    met = {operator: matches([Filter("x", operator, other)], {"x": value}) for operator in Operator}
    assert met[Operator.EQUAL] + met[Operator.LESS] + met[Operator.GREATER] <= 1
    assert matches([Filter("x", Operator.EQUAL, str(other))], {"x": other})
    assert met[Operator.DIFFERENT] is not met[Operator.EQUAL]
    assert met[Operator.AT_MOST] >= (met[Operator.LESS] or met[Operator.EQUAL])
    assert met[Operator.AT_LEAST] >= (met[Operator.GREATER] or met[Operator.EQUAL])


@settings(max_examples=60)
@given(METADATA, st.lists(ASKED, max_size=2))
def test_fields_are_text_numbers_truth_or_lists_of_them_and_filters_join_by_and(
    metadata: dict[str, Any], filters: list[Filter]
) -> None:
    fields = fields_of("1", "t", "s", metadata)
    for value in fields.values():
        for item in value if isinstance(value, list) else [value]:
            assert item is None or isinstance(item, str | int | float)
    assert matches(filters, fields) is all(matches([some], fields) for some in filters)
    assert fields == fields_of("1", "t", "s", json.loads(json.dumps(metadata))), "as it comes back from the disk"


@settings(max_examples=60)
@given(st.lists(METADATA, min_size=1, max_size=3), ASKED)
def test_what_is_selected_matches_in_the_order_given(some: list[dict[str, Any]], one: Filter) -> None:
    documents = [(number, fields_of(str(number), "t", "s", metadata)) for number, metadata in enumerate(some)]
    if any(one.field in fields for _, fields in documents):
        assert select(documents, [one]) == [number for number, fields in documents if matches([one], fields)]
    else:
        with pytest.raises(UsageError, match="no document has the field"):
            select(documents, [one])


def test_an_operator_may_be_given_as_its_sign() -> None:
    for text in ("lang!=en", "lang~=e*", "lang=en"):
        some = parse(text)
        assert Filter(some.field, str(some.operator), some.value) == some  # type: ignore[arg-type]
        for value in ("en", "de"):
            given = Filter(some.field, str(some.operator), some.value)  # type: ignore[arg-type]
            assert matches([given], {"lang": value}) == matches([some], {"lang": value})
    with pytest.raises(UsageError, match=r"no such operator in a filter: '==' \(=, !=, <"):
        Filter("lang", "==", "en")  # type: ignore[arg-type]
