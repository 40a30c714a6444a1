"""The names of a backend, a device and a precision go in; what computes, and where, comes out. Imports no torch."""

from __future__ import annotations

import logging
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from odqa.errors import ModelError, UsageError
from odqa.runtime import openvino_library
from odqa.types import Backend

_GPUS = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")  # Drivers of NVIDIA and AMD, and of either under Windows' Linux.
_PRECISIONS = ("auto", "float32", "bfloat16")  # Of OpenVINO on a CPU.
_log = logging.getLogger("odqa")
_preferred = Backend.AUTO


@dataclass(frozen=True, slots=True)
class Choice:
    """What computes (``openvino`` or ``torch``), the device's name for it, and the precision: auto for torch's own."""

    backend: Backend
    device: str
    precision: str


def prefer(backend: str) -> None:
    """Compute by this backend where none is named. Raises UsageError for one that does not exist."""
    global _preferred
    _preferred = known(backend)


def known(backend: str) -> Backend:
    """The backend of that name. Raises UsageError where there is none."""
    try:
        return Backend(backend)
    except ValueError:
        raise UsageError(f"no such backend: {backend!r} ({', '.join(Backend)})") from None


def choose(device: str = "auto", backend: str | None = None, precision: str = "auto") -> Choice:
    """OpenVINO on a CPU, torch elsewhere and where it is asked for; ``backend`` None is what :func:`prefer` set.

    Raises UsageError for a backend that does not exist, or that does not compute on this device or in this precision,
    and ModelError where OpenVINO is asked for and cannot be loaded; where it is not, torch takes its place.
    """
    wanted = known(backend or _preferred)
    on_cpu = device == "cpu" or (device == "auto" and (wanted is Backend.OPENVINO or not _may_have_gpu()))
    if wanted is Backend.OPENVINO and not (on_cpu and precision in _PRECISIONS):
        raise UsageError(
            f"OpenVINO computes here on the CPU, in float32 or bfloat16, not on {device} in {precision}; use --backend "
            "torch"
        )
    if wanted is Backend.TORCH or not on_cpu or precision not in _PRECISIONS:
        return Choice(Backend.TORCH, device, precision)
    try:
        fast = openvino_library.has_bfloat16()
    except ModelError as error:
        if wanted is Backend.OPENVINO:
            raise
        remark(f"{error}; torch computes instead, which is slower")
        return Choice(Backend.TORCH, device, precision)
    return Choice(Backend.OPENVINO, "cpu", ("bfloat16" if fast else "float32") if precision == "auto" else precision)


@cache
def remark(text: str) -> None:
    """Say once in a process what computes otherwise than was to be expected, and why."""
    _log.warning(text)


def _may_have_gpu() -> bool:
    """Whether torch may find a GPU: to be sure it would have to be loaded, which takes longer than an answer."""
    if torch := sys.modules.get("torch"):
        return bool(torch.cuda.is_available() or torch.backends.mps.is_available())
    if sys.platform == "darwin":
        return True  # Apple's own, by torch's mps.
    return sys.platform == "win32" or any(Path(path).exists() for path in _GPUS)
