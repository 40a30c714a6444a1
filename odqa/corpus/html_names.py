"""Names of HTML elements that several modules ask for. Knows nothing else."""

from __future__ import annotations


def names(listed: str) -> frozenset[str]:
    """A set of names from a list separated by spaces."""
    return frozenset(listed.split())


HEADINGS = names("h1 h2 h3 h4 h5 h6")
