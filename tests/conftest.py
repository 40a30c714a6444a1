"""Fixtures that every test may use; the models are made once a run."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator

os.environ["HF_HUB_OFFLINE"] = "1"  # Before any import of transformers: a test never reaches for the network.
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Tiny models gain nothing by a second thread, and two that wait for one another starve on a busy machine.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NO_COLOR", "1")

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, settings

from odqa import threads
from odqa.runtime import backend
from odqa.types import Backend
from tests import tiny
from tests.tiny.asked import Asked, make_asked

# Graphs of tiny models are not for the cache of whoever runs the tests.
_cache = TemporaryDirectory(prefix="odqa-tests-")
os.environ["XDG_CACHE_HOME"] = _cache.name

# A shell that starts the tests in the background has Ctrl-C ignored, in them and in what they start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples in every run, and no verdict on speed: the machine may be busy.
settings.register_profile(
    "odqa", derandomize=True, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("odqa")


@pytest.fixture(autouse=True)
def nothing_asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What a command was told of threads and backend holds for its process: here for its test."""
    monkeypatch.setattr(threads, "_asked", None)
    monkeypatch.setattr(backend, "_preferred", Backend.AUTO)
    for variable in ("OMP_NUM_THREADS", "RAYON_NUM_THREADS"):
        monkeypatch.setenv(variable, os.environ.get(variable, "1"))
    yield
    if threads._asked and (torch := sys.modules.get("torch")):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny_reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_reader(tmp_path_factory.mktemp("reader"))


@pytest.fixture(scope="session")
def tiny_encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_encoder(tmp_path_factory.mktemp("encoder"))


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.make_base(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="session")
def asked(tiny_encoder: Path, tiny_reader: Path, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    return make_asked(tmp_path_factory.mktemp("asked"), tiny_encoder, tiny_reader)
