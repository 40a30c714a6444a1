"""Names go in, torch devices and dtypes come out: where to compute and how precisely. torch is imported when needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from odqa.arguments import meant
from odqa.errors import UsageError

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cpu", "cuda", "mps")
_OTHER_NAMES = {"gpu": "cuda", "nvidia": "cuda", "apple": "mps", "metal": "mps", "processor": "cpu"}


def check_device(name: str) -> str:
    """The name of a device, in small letters. Raises UsageError for none; whether it is here, torch knows.

    >>> check_device("CUDA:1")
    'cuda:1'
    """
    kind, colon, number = name.casefold().partition(":")
    if colon and not number.isdecimal():
        raise UsageError(f"{name!r} is no device; after the colon is its number, as in {kind}:0")
    if kind not in DEVICES:
        guess = meant(_OTHER_NAMES.get(kind, kind), DEVICES)
        remedy = f"give one of {', '.join(DEVICES)}"
        if guess or not kind.isalpha():
            raise UsageError(f"{name!r} is no device; {guess or remedy}")
    return name.casefold()


def pick_device(name: str) -> torch.device:
    """``auto`` is the first CUDA device, then Apple's, then the CPU. Raises UsageError where it is not there.

    >>> pick_device("cpu")
    device(type='cpu')
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise UsageError(f"no such device: {name!r} (try auto, cpu or cuda)") from None
    if device.type == "cuda" and not torch.cuda.is_available():
        raise UsageError("no CUDA device here (torch.cuda.is_available() is False); use --device cpu or auto")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise UsageError(f"no {name} here: there are {torch.cuda.device_count()} CUDA devices, the first is cuda:0")
    if device.type not in ("cpu", "cuda"):
        try:
            (torch.zeros(1, device=device) + 1).item()
        except Exception:  # Each kind says it in its own way.
            raise UsageError(f"nothing is computed on {name!r} here; use --device cpu or auto") from None
    return device


def pick_dtype(name: str, device: str) -> torch.dtype:
    """The precision of the matrix products. ``auto``: bfloat16 where the hardware multiplies it, else float32."""
    import torch

    known = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if name == "auto":
        return torch.bfloat16 if has_bfloat16(device) else torch.float32
    if name not in known:
        raise UsageError(f"no such dtype: {name!r} (auto, {', '.join(known)})")
    return known[name]


def has_bfloat16(device: str) -> bool:
    """Whether the device multiplies bfloat16 natively; in emulation it is slower than float32."""
    import torch

    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device == "cpu":
        # Only recent versions of torch can tell; an older one computes in float32, which is always right.
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))
    return False
