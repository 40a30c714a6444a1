"""Datasets go in, reports come out. Nothing is imported here: the metrics stay usable without a reader."""
