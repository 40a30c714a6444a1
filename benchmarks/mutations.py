"""The bytes of a small real file go in, other bytes come out: cut, flipped, spliced, repeated, nested, wild numbers.

Seeded, so that the same number gives the same bytes. Knows JSON and zip files, whose insides are changed too: changed
as bytes alone, most would fail at the first check.
"""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable, Sequence

LONGEST = 1_500_000  # Bytes of a changed file.
NUMBERS = (
    b"0",
    b"-1",
    b"1e400",
    b"-0.0",
    b"NaN",
    b"Infinity",
    b"1" * 5_000,
    b"4294967296",
    b"9223372036854775808",
    b"0x",
)
TOKENS = (
    *(
        b"\0",
        b"\xff\xfe",
        b"\xef\xbb\xbf",
        b"\r",
        b"\x1b[2J",
        "\u2028".encode(),
        b"\xed\xa0\x80",
        b"\\ud800",
        b'"',
        b"'",
    ),
    *(
        b"---\n",
        b"# ",
        b"[",
        b"](",
        b"{#",
        b"```",
        b"====\n",
        b":a:`",
        b"<",
        b"<!--",
        b"<table>",
        b"</div>",
        b"&#0;",
        b"&a;",
    ),
    *(b"<!DOCTYPE a [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>", b"<![CDATA[", b"<?xml encoding='punycode'?>"),
    *(b"stream\n", b"endobj", b" 0 R", b"/Kids", b"/Length ", b"<<", b"PK\x01\x02", b"../../x", b"/dev/zero", b"null"),
)
PAIRS = (
    (b"[", b"]"),
    (b'{"a":', b"}"),
    (b"(", b")"),
    (b"<div class=nav>", b"</div>"),
    (b"<<", b">>"),
    (b"<w:tbl>", b""),
)
VALUES: tuple[object, ...] = (
    *(
        None,
        True,
        -1,
        0,
        2**31,
        2**63,
        2**64,
        10**400,
        -0.0,
        1e308,
        float("inf"),
        float("nan"),
        "",
        "\x1b[2J",
        "\ud800",
    ),
    *("x" * 5_000, "../../../etc/passwd", "/dev/zero", [], {}, [[]], {"": {}}, [None] * 1_000),
)

Mutation = Callable[[bytes, random.Random, Sequence[bytes]], bytes]


def mutate(data: bytes, chance: random.Random, others: Sequence[bytes] = (b"",)) -> bytes:
    """``data`` after one to four changes; ``others`` are files of the same kind, of which parts are spliced in."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        changed = chance.choice(_of(data))(data, chance, others)
        data = changed[:LONGEST]
    return data


def _of(data: bytes) -> Sequence[Mutation]:
    """The changes that fit, the ones that know the format as likely as all others together."""
    inner: Mutation | None = None
    if data[:4] == b"PK\x03\x04":
        inner = _inside_zip
    elif data[:1] in b"{[" and data[:1]:
        inner = _inside_json
    return BYTES if inner is None else (*BYTES, *[inner] * len(BYTES))


def _places(data: bytes, chance: random.Random) -> tuple[int, int]:
    start = chance.randrange(len(data) + 1)
    length = chance.choice((1, 2, 8, 64, 512, len(data)))
    return start, min(len(data), start + chance.randrange(length + 1))


def _cut(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    start, end = _places(data, chance)
    return chance.choice((data[:start], data[start:], data[:start] + data[end:]))


def _flip(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 4, 32))):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwrite(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    start, end = _places(data, chance)
    size = end - start
    filler = chance.choice((bytes(size), b"\xff" * size, chance.randbytes(size), b" " * size, b"9" * size))
    return data[:start] + filler + data[end:]


def _insert(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    start, _ = _places(data, chance)
    token = chance.choice((chance.choice(TOKENS), chance.randbytes(chance.choice((1, 4, 64)))))
    return data[:start] + token * chance.choice((1, 1, 3, 1_000, 20_000)) + data[start:]


def _repeat(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    start, end = _places(data, chance)
    times = chance.choice((2, 10, 1_000, 20_000))
    return data[:start] + data[start:end] * min(times, 1 + LONGEST // (end - start + 1)) + data[end:]


def _splice(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    other = chance.choice(others)
    start, end = _places(other, chance)
    at, _ = _places(data, chance)
    return data[:at] + other[start:end] + data[at:]


def _nest(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    start, end = _places(data, chance)
    opening, closing = chance.choice(PAIRS)
    times = chance.choice((3, 90, 1_000, 30_000))
    return data[:start] + opening * times + data[start:end] + closing * times + data[end:]


def _number(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    numbers = list(re.finditer(rb"\d+(?:\.\d+)?", data[:100_000]))
    if not numbers:
        return data + chance.choice(NUMBERS)
    found = chance.choice(numbers)
    return data[: found.start()] + chance.choice(NUMBERS) + data[found.end() :]


BYTES: tuple[Mutation, ...] = (_cut, _flip, _overwrite, _insert, _repeat, _splice, _nest, _number)


def _inside_json(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """A value somewhere inside, or a key, is another; each line of JSONL is JSON of its own."""
    lines = data.splitlines() if data.count(b"\n{") else [data]
    at = chance.randrange(len(lines))
    try:
        value = json.loads(lines[at])
    except (ValueError, RecursionError):
        return _flip(data, chance, others)
    places = list(_holders(value))
    if places:
        holder, key = chance.choice(places)
        wild = chance.choice((chance.choice(VALUES), _deep(chance), holder[key]))
        if isinstance(holder, dict) and chance.random() < 0.3:
            del holder[key]
        elif isinstance(holder, list) and chance.random() < 0.3:
            holder[:] = holder * 3
        else:
            holder[key] = wild
    try:
        lines[at] = json.dumps(value).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        lines[at] = b'{"a":' * 20_000
    return b"\n".join(lines)


def _deep(chance: random.Random) -> object:
    value: object = 1
    for _ in range(chance.choice((10, 90, 300))):
        value = [value] if chance.random() < 0.5 else {"a": value}
    return value


def _holders(value: object) -> list[tuple[dict[str, object] | list[object], str | int]]:
    found: list[tuple[dict[str, object] | list[object], str | int]] = []
    waiting = [value]
    while waiting and len(found) < 10_000:
        holder = waiting.pop()
        keys = holder if isinstance(holder, dict) else range(len(holder)) if isinstance(holder, list) else ()
        for key in keys:
            found.append((holder, key))  # type: ignore[arg-type]
            waiting.append(holder[key])  # type: ignore[index]
    return found


def _inside_zip(data: bytes, chance: random.Random, others: Sequence[bytes]) -> bytes:
    """One part is another; the zip file around it stays whole."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()[:50]}
    except Exception:
        return _flip(data, chance, others)
    name = chance.choice(list(parts) or ["x"])
    parts[name] = chance.choice(BYTES)(parts.get(name, b""), chance, tuple(parts.values()) or (b"",))
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return changed.getvalue()
