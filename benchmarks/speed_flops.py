"""A model's folder goes in, what a window costs comes out; and how fast this machine multiplies matrices of its shapes.

A window of T tokens costs, with W the weights of all matrices but the embeddings, L layers and width h,

    2 W T + 4 L T^2 h    floating-point operations:

each weight is multiplied and added once a token; attention's scores and its sums over values are 2 T^2 h each, a layer.
Norms, softmax, activations and biases are left out, and so is padding, which is waste. The rate is that of the products
of weights alone, one after another through all layers as in the model, with nothing between them: the most that a
reader could reach if all else were free.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TOKENS = (8 * 192, 32 * 192)  # Of a batch: the smaller stays in the caches, the larger has less to start.


@dataclass(frozen=True, slots=True)
class Shape:
    """A transformer in numbers: layers, width, and the (inputs, outputs) of its matrices, layer by layer."""

    layers: int
    width: int
    matrices: tuple[tuple[int, int], ...]

    @property
    def weights(self) -> int:
        """The weights of all matrices."""
        return sum(inputs * outputs for inputs, outputs in self.matrices)


def shape_of(folder: Path) -> Shape:
    """The shape of a model of BERT's kind, by the head of its weights: an 8-byte length, then names and shapes as JSON.

    Matrices of embeddings are left out.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    with (folder / "model.safetensors").open("rb") as stream:
        head = json.loads(stream.read(int.from_bytes(stream.read(8), "little")))
    matrices = tuple(
        (value["shape"][1], value["shape"][0])
        for name, value in sorted(head.items())  # So that what one gives the next one takes.
        if name != "__metadata__" and len(value["shape"]) == 2 and "embeddings" not in name
    )
    return Shape(config["num_hidden_layers"], config["hidden_size"], matrices)


def window_flops(shape: Shape, tokens: int) -> int:
    """The floating-point operations of one window; see above.

    >>> window_flops(Shape(1, 2, ((2, 3), (3, 2))), 10)
    1040
    """
    return 2 * shape.weights * tokens + 4 * shape.layers * tokens**2 * shape.width


def product_rate(shape: Shape, runtime: str, dtype: str, seconds: float) -> dict[str, float]:
    """Operations a second by ``torch`` or ``openvino``, for each size of a batch, as one stream or one a core."""
    chain = {"torch": _torch, "openvino": _openvino}[runtime]
    cores = len(os.sched_getaffinity(0))
    matrices = [pair for pair in shape.matrices if pair[1] >= shape.width]  # The head's two columns cost nothing.
    found = {}
    for tokens in TOKENS:
        for streams in sorted({1, cores}):
            repeat = chain(matrices, dtype, tokens, streams, cores // streams)
            operations = 2 * tokens * sum(inputs * outputs for inputs, outputs in matrices)
            repeat(1)  # To warm up.
            began, times = time.perf_counter(), 0
            while (spent := time.perf_counter() - began) < seconds:
                repeat(4)
                times += 4
            found[f"{tokens} tokens, {streams} streams"] = operations * times * streams / spent
    return found


def _torch(
    matrices: Sequence[tuple[int, int]], dtype: str, tokens: int, streams: int, threads: int
) -> Callable[[int], None]:
    import torch

    weights = [
        (torch.randn(outputs, inputs) / math.sqrt(inputs)).to(getattr(torch, dtype)) for inputs, outputs in matrices
    ]
    sources = {inputs: torch.randn(tokens, inputs).to(getattr(torch, dtype)) for inputs, _ in matrices}
    torch.set_num_threads(threads)
    pool = ThreadPoolExecutor(streams, initializer=torch.set_num_threads, initargs=(threads,))

    def once(_: int) -> None:
        with torch.inference_mode():
            for weight in weights:
                torch.nn.functional.linear(sources[weight.shape[1]], weight)

    return lambda times: list(pool.map(once, range(times * streams))) and None


def _openvino(
    matrices: Sequence[tuple[int, int]], dtype: str, tokens: int, streams: int, threads: int
) -> Callable[[int], None]:
    import numpy as np

    from odqa.runtime import openvino_library

    openvino = openvino_library.load()
    from openvino import opset13 as ops

    generator = np.random.default_rng(0)
    first: Any = ops.parameter([tokens, matrices[0][0]], np.float32)
    value = first
    for inputs, outputs in matrices:
        weight = generator.normal(size=(outputs, inputs)).astype(np.float32) / math.sqrt(inputs)
        value = ops.matmul(value, ops.constant(weight), False, True)
    hints = {
        "INFERENCE_PRECISION_HINT": {"bfloat16": "bf16", "float32": "f32"}[dtype],
        "NUM_STREAMS": str(streams),
        "INFERENCE_NUM_THREADS": str(threads * streams),
    }
    compiled = openvino.Core().compile_model(openvino.Model([value], [first]), "CPU", hints)
    queue = openvino.AsyncInferQueue(compiled, streams)
    source = generator.normal(size=(tokens, matrices[0][0])).astype(np.float32)

    def repeat(times: int) -> None:
        for _ in range(times * streams):
            queue.start_async({0: source})
        queue.wait_all()

    return repeat
