"""Names of packages go in; how Python finds modules where these are not installed comes out."""

from __future__ import annotations

import sys
from collections.abc import Collection
from importlib.machinery import PathFinder
from typing import Any


def finders(hidden: Collection[str]) -> list[Any]:
    """``sys.meta_path``, but that neither the packages nor what pip noted of them are found."""

    class Without(PathFinder):
        @classmethod
        def find_spec(cls, fullname, path=None, target=None):
            return None if fullname.partition(".")[0] in hidden else super().find_spec(fullname, path, target)

        @classmethod
        def find_distributions(cls, *context):
            return (one for one in super().find_distributions(*context) if one.name not in hidden)

    return [Without if one is PathFinder else one for one in sys.meta_path]
