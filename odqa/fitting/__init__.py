"""Readings of questions whose answers are known become settings: of a reader, and of a ranking over an index."""
