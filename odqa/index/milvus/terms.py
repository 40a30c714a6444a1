"""A text in; its terms as a text that Milvus splits where we say out. Knows no passage.

Milvus counts terms itself, by a function that makes a sparse vector of a text. What is a term is ours to say, for the
search by words to be that of a folder (docs/decisions/milvus-terms.md): the text that Milvus gets holds the terms of
``odqa.retrieval.words``, each written in lower-case ASCII letters and digits alone, which no analyzer of it takes
apart, changes or leaves out.
"""

from __future__ import annotations

import re

from odqa.retrieval.words import Analyzer

_ESCAPED = "u8x"
_PLAIN = re.compile(rf"(?!{_ESCAPED})[a-z0-9]+")


def terms_text(analyze: Analyzer, text: str) -> str:
    """The terms of ``text`` in their order, with spaces between them; empty where it has none.

    >>> terms_text(Analyzer("en"), "The hotels of Xi'an: max_connections"), terms_text(Analyzer("ja"), "熱い")
    ('hotel xi max connect', 'u8xe786b1e38184')
    """
    return " ".join(map(_written, analyze(text)))


def _written(term: str) -> str:
    return term if _PLAIN.fullmatch(term) else _ESCAPED + term.encode("utf-8", "surrogatepass").hex()
