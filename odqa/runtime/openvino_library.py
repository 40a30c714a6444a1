"""OpenVINO, imported so that it sends nothing; what it can compute on this processor. Imports no torch."""

from __future__ import annotations

import os
import re
import sys
from functools import cache
from typing import Any

from odqa.errors import ModelError

_TELEMETRY = "openvino_telemetry"
_ALLOCATOR = re.compile(r"[^\s:]*malloc[^\s:]*")  # tcmalloc, jemalloc, mimalloc


@cache
def load() -> Any:
    """The library. Raises ModelError where it is missing or cannot be loaded, or would end the process.

    It does so under any allocator but glibc's ("free(): invalid size", where a core is made, with OpenVINO 2026.4).

    It reports to Intel that it was imported, and its converters which models they see, by a package of its own, if that
    can be imported. Here it cannot: without it they report to no one. Nor do they from here on where someone else has
    imported OpenVINO before.
    """
    if preloaded := _ALLOCATOR.search(os.environ.get("LD_PRELOAD", "")):
        raise ModelError(
            f"OpenVINO does not bear the allocator {preloaded[0]}, which LD_PRELOAD names; run without it, or with "
            "--backend torch"
        )
    held = sys.modules.get(_TELEMETRY)
    sys.modules[_TELEMETRY] = None  # type: ignore[assignment]
    try:
        import openvino
    except Exception as error:  # A library that is missing or too old for it is reported in many ways.
        if held is None:
            del sys.modules[_TELEMETRY]
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ModelError(
            f"OpenVINO cannot be loaded ({reason}); `pip install --force-reinstall openvino` brings it, and "
            "--backend torch does without"
        ) from None
    if held is not None:
        _silence()
    return openvino


def _silence() -> None:
    """Put OpenVINO's own stand-in for the package that reports, which does nothing, wherever the package was taken."""
    from openvino.tools.ovc import telemetry_stub

    for name, module in list(sys.modules.items()):
        if name.startswith("openvino.") and getattr(vars(module).get("tm"), "__name__", "") == _TELEMETRY:
            vars(module)["tm"] = telemetry_stub


@cache
def core() -> Any:
    """The library's own state in this process. Raises ModelError as :func:`load` does."""
    return load().Core()


@cache
def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 natively."""
    return "BF16" in core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
