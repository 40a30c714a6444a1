"""Open-domain question answering over your own documents: exact spans, where they stand, how sure."""

__version__ = "0.1.0"
