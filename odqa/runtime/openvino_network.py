"""A graph's file goes in, a model that runs on the CPU comes out, by OpenVINO. Imports no torch."""

from __future__ import annotations

import atexit
import os
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from weakref import WeakSet

import numpy as np

from odqa import threads
from odqa.forking import Lock, this_process
from odqa.runtime import openvino_library
from odqa.runtime.network import Inputs, Outputs

_HINTS = {"float32": "f32", "bfloat16": "bf16"}
_networks: WeakSet[OpenVinoNetwork] = WeakSet()
_BEGUN = 2  # Requests a stream: one that computes, and one for it to go on with while the oldest of all is awaited.
_BATCH_TOKENS = 4096  # Larger batches are no faster, and their activations fall out of the caches.


class OpenVinoNetwork:
    """A graph that runs in as many streams as there are threads, each on one thread.

    Streams do not wait for one another, so that work beside this process costs no more than its share. What was
    compiled is kept in ``compiled``, and read from there the next time, and after a fork: threads are not copied with
    a process, so before one is forked the streams end, and a forked one has a single stream.
    """

    backend = "openvino"
    device = "cpu"

    def __init__(self, graph: Path, precision: str, compiled: Path | None = None) -> None:
        """``precision`` is float32 or bfloat16. Raises RuntimeError, as OpenVINO does, for a file that is no graph."""
        self.precision = precision
        self.batch_tokens = _BATCH_TOKENS
        self.streams = threads.count()
        self._graph, self._kept = graph, compiled
        self._process = this_process()
        self._lock = Lock()
        self._compiled: Any = None
        self._ready()
        _networks.add(self)

    def run(self, batches: Iterable[Inputs]) -> Iterator[Outputs]:
        """Give the outputs of each batch, in order. Raises RuntimeError where inputs and graph do not fit."""
        compiled = self._ready()
        begun: deque[Any] = deque()
        try:
            for inputs in batches:
                if len(begun) < _BEGUN * self.streams:
                    request = compiled.create_infer_request()
                else:
                    request = begun.popleft()
                    yield _outputs(request)
                request.start_async(inputs)
                begun.append(request)
            while begun:
                yield _outputs(begun.popleft())
        finally:
            for request in begun:
                request.wait()

    def end(self) -> None:
        """End the streams, unless another thread computes in them; they begin again when they are next needed."""
        self._compiled = None

    def _ready(self) -> Any:
        """What was compiled; compiled now where it is not, or no longer."""
        with self._lock:
            if self._compiled is None:
                if self._process != os.getpid():
                    self._process, self.streams = os.getpid(), 1
                self._compiled = self._compile()
            return self._compiled

    def _compile(self) -> Any:
        settings: dict[str, Any] = {
            "INFERENCE_PRECISION_HINT": _HINTS[self.precision],
            "INFERENCE_NUM_THREADS": self.streams,
            "NUM_STREAMS": self.streams,
            "ENABLE_CPU_PINNING": False,  # Pinned, two processes would share one core while another is idle.
        }
        if self._kept is not None:
            settings["CACHE_DIR"] = str(self._kept)
        return openvino_library.core().compile_model(self._graph, "CPU", settings)


def _outputs(request: Any) -> Outputs:
    """Wait for a request, and copy what it computed.

    No function of Python is called at a request's end: it may be the stream's thread that lets go of it last, which
    then waits for the interpreter, while that waits for the streams to end, or is no longer there.
    """
    request.wait()
    return tuple(np.array(tensor.data) for tensor in request.output_tensors)


def _end_threads(*, all_of_them: bool) -> None:
    """End those of the streams, and with ``all_of_them`` those that OpenVINO shares among models, too."""
    if not _networks:
        return
    if all_of_them:
        openvino_library.core().set_property({"FORCE_TBB_TERMINATE": True})
    for network in list(_networks):
        network.end()
    openvino_library.core.cache_clear()


# Left to the destructors that run when a process ends, threads are met there by those of a library that is gone.
atexit.register(_end_threads, all_of_them=False)

if hasattr(os, "register_at_fork"):  # Windows does not fork.
    os.register_at_fork(before=partial(_end_threads, all_of_them=True))
