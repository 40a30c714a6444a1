"""An index folder that is open for search: vectors in, passages out; knows no encoder's insides and writes nothing."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from odqa.errors import IndexFolderError, UsageError
from odqa.index.manifest import PASSAGES, VECTORS, Manifest, check_files, read_manifest, rebuild_command
from odqa.index.store import PassageStore
from odqa.index.vectors import METRIC, Vectors
from odqa.types import Hit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from odqa.retrieval.encoder import Encoder

_ATTEMPTS = 3  # A rebuild may replace the folder while it is being opened; twice in a row is more than bad luck.


class Index:
    """An open index. ``len(index)`` is its number of passages; several threads may search it."""

    def __init__(self, folder: Path, manifest: Manifest, vectors: Vectors, store: PassageStore) -> None:
        """Hold the open parts; ``Index.open`` opens and checks them."""
        self.folder = folder
        self.manifest = manifest
        self._vectors = vectors
        self._store = store

    @classmethod
    def open(cls, folder: str | Path, encoder: Encoder | None = None) -> Index:
        """Open the index in ``folder`` after checking all of it: manifest, checksums, counts, dimension.

        Raises IndexFolderError naming the file that is missing or damaged, or, when ``encoder`` is given and is not
        the one that the index was built with, both encoders; the message has the command that mends it.
        """
        folder = Path(folder)
        for attempt in range(_ATTEMPTS):
            manifest = read_manifest(folder)
            try:
                index = cls._open(folder, manifest)
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
    def _open(cls, folder: Path, manifest: Manifest) -> Index:
        check_files(folder, manifest)
        remedy = f"build the index again with {rebuild_command(folder)}"
        vectors = Vectors.read(folder / VECTORS)
        store = PassageStore(folder / PASSAGES)
        counts = (len(vectors), store.passages, store.documents)
        if counts != (manifest.passages, manifest.passages, manifest.documents):
            store.close()
            raise IndexFolderError(
                f"{folder} is damaged: it has {counts[0]} vectors, {counts[1]} passages and {counts[2]} documents; "
                f"its manifest counts {manifest.passages} passages and {manifest.documents} documents; {remedy}"
            )
        if (vectors.dimension, METRIC) != (manifest.dimension, manifest.metric):
            store.close()
            raise IndexFolderError(
                f"{folder / VECTORS} does not fit its manifest: dimension {vectors.dimension} and {METRIC} where "
                f"{manifest.dimension} and {manifest.metric} are stated; {remedy}"
            )
        return cls(folder, manifest, vectors, store)

    def __len__(self) -> int:
        """How many passages there are."""
        return len(self._vectors)

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def check_encoder(self, encoder: Encoder) -> None:
        """Raise IndexFolderError unless ``encoder`` is the one whose vectors are stored, file for file."""
        if encoder.content_hash != self.manifest.encoder_hash:
            raise IndexFolderError(
                f"{self.folder} was built with the encoder {self.manifest.encoder} "
                f"({self.manifest.encoder_hash[:12]}), not with {encoder.name} ({encoder.content_hash[:12]}), and "
                f"vectors of different encoders cannot be compared; build the index again with "
                f"`odqa index PATH... --index {self.folder} --encoder {encoder.name}`"
            )

    def search(self, vectors: NDArray[np.float32], k: int) -> list[list[Hit]]:
        """The ``k`` passages nearest to each of the vectors (q, dimension), best first; all if there are fewer.

        Scores are cosines; equal ones come in the order of the index. Raises UsageError for k below 1 and for
        vectors of another shape.
        """
        import numpy as np

        if k < 1:
            raise UsageError(f"k is {k}: ask for at least 1 passage")
        vectors = np.ascontiguousarray(vectors, np.float32)
        if vectors.ndim != 2 or vectors.shape[1] != self._vectors.dimension:
            raise UsageError(
                f"vectors have the shape {vectors.shape}; {self.folder} takes (questions, {self._vectors.dimension})"
            )
        if not len(vectors):
            return []
        scores, rows = self._vectors.nearest(vectors, min(k, len(self)))
        passages = self._store.fetch(sorted(set(rows.ravel().tolist())))
        return [
            [
                Hit(passage=passages[row], score=score, rank=rank)
                for rank, (row, score) in enumerate(zip(row_list, score_list, strict=True), start=1)
            ]
            for row_list, score_list in zip(rows.tolist(), scores.tolist(), strict=True)
        ]

    def close(self) -> None:
        """Close the files; the index cannot be searched afterwards."""
        self._store.close()
