"""Scores answers against a dataset. Nothing is imported here: the metrics stay usable without a reader."""
