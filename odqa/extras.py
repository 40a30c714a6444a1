"""An extra and what a purpose imports of it go in; nothing comes out, or how to install what is missing."""

from __future__ import annotations

from importlib.util import find_spec

from odqa.errors import OdqaError


def need(extra: str, purpose: str, *modules: str) -> None:
    """Raise OdqaError where one of the modules is not installed; imports none of them.

    >>> need("train", "training", "json", "no_such_module")
    Traceback (most recent call last):
    ...
    odqa.errors.OdqaError: training needs no_such_module; run: pip install "odqa[train]"
    """
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise OdqaError(f'{purpose} needs {" and ".join(missing)}; run: pip install "odqa[{extra}]"')
