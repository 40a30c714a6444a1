"""A graph's file goes in, a model that runs on the CPU comes out, by OpenVINO. Imports no torch."""

from __future__ import annotations

import atexit
import os
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
        queue = openvino_library.load().AsyncInferQueue(self._ready(), self.streams)
        done: dict[int, Outputs] = {}

        def keep(request: Any, at: int) -> None:
            done[at] = tuple(np.array(tensor.data) for tensor in request.output_tensors)

        queue.set_callback(keep)
        following = 0
        try:
            for at, inputs in enumerate(batches):
                queue.start_async(inputs, at)  # Waits until a stream is free.
                while following in done:
                    yield done.pop(following)
                    following += 1
        finally:
            queue.wait_all()
        while following in done:
            yield done.pop(following)
            following += 1

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
