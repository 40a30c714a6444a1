"""What an index is called in a Milvus: collections, fields and keys by name. Connects to nothing."""

from __future__ import annotations

import hashlib
import re

_GENERATION = re.compile(r"(.+)__g([0-9]{6})")
LAST = 999_999  # The last generation.
KEY_LENGTH = 32  # Characters of a primary key.


def generation_name(name: str, generation: int) -> str:
    """The collection that holds a generation of the index ``name``.

    >>> generation_name("handbook", 12), generation_of("handbook", "handbook__g000012")
    ('handbook__g000012', 12)
    """
    return f"{name}__g{generation:06}"


def generation_of(name: str, collection: str) -> int | None:
    """The generation of the index ``name`` that a collection holds; None where it holds none."""
    found = _GENERATION.fullmatch(collection)
    return int(found[2]) if found and found[1] == name else None


def ledger_name(name: str) -> str:
    """The collection that holds what is known of the generations of the index ``name``."""
    return f"{name}__odqa"


def key_of(passage: str) -> str:
    """The primary key of the passage with this id: 128 bits of its SHA-256, so that any id can be asked for."""
    return hashlib.sha256(passage.encode("utf-8", "surrogatepass")).hexdigest()[:KEY_LENGTH]
