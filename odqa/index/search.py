"""An index folder that is open for search: questions in, hits out; knows no encoder's insides and writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from odqa.errors import IndexFolderError, UsageError
from odqa.index.manifest import KEYWORDS, PASSAGES, VECTORS, Manifest, check_files, read_manifest, rebuild_command
from odqa.index.rank import Ranked, by_both, by_keywords, by_vectors
from odqa.index.store import PassageStore
from odqa.index.vectors import METRIC, Vectors
from odqa.retrieval.keywords import Keywords
from odqa.types import Hit, Mode

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odqa.retrieval.encoder import Encoder

_ATTEMPTS = 3  # A rebuild may replace the folder while it is being opened; twice in a row is more than bad luck.


class Index:
    """An open index. ``len(index)`` is its number of passages; several threads may search it."""

    def __init__(
        self, folder: Path, manifest: Manifest, store: PassageStore, vectors: Vectors | None, keywords: Keywords | None
    ) -> None:
        """Hold the open parts; ``Index.open`` opens and checks them."""
        self.folder = folder
        self.manifest = manifest
        self._store = store
        self._vectors = vectors
        self._keywords = keywords

    @classmethod
    def open(cls, folder: str | Path, encoder: Encoder | None = None, mode: Mode | str = Mode.HYBRID) -> Index:
        """Open the index in ``folder`` for searches in ``mode``, after checking what these need.

        That is its manifest, the sizes of all files, and checksums, counts and dimension of the passages and of the
        vectors or keywords or both. Raises IndexFolderError naming the file that is missing or damaged, or, when
        ``encoder`` is given and is not the one that the index was built with, both encoders; the message has the
        command that mends it. Raises UsageError for a mode that there is not.
        """
        folder, mode = Path(folder), check_mode(mode)
        for attempt in range(_ATTEMPTS):
            manifest = read_manifest(folder)
            try:
                index = cls._open(folder, manifest, mode)
            except (IndexFolderError, OSError):
                if attempt == _ATTEMPTS - 1 or read_manifest(folder) == manifest:
                    raise
                continue
            if read_manifest(folder) == manifest:
                break
            index.close()
        else:
            raise IndexFolderError(f"{folder} is being rebuilt over and over; try again when that has ended")
        if encoder is not None:
            try:
                index.check_encoder(encoder)
            except IndexFolderError:
                index.close()
                raise
        return index

    @classmethod
    def _open(cls, folder: Path, manifest: Manifest, mode: Mode) -> Index:
        dense, sparse = mode is not Mode.BM25, mode is not Mode.DENSE
        check_files(folder, manifest, (PASSAGES, *((VECTORS,) if dense else ()), *(KEYWORDS if sparse else ())))
        remedy = f"build the index again with {rebuild_command(folder)}"
        vectors = Vectors.read(folder / VECTORS) if dense else None
        keywords = Keywords.read(folder, str(manifest.keywords.get("language"))) if sparse else None
        store = PassageStore(folder / PASSAGES)
        counts = {"passages": store.passages, "documents": store.documents}
        if vectors is not None:
            counts["vectors"] = len(vectors)
        if keywords is not None:
            counts["passages in its keywords"] = len(keywords)
        expected = {name: manifest.documents if name == "documents" else manifest.passages for name in counts}
        if counts != expected:
            store.close()
            found = ", ".join(f"{count} {name}" for name, count in counts.items())
            raise IndexFolderError(
                f"{folder} is damaged: it has {found}; "
                f"its manifest counts {manifest.passages} passages and {manifest.documents} documents; {remedy}"
            )
        if vectors is not None and (vectors.dimension, METRIC) != (manifest.dimension, manifest.metric):
            store.close()
            raise IndexFolderError(
                f"{folder / VECTORS} does not fit its manifest: dimension {vectors.dimension} and {METRIC} where "
                f"{manifest.dimension} and {manifest.metric} are stated; {remedy}"
            )
        return cls(folder, manifest, store, vectors, keywords)

    def __len__(self) -> int:
        """How many passages there are."""
        return self.manifest.passages

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def mode(self) -> Mode:
        """How it searches."""
        if self._keywords is None:
            return Mode.DENSE
        return Mode.BM25 if self._vectors is None else Mode.HYBRID

    def check_encoder(self, encoder: Encoder) -> None:
        """Raise IndexFolderError unless ``encoder`` is the one whose vectors are stored, file for file."""
        if encoder.content_hash != self.manifest.encoder_hash:
            raise IndexFolderError(
                f"{self.folder} was built with the encoder {self.manifest.encoder} "
                f"({self.manifest.encoder_hash[:12]}), not with {encoder.name} ({encoder.content_hash[:12]}), and "
                f"vectors of different encoders cannot be compared; build the index again with "
                f"`odqa index PATH... --index {self.folder} --encoder {encoder.name}`"
            )

    def search(self, questions: Sequence[str], k: int, vectors: NDArray[np.float32] | None = None) -> list[list[Hit]]:
        """The ``k`` best passages for each question, best first; all if there are fewer.

        ``vectors`` (questions, dimension) are the questions' own, which all modes but ``bm25`` need; by words alone
        only passages come back that share one with the question. Scores are cosines, BM25 scores, or both fused
        (``odqa.retrieval.fusion``); equal ones come in the order of the index. Raises UsageError for k below 1 and
        for vectors of another shape.
        """
        if k < 1:
            raise UsageError(f"k is {k}: ask for at least 1 passage")
        ranked = self._rank(questions, k, vectors)
        passages = self._store.fetch(sorted({item.row for items in ranked for item in items}))
        return [
            [Hit(passages[item.row], item.score, rank, item.components) for rank, item in enumerate(items, start=1)]
            for items in ranked
        ]

    def _rank(self, questions: Sequence[str], k: int, vectors: NDArray[np.float32] | None) -> list[list[Ranked]]:
        if not questions:
            return []
        if self._vectors is None:
            assert self._keywords is not None
            return by_keywords(self._keywords, questions, k)
        import numpy as np

        queries = np.ascontiguousarray(() if vectors is None else vectors, np.float32)
        wanted = (len(questions), self._vectors.dimension)
        if queries.shape != wanted:
            raise UsageError(f"the questions' vectors have the shape {queries.shape}; {self.folder} takes {wanted}")
        if self._keywords is None:
            return by_vectors(self._vectors, queries, k)
        return by_both(self._vectors, queries, self._keywords, questions, k)

    def close(self) -> None:
        """Close the files; the index cannot be searched afterwards."""
        self._store.close()


def check_mode(mode: Mode | str) -> Mode:
    """The mode of that name. Raises UsageError where there is none."""
    try:
        return Mode(mode)
    except ValueError:
        raise UsageError(f"no such mode: {mode!r} ({', '.join(Mode)})") from None
