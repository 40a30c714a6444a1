"""A device goes in, its name and peak come out, and how much of the peak a run used. Trains nothing."""

from __future__ import annotations

import platform
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Dense tensor-core FLOP/s, from the makers' data sheets: bfloat16, or float16 where there is no bfloat16 (T4, V100).
# The slower cards of the same name (PCIe, NVL, D, laptops) and parts of a card (MIG) are left out.
PEAKS = (
    (r"\bA100\b", 312e12),
    (r"\bH100 (80GB HBM3|SXM)", 989e12),
    (r"\bH200\b(?! NVL)", 989e12),
    (r"\bL4\b", 121e12),
    (r"\bT4\b", 65e12),
    (r"\bV100\b", 125e12),
    (r"\bRTX 4090\b(?! (D|Laptop))", 165e12),
)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a run computes on: the kind of device (cpu, cuda), its name, CPU threads of each process, processes.

    ``arithmetic`` is what it computes in there, by the names of the recipe's ``precision``; the records of older
    versions do not say.
    """

    device: str
    name: str
    threads: int
    processes: int
    arithmetic: str = ""

    def __str__(self) -> str:
        """What a model card says of it."""
        times = f"{self.processes} × " if self.processes > 1 else ""
        threads = f", {self.threads} thread(s)" if self.device == "cpu" else ""
        return times + self.name + threads + (f", in {self.arithmetic}" if self.arithmetic else "")


def describe(device: Any, processes: int, arithmetic: str) -> Hardware:
    """The hardware of a run whose ``processes`` each have a device like ``device`` and compute in ``arithmetic``."""
    import torch

    name = torch.cuda.get_device_name(device) if device.type == "cuda" else _processor()
    return Hardware(device.type, name, torch.get_num_threads(), processes, arithmetic)


def peak(name: str) -> float | None:
    """The peak of a GPU in FLOP/s by the name that its driver gives; None where it is not known."""
    if "MIG" in name.split():
        return None
    return next((flops for pattern, flops in PEAKS if re.search(pattern, name)), None)


def flops_per_token(model: Any, teacher: Any = None, epochs: int = 1) -> int:
    """What training costs a token: 6 FLOPs a parameter, embeddings left out (Kaplan et al. 2020, section 2.1).

    What is not trained costs its forward pass alone, a third of that; a teacher's is made once in all ``epochs``.
    Attention's own products, which grow with the length, are left out, as there.
    """
    own = sum((6 if weight.requires_grad else 2) * weight.numel() for weight in _parameters(model))
    read = 0 if teacher is None else sum(2 * weight.numel() for weight in _parameters(teacher))
    return int(own + read / epochs)


def utilisation(hardware: Hardware, flops_a_token: int, tokens: int, seconds: float) -> float | None:
    """Model FLOPs utilisation: FLOP/s of the model over those of the GPUs. None where their peak is not known."""
    most = peak(hardware.name) if hardware.device == "cuda" else None
    if most is None or not seconds:
        return None
    return flops_a_token * tokens / seconds / (most * hardware.processes)


def _parameters(model: Any) -> list[Any]:
    """All but those of embeddings."""
    import torch

    embedded = {
        id(weight)
        for module in model.modules()
        if isinstance(module, torch.nn.Embedding)
        for weight in module.parameters()
    }
    return [weight for weight in model.parameters() if id(weight) not in embedded]


def _processor() -> str:
    """The CPU's name, from Linux where it is known there, else from Python."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8", errors="replace").splitlines() if info.is_file() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine()
