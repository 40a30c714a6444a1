from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from odqa.corpus.sentences import WINDOW, break_point, sentences


def found(text: str, language: str = "en") -> list[str]:
    return [text[start:end] for start, end in sentences(text, 0, len(text), language)]


def test_sentences_end_where_sentences_end():
    assert found("Dr. Smith ran. He hid! Why?") == ["Dr. Smith ran. ", "He hid! ", "Why?"]
    assert found("One.\r\nTwo.\n\nThree") == ["One.\r\n", "Two.", "\n\n", "Three"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Hi 😀. Next 👨‍👩‍👧 one.", ["Hi 😀. ", "Next 👨‍👩‍👧 one."]),
        ("e\u0301te\u0301. Fini.", ["e\u0301te\u0301. ", "Fini."]),
        ("مرحبا بالعالم. كيف حالك؟ بخير.", ["مرحبا بالعالم. ", "كيف حالك؟ ", "بخير."]),
        ("你好世界。这是中文。", ["你好世界。", "这是中文。"]),
        ("专利获批。1901年，他赢了！2次？对。", ["专利获批。", "1901年，他赢了！", "2次？", "对。"]),
        ("\tA tab.\tAnother.", ["\tA tab.\t", "Another."]),
    ],
)
def test_offsets_count_characters_in_every_script(text, parts):
    assert found(text) == parts


@pytest.mark.parametrize(
    ("language", "text", "parts"),
    [
        ("vi", "PGS. TS. An ở TP. Huế. Năm 1903 ông mất.", ["PGS. TS. An ở TP. Huế. ", "Năm 1903 ông mất."]),
        ("de", "Das war im 18. Jahrhundert. Dr. Weber kam.", ["Das war im 18. Jahrhundert. ", "Dr. Weber kam."]),
        ("de-AT", "Wien im 9. Jahrhundert", ["Wien im 9. Jahrhundert"]),
        ("en", "It was 18. Jahrhundert is a word.", ["It was 18. ", "Jahrhundert is a word."]),
        ("zh", "他说：“是。”然后走了。", ["他说：“是。”", "然后走了。"]),
        ("ar", "ولد عام 1903. هل مات؟ نعم.", ["ولد عام 1903. ", "هل مات؟ ", "نعم."]),
    ],
)
def test_the_rules_of_a_language_decide(language, text, parts):
    assert found(text, language) == parts


def test_an_unknown_language_and_half_a_surrogate_pair_do_no_harm():
    assert found("One. Two.", "xx") == ["One. ", "Two."]
    assert found("One \ud83d. Two.") == ["One \ud83d. ", "Two."]


def test_only_the_part_asked_for_is_cut():
    assert list(sentences("One. Two. Three.", 5, 10)) == [(5, 10)]


def test_a_sentence_on_the_edge_of_a_window_stays_whole():
    sentence = "This sentence has exactly fifty characters in it. "
    assert len(sentence) == 50
    count = 3 * WINDOW // 50
    assert found("Off. " + sentence * count) == ["Off. ", *[sentence] * count]


@settings(deadline=None, derandomize=True)
@given(st.text(max_size=300), st.integers(0, 20), st.integers(0, 20))
def test_sentences_cover_the_text_without_a_gap(text, left, right):
    start = min(left, len(text))
    end = max(start, len(text) - right)
    at = start
    for low, high in sentences(text, start, end):
        assert low == at
        assert low < high
        at = high
    assert at == end


@pytest.mark.parametrize("text", ["x" * 30_000, "word " * 6_000, "\n" * 30_000, "“a. " * 8_000])
def test_a_text_without_end_comes_in_bounded_pieces(text):
    assert max(map(len, found(text))) <= WINDOW
    assert "".join(found(text)) == text


def test_a_cut_is_made_at_the_best_place():
    assert break_point("ab cd\nef gh", 0, 9) == 6  # After the line break.
    assert break_point("ab cd ef gh", 0, 10) == 9  # After the last white space.
    assert break_point("abcdefghij", 0, 8, [2, 5, 7]) == 7  # At the last candidate.
    assert break_point("abcdefghij", 0, 8) == 8
    assert break_point("abcde\u0301\u0301ij", 0, 6) == 4  # Before the letter that carries the marks.
