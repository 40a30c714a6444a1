"""The names of the files that the searches write and read. Opens none."""

from __future__ import annotations

VECTORS = "vectors.faiss"
SPOOL = "vectors.spool"  # Vectors as they come; gone when they are stored.
KEYWORDS = TERMS, STARTS, ROWS, COUNTS, LENGTHS = (
    "keywords.sqlite",
    "keywords.starts.npy",
    "keywords.rows.npy",
    "keywords.counts.npy",
    "keywords.lengths.npy",
)
RUNS = "keywords.runs."  # Begins the name of what the postings are merged from, where it needs a name.
