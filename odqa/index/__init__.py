"""An index: a folder of segments and a manifest. Builds, changes, opens, searches and verifies it; reads no answer."""

from odqa.index.build import add, build_index, update
from odqa.index.compaction import compact
from odqa.index.filters import Filter
from odqa.index.ingest import OnDuplicate, Storage
from odqa.index.manifest import Manifest, read_manifest
from odqa.index.removal import remove
from odqa.index.report import ChangeReport, Progress
from odqa.index.retriever import Retriever
from odqa.index.search import Index
from odqa.index.verification import Problem, Verified, verify

__all__ = [
    "ChangeReport", "Filter", "Index", "Manifest", "OnDuplicate", "Problem", "Progress", "Retriever", "Storage",
    "Verified", "add", "build_index", "compact", "read_manifest", "remove", "update", "verify",
]  # fmt: skip
