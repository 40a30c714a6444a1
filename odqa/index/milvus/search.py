"""An index in a Milvus, open for search: questions and their vectors go in, hits come out. Writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from odqa.addresses import MilvusAddress
from odqa.arguments import check_count, check_texts
from odqa.closing import Closing
from odqa.errors import IndexFolderError, UsageError
from odqa.forking import Lock
from odqa.index.filters import Filter, Filters, check_known, fields_of, matches, parsed
from odqa.index.manifest import check_encoder
from odqa.index.milvus.client import MOST_FOUND, MOST_ROWS, Milvus
from odqa.index.milvus.collection import search_parameters
from odqa.index.milvus.conditions import expression
from odqa.index.milvus.ledger import MilvusManifest, read_manifest
from odqa.index.milvus.names import generation_name, key_of
from odqa.index.milvus.records import (
    ALL_FIELDS,
    DENSE,
    DOCUMENT_FIELDS,
    KEY,
    PASSAGE_FIELDS,
    SPARSE,
    Row,
    document_of,
    passage_of,
    place_of,
    vectors_of,
)
from odqa.index.milvus.terms import terms_text
from odqa.index.search import check_mode
from odqa.index.store import StoredDocument
from odqa.retrieval.fusion import DEPTH
from odqa.retrieval.hybrid import BM25, RankedRow, alone, by_fusion
from odqa.retrieval.hybrid import DENSE as COSINES
from odqa.retrieval.keywords import K1
from odqa.retrieval.words import Analyzer
from odqa.types import Hit, Mode, Passage
from odqa.views import plain

if TYPE_CHECKING:
    from odqa.retrieval.encoder import Encoder

_MOST_NAMED = 100_000  # Documents that an expression names one by one.
_MORE = 8  # Candidates beyond k, so that vectors as good as the k-th are seen.
_AT_ONCE, _ANSWER = 64, 32_000_000  # Questions of one request at most, and bytes of vectors that it gives back.


class MilvusIndex(Closing):
    """One generation of an index in a Milvus. See ``odqa.index.interface.OpenIndex``, whose methods these are."""

    why_not_gpu: str | None = None  # What searches is the server, where and as it is set up to.

    def __init__(self, milvus: Milvus, manifest: MilvusManifest, mode: Mode) -> None:
        """Hold what is open; ``MilvusIndex.open`` opens and checks it."""
        self.address: MilvusAddress = milvus.address
        self.manifest = manifest
        self.mode = mode
        self.collection = generation_name(self.address.name, manifest.version)
        self._milvus = milvus
        self._analyze = Analyzer(str(manifest.keywords.get("language", "")))
        self._lock = Lock()
        self._filtered: tuple[tuple[Filter, ...], str | None] | None = None

    @classmethod
    def open(cls, address: MilvusAddress, mode: Mode | str = Mode.HYBRID) -> MilvusIndex:
        """Open the index at an address for searches in ``mode``; all its rows are there to be seen from then on.

        Raises IndexFolderError for an index that is missing or damaged, and for a Milvus that does not answer;
        UsageError for an unknown mode.
        """
        mode = check_mode(mode)
        milvus = Milvus(address)
        try:
            index = cls(milvus, read_manifest(milvus, address), mode)
            milvus.load(index.collection)
            if (found := milvus.count(index.collection, strong=True)) != len(index):
                raise IndexFolderError(
                    f"{address} is damaged: {index.collection} has {found:,} passages where its manifest has "
                    f"{len(index):,}; build the index again with `odqa index PATH... --index {address}`"
                )
        except BaseException:
            milvus.close()
            raise
        return index

    def __len__(self) -> int:
        """How many passages there are."""
        return self.manifest.passages

    def in_mode(self, mode: Mode | str) -> MilvusIndex:
        """The same generation by the same connection, searched in another mode."""
        mode = check_mode(mode)
        return self if mode is self.mode else MilvusIndex(self._milvus, self.manifest, mode)

    def check_encoder(self, encoder: Encoder) -> None:
        """Raise IndexFolderError unless ``encoder`` is the one whose vectors are stored, file for file."""
        check_encoder(self.address, self.manifest, encoder)

    def search(
        self, questions: Sequence[str], k: int, vectors: NDArray[np.float32] | None = None, filters: Filters = ()
    ) -> list[list[Hit]]:
        """The ``k`` best passages for each question, best first; see ``odqa.index.search.Index.search``.

        Raises UsageError for more than Milvus gives at once, too.
        """
        check_count("k", k)
        check_texts("questions", questions, "give a list of one for one question")
        allowed = self._allowed(parsed(filters))
        queries = self._queries(questions, vectors)
        if k > MOST_FOUND:
            raise UsageError(f"a Milvus gives {MOST_FOUND:,} passages of a question at most, and k is {k:,}")
        ranked: list[list[RankedRow]] = []
        at_once = max(1, min(_AT_ONCE, _ANSWER // (4 * self.manifest.dimension * max(k, DEPTH))))
        for start in range(0, len(questions), at_once):
            some = slice(start, start + at_once)
            if allowed is None:
                ranked += [[] for _ in questions[some]]
            elif self.mode is Mode.HYBRID:
                ranked += self._by_both(questions[some], queries[some], k, allowed)
            elif self.mode is Mode.DENSE:
                ranked += [alone(COSINES, *found) for found in self._nearest(queries[some], k, allowed)]
            else:
                ranked += [alone(BM25, rows, scores) for rows, scores, _ in self._sharing(questions[some], k, allowed)]
        passages = self.fetch(sorted({item.row for items in ranked for item in items}))
        return [
            [Hit(passages[item.row], item.score, rank, item.components) for rank, item in enumerate(items, start=1)]
            for items in ranked
        ]

    def matching(self, filters: Filters) -> int:
        """How many passages belong to documents that match all ``filters``. Raises UsageError for an unknown field."""
        wanted = parsed(filters)
        allowed = self._allowed(wanted)
        return 0 if allowed is None else self._milvus.count(self.collection, allowed) if wanted else len(self)

    def documents(self) -> Iterator[StoredDocument]:
        """The documents, in order, one at a time."""
        return (document_of(row) for row in self._heads(DOCUMENT_FIELDS))

    def documents_with_hashes(self) -> Iterator[tuple[StoredDocument, str]]:
        """The documents, each with the hash of the file that it was read from, which is empty where there is none."""
        return ((document_of(row), str(row["file_hash"])) for row in self._heads(DOCUMENT_FIELDS))

    def rows(self) -> Iterator[Row]:
        """Everything that is stored, in order, one row at a time. Raises IndexFolderError where a row is missing."""
        for start in range(0, len(self), MOST_ROWS):
            end = min(start + MOST_ROWS, len(self))
            found = self._milvus.query(self.collection, f"row >= {start} and row < {end}", ALL_FIELDS)
            found.sort(key=place_of)
            if [row["row"] for row in found] != list(range(start, end)):
                raise IndexFolderError(
                    f"{self.address} is damaged: rows from {start} to {end} are missing, or there twice; build it again"
                )
            yield from found

    def sources(self) -> dict[str, str]:
        """The hash of each file that documents were read from, by its path."""
        return {row["source"]: row["file_hash"] for row in self._heads(["source", "file_hash"]) if row["file_hash"]}

    def find(self, id: str) -> StoredDocument | None:
        """The document with this id; None where there is none."""
        rows = self._milvus.query(self.collection, f'{KEY} == "{key_of(f"{id}#0")}"', DOCUMENT_FIELDS)
        return document_of(rows[0]) if rows and rows[0]["document"] == id else None

    def fetch(self, rows: Sequence[int]) -> dict[int, Passage]:
        """The passages of these rows, by row. Raises IndexFolderError where one is missing."""
        found = {place_of(row): passage_of(row) for row in self._rows(rows, PASSAGE_FIELDS)}
        missing = next((row for row in rows if row not in found), None)
        if missing is not None:
            raise IndexFolderError(f"{self.address} is damaged: it has no passage at row {missing}; build it again")
        return found

    def vectors(self, rows: Sequence[int]) -> NDArray[np.float32]:
        """The vectors of these rows, float32 (rows, dimension)."""
        by_row = {place_of(row): row for row in self._rows(rows, ["row", DENSE])}
        return vectors_of([by_row.get(row, {}) for row in rows], self.manifest.dimension)

    def close(self) -> None:
        """Close the connection."""
        self._milvus.close()

    def _rows(self, rows: Sequence[int], fields: Sequence[str]) -> Iterator[dict[str, Any]]:
        for start in range(0, len(rows), MOST_ROWS):
            some = ", ".join(map(str, rows[start : start + MOST_ROWS]))
            yield from self._milvus.query(self.collection, f"row in [{some}]", fields)

    def _heads(self, fields: Sequence[str], allowed: str = "") -> Iterator[dict[str, Any]]:
        """The first row of every document, in order."""
        also = f" and {allowed}" if allowed else ""
        for start in range(0, len(self), MOST_ROWS):
            within = f"row >= {start} and row < {start + MOST_ROWS} and part == 0{also}"
            found = self._milvus.query(self.collection, within, ["row", *fields])
            yield from sorted(found, key=place_of)

    def _queries(self, questions: Sequence[str], vectors: NDArray[np.float32] | None) -> NDArray[np.float32]:
        if self.mode is Mode.BM25:
            return np.zeros((len(questions), 0), np.float32)
        queries = np.ascontiguousarray(() if vectors is None else vectors, np.float32)
        wanted = (len(questions), self.manifest.dimension)
        if questions and queries.shape != wanted:
            raise UsageError(f"the questions' vectors have the shape {queries.shape}; {self.address} takes {wanted}")
        return queries

    def _allowed(self, filters: tuple[Filter, ...]) -> str | None:
        """The expression for the rows that may come back, empty where all may; None where none may."""
        if not filters:
            return ""
        check_known(filters, set(self.manifest.names))
        with self._lock:
            if self._filtered is None or self._filtered[0] != filters:
                said, rest = expression(filters)
                self._filtered = (filters, self._named(said, rest) if rest else said)
            return self._filtered[1]

    def _named(self, said: str, rest: Sequence[Filter]) -> str | None:
        """The documents that meet the filters ``rest`` of those for which ``said`` holds, named one by one."""
        found = []
        for row in self._heads(DOCUMENT_FIELDS, said):
            one = document_of(row)
            if matches(rest, fields_of(one.id, one.title, one.source, one.metadata)):
                found.append(one.first)
            if len(found) > _MOST_NAMED:
                raise UsageError(
                    f"more than {_MOST_NAMED:,} documents match {' and '.join(map(str, rest))}, which a Milvus cannot "
                    f"express, so that they would have to be named to it one by one; add a filter with =, or one on "
                    f"numbers or dates, that leaves fewer"
                )
        return f"first in [{', '.join(map(str, found))}]" if found else None

    def _by_both(
        self, questions: Sequence[str], queries: NDArray[np.float32], k: int, allowed: str
    ) -> list[list[RankedRow]]:
        """The ``k`` rows of the largest fused score among the first of both searches, as ``retrieval.hybrid`` has it.

        A cosine that the search by vectors did not give is computed from the vector, and a BM25 score that the search
        by words did not give is asked for.
        """
        depth = min(max(k, DEPTH), MOST_FOUND)
        nearest = self._nearest(queries, depth, allowed)
        sharing = self._sharing(questions, depth, allowed, [DENSE])
        found = []
        for question, query, (near, cosines), (shared, scores, vectors) in zip(
            questions, queries, nearest, sharing, strict=True
        ):
            dense = dict(zip(shared, _cosines(vectors, query).tolist() if shared else [], strict=True)) | dict(
                zip(near, cosines, strict=True)
            )
            weights = dict(zip(shared, scores, strict=True))
            others = [row for row in near if row not in weights]
            if others and len(shared) == depth:  # Otherwise none of them shares a word.
                rows, more, _ = self._sharing([question], len(others), f"row in [{', '.join(map(str, others))}]")[0]
                weights |= zip(rows, more, strict=True)
            rows_found = np.array(sorted(dense), np.int64)
            found.append(
                by_fusion(
                    rows_found,
                    np.array([dense[row] for row in rows_found.tolist()], np.float32),
                    np.array([weights.get(row, 0.0) for row in rows_found.tolist()], np.float32),
                    near,
                    shared,
                    k,
                )
            )
        return found

    def _nearest(self, queries: NDArray[np.float32], k: int, allowed: str) -> list[tuple[list[int], list[float]]]:
        """The ``k`` rows nearest to each query, best first, then by row, and their cosines.

        They are ranked by the cosine with the vector that is stored, as those of a folder are: the order does not
        depend on how an engine adds up, and a score is exact where its index compares compressed vectors.
        """
        depth = min(k + _MORE, len(self), MOST_FOUND)
        found = self._milvus.call(
            "search",
            self.collection,
            data=queries.tolist(),
            anns_field=DENSE,
            filter=allowed,
            limit=depth,
            output_fields=["row", DENSE],
            search_params={"metric_type": "IP", "params": search_parameters(self.manifest.vectors, depth)},
        )
        results = []
        for query, hits in zip(queries, found, strict=True):
            rows = np.array([place_of(one["entity"]) for one in hits], np.int64)
            cosines = _cosines(vectors_of([one["entity"] for one in hits], len(query)), query)
            order = np.lexsort((rows, -cosines))[:k]
            results.append((rows[order].tolist(), cosines[order].tolist()))
        return results

    def _sharing(
        self, questions: Sequence[str], depth: int, allowed: str, fields: Sequence[str] = ()
    ) -> list[tuple[list[int], list[float], NDArray[np.float32]]]:
        """The rows that share terms with each question, best first, their BM25 scores, and their vectors if asked for.

        Milvus's BM25 has the factor k1 + 1 that Lucene has dropped, and that changes no order; it is taken out, so that
        scores are those of a folder. milvus-lite gives them with a minus.
        """
        with self._lock:  # A stemmer is for one thread at a time.
            texts = [terms_text(self._analyze, plain(question)) for question in questions]
        empty: tuple[list[int], list[float], NDArray[np.float32]] = ([], [], np.zeros((0, 0), np.float32))
        asked = [at for at, text in enumerate(texts) if text]
        results = [empty] * len(texts)
        if not asked:
            return results
        found = self._milvus.call(
            "search",
            self.collection,
            data=[texts[at] for at in asked],
            anns_field=SPARSE,
            filter=allowed,
            limit=min(depth, len(self)),
            output_fields=["row", *fields],
            search_params={"metric_type": "BM25"},
        )
        for at, hits in zip(asked, found, strict=True):
            scored = [(one["entity"], abs(float(one["distance"])) / (K1 + 1)) for one in hits]
            scored = [(entity, score) for entity, score in scored if score > 0]
            scored.sort(key=lambda item: (-item[1], place_of(item[0])))
            vectors = vectors_of([one for one, _ in scored], self.manifest.dimension) if fields else empty[2]
            results[at] = ([place_of(one) for one, _ in scored], [score for _, score in scored], vectors)
        return results


def _cosines(vectors: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.float32]:
    """The cosines of vectors (n, dimension) with a query, (n,), summed row by row: equal vectors have equal ones."""
    found: NDArray[np.float32] = (vectors * query).sum(axis=1)
    return found
