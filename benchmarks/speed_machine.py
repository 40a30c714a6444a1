"""A command goes in, what its process cost comes out; and what machine this is. Standard library alone.

Linux counts the memory of a process that starts another one as the other's, until that one's is larger. So whoever
measures memory here must be small, and imports neither numpy nor torch.
"""

from __future__ import annotations

import math
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

# Instructions that decide how fast a model runs on a CPU, as Linux calls them.
FLAGS = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16", "amx_fp16")
PACKAGES = ("odqa", "torch", "transformers", "tokenizers", "sentence-transformers", "openvino", "faiss-cpu", "numpy")
BUSY = "import time\nend = time.monotonic() + 3600\nwhile time.monotonic() < end: sum(range(10_000))"


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process cost: seconds on the clock, in user code and in the system; the most memory it held, in MB."""

    wall: float
    user: float
    system: float
    memory: float


def run(command: Sequence[str | Path], environment: Mapping[str, str] | None = None) -> Spent:
    """Run a command to its end. What processes it starts itself cost is counted in its seconds, not in its memory.

    Raises SystemExit with the last of what it said where it fails.
    """
    with tempfile.TemporaryFile() as said:
        began = perf_counter()
        process = subprocess.Popen(command, stdout=said, stderr=said, stdin=subprocess.DEVNULL, env=environment)
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:
            process.kill()
            raise
        wall = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            last = said.read().decode(errors="replace")[-3000:]
            raise SystemExit(f"{' '.join(map(str, command))[:500]} ended with {process.returncode}:\n{last}")
    unit = 1 if sys.platform == "darwin" else 1024  # Bytes of ru_maxrss.
    return Spent(wall, usage.ru_utime, usage.ru_stime, usage.ru_maxrss * unit / 1e6)


@contextmanager
def busy(processes: int) -> Iterator[None]:
    """So many processes compute beside the block, and are ended after it; by themselves after an hour."""
    started = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` (0 to 1) of the values lie, between two of them by a straight line.

    >>> percentile([1.0, 2.0, 4.0], 0.5), percentile([1.0, 2.0, 4.0], 0.75)
    (2.0, 3.0)
    """
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place - below) * (ordered[above] - ordered[below])


def machine() -> dict[str, Any]:
    """The processor, the cores that this process may use, memory, what is installed, and how busy it was before."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(errors="replace").splitlines() if info.is_file() else []
    values = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = set(values.get("flags", "").split())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {
        "processor": values.get("model name") or platform.processor() or platform.machine(),
        "family, model, stepping": [values.get(name, "?") for name in ("cpu family", "model", "stepping")],
        "cores": cores,
        "memory_gb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9, 1),
        "flags": [flag for flag in FLAGS if flag in flags],
        "system": platform.platform(),
        "python": platform.python_version(),
        "versions": {name: found for name in PACKAGES if (found := _version(name))},
        "settings": {name: value for name, value in os.environ.items() if name.startswith(("OMP_", "ONEDNN_", "MKL_"))},
        "load_before": os.getloadavg()[0],
    }


def named(machine: Mapping[str, Any]) -> str:
    """The machine in a line, for above the tables."""
    versions = ", ".join(f"{name} {found}" for name, found in machine["versions"].items())
    settings = "".join(f"; {name}={value}" for name, value in machine["settings"].items())
    return (
        f"{machine['processor']} ({', '.join(machine['flags'])}), {machine['cores']} cores, "
        f"{machine['memory_gb']:.0f} GB; Python {machine['python']}, "
        f"{versions}{settings}"
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
