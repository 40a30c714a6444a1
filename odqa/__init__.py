"""Open-domain question answering over your own documents: exact spans, where they are, and how certain they are.

>>> import odqa
>>> report = odqa.build_index("docs", "indexes/docs")
>>> with odqa.Pipeline.open("indexes/docs") as pipeline:
...     response = pipeline.ask("How many vacation days do I have?")
>>> all(answer.text == answer.passage.text[answer.span.start : answer.span.end] for answer in response.answers)
True

``odqa.Reader`` answers from given texts and stands in for the ``question-answering`` pipeline that transformers 5.3
removed. Names are loaded when first used, so that ``import odqa`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from odqa.version import __version__

if TYPE_CHECKING:
    from odqa.answering.pipeline import Pipeline
    from odqa.errors import OdqaError
    from odqa.index.build import build_index
    from odqa.reader.model import Reader
    from odqa.types import Answer, Document, Response

__all__ = ["Answer", "Document", "OdqaError", "Pipeline", "Reader", "Response", "__version__", "build_index"]

_HOMES = {
    "Answer": "odqa.types",
    "Document": "odqa.types",
    "OdqaError": "odqa.errors",
    "Pipeline": "odqa.answering.pipeline",
    "Reader": "odqa.reader.model",
    "Response": "odqa.types",
    "build_index": "odqa.index.build",
}


def __getattr__(name: str) -> Any:
    if name == "index":  # A part that is public as it is.
        return import_module("odqa.index")
    if name not in _HOMES:
        raise AttributeError(f"module 'odqa' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return __all__
