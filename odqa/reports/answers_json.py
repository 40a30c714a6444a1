"""The hits of a question in; plain values for JSON out. Knows no terminal and no server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from odqa.types import Hit


def hits_as_json(question: str, hits: Sequence[Hit], explain: bool = False, reason: str = "") -> dict[str, Any]:
    """The hits of a question as a JSON object; ``explain`` adds each component's score and rank of a passage.

    ``reason`` says why nothing was searched; empty where something was.
    """
    value: dict[str, Any] = {"question": question, "hits": [hit.to_dict(explain) for hit in hits]}
    return value | {"reason": reason} if reason else value
