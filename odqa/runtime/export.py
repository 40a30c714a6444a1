"""A model's folder goes in, the graph that OpenVINO runs for it comes out of this user's cache, made there once.

A graph is known by the model's content, OpenVINO's version and this file's: where one of them changes, or a file of it,
it is made anew. One that nobody has used for months is removed when another is made. It lies beside the tokenizer and
what else is to be known of the model, so that neither torch nor transformers is loaded to run it.
"""

from __future__ import annotations

import atexit
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, cast

import numpy as np

from odqa.errors import OdqaError, UsageError
from odqa.files import write_json
from odqa.model_configs import reason
from odqa.models import ResolvedModel, cache_folder, content_hash, file_hash
from odqa.runtime import openvino_library
from odqa.runtime.backend import remark
from odqa.runtime.network import Inputs, Outputs
from odqa.runtime.openvino_network import OpenVinoNetwork
from odqa.runtime.quiet import quiet
from odqa.runtime.tokens import FastTokenizer

FORMAT = 1  # Of the folder; and of how graphs are made: a new number makes all of them anew.
TOLERANCE = 0.02  # The largest difference of an output to torch's, both in float32, as a share of its spread.
_GRAPH, _TOKENIZER, _ABOUT = "graph.xml", "tokenizer.json", "about.json"
_HALF_MADE = 3600  # Seconds after which nobody is making a graph any more.
_UNUSED = 90 * 86_400  # Seconds after which a graph is taken for one of a model that is not used any more.
_log = logging.getLogger("odqa")


class NotExportable(OdqaError):
    """A model that must be run by torch, and why."""


class _Unwritten(OdqaError):
    """A graph for which there is no room."""


@dataclass(frozen=True, slots=True)
class Made:
    """What makes a graph: the module to be traced, its tokenizer, facts for :attr:`Graph.about`, and a trial.

    ``module`` takes the inputs of ``trial`` as a dict and returns a tuple of tensors, which must be ``wanted`` up to
    :data:`TOLERANCE`. ``bears_bfloat16`` says of the outputs in float32 and in bfloat16 whether the latter may be used.
    """

    module: Any
    tokenizer: FastTokenizer
    about: Mapping[str, Any]
    trial: Inputs
    wanted: Outputs
    bears_bfloat16: Callable[[Outputs, Outputs], bool] = lambda wanted, lowered: True


@dataclass(frozen=True, slots=True)
class Graph:
    """A model that is ready to run: its graph's file, its tokenizer, and facts by name."""

    file: Path
    tokenizer: FastTokenizer
    about: Mapping[str, Any]
    bears_bfloat16: bool

    def network(self, precision: str) -> OpenVinoNetwork:
        """The model as it runs, in ``precision`` or, where it does not bear that, in float32."""
        return OpenVinoNetwork(self.file, precision if self.bears_bfloat16 else "float32", self.compiled)

    @property
    def compiled(self) -> Path:
        """The folder where OpenVINO keeps what it has compiled for this processor."""
        return self.file.parent / "compiled"


def graph_of(model: ResolvedModel, kind: str, make: Callable[[Path], Made]) -> Graph | None:
    """The graph of a model as a ``kind`` of thing (reader, encoder); None, with a remark, where torch must run it.

    ``make`` loads the model, by torch, and raises NotExportable where there is no way. What it raises for a model that
    is broken is raised here.
    """
    hash_ = content_hash(model.folder)
    folder = _place() / f"{kind}-{hash_[:40]}"
    key = {"format": FORMAT, "openvino": openvino_library.load().__version__, "model": hash_}
    if (found := _read(folder, key)) is None:
        _log.info("preparing the %s %s for this machine, once", kind, model.name)
        found = _make(model.folder, folder, key, make)
    if found is None:
        found = "its graph is gone as soon as it is made"
    if isinstance(found, str):
        remark(f"the {kind} {model.name} cannot be run by OpenVINO ({found}); torch runs it, which is slower")
        return None
    return found


def maker(module: str) -> Callable[[Path], Made]:
    """The ``make`` of a module that loads models by torch; the module is imported when a graph is made, not before."""
    return lambda folder: cast("Made", import_module(module).make(folder))


@cache
def _place() -> Path:
    """The folder of all graphs: of this user's cache, or where that cannot be written, one of this process alone."""
    with suppress(OSError, UsageError):
        place = cache_folder("graphs")
        place.mkdir(parents=True, exist_ok=True)
        if os.access(place, os.W_OK):
            return place
    remark("no cache can be written (HOME or XDG_CACHE_HOME), so models are prepared again in each process")
    place = Path(tempfile.mkdtemp(prefix="odqa-graphs-"))
    atexit.register(_remove, place, os.getpid())
    return place


def _remove(place: Path, process: int) -> None:
    """Remove the folder at the end of the process that made it, not of one that was forked from it."""
    if os.getpid() == process:
        shutil.rmtree(place, ignore_errors=True)


def _read(folder: Path, key: Mapping[str, Any]) -> Graph | str | None:
    """The graph in the folder, or why there can be none; None where there is no whole one of this key."""
    try:
        about = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
        if about["key"] != key:
            return None
        if about["unusable"]:
            return str(about["unusable"])
        if any(file_hash(folder / name) != hash_ for name, hash_ in about["files"].items()):
            return None
        text = (folder / _TOKENIZER).read_text(encoding="utf-8")
        tokenizer = FastTokenizer.from_json(text, about["tokenizer"])
        with suppress(OSError):  # A cache may be there to be read alone.
            os.utime(folder)
        return Graph(folder / _GRAPH, tokenizer, about["about"], bool(about["bears_bfloat16"]))
    except Exception:  # What is damaged in a cache, in whatever way, is made anew.
        return None


def _make(model: Path, folder: Path, key: Mapping[str, Any], make: Callable[[Path], Made]) -> Graph | str | None:
    """Make the graph and put it into the folder, whole or not at all; or write there why there can be none.

    Why there is none for want of room is returned, and tried again by the next process.
    """
    _remove_half_made(folder)
    _remove_unused(folder.parent)
    try:
        with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as place:
            fresh = Path(place) / folder.name
            fresh.mkdir()
            about = _fill(fresh, model, make)
            with _writing(fresh):
                files = {file.name: file_hash(file) for file in fresh.iterdir()}
                write_json(fresh / _ABOUT, {"key": key, "files": files, **about})
            if _read(folder, key) is None:  # Else another process has made it meanwhile, and may be running it.
                shutil.rmtree(folder, ignore_errors=True)
                with suppress(OSError):
                    fresh.rename(folder)
    except _Unwritten as error:
        return str(error)
    return _read(folder, key)


def _fill(fresh: Path, model: Path, make: Callable[[Path], Made]) -> dict[str, Any]:
    """Write a model's graph and tokenizer into an empty folder; what is to be known of them, or why there are none.

    Raises _Unwritten where there is no room.
    """
    try:
        made = make(model)
        bears = _write(made, fresh)
    except NotExportable as error:
        return {"unusable": str(error)}
    return {
        "unusable": "",
        "tokenizer": made.tokenizer.settings,
        "about": dict(made.about),
        "bears_bfloat16": bears,
    }


def _remove_half_made(folder: Path) -> None:
    """Remove what processes that were killed have left of the folder's graph."""
    for place in folder.parent.glob(f".{folder.name}-*"):
        with suppress(OSError):
            if place.stat().st_mtime < time.time() - _HALF_MADE:
                shutil.rmtree(place)


def _remove_unused(place: Path) -> None:
    """Remove the graphs that no process has read for long; one that runs such a graph has it open and keeps it."""
    for folder in place.glob("[!.]*"):
        with suppress(OSError):
            if folder.stat().st_mtime < time.time() - _UNUSED:
                shutil.rmtree(folder)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """A block that writes into a folder of the cache. Raises _Unwritten where that fails."""
    try:
        yield
    except (OSError, RuntimeError) as error:  # The latter is OpenVINO's, whatever it was.
        said = error.strerror if isinstance(error, OSError) else "is the disk full?"
        raise _Unwritten(f"its graph cannot be written to {folder.parents[1]}: {said}") from None


def _write(made: Made, folder: Path) -> bool:
    """Write the module's graph and tokenizer; returns whether it may run in bfloat16, False where there is none.

    Raises NotExportable where the graph gives other outputs than the module, _Unwritten where there is no room for it.
    """
    graph = _traced(made)
    with _writing(folder):
        openvino_library.load().save_model(graph, folder / _GRAPH, compress_to_fp16=False)
        (folder / _TOKENIZER).write_text(made.tokenizer.to_json(), encoding="utf-8")
    found = _run(graph, made.trial, "f32")
    own = made.trial["attention_mask"].astype(bool)
    for values, wanted in zip(found, made.wanted, strict=True):
        one, other = (values[own], wanted[own]) if wanted.shape == own.shape else (values, wanted)
        largest = float(np.abs(one - other).max())
        if not largest <= TOLERANCE * float(other.std()):  # Not a number is not within it, either.
            raise NotExportable(f"what it computes there differs from torch by {largest:.3g}")
    return openvino_library.has_bfloat16() and made.bears_bfloat16(found, _run(graph, made.trial, "bf16"))


def _run(graph: Any, inputs: Inputs, precision: str) -> Outputs:
    compiled = openvino_library.core().compile_model(graph, "CPU", {"INFERENCE_PRECISION_HINT": precision})
    found = compiled(inputs)
    return tuple(np.array(found[at]) for at in range(len(compiled.outputs)))


def check_tokens(tokenizer: FastTokenizer, transformer: Any) -> None:
    """Raise NotExportable where the tokenizer has tokens without an embedding: torch refuses them, a graph does not."""
    embeddings = transformer.get_input_embeddings().num_embeddings
    if (tokens := tokenizer.backend_tokenizer.get_vocab_size(with_added_tokens=True)) > embeddings:
        raise NotExportable(f"its tokenizer has {tokens:,} tokens, for {embeddings:,} of which there is an embedding")


def _traced(made: Made) -> Any:
    """The module's graph, for any number of rows and any length. Raises NotExportable where it cannot be traced."""
    import torch

    names = list(made.trial)

    class Traced(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = made.module

        def forward(self, *values: torch.Tensor) -> Any:
            return self.module(dict(zip(names, values, strict=True)))

    # Another shape than the trial's: a graph that holds for one shape alone fails there.
    example = tuple(torch.from_numpy(made.trial[name][:2, :8].copy()) for name in names)
    try:
        with quiet(), torch.inference_mode(False), torch.no_grad():
            graph = openvino_library.load().convert_model(Traced().eval(), example_input=example)
    except Exception as error:  # The tracer and the converter raise whatever they meet.
        raise NotExportable(f"it cannot be traced: {reason(error)}") from None
    if len(graph.inputs) != len(names):
        raise NotExportable(f"it leaves out some of its inputs ({', '.join(names)})")
    for port, name in zip(graph.inputs, names, strict=True):
        port.get_tensor().set_names({name})
        port.get_node().set_partial_shape(openvino_library.load().PartialShape([-1, -1]))
    graph.validate_nodes_and_infer_types()
    return graph
