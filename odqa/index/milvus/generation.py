"""Rows in, a new generation of an index beside the one that is there out: whole, or not to be seen by anybody.

It is written under its own name, and the alias of the index is led to it when all of it is there. A run that is killed
leaves it unfinished; the next one writes over it, and takes the vectors of what is the same from it.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.addresses import MilvusAddress
from odqa.errors import IndexFolderError, OdqaError
from odqa.index.milvus.client import MOST_ROWS, Milvus
from odqa.index.milvus.collection import create
from odqa.index.milvus.ledger import (
    Ledger,
    MilvusManifest,
    as_kept,
    current_generation,
    manifest_name,
)
from odqa.index.milvus.names import LAST, generation_name, generation_of
from odqa.index.milvus.records import DENSE, KEY, Row

STAGED, RUN = "staged", "run"


class Run:
    """The one run that changes an index: the last that has begun.

    There is no lock: it would have to be taken from processes that died. Each run signs when it begins, and looks
    whether its name still stands there right before whatever it writes; an older one stops there and has changed
    nothing.
    """

    def __init__(self, ledger: Ledger, address: MilvusAddress) -> None:
        """Sign."""
        self._ledger = ledger
        self._address = address
        self._name = uuid.uuid4().hex
        ledger.write(RUN, self._name)

    def check(self) -> None:
        """Raise IndexFolderError where another run has begun since."""
        if self._ledger.read(RUN) != self._name:
            raise IndexFolderError(
                f"{self._address} is being changed by another process, which began later, so that this one stops; "
                f"nothing of it is to be seen in the index. Wait until the other has ended, and try again"
            )


class Generation:
    """A generation that is being written. ``resumed`` is how many rows a run before has left of it."""

    def __init__(
        self,
        milvus: Milvus,
        run: Run,
        before: int | None,
        dimension: int,
        vectors: Mapping[str, Any],
        made: Mapping[str, Any],
    ) -> None:
        """Make its collection, or take the one that is left where it was ``made`` alike, which is kept with it.

        ``before`` is the generation that is the index, None where there is none.
        """
        self._milvus = milvus
        self._address = milvus.address
        self._run = run
        self._before = before
        self.number = (before or 0) + 1
        self._dimension = dimension
        self.vectors = vectors
        self.collection = generation_name(self._address.name, self.number)
        if self.number > LAST:
            raise IndexFolderError(f"{self._address} has reached its last generation; build it under another name")
        self.resumed = self._prepare(json.dumps({**made, "vectors": vectors["factory"]}, sort_keys=True))
        self._written: set[str] = set()

    def _prepare(self, made: str) -> int:
        ledger = Ledger(self._milvus, self._address)
        left = self._milvus.call("has_collection", self.collection)
        if left and ledger.read(STAGED) == f"{self.number} {made}":
            self._milvus.load(self.collection)
            return self._milvus.count(self.collection, strong=True)
        self._check()  # Or what is left may be what another run has just made the index.
        ledger.forget([STAGED])  # What is staged has all its indexes, wherever a run is killed between these lines.
        if left:
            self._milvus.write("drop_collection", self.collection)
        create(self._milvus, self._address, self.number, self._dimension, self.vectors)
        ledger.write(STAGED, f"{self.number} {made}")
        return 0

    def write(self, rows: Sequence[Row], vectors: Callable[[Sequence[int]], NDArray[np.float32]]) -> None:
        """Write rows, at most ``MOST_ROWS``. ``vectors`` gives those of the rows at some places, (places, dimension).

        It is asked for those alone that are not there from a run before. A row that is there as it should be is left.
        """
        there = self._there(rows)
        self._written |= {row[KEY] for row in rows} if self.resumed else set()
        needed = [at for at, row in enumerate(rows) if there.get(row[KEY], ("",))[0] != row["content"]]
        found = dict(zip(needed, vectors(needed) if needed else [], strict=True))
        moved = [at for at, row in enumerate(rows) if at not in found and there[row[KEY]][1] != row["row"]]
        kept = self._vectors([rows[at][KEY] for at in moved])
        sent = [{**rows[at], DENSE: vector.tolist()} for at, vector in found.items()]
        sent += [{**rows[at], DENSE: kept[rows[at][KEY]]} for at in moved]
        if sent:
            self._run.check()  # Encoding took its time, in which another run may have made this generation the index.
            self._milvus.write("upsert", self.collection, sent)

    def _there(self, rows: Sequence[Row]) -> dict[str, tuple[str, int]]:
        """The content and the row of those passages that a run before has written, by key."""
        if not self.resumed:
            return {}
        found = self._milvus.query(self.collection, _among(rows), [KEY, "content", "row"], strong=True)
        return {one[KEY]: (one["content"], one["row"]) for one in found}

    def _vectors(self, keys: Sequence[str]) -> dict[str, list[float]]:
        if not keys:
            return {}
        found = self._milvus.query(self.collection, _among([{KEY: key} for key in keys]), [KEY, DENSE], strong=True)
        return {one[KEY]: one[DENSE] for one in found}

    def complete(self, total: int) -> None:
        """Flush it, and take out what a run before has left of it and this one has not written.

        Raises IndexFolderError unless it has ``total`` rows then.
        """
        self._milvus.write("flush", self.collection)
        if self.resumed and self._milvus.count(self.collection, strong=True) != total:
            self._sweep(total)
            self._milvus.write("flush", self.collection)
        found = self._milvus.count(self.collection, strong=True)
        if found != total:
            raise IndexFolderError(
                f"{self.collection} of {self._address} has {found:,} passages and not the {total:,} that were written; "
                f"the index stays as it was, try again"
            )

    def _sweep(self, total: int) -> None:
        self._run.check()
        self._milvus.write("delete", self.collection, filter=f"row >= {total}")
        for start in range(0, total, MOST_ROWS):
            within = f"row >= {start} and row < {start + MOST_ROWS}"
            keys = [one[KEY] for one in self._milvus.query(self.collection, within, [KEY], strong=True)]
            if strange := [key for key in keys if key not in self._written]:
                self._run.check()
                self._milvus.write("delete", self.collection, ids=strange)

    def _check(self) -> None:
        """Raise IndexFolderError where another run has begun since, or has ended, so that the index is another one."""
        self._run.check()
        if current_generation(self._milvus, self._address) != self._before:
            raise IndexFolderError(f"{self._address} was changed meanwhile; nothing was changed here, try again")

    def land(self, manifest: MilvusManifest) -> None:
        """Make it the index, in the place of the generation before, and drop those that came before that.

        Who has the one before open goes on reading it until the next change. Raises IndexFolderError where the index is
        another one by now.
        """
        ledger = Ledger(self._milvus, self._address)
        self._check()  # Or the manifest may be that of the other run's index.
        ledger.write(manifest_name(self.number), json.dumps(as_kept(manifest), ensure_ascii=False))
        self._check()
        how = "create_alias" if self._before is None else "alter_alias"
        try:
            self._milvus.call(how, self.collection, self._address.name)
        except OdqaError:  # It may have been done, and the answer lost.
            if current_generation(self._milvus, self._address) != self.number:
                raise
        with suppress(OdqaError):  # The index is changed; the next change does what is left.
            ledger.forget([STAGED])
            drop_generations(self._milvus, self._address, before=self.number, keep=self._before)


def drop_generations(milvus: Milvus, address: MilvusAddress, before: int, keep: int | None) -> None:
    """Drop the generations of an index ``before`` one, but for one, with their manifests.

    What comes after it may be another run's, which has begun since.
    """
    ledger = Ledger(milvus, address)
    for collection in milvus.call("list_collections"):
        generation = generation_of(address.name, collection)
        if generation is not None and generation < before and generation != keep:
            milvus.write("drop_collection", collection)
            ledger.forget([manifest_name(generation)])


def _among(rows: Sequence[Mapping[str, Any]]) -> str:
    keys = ", ".join(f'"{row[KEY]}"' for row in rows)
    return f"{KEY} in [{keys}]"
