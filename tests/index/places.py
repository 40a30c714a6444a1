"""Where an index may lie, for tests that hold wherever it does: new addresses in a folder and in a milvus-lite."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest

from odqa.addresses import Address, address_of
from odqa.index.interface import OpenIndex
from odqa.index.stores import store_at
from odqa.types import Mode

WITHOUT_MILVUS = find_spec("pymilvus") is None or find_spec("milvus_lite") is None
if not WITHOUT_MILVUS:
    import pymilvus  # noqa: F401  # Its log writes to what standard error is now, not to what a test puts in its place.
needs_milvus = pytest.mark.skipif(WITHOUT_MILVUS, reason='milvus-lite is not installed: pip install "odqa[milvus]"')
PLACES = ["folder", pytest.param("milvus", marks=needs_milvus)]

_numbers = count(1)


def new_address(place: str, folder: Path, file: Path) -> Address:
    """An address at which there is no index yet: in ``folder``, or in the ``file`` of milvus-lite."""
    number = next(_numbers)
    return folder / f"index{number}" if place == "folder" else address_of(f"milvus:{file}/index{number}")


@contextmanager
def opened(address: Address, mode: Mode | str = Mode.HYBRID) -> Iterator[OpenIndex]:
    """The index at an address, open."""
    with closing(store_at(address).open(mode)) as index:
        yield index
