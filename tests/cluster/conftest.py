"""A Ray cluster of two nodes on this machine, which tests share, and documents for it to work on."""

from __future__ import annotations

import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.started import Started, started

ROOT = Path(__file__).parents[2]
STORE = 100_000_000  # Bytes of a node's object store; Ray wants 75 MB at least.
# A node that is gone is noticed in seconds, and one that is slow, on a machine with other work, is not taken for gone.
SYSTEM = {"health_check_initial_delay_ms": 0, "health_check_period_ms": 1000, "health_check_failure_threshold": 20}


@pytest.fixture(scope="package")
def cluster() -> Iterator[Any]:
    """Two nodes of a core each, to which this process belongs. Skips the test where Ray is not installed."""
    pytest.importorskip("ray", reason='Ray is not installed: pip install "odqa[ray]"')
    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_BACKEND_LOG_LEVEL": "fatal"}
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *os.environ.get("PYTHONPATH", "").split(os.pathsep)])
    import ray
    from ray.cluster_utils import Cluster

    made = Cluster(
        initialize_head=True,
        head_node_args={
            "num_cpus": 1,
            "object_store_memory": STORE,
            "_system_config": SYSTEM,
            "include_dashboard": False,
        },
    )
    made.add_node(num_cpus=1, object_store_memory=STORE)
    ray.init(address=made.address, log_to_driver=False, logging_level=logging.ERROR)
    yield made
    ray.shutdown()
    made.shutdown()


@pytest.fixture(scope="package")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Texts, a table of rows and what cannot be used, in a fixed order: rows.jsonl comes between the texts."""
    folder = tmp_path_factory.mktemp("files")
    for number in range(80):
        text = f"The moon orbits the earth in {number} days. The sun is light, the tower has metres. " * (
            number % 7 + 1
        )
        (folder / f"{'late' if number % 2 else 'early'}{number:02}.txt").write_text(text)
    rows = [
        {"id": f"row{n}", "text": f"The capital of France is Paris, row {n}.", "year": 1900 + n} for n in range(700)
    ]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    (folder / "page.html").write_text("<h1>Museum</h1><p>The museum has the painting Mona Lisa.</p>")
    (folder / "void.txt").touch()
    (folder / "late99.txt").write_bytes(b"\xff\xfe\x00")
    return folder


@pytest.fixture
def copied(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """What copies a folder, anew each time, so that a test may change it."""
    return lambda folder: shutil.copytree(folder, tmp_path_factory.mktemp("copied") / folder.name)


@pytest.fixture(scope="package")
def program() -> Iterator[Started]:
    """The command line, to be started with arguments in a process of its own."""
    with started() as process:
        yield process
