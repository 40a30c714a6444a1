"""A text and its language go in, the tokens that count come out: how answers are normalised and cut. Knows no score.

English is scored by the official SQuAD rules and rouge-score's own tokenizer. The other languages follow the
official script of MLQA, mlqa_evaluation_v1.py (Lewis et al. 2020, "MLQA: Evaluating Cross-lingual Extractive
Question Answering"): lower-case, no punctuation of any script, no articles, Chinese by character. Texts are
composed first (Unicode NFC), so that the same accents in another encoding are the same letters.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Callable, Iterable

from odqa.errors import UsageError
from odqa.text import normalize_answer

LANGUAGES = ("en", "vi", "de", "es", "ar", "zh", "other")
DEFAULT = "en"
FOREIGN_SHARE = 0.1  # Of English answers 1-2 % have a letter beyond a-z, of German ones 22 %, of Spanish ones 32 %.

_BY_CHARACTER = frozenset({"zh", "other"})
_HAN = re.compile("[\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd]")
# As in MLQA's script: what counts as an article in Vietnamese, and the Arabic one wherever its two letters stand.
_ARTICLES = {
    "vi": re.compile(r"\b(?:của|là|cái|chiếc|những)\b"),
    "de": re.compile(r"\b(?:ein|eine|einen|einem|eines|einer|der|die|das|den|dem|des)\b"),
    "es": re.compile(r"\b(?:un|una|unos|unas|el|la|los|las)\b"),
    "ar": re.compile("ال"),
}


class _Characters(dict[int, str]):
    """A table for ``str.translate`` that asks ``rule`` once for each character that occurs."""

    def __init__(self, rule: Callable[[str], str]) -> None:
        self.rule = rule

    def __missing__(self, point: int) -> str:
        found = self[point] = self.rule(chr(point))
        return found


def _without_punctuation(character: str) -> str:
    dropped = character in string.punctuation or unicodedata.category(character).startswith("P")
    return "" if dropped else character


def _token_character(character: str) -> str:
    if _HAN.match(character):
        return f" {character} "
    return character if unicodedata.category(character)[0] in "LMN" else " "


_UNPUNCTUATED = _Characters(_without_punctuation)
_TOKEN_CHARACTERS = _Characters(_token_character)


def check_language(name: str) -> str:
    """The name itself; raises UsageError for one that is not in ``LANGUAGES``."""
    if name not in LANGUAGES:
        raise UsageError(
            f"the language {name!r} is not known; choose one of {', '.join(LANGUAGES)} (other: any language, by "
            "words, without removing articles)"
        )
    return name


def normalize(text: str, language: str = "en") -> str:
    """The answer's tokens that count for exact match and F1, with single spaces between them.

    In Chinese, and in a language that has no rules of its own here, each Han character is a token.
    """
    if language == "en":
        return normalize_answer(text)
    bare = unicodedata.normalize("NFC", text).lower().translate(_UNPUNCTUATED)
    if language in _ARTICLES:
        bare = _ARTICLES[language].sub(" ", bare)
    if language in _BY_CHARACTER:
        bare = _HAN.sub(r" \g<0> ", bare)
    return " ".join(bare.split())


class UnicodeTokenizer:
    """A tokenizer for rouge-score, whose own one knows a-z and 0-9 alone."""

    def tokenize(self, text: str) -> list[str]:
        """The lower-cased runs of letters, marks and numbers of any script; Han characters are tokens of their own."""
        return unicodedata.normalize("NFC", text).lower().translate(_TOKEN_CHARACTERS).split()


def language_hint(references: Iterable[str]) -> str | None:
    """What to tell who scores by the rules for English although the references do not look English; else None."""
    worded = [text for text in references if any(map(str.isalpha, text))]
    share = sum(map(_foreign, worded)) / len(worded) if worded else 0.0
    if share < FOREIGN_SHARE:
        return None
    return (
        f"{share:.0%} of the reference answers have letters beyond a-z, and they are scored by the rules for English; "
        f"name their language with --language ({', '.join(LANGUAGES)})"
    )


def _foreign(text: str) -> bool:
    return any(character.isalpha() and not character.isascii() for character in unicodedata.normalize("NFC", text))
