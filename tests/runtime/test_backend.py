"""What computes where, without loading a library to find out."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from odqa import threads
from odqa.errors import ModelError, UsageError
from odqa.runtime import backend
from odqa.runtime.backend import Choice, choose

HEAVY = "torch transformers sentence_transformers sklearn datasets accelerate openvino_telemetry pandas bm25s".split()


@pytest.fixture(autouse=True)
def on_a_cpu_without_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_may_have_gpu", lambda: False)
    monkeypatch.setattr(backend.openvino_library, "has_bfloat16", lambda: False)


def test_openvino_computes_on_a_cpu_and_torch_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose() == choose("cpu") == Choice("openvino", "cpu", "float32")
    assert choose("cuda") == Choice("torch", "cuda", "auto")
    assert choose(backend="torch") == Choice("torch", "auto", "auto")
    assert choose(precision="float16") == Choice("torch", "auto", "float16")
    monkeypatch.setattr(backend.openvino_library, "has_bfloat16", lambda: True)
    assert choose().precision == "bfloat16"
    assert choose(precision="float32").precision == "float32"
    monkeypatch.setattr(backend, "_may_have_gpu", lambda: True)
    assert choose().backend == "torch"
    assert choose("cpu").backend == "openvino"
    assert choose(backend="openvino") == Choice("openvino", "cpu", "bfloat16")


def test_what_was_preferred_is_taken_where_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backend, "_preferred", "auto")
    backend.prefer("torch")
    assert choose().backend == "torch"
    assert choose(backend="openvino").backend == "openvino"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"backend": "onnx"}, r"no such backend: 'onnx' \(auto, openvino, torch\)"),
        ({"device": "cuda", "backend": "openvino"}, r"on the CPU.*not on cuda.*--backend torch"),
        ({"precision": "float16", "backend": "openvino"}, "float32 or bfloat16"),
    ],
)
def test_what_does_not_go_together_is_refused(arguments: dict[str, str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        choose(**arguments)


@pytest.mark.parametrize("name", ["libjemalloc.so.2", "/usr/lib/libtcmalloc_minimal.so.4:/lib/other.so"])
def test_torch_computes_under_another_allocator_which_openvino_does_not_survive(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LD_PRELOAD", name)
    monkeypatch.setattr(backend.openvino_library, "has_bfloat16", backend.openvino_library.load.__wrapped__)
    backend.remark.cache_clear()
    assert choose().backend == "torch"
    assert "malloc" in caplog.text
    assert "LD_PRELOAD" in caplog.text
    with pytest.raises(ModelError, match="run without it, or with --backend torch"):
        choose(backend="openvino")


@pytest.mark.parametrize("number", [0, -1])
def test_no_threads_are_refused(number: int) -> None:
    with pytest.raises(UsageError, match="must be at least 1"):
        threads.limit(number)


def test_threads_are_those_asked_for_then_those_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_asked", None)
    monkeypatch.setattr(threads, "_allowed", lambda: 8)
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert threads.count() == 8
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads.count() == 3
    monkeypatch.setenv("OMP_NUM_THREADS", "500")
    assert threads.count() == 16
    monkeypatch.setattr(threads, "_asked", 2)
    assert threads.count() == 2


def test_an_answer_loads_no_library_of_training_and_opens_no_connection(asked) -> None:
    """In a process of its own: the models' graphs are there, as after a first question."""
    program = f"""
import socket, sys
def refuse(*_, **__):
    raise AssertionError("a connection was opened")
socket.socket.connect = socket.socket.connect_ex = socket.create_connection = socket.getaddrinfo = refuse
from odqa.answering.pipeline import Pipeline
for _ in range({{times}}):
    with Pipeline.open({str(asked.index)!r}, reader={str(asked.reader)!r}, device="cpu") as pipeline:
        assert pipeline.ask("Where is the Louvre?").timings["read"] > 0
if {{times}} == 1:
    loaded = [name for name in {HEAVY!r} if sys.modules.get(name)]
    assert not loaded, loaded
"""
    for times in (2, 1):  # First with the making of graphs, which may not send anything either.
        subprocess.run([sys.executable, "-c", program.format(times=times)], check=True, timeout=300)


REPORTER = """
import os
class Telemetry:
    def __init__(self, *_, **__): pass
    def __getattr__(self, name):
        if name in ("backend", "sender"): raise AttributeError(name)
        with open(os.environ["REPORTED"], "a") as reported:
            reported.write(name + "\\n")
        return lambda *_, **__: None
"""


def test_openvino_reports_to_no_one_also_where_it_was_imported_before(asked, tmp_path: Path) -> None:
    """Its reporter, which sends from processes of its own, is one here that writes down what it is called for."""
    backend_of = tmp_path / "site" / "openvino_telemetry" / "backend"
    backend_of.mkdir(parents=True)
    (backend_of.parent / "__init__.py").write_text(REPORTER)
    (backend_of / "__init__.py").touch()
    (backend_of / "backend_ga4.py").touch()
    reported = tmp_path / "reported"
    reported.touch()
    program = f"""
import os, openvino
before = open(os.environ["REPORTED"]).read()
assert before, "what stands in for the reporter is not what OpenVINO takes"
from odqa.answering.pipeline import Pipeline
with Pipeline.open({str(asked.index)!r}, reader={str(asked.reader)!r}, device="cpu", backend="openvino") as pipeline:
    pipeline.ask("Where is the Louvre?")
assert open(os.environ["REPORTED"]).read() == before
"""
    site = os.pathsep.join(filter(None, [str(tmp_path / "site"), os.environ.get("PYTHONPATH")]))
    surroundings = {"REPORTED": str(reported), "PYTHONPATH": site, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300, env=os.environ | surroundings)
    assert len(list((tmp_path / "cache").rglob("graph.xml"))) == 2, "the reader's and the encoder's graphs were made"
