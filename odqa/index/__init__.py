"""An index: one folder of vectors, keywords, passages and a manifest. Builds, opens and searches it; reads nothing."""

from odqa.index.build import BuildReport, Progress, build_index
from odqa.index.manifest import Manifest, read_manifest
from odqa.index.retriever import Retriever
from odqa.index.search import Index

__all__ = ["BuildReport", "Index", "Manifest", "Progress", "Retriever", "build_index", "read_manifest"]
