"""The other process: open files come in through a socket, the JSON of their Documents goes out. Opens no path.

A request is a line of JSON and a descriptor; an answer is its length, in HEADER bytes, and JSON.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

from odqa.corpus.base import OpenFile, ReadLimits, ReadOptions, Unusable
from odqa.corpus.block_values import blocks_from, values_of
from odqa.corpus.load import load
from odqa.files import open_regular
from odqa.types import Document, Section

HEADER = 8
OUT_OF_MEMORY = 77  # The exit code.
LONGEST_REQUEST = 1 << 16


def request_of(file: OpenFile) -> bytes:
    """The request for a file's Documents; its descriptor travels beside it."""
    options, limits = file.options, file.limits
    fields = (options.text_field, options.id_field, options.title_field)
    return json.dumps([str(file.path), fields, (limits.megabytes, limits.seconds)]).encode() + b"\n"


def results_of(reply: bytes) -> list[Document | Unusable]:
    """What an answer says. Raises ValueError, TypeError or RecursionError for one that ``serve`` did not write."""
    results: list[Document | Unusable] = []
    for kind, values in json.loads(reply):
        if kind == "unusable":
            results.append(Unusable(*values))
        else:
            id, title, text, source, metadata, sections, blocks = values
            whole = tuple(Section(start, tuple(headings), page) for start, headings, page in sections)
            results.append(Document(id, title, text, source, metadata, whole, blocks_from(blocks, len(text))))
    return results


def serve(descriptor: int) -> None:
    """Answer requests until the other side is gone."""
    with socket.socket(fileno=descriptor) as connection:
        while request := _receive(connection):
            line, file = request
            path, fields, limits = json.loads(line)
            with open_regular(file) as stream:
                _answer(connection, OpenFile(Path(path), stream, ReadOptions(*fields), ReadLimits(*limits)))


def _receive(connection: socket.socket) -> tuple[bytes, int] | None:
    line, descriptors, _, _ = socket.recv_fds(connection, LONGEST_REQUEST, 1)
    while line and not line.endswith(b"\n"):
        more = connection.recv(LONGEST_REQUEST)
        line = line + more if more else b""
    return (line, descriptors[0]) if line else None


def _answer(connection: socket.socket, file: OpenFile) -> None:
    _limit_memory(file.limits.memory)
    signal.setitimer(signal.ITIMER_REAL, file.limits.seconds)  # SIGALRM ends this process, wherever it hangs.
    try:
        reply = json.dumps([_as_json(item) for item in load(file)]).encode("ascii")
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    signal.setitimer(signal.ITIMER_REAL, 0)
    connection.sendall(len(reply).to_bytes(HEADER, "big"))
    connection.sendall(reply)


def _as_json(item: Document | Unusable) -> tuple[str, Any]:
    if isinstance(item, Unusable):
        return "unusable", (item.source, item.reason)
    sections = [(section.start, section.headings, section.page) for section in item.sections]
    blocks = values_of(item.blocks)
    return "document", (item.id, item.title, item.text, item.source, item.metadata, sections, blocks)


def _limit_memory(size: int) -> None:
    import resource

    for kind, limit in ((resource.RLIMIT_AS, size), (resource.RLIMIT_CORE, 0)):
        _, most = resource.getrlimit(kind)
        try:
            resource.setrlimit(kind, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))
        except (ValueError, OSError):  # macOS has no limit of the address space.
            continue
