"""What docs/python.md imports from ``odqa.index`` is there, and nothing is loaded for it before."""

from __future__ import annotations

import subprocess
import sys

import pytest

from odqa import index


def test_every_documented_name_is_there() -> None:
    assert {"Retriever", "add", "update", "remove", "compact", "verify"} <= set(dir(index))
    assert all(callable(getattr(index, name)) for name in dir(index))
    assert str(index.filters.parse("year>=2020")) == "year>=2020"
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        index.nothing  # noqa: B018


def test_the_package_alone_loads_nothing() -> None:
    code = (
        "import sys, odqa.index; print([name for name in sys.modules if name.startswith('odqa.') or name == 'numpy'])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "['odqa.version', 'odqa.index']"
