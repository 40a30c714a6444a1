"""A text goes in, its terms come out: words without stop words, reduced to their stems, by language."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from itertools import pairwise
from types import ModuleType

from odqa.text import base_language

# Snowball's stemmers and the stop words of NLTK (with stopwords-iso's for Korean), by the code of the language.
_STEMMERS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish",
    "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
    "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali",
    "nl": "dutch", "no": "norwegian", "nb": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian",
    "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
_STOP_WORDS = {
    "da": "DANISH", "de": "GERMAN", "en": "EN_PLUS", "es": "SPANISH", "fr": "FRENCH", "it": "ITALIAN", "ko": "KOREAN",
    "nb": "NORWEGIAN", "nl": "DUTCH", "no": "NORWEGIAN", "pt": "PORTUGUESE", "ru": "RUSSIAN", "sv": "SWEDISH",
    "tr": "TURKISH", "zh": "CHINESE",
}  # fmt: skip

# Scripts whose words no space divides, and Hangul, whose words end in particles: Thai and Lao, Myanmar, Khmer, kana,
# Han (with its extensions and compatibility forms), Hangul.
_UNDIVIDED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3041-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff\uac00-\ud7af"
)
# What ends an open syllable of Vietnamese with the tone's mark on its second vowel; "quý" has but one vowel.
_SECOND_VOWEL = re.compile(r"(?:(?<=o)[àáảãạèéẻẽẹ]|(?<=u)(?<!qu)[ỳýỷỹỵ])(?!\w)")
_DOTLESS = frozenset({"az", "tr"})  # Where the small letter of I is ı, and that of İ is i.
_MARKS = (0x300, 0x1E94A)  # The first and the last; after it come only variation selectors.


class Analyzer:
    """The terms of texts in one language. For one thread at a time.

    A word is a run of letters, digits and the marks that belong to them, in one form (Unicode NFKC, case folded). Stop
    words are left out and the others are stemmed, where there are a list and a stemmer for the language. English
    writes foreign names with and without their accents: there they are removed. Vietnamese writes a tone on either of
    two vowels, hòa or hoà: the first one has it here. Scripts without spaces between
    words give every two neighbouring characters as a term, as Lucene does.

    >>> Analyzer("en")("The days of the vacation in Zürich")
    ['day', 'vacat', 'zurich']
    """

    def __init__(self, language: str) -> None:
        """``language`` is a code such as ``en`` or ``pt-BR``; an unknown one has neither stop words nor a stemmer."""
        code = base_language(language)
        self._code = code
        self._bare = code == "en"
        self._vietnamese = code == "vi"
        self._stop_words = _stop_words(code)
        self._stem = _stemmer(code)

    def __call__(self, text: str) -> list[str]:
        """The terms of ``text`` in their order, repetitions included."""
        text = _folded(text, self._code)
        if self._bare and not text.isascii():
            text = _without_marks(text)
        if self._vietnamese:
            text = _tones_first(text)
        words: list[str] = []
        for match in _pattern().finditer(text):
            word = match.group()
            if match.lastindex and len(word) > 1:
                words += map("".join, pairwise(word))
            else:
                words.append(word)
        return self._stem([word for word in words if word not in self._stop_words])

    def located(self, text: str) -> Iterator[tuple[int, int, str]]:
        """(start, end, term) of the terms of ``text``, where they stand in it; most of them come from one word each.

        >>> list(Analyzer("en").located("The 3 days"))
        [(4, 5, '3'), (6, 10, 'day')]
        """
        for match in _pattern().finditer(text):
            first, last = match.span()
            cuts = [(at, at + 2) for at in range(first, last - 1)] if match.lastindex and last - first > 1 else []
            for start, end in cuts or [(first, last)]:
                yield from ((start, end, term) for term in self(text[start:end]))


def _folded(text: str, code: str) -> str:
    """The text in Unicode NFKC without capitals.

    >>> _folded("DİYARBAKIR", "tr"), _folded("SIR", "en")
    ('diyarbakır', 'sir')
    """
    text = unicodedata.normalize("NFKC", text)
    if code in _DOTLESS:
        text = text.replace("İ", "i").replace("I", "ı")
    return text.casefold()


def _without_marks(text: str) -> str:
    letters = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", letters)


def _tones_first(text: str) -> str:
    """The text in Unicode NFC with the tones of oa, oe and uy at a word's end on the first vowel.

    >>> _tones_first("hoà, khoẻ, thuỷ; hoàn, quý")
    'hòa, khỏe, thủy; hoàn, quý'
    """
    # The mark goes before its vowel, and so onto the vowel before.
    moved = _SECOND_VOWEL.sub(lambda match: unicodedata.normalize("NFD", match.group())[::-1], text)
    return unicodedata.normalize("NFC", moved)


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    """A run of characters of undivided scripts, which is the group of the match, or a word of another script."""
    first, last = _MARKS
    # Python's \w has no marks, which are half of the letters of Hindi and all the vowels of pointed Hebrew.
    marks = "".join(sign for sign in map(chr, range(first, last + 1)) if unicodedata.category(sign)[0] == "M")
    letters = rf"[^\W_{_UNDIVIDED}]"
    return re.compile(rf"([{_UNDIVIDED}]+)|{letters}+(?:[{marks}]+{letters}*)*")


def _stop_words(code: str) -> frozenset[str]:
    if code not in _STOP_WORDS:
        return frozenset()
    words = getattr(_lists(), f"STOPWORDS_{_STOP_WORDS[code]}")
    return frozenset(_folded(word, code) for word in words)


@cache
def _lists() -> ModuleType:
    """The stop words of bm25s, without the rest of that package, which takes as long to import as a question to answer.

    Raises ModuleNotFoundError where it is not installed.
    """
    package = find_spec("bm25s")  # Of a name without a dot nothing is imported.
    found = package and PathFinder.find_spec("bm25s.stopwords", package.submodule_search_locations)
    if not found or not found.loader:
        raise ModuleNotFoundError("No module named 'bm25s.stopwords'", name="bm25s.stopwords")
    lists = module_from_spec(found)
    found.loader.exec_module(lists)
    return lists


def _stemmer(code: str) -> Callable[[list[str]], list[str]]:
    """What turns words into their stems; where there is no stemmer for the language, what leaves them alone."""
    if code not in _STEMMERS:
        return list
    from Stemmer import Stemmer

    stem: Callable[[list[str]], list[str]] = Stemmer(_STEMMERS[code]).stemWords
    return stem
