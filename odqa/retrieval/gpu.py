"""A FAISS index goes in, a copy of it on the GPUs of this machine comes out, or the reason why there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from odqa.errors import UsageError
from odqa.forking import Lock
from odqa.retrieval.faiss_library import reason, require_faiss, unwrap

_MOST = 2048  # The largest k and nprobe that FAISS's GPU kernels take.


def gpus() -> int:
    """How many GPUs FAISS can use here."""
    # faiss-cpu has the function too, and it says 0.
    return int(require_faiss().get_num_gpus())


def why_not_gpu() -> str | None:
    """Why FAISS uses no GPU here, and what to do; None where it can."""
    if gpus():
        return None
    if not hasattr(require_faiss(), "StandardGpuResources"):
        return 'the FAISS installed here is faiss-cpu: run `pip uninstall faiss-cpu` and `pip install "odqa[gpu]"`'
    return "faiss-gpu sees no GPU here (nvidia-smi lists the GPUs of this machine)"


def to_gpu(index: Any, required: bool = False) -> tuple[GpuIndex | None, str | None]:
    """A copy of a faiss index on the GPUs, or why there is none: no GPU, no room, or a kind that only CPUs search.

    Raises UsageError where there is no GPU although one is ``required``.
    """
    why_not = why_not_gpu()
    if why_not is not None:
        if required:
            raise UsageError(f"no search on a GPU: {why_not}; or use --device auto or cpu")
        return None, why_not
    faiss = require_faiss()
    options = faiss.GpuMultipleClonerOptions()
    options.useFloat16 = True
    options.shard = True
    try:
        copy = GpuIndex(faiss.index_cpu_to_all_gpus(index, co=options))
    except RuntimeError as error:
        return None, f"FAISS cannot put an {type(index).__name__} on the GPU ({reason(error)})"
    core = unwrap(index)
    if isinstance(core, faiss.IndexIVF):
        copy.set_parameter("nprobe", core.nprobe)
    return copy, None


class GpuIndex:
    """A faiss index on one GPU, or a share of it on each of several.

    ``rounding`` is how far its scores may be from the cosines: numbers have 16 bits there.
    """

    rounding = 2e-3

    def __init__(self, index: Any) -> None:
        """Wrap what FAISS has copied."""
        self._index = index
        self._lock = Lock()  # FAISS's searches on a GPU share its memory, and are for one thread at a time.

    def set_parameter(self, name: str, value: int) -> None:
        """Set ``nprobe``, at most what the GPU takes."""
        with self._lock:
            require_faiss().GpuParameterSpace().set_index_parameter(self._index, name, min(value, _MOST))

    def search(
        self, queries: NDArray[np.float32], depth: int, allowed: NDArray[np.bool_] | None
    ) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
        """FAISS's scores and rows, (q, depth), as a search on the CPU gives them; None if the GPU cannot answer.

        Its kernels ignore selectors. So rows that are not allowed are dropped afterwards, if they are few.
        """
        dropped = 0 if allowed is None else int(len(allowed) - np.count_nonzero(allowed))
        if depth + dropped > _MOST:
            return None
        with self._lock:
            found, near = self._index.search(queries, depth + dropped)
        if allowed is not None and dropped:
            bad = (near < 0) | ~allowed[near]
            order = np.argsort(bad, axis=1, kind="stable")[:, :depth]
            found, near = np.where(bad, -np.inf, found), np.where(bad, -1, near)
            found, near = np.take_along_axis(found, order, axis=1), np.take_along_axis(near, order, axis=1)
        return found, near
