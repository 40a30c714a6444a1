"""Hits and readings become answers: the only place where retrieval and reading meet."""
