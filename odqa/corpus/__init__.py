"""Files -> Documents -> Passages: one loader per format, and chunking, which is pure. Knows no model and no index."""

from odqa.corpus.base import ReadLimits, ReadOptions, Unusable
from odqa.corpus.blocks import blocks_of
from odqa.corpus.chunk import ChunkOptions, TokenOffsets, split
from odqa.corpus.files import Found, find_files
from odqa.corpus.read import read_file

__all__ = [
    "ChunkOptions",
    "Found",
    "ReadLimits",
    "ReadOptions",
    "TokenOffsets",
    "Unusable",
    "blocks_of",
    "find_files",
    "read_file",
    "split",
]
