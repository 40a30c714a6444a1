"""Passages by the words they share with a question: BM25. Knows nothing of vectors, of indexes or of their manifests.

BM25 in Lucene's variant (Kamphuis et al. 2020, "Which BM25 Do You Mean?"; Robertson and Zaragoza 2009):

    score(question, passage) = sum over the question's terms of  idf * tf / (tf + k1 * (1 - b + b * length / average))
    idf = ln(1 + (N - df + 0.5) / (df + 0.5))

What a passage weighs for each of its terms is computed when the index is built (Lù 2024, "BM25S") and lies on the disk
by term, memory-mapped: a question reads the terms that it has.
"""

from __future__ import annotations

import threading
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from odqa.errors import IndexFolderError
from odqa.retrieval.words import Analyzer
from odqa.types import Passage

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

K1 = 0.6  # How soon repeating a term stops counting. See docs/decisions/fusion.md for the measurement.
B = 0.75  # How much a long passage is held back against a short one, from 0 to 1.

PARAMETERS = {"method": "lucene", "k1": K1, "b": B}

_NAMES = {
    "data_name": "keywords.data.npy",
    "indices_name": "keywords.indices.npy",
    "indptr_name": "keywords.indptr.npy",
    "vocab_name": "keywords.vocab.json",
    "params_name": "keywords.params.json",
}
FILES = tuple(_NAMES.values())


class KeywordWriter:
    """Counts the terms of passages, which get the rows 0, 1, 2, … in the order they come, and writes the files.

    Until it is written, every term of every passage takes four bytes of memory.
    """

    def __init__(self, language: str) -> None:
        """``language`` is the code of the rules for words (see ``odqa.retrieval.words``)."""
        self._analyze = Analyzer(language)
        self._vocabulary: dict[str, int] = {}
        self._passages: list[array[int]] = []

    def add(self, passages: Sequence[Passage]) -> None:
        """Append passages, each with its title and headings."""
        number = self._vocabulary
        for passage in passages:
            terms = self._analyze(keyword_text(passage))
            self._passages.append(array("i", [number.setdefault(term, len(number)) for term in terms]))

    def write(self, folder: Path) -> None:
        """Write ``FILES`` into ``folder``. Raises OSError when the disk does not take them."""
        import numpy as np
        from bm25s import BM25

        model = BM25(**PARAMETERS)
        with np.errstate(invalid="ignore"):  # The average length is 0 where no passage has a term.
            model.index((self._passages, self._vocabulary), create_empty_token=False, show_progress=False)
        model.save(folder, show_progress=False, **_NAMES)


class Keywords:
    """The terms of an index's passages. ``len(keywords)`` is the number of passages; several threads may ask it."""

    def __init__(self, model: Any, language: str) -> None:
        """Wrap a bm25s model; ``read`` makes one from files."""
        self._model = model
        self._analyze = Analyzer(language)
        self._lock = threading.Lock()  # A stemmer is for one thread at a time.

    @classmethod
    def read(cls, folder: Path, language: str) -> Keywords:
        """Open the files in ``folder``; ``language`` is the one they were written with.

        Raises IndexFolderError when they are none that can be used.
        """
        from bm25s import BM25

        try:
            return cls(BM25.load(folder, mmap=True, show_progress=False, **_NAMES), language)
        except (ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
            raise IndexFolderError(
                f"{folder / FILES[0]} and the files of that name cannot be read ({error}); build the index again"
            ) from None

    def __len__(self) -> int:
        """How many passages there are."""
        return int(self._model.scores["num_docs"])

    def scores(self, question: str) -> NDArray[np.float32]:
        """The BM25 score of every passage, float32 (passages,): 0 where it shares no term with the question."""
        import numpy as np

        with self._lock:
            terms = self._analyze(question)
        known = self._model.get_tokens_ids(terms)
        if not known:
            return np.zeros(len(self), np.float32)
        return cast("NDArray[np.float32]", self._model.get_scores_from_ids(known))


def best(scores: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The rows of the ``k`` largest scores above 0, best first, then by row; fewer where there are fewer."""
    import numpy as np

    k = min(k, len(scores))
    least = np.partition(scores, len(scores) - k)[len(scores) - k] if k else 0.0
    rows = np.flatnonzero((scores >= least) & (scores > 0))
    return rows[np.lexsort((rows, -scores[rows]))][:k]


def keyword_text(passage: Passage) -> str:
    """What is counted of a passage: its title, its headings and its text; a heading that repeats another once."""
    return "\n".join([*dict.fromkeys(part for part in (passage.title, *passage.headings) if part), passage.text])
