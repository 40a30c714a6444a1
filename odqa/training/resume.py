"""What a run computes with goes into safetensors and JSON, and comes back: weights, optimiser, memory, random states.

Nothing is pickled, since whoever unpickles a file runs what it says. Knows no loop and no data.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.torch import load_file, load_model, save_file, save_model

from odqa.checked import checked
from odqa.errors import DataError
from odqa.files import read_json, write_json
from odqa.training.memory import Memory

WEIGHTS, OPTIMIZER, SCALER = "model.safetensors", "optimizer.safetensors", "scaler.json"
REMEDY = "remove the checkpoint and train again"
_WORDS = 624  # Of a Mersenne Twister's state.

_Word = Annotated[int, Field(ge=0, lt=1 << 32)]
_Bytes = Annotated[str, Field(max_length=1 << 16, pattern="^([0-9a-f]{2})*$")]


class _Twister(BaseModel):
    """The state of a Mersenne Twister and the normal deviate that it has in store."""

    model_config = ConfigDict(extra="forbid", strict=True)

    words: Annotated[list[_Word], Field(min_length=_WORDS, max_length=_WORDS)]
    at: Annotated[int, Field(ge=0, le=_WORDS)]  # Outside of the words numpy would read whatever lies there.
    spare: float | None


class _RandomStates(BaseModel):
    """The random states of a process: torch's as hexadecimal bytes, ``device`` its kind and its generator's state."""

    model_config = ConfigDict(extra="forbid", strict=True)

    python: _Twister
    numpy: _Twister
    torch: _Bytes
    device: tuple[Literal["cuda", "mps", "xpu"], _Bytes] | None = Field(strict=False)


class _Scaler(BaseModel):
    """What a gradient scaler's ``state_dict`` gives."""

    model_config = ConfigDict(extra="forbid")

    scale: Annotated[float, Field(gt=0)]
    growth_factor: Annotated[float, Field(gt=1)]
    backoff_factor: Annotated[float, Field(gt=0, lt=1)]
    growth_interval: Annotated[int, Field(gt=0)]
    growth_tracker: Annotated[int, Field(ge=0, alias="_growth_tracker")]


def write_shared(folder: Path, model: Any, optimizer: Any, scaler: Any) -> None:
    """Write what all processes have alike: the whole model's weights, the optimiser's state, the scaler's if any.

    Raises OSError or SafetensorError where the disk is full.
    """
    save_model(model, str(folder / WEIGHTS))
    states = optimizer.state_dict()["state"]
    tensors = {f"{at}.{name}": tensor.contiguous() for at, state in states.items() for name, tensor in state.items()}
    save_file(tensors, folder / OPTIMIZER)
    if scaler is not None:
        write_json(folder / SCALER, scaler.state_dict())


def write_own(folder: Path, process: int, device: Any, memory: Memory | None) -> None:
    """Write what a process has of its own: its random states, and what it remembers of the teacher, if it does.

    Raises as :func:`write_shared` does.
    """
    import torch

    _, words, spare = random.getstate()
    of_numpy: Any = np.random.get_state(legacy=False)
    on_device = None
    if device.type != "cpu":
        on_device = device.type, _hexadecimal(torch.get_device_module(device.type).get_rng_state())
    states = _RandomStates(
        python=_Twister(words=list(words[:-1]), at=words[-1], spare=spare),
        numpy=_Twister(
            words=of_numpy["state"]["key"].tolist(),
            at=of_numpy["state"]["pos"],
            spare=of_numpy["gauss"] if of_numpy["has_gauss"] else None,
        ),
        torch=_hexadecimal(torch.get_rng_state()),
        device=on_device,
    )
    write_json(folder / random_file(process), states.model_dump(), indent=None)
    if memory is not None:
        save_file(memory.state_dict(), folder / memory_file(process))


def write_weights(path: Path, model: Any) -> None:
    """Write a model's weights alone. Raises OSError or SafetensorError where the disk is full."""
    save_model(model, str(path))


def read_weights(path: Path, model: Any) -> None:
    """Put weights that :func:`write_weights` wrote into a model of the same shape.

    Raises DataError naming the file where they are not that.
    """
    with _fitting(path):
        load_model(model, path)


def read_shared(folder: Path, model: Any, optimizer: Any, scaler: Any) -> None:
    """Put what :func:`write_shared` wrote in its places. Raises DataError naming a file that does not fit the run."""
    read_weights(folder / WEIGHTS, model)
    with _fitting(folder / OPTIMIZER):
        optimizer.load_state_dict({**optimizer.state_dict(), "state": _optimizer_state(folder / OPTIMIZER, optimizer)})
    # A run that has computed in another precision until now has left none.
    if scaler is not None and (folder / SCALER).exists():
        with _fitting(folder / SCALER):
            state = checked(_Scaler, read_json(folder / SCALER, REMEDY), str(folder / SCALER), REMEDY)
            scaler.load_state_dict(state.model_dump(by_alias=True))


def read_own(folder: Path, process: int, device: Any, memory: Memory | None) -> None:
    """Put what :func:`write_own` wrote in its places. Raises DataError naming a file that does not fit the run."""
    import torch

    path = folder / random_file(process)
    with _fitting(path):
        states = checked(_RandomStates, read_json(path, REMEDY), str(path), REMEDY)
        torch.set_rng_state(_tensor(states.torch))
        if states.device is not None and states.device[0] == device.type:
            torch.get_device_module(device.type).set_rng_state(_tensor(states.device[1]))
        random.setstate((3, (*states.python.words, states.python.at), states.python.spare))
        words, spare = np.array(states.numpy.words, dtype=np.uint32), states.numpy.spare
        np.random.set_state(("MT19937", words, states.numpy.at, int(spare is not None), spare or 0.0))
    if memory is not None:
        with _fitting(folder / memory_file(process)):
            memory.load_state_dict(load_file(folder / memory_file(process)))


def random_file(process: int) -> str:
    """The name of the file with a process's random states."""
    return f"random_{process}.json"


def memory_file(process: int) -> str:
    """The name of the file with what a process remembers of the teacher."""
    return f"memory_{process}.safetensors"


def _optimizer_state(path: Path, optimizer: Any) -> dict[int, dict[str, Any]]:
    """The state of each weight by its number, of the weight's shape. What else an optimiser has is in the recipe."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in load_file(path).items():
        number, _, kind = name.partition(".")
        shapes = {"step": (), "exp_avg": weights[int(number)].shape, "exp_avg_sq": weights[int(number)].shape}
        if tensor.shape != shapes[kind]:
            raise ValueError(f"{name} has the shape {tuple(tensor.shape)}, not {tuple(shapes[kind])}")
        state.setdefault(int(number), {})[kind] = tensor
    if any(len(one) != 3 for one in state.values()):
        raise ValueError("a weight lacks a part of its state")
    return state


@contextmanager
def _fitting(path: Path) -> Iterator[None]:
    """Turn what torch and safetensors say of a file that does not fit into a DataError that names it."""
    try:
        yield
    except (SafetensorError, RuntimeError, ValueError, TypeError, KeyError, IndexError, OSError) as error:
        detail = (str(error).strip() or type(error).__name__).splitlines()[0]
    else:
        return
    raise DataError(f"{path} does not fit this run ({detail}); {REMEDY}")


def _hexadecimal(state: Any) -> str:
    return bytes(state.tolist()).hex()


def _tensor(state: str) -> Any:
    import torch

    return torch.tensor(list(bytes.fromhex(state)), dtype=torch.uint8)
