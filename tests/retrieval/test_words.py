from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from odqa.retrieval.words import Analyzer


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        ("en", "What is the tower's height?", ["tower", "height"]),
        ("en", "Running, runs and RUN", ["run", "run", "run"]),
        ("en", "1,500 m² in x_y", ["1", "500", "m2", "x"]),  # "y" is a stop word of NLTK's: they, y'all
        ("en", "Frédéric Çelik, the ﬁne İstanbul", ["freder", "celik", "fine", "istanbul"]),
        ("en-GB", "the towers", ["tower"]),
        ("de", "Die Häuser der Städte und die Straße", ["haus", "stadt", "strass"]),
        ("fr", "l'école des garçons", ["écol", "garçon"]),
        ("hi", "हिन्दी भाषा", ["हिन्द", "भाष"]),  # the vowel signs are marks, not letters
        ("vi", "Ai là chồng của Sania", ["ai", "là", "chồng", "của", "sania"]),  # no list and no stemmer
        ("vi", "Hoà bình, khoẻ mạnh, Thụy Sĩ, quý, hoàn toàn", "hòa bình khỏe mạnh thụy sĩ quý hoàn toàn".split()),
        ("en", "hoà", ["hoa"]),
        ("zh", "北京是首都，2008年", ["北京", "京是", "是首", "首都", "2008", "年"]),
        ("ja", "タワーは高い", ["タワ", "ワー", "ーは", "は高", "高い"]),
        ("ko", "서울은 수도", ["서울", "울은", "수도"]),
        ("th", "ภาษา", ["ภา", "าษ", "ษา"]),
        ("en", "Tokyo (東京都) tower", ["tokyo", "東京", "京都", "tower"]),
        ("tr", "YILLIK İZİN ve Işık", ["yıllık", "iz", "ışık"]),
        ("az", "I İ", ["ı", "i"]),  # no list and no stemmer
        ("none", "the towers", ["the", "towers"]),
    ],
)
def test_terms(language: str, text: str, terms: list[str]) -> None:
    assert Analyzer(language)(text) == terms


@pytest.mark.parametrize("text", ["", " \n", "?!… —", "the of and", "\u200d"])
def test_what_says_nothing_gives_no_term(text: str) -> None:
    assert Analyzer("en")(text) == []


@pytest.mark.parametrize(("one", "other"), [("Ångström", "Ångström"), ("ﬁne", "FINE"), ("ＡＢＣ", "abc")])
@pytest.mark.parametrize("language", ["en", "sv", "none"])
def test_forms_of_one_text_are_one(language: str, one: str, other: str) -> None:
    assert Analyzer(language)(one) == Analyzer(language)(other)


@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_capitals_of_turkish_are_those_of_its_own_letters(form: str) -> None:
    analyze = Analyzer("tr")
    for capitals, small in (("İSTANBUL", "istanbul"), ("DİYARBAKIR", "diyarbakır"), ("VE", "ve")):
        assert analyze(unicodedata.normalize(form, capitals)) == analyze(small)


def test_a_tone_of_vietnamese_may_stand_on_either_vowel_however_it_is_encoded() -> None:
    analyze = Analyzer("vi")
    for one, other in (
        ("hoá", "hóa"),
        ("toà", "tòa"),
        ("hoạ", "họa"),
        ("khoẻ", "khỏe"),
        ("thuỷ", "thủy"),
        ("uỷ", "ủy"),
    ):
        forms = [unicodedata.normalize(form, word) for word in (one, other) for form in ("NFC", "NFD")]
        assert len({tuple(analyze(form)) for form in forms}) == 1
        assert [term for *_, term in analyze.located(f"x {one}")] == ["x", *analyze(other)]


@given(text=st.text(max_size=80), language=st.sampled_from(["en", "de", "ar", "hi", "vi", "zh", "th", "none"]))
def test_any_text_gives_terms_without_white_space(text: str, language: str) -> None:
    analyze = Analyzer(language)
    terms = analyze(text)
    assert all(term and not any(sign.isspace() for sign in term) for term in terms)
    assert analyze(text) == terms
    assert analyze(f"{text} \n") == terms
