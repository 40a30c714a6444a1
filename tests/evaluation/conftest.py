"""The small indexed dataset with everything opened, and the rankings fitted on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from odqa.answering.fit_file import Fit
from odqa.evaluation.cases import Dataset
from odqa.evaluation.readings import Readings
from odqa.fitting.tuning import tune
from odqa.index.retriever import Retriever
from odqa.reader.model import Reader
from odqa.squad import load_examples
from odqa.types import Example, Mode
from tests.tiny.asked import Asked


@pytest.fixture(scope="module")
def readings(asked: Asked) -> Iterator[Readings]:
    # In float32 what is read does not depend on what is read with it.
    with Readings(Reader.load(asked.reader, device="cpu", dtype="float32"), asked.cache) as opened:
        yield opened


@pytest.fixture(scope="module")
def retrievers(asked: Asked) -> Iterator[dict[Mode, Retriever]]:
    opened = {mode: Retriever.open(asked.index, mode=mode, device="cpu") for mode in Mode}
    yield opened
    for retriever in opened.values():
        retriever.close()


@pytest.fixture(scope="module")
def examples(asked: Asked) -> list[Example]:
    return load_examples(asked.dataset)


@pytest.fixture(scope="module")
def fit(examples: list[Example], retrievers: dict[Mode, Retriever], readings: Readings) -> Fit:
    return tune(Dataset(examples), retrievers[Mode.HYBRID], readings, ks=(2, 4))
