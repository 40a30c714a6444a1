"""What a pipeline is compared with: answers that take no reader. Knows no index."""

from __future__ import annotations

from collections.abc import Sequence

from odqa.corpus.sentences import sentences
from odqa.retrieval.words import Analyzer
from odqa.types import Hit


def best_sentence(question: str, hits: Sequence[Hit], stems: Analyzer) -> str:
    """The sentence of the first passage that shares the most stems with the question; the earliest of equal ones."""
    if not hits:
        return ""
    text = hits[0].passage.text
    asked = set(stems(question))
    found = [text[start:end] for start, end in sentences(text, 0, len(text))]
    return max(found, key=lambda sentence: len(asked & set(stems(sentence))), default="")
