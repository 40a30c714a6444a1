"""What names an index in; its folder, or its place in a Milvus, out. Opens nothing and knows no secret."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from odqa.arguments import path_of
from odqa.errors import UsageError

_MILVUS = re.compile(r"milvus(\+tls)?:", re.IGNORECASE)
_SERVER = re.compile(r"//([^/@\s]+):([0-9]{1,5})/([^/]*)")
_FILE = re.compile(r"(?!//)(.*\.db)/([^/]*)", re.DOTALL)
_COLLECTION = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")  # Milvus takes 255, and generations of it have longer names.
_OURS = re.compile(r".*__(odqa|g[0-9]{6})")  # What the collections of an index are called (odqa.index.milvus.names).
_FORM = "write milvus://HOST:PORT/COLLECTION (milvus+tls:// for TLS), or milvus:FILE.db/COLLECTION for milvus-lite"


@dataclass(frozen=True, slots=True)
class MilvusAddress:
    """The collection ``name`` of the Milvus at ``server``, HOST:PORT, or in ``file``, which milvus-lite serves.

    >>> address = address_of("milvus://db.example.com:19530/handbook")
    >>> str(address), address.name, address.uri
    ('milvus://db.example.com:19530/handbook', 'handbook', 'http://db.example.com:19530')
    """

    name: str
    server: str = ""
    tls: bool = False
    file: Path | None = None

    @property
    def uri(self) -> str:
        """What pymilvus connects to."""
        return str(self.file) if self.file else f"{'https' if self.tls else 'http'}://{self.server}"

    def __str__(self) -> str:
        where = f"{self.file}" if self.file else f"//{self.server}"
        return f"milvus{'+tls' if self.tls else ''}:{where}/{self.name}"


Address: TypeAlias = "Path | MilvusAddress"
"""Where an index lies: in a folder, or in a Milvus."""


def address_of(value: object) -> Address:
    """The address of an index. Raises UsageError for what is none."""
    if isinstance(value, MilvusAddress):
        return value
    scheme = _MILVUS.match(value) if isinstance(value, str) else None
    if scheme is None:
        return path_of("index", value)
    text = str(value)
    rest, tls = text[scheme.end() :], bool(scheme[1])
    # Also where it is written so that it is no address otherwise: with a slash too few, or one in the password.
    if "@" in rest and ("@" in rest.partition("/")[0] or not _FILE.fullmatch(rest)):
        raise UsageError(  # Which is not repeated: it goes into logs.
            "the address of a Milvus holds no user and no password: set ODQA_MILVUS_TOKEN to USER:PASSWORD or an API "
            "key, and " + _FORM
        )
    server, file = _SERVER.fullmatch(rest), _FILE.fullmatch(rest)
    if not (server and int(server[2]) <= 65_535) and not (file and not tls):
        raise UsageError(f"{text!r} is no address of an index in a Milvus; {_FORM}")
    name = (server or file or ["", "", ""])[3 if server else 2]
    if not _COLLECTION.fullmatch(name):
        raise UsageError(
            f"{name!r} is no name of a collection: Milvus takes letters of ASCII, digits and _, the first no digit, "
            f"here at most 200 of them; {_FORM}"
        )
    if _OURS.fullmatch(name):
        raise UsageError(f"{name} is what a part of another index is called in a Milvus; give another name")
    if server:
        return MilvusAddress(name, f"{server[1]}:{server[2]}", tls)
    assert file
    return MilvusAddress(name, file=Path(os.path.expanduser(file[1])))  # noqa: PTH111


def folder_of(value: object, what: str) -> Path:
    """The folder of an index, for ``what`` works on folders alone. Raises UsageError for an index in a Milvus."""
    address = address_of(value)
    if isinstance(address, MilvusAddress):
        raise UsageError(
            f"{what} works on an index folder, and {address} is in a Milvus; `odqa copy {address} FOLDER` makes a "
            f"folder of it without encoding anything"
        )
    return address
