"""An index: one folder of vectors, passages and a manifest. Builds, opens and searches it; knows no question."""

from odqa.index.build import BuildReport, Progress, build_index
from odqa.index.manifest import Manifest, read_manifest
from odqa.index.search import Index

__all__ = ["BuildReport", "Index", "Manifest", "Progress", "build_index", "read_manifest"]
