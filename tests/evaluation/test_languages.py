"""Normalisation and tokens of each language, on cases that can be counted by hand."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.errors import UsageError
from odqa.evaluation.languages import LANGUAGES, UnicodeTokenizer, check_language, language_hint, normalize
from odqa.evaluation.metrics import exact_match, rouge1_f1, token_f1
from odqa.text import normalize_answer

FOREIGN = [language for language in LANGUAGES if language != "en"]


def decomposed(text: str) -> str:
    return unicodedata.normalize("NFD", text)


@pytest.mark.parametrize(
    ("language", "text", "normal"),
    [
        ("vi", "Những cái cầu của Paris!", "cầu paris"),
        ("vi", decomposed("Những cái cầu của Paris!"), "cầu paris"),
        ("vi", "Việt Nam", "việt nam"),
        ("de", "Der Turm, den Eiffel baute", "turm eiffel baute"),
        ("de", "derselbe", "derselbe"),  # articles only as whole words
        ("de", "„Straße“", "straße"),
        ("es", "El río, ¿un puente?", "río puente"),
        ("es", "«Sevilla»", "sevilla"),
        ("ar", "النهر في المدينة", "نهر في مدينة"),
        ("ar", "باريس؟", "باريس"),
        ("ar", "خيال", "خي"),  # as in MLQA's script, wherever the two letters stand
        ("zh", "《红楼梦》", "红 楼 梦"),
        ("zh", "于1889年在 Paris建成。", "于 1889 年 在 paris 建 成"),
        ("zh", "〇六年", "〇 六 年"),
        ("zh", "𠀋丈", "𠀋 丈"),  # beyond the ideographs of 16 bits
        ("other", "The река, Сена", "the река сена"),
        ("other", "東京タワー", "東 京 タワー"),
        ("other", "$5 + 3 %", "5 3"),
    ],
)
def test_normalisation_by_hand(language, text, normal):
    assert normalize(text, language) == normal


@pytest.mark.parametrize(
    ("language", "prediction", "reference", "exact", "f1", "rouge"),
    [
        # The article goes for exact match and F1 and stays for ROUGE: 2 shared of 3 and 2 tokens.
        ("vi", "của sông Seine", "sông Seine", 1, 1, 4 / 5),
        ("vi", "thủ đô Hà Nội", "Hà Nội", 0, 4 / 6, 4 / 6),
        ("vi", decomposed("Hà Nội"), "Hà Nội", 1, 1, 1),
        ("vi", "Ha Noi", "Hà Nội", 0, 0, 0),  # an accent makes another letter
        ("de", "die Brücke", "Brücke", 1, 1, 2 / 3),
        ("de", "im Jahr 1889", "1889", 0, 2 / 4, 2 / 4),
        ("de", "Brücke", "Brucke", 0, 0, 0),
        ("es", "la Torre Eiffel", "Torre Eiffel", 1, 1, 4 / 5),
        ("es", "año 1889", "1889", 0, 2 / 3, 2 / 3),
        ("ar", "النهر", "نهر", 1, 1, 0),  # the article is part of the word, which ROUGE leaves whole
        ("ar", "نهر السين", "السين", 0, 2 / 3, 2 / 3),
        ("zh", "巴黎铁塔", "铁塔", 0, 4 / 6, 4 / 6),  # 2 shared of 4 and 2 characters
        ("zh", "1889年建成", "1889年", 0, 4 / 6, 4 / 6),  # 1889 and 年, of 1889 年 建 成
        ("zh", "Apple手机", "苹果手机", 0, 4 / 7, 4 / 7),  # 手 and 机, of 3 and 4 tokens
        ("zh", "“铁塔”。", "铁塔", 1, 1, 1),
        ("other", "река Сена", "Сена", 0, 2 / 3, 2 / 3),
        ("other", "the Seine", "Seine", 0, 2 / 3, 2 / 3),  # no article is removed
    ],
)
def test_scores_by_hand(language, prediction, reference, exact, f1, rouge):
    assert exact_match(prediction, [reference], language) == exact
    assert token_f1(prediction, [reference], language) == pytest.approx(f1)
    assert rouge1_f1(prediction, [reference], language) == pytest.approx(rouge)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("Việt-Nam, 1975", ["việt", "nam", "1975"]),
        (decomposed("Việt"), ["việt"]),
        ("दिल्ली", ["दिल्ली"]),  # vowel signs and virama are marks of their word
        ("مُحَمَّد", ["مُحَمَّد"]),
        ("在Paris建成2座", ["在", "paris", "建", "成", "2", "座"]),
        ("snake_case", ["snake", "case"]),
        ("!?…", []),
    ],
)
def test_the_tokens_of_rouge_by_hand(text, tokens):
    assert UnicodeTokenizer().tokenize(text) == [unicodedata.normalize("NFC", token) for token in tokens]


@given(st.text())
def test_english_is_what_it_was(text):
    assert normalize(text) == normalize(text, "en") == normalize_answer(text)


@given(st.text(), st.sampled_from(FOREIGN))
def test_accents_may_be_composed_or_not(text, language):
    assert normalize(decomposed(text), language) == normalize(unicodedata.normalize("NFC", text), language)
    assert UnicodeTokenizer().tokenize(decomposed(text)) == UnicodeTokenizer().tokenize(text)


@given(st.text("der la cái 铁塔 1889 ال .،。’"), st.sampled_from(FOREIGN))
def test_nothing_of_punctuation_or_double_spaces_is_left(text, language):
    normal = normalize(text, language)
    assert not any(unicodedata.category(character).startswith("P") for character in normal)
    assert normal == " ".join(normal.split())


@given(st.text(), st.text(), st.sampled_from(LANGUAGES))
def test_f1_lies_between_exact_match_and_one(prediction, reference, language):
    assert exact_match(prediction, [reference], language) <= token_f1(prediction, [reference], language) <= 1
    assert token_f1(prediction, [prediction], language) == 1


def test_an_unknown_language_is_refused_with_the_choice():
    assert [check_language(language) for language in LANGUAGES] == list(LANGUAGES)
    with pytest.raises(UsageError, match=r"the language 'fr' is not known; choose one of en, .* other \(other: any"):
        check_language("fr")


@pytest.mark.parametrize(
    "texts", [["铁塔", "1889"], ["النهر"], ["Hà Nội"], [decomposed("Hà Nội")], ["tower", "Brücke"]]
)
def test_references_beyond_a_to_z_give_a_hint(texts):
    hint = language_hint(texts)
    assert hint is not None
    assert "--language (en, vi, de, es, ar, zh, other)" in hint


@pytest.mark.parametrize("texts", [[], ["1889", "308"], ["Paris"], ["Beyoncé", *["tower"] * 10], ["“Paris” – 20 °C"]])
def test_english_references_and_figures_give_none(texts):
    assert language_hint(texts) is None


def test_the_hint_says_how_many_of_the_worded_references():
    hint = language_hint(["Brücke", "Turm", "Turm", "Turm", "1889"])
    assert hint is not None
    assert hint.startswith("25% of the reference answers have letters beyond a-z")
