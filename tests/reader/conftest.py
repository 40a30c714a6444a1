"""Loaded readers, one of each family, on the CPU in float32: loaded once, since they hold no state between calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from odqa.reader.model import Reader
from tests.reader import families


@pytest.fixture(scope="session", params=["openvino", "torch"])
def reader(request: pytest.FixtureRequest, tiny_reader: Path) -> Reader:
    return Reader.load(tiny_reader, device="cpu", dtype="float32", backend=request.param)


@pytest.fixture(scope="session", params=families.FAMILIES)
def family_reader(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reader:
    folder = families.make(request.param, tmp_path_factory.mktemp(request.param))
    reader = Reader.load(folder, device="cpu", dtype="float32")
    assert reader.network.backend == "openvino"
    return reader
