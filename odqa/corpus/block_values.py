"""Blocks ↔ plain values of JSON, in which labels that many blocks share stand once. Checks what it reads."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from odqa.types import Block, BlockKind

_CODES = {kind: kind.value[:2] for kind in BlockKind}
_KINDS = {code: kind for kind, code in _CODES.items()}


def values_of(blocks: Iterable[Block]) -> list[Any]:
    """What ``blocks_from`` reads: the distinct labels, then start, end, kind and number of its labels for each block.

    >>> values_of([Block(0, 4, BlockKind.HEADING), Block(6, 14, BlockKind.ROW, ("Zone", "Price"))])
    [[['Zone', 'Price']], [0, 4, 'he'], [6, 14, 'ro', 0]]
    """
    labels: dict[tuple[str, ...], int] = {}
    values: list[Any] = []
    for block in blocks:
        value = [block.start, block.end, _CODES[block.kind]]
        values.append([*value, labels.setdefault(block.labels, len(labels))] if block.labels else value)
    return [[list(some) for some in labels], *values] if values else []


def blocks_from(values: Any, length: int) -> tuple[Block, ...]:
    """The blocks of a text of ``length`` characters, whose values may come from anywhere.

    Raises ValueError or TypeError for those that ``values_of`` did not write.
    """
    if type(values) is not list:
        raise TypeError("blocks that are no list")
    if not values:
        return ()
    labels = [_labels(some) for some in values[0]]
    blocks = tuple(_block(value, labels) for value in values[1:])
    check_blocks(blocks, length)
    return blocks


def check_blocks(blocks: Sequence[Block], length: int) -> None:
    """Raise ValueError unless each of the blocks has a character of the text and they follow one another."""
    end = 0
    for block in blocks:
        if not end <= block.start < block.end <= length:
            raise ValueError(f"a block from {block.start} to {block.end} after {end} of {length} characters")
        end = block.end


def _block(value: Any, labels: Sequence[tuple[str, ...]]) -> Block:
    start, end, code, *number = value
    if type(start) is not int or type(end) is not int or type(code) is not str or code not in _KINDS:
        raise ValueError("a block without a place or a kind")
    if not number:
        return Block(start, end, _KINDS[code])
    (at,) = number
    if type(at) is not int or not 0 <= at < len(labels):
        raise ValueError("a block with labels that are not there")
    return Block(start, end, _KINDS[code], labels[at])


def _labels(value: Any) -> tuple[str, ...]:
    if type(value) is not list or not all(type(label) is str for label in value):
        raise TypeError("labels that are no texts")
    return tuple(value)
