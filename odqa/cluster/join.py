"""The address of a Ray cluster goes in, a cluster that can run odqa comes out, or what is wrong with it.

Ray itself is imported when a cluster is joined, not before.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from odqa import threads
from odqa.errors import OdqaError, UsageError
from odqa.extras import need
from odqa.version import __version__

LOCAL, AUTO = "local", "auto"
# Of a core, what a worker asks Ray for. There is one worker for each core, but none has a core to itself, so that one
# whose node is lost finds a place on another.
SHARE = 0.01
_ADDRESS = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):(?P<port>[0-9]{1,5})")
_FIRST_ANSWER = 5.0  # Seconds for a connection to the address.
_ALL_ANSWERS = 300.0  # Seconds for all nodes to start a process and say which odqa they have.


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Ray cluster that this process belongs to, with the same odqa on every node.

    ``cores`` and ``gpus`` are the whole numbers of CPU cores and GPUs by the id of the node, nodes without any left
    out.
    """

    cores: Mapping[str, int]
    gpus: Mapping[str, int]

    def device(self, asked: str) -> str:
        """What workers compute on, ``cuda`` or ``cpu``; auto is the GPUs where there are some.

        Raises UsageError for a device that the cluster has not.
        """
        if asked == "cpu" or (asked == "auto" and not self.gpus):
            return "cpu"
        if self.gpus and (asked == "auto" or asked.startswith("cuda")):
            return "cuda"
        raise UsageError(f"no node of the Ray cluster has the device {asked}; leave --device out, or give cpu")

    def places(self, device: str) -> list[str]:
        """A node's id for each worker that computes on ``device``: one a GPU (``cuda``), or one a core (``cpu``)."""
        each = self.gpus if device == "cuda" else self.cores
        # By turns, so that few workers are spread over all nodes.
        most = max(each.values(), default=0)
        return [node for turn in range(most) for node, number in each.items() if turn < number]


@contextmanager
def joined(address: str) -> Iterator[Cluster]:
    """Join the cluster at ``address`` until the end of the block.

    ``address`` is ``host:port`` of the head, of which this machine must be a node, ``auto`` for the cluster that runs
    here, or ``local`` for one that is started on this machine and ends with the block. A process that has joined a
    cluster before (``ray.init``) uses that one, whatever the address, and does not leave it.

    Raises UsageError for what is no address, and OdqaError where ray is not installed, where no cluster answers, and
    where a node has no odqa or another version of it.
    """
    check_address(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # Nothing is sent to anybody.
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # Or it writes over our progress.
    os.environ.setdefault("RAY_NUM_REDIS_GET_RETRIES", "2")  # Tries to reach a cluster, of 40 seconds each.
    import ray

    ours = not ray.is_initialized()
    if ours:
        _join(ray, address)
    try:
        yield _checked(ray)
    finally:
        if ours:
            ray.shutdown()


@contextmanager
def failures(but: tuple[type[Exception], ...] = ()) -> Iterator[None]:
    """A block in which what Ray raises, ``but`` for some, becomes an OdqaError with the last line of what it says."""
    from ray.exceptions import RayError

    try:
        yield
    except RayError as error:
        if isinstance(error, but):
            raise
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        raise OdqaError(
            f"the work on the Ray cluster failed: {lines[-1] if lines else type(error).__name__}; `ray status` shows "
            f"its nodes, and their logs are under /tmp/ray"
        ) from error


def check_address(address: str) -> None:
    """Raise UsageError for what is no address, and OdqaError where nothing answers or ray is not installed."""
    if address in (LOCAL, AUTO):
        need("ray", "work on a Ray cluster", "ray", "pyarrow")
        return
    if address.startswith("ray://"):
        raise UsageError(
            f"{address} is an address for Ray's client, through which no data should go; run odqa on a node of the "
            f"cluster, with auto, or with host:port of the head (6379, if nothing else was said)"
        )
    found = _ADDRESS.fullmatch(address)
    if not found or int(found["port"]) > 65535:
        raise UsageError(f"{address!r} is no address of a Ray cluster; give host:port of its head, auto, or local")
    try:
        reason = _probe(found["host"].strip("[]"), int(found["port"]))
    except OSError as error:
        reason = error.strerror or str(error)
    except ValueError:  # From what looks the name up: an empty label, one of more than 63 letters.
        reason = "it is no name that a host can have"
    if reason:
        raise OdqaError(
            f"no Ray cluster answers at {address} ({reason}); `ray start --head` starts one, and says where, and local "
            f"needs none"
        )
    need("ray", "work on a Ray cluster", "ray", "pyarrow")


def _probe(host: str, port: int) -> str:
    """What speaks against a Ray cluster at this address, empty for nothing. Raises OSError where nothing answers.

    The head speaks gRPC, which is HTTP/2: who gets its preface (RFC 9113, section 3.4) answers with settings. Ray
    itself tries for a quarter of an hour to make itself understood to whatever else is there.
    """
    preface, settings = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])
    with socket.create_connection((host, port), _FIRST_ANSWER) as connection:
        connection.sendall(preface + settings)
        with connection.makefile("rb") as stream:
            header = stream.read(len(settings))
    return "" if header[3:4] == settings[3:4] else "something else than Ray is there"


def _join(ray: Any, address: str) -> None:
    """Join, or start, a cluster, and have Ray print nothing on the way."""
    from ray._private import worker

    logging.getLogger("ray").setLevel(logging.ERROR)
    # What goes wrong in a cluster Ray prints on stdout, which is for results; it has no other switch for that.
    worker._worker_logs_enabled = False
    own: dict[str, Any] = {"num_cpus": threads.count(), "include_dashboard": False} if address == LOCAL else {}
    try:
        with _own_signals(), _unsaid():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    except Exception as error:  # Ray has no class of its own for what can go wrong here.
        lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
        raise OdqaError(
            f"the Ray cluster cannot be joined ({address}): {lines[0]}; this machine must be a node of it, with the "
            f"same versions of Python and Ray: `ray status` shows the nodes"
        ) from error


@contextmanager
def _own_signals() -> Iterator[None]:
    """A block that leaves Ctrl-C and SIGTERM as they were: Ray would have SIGTERM end the process without more ado."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _unsaid() -> Iterator[None]:
    """A block in which not even C++ writes on stderr, as Ray's does of the level of its logs."""
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _checked(ray: Any) -> Cluster:
    """The cluster's nodes. Raises OdqaError where one of them cannot run this odqa, or none has a core."""
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]
    if not nodes:
        raise OdqaError("no node of the Ray cluster has a CPU core to work with; add one with `ray start --address`")
    ask = ray.remote(teller())
    places = [NodeAffinitySchedulingStrategy(node["NodeID"], soft=False) for node in nodes]
    asked = [ask.options(num_cpus=0, scheduling_strategy=place).remote() for place in places]
    try:
        versions = ray.get(asked, timeout=_ALL_ANSWERS)
    except RayError as error:
        line = str(error).strip().splitlines()[-1:]
        raise OdqaError(
            f"a node of the Ray cluster starts no process ({' '.join(line)}); `ray status` shows the nodes"
        ) from error
    for node, found in zip(nodes, versions, strict=True):
        check_version(str(node["NodeManagerAddress"]), found)
    return Cluster(_whole(nodes, "CPU"), _whole(nodes, "GPU"))


def teller() -> Callable[[], str]:
    """A function that tells the version of odqa, empty where there is none.

    Being inside of a function, it goes to the nodes as its code, not as the name of a module, which they may lack.
    """

    def version() -> str:
        try:
            from odqa.version import __version__ as found
        except ImportError:
            return ""
        return str(found)

    return version


def check_version(node: str, found: str) -> None:
    """Raise OdqaError where the odqa that was found on a node, empty for none, is not this one."""
    if found != __version__:
        has = f"odqa {found}, and this is {__version__}" if found else "no odqa"
        raise OdqaError(f"the node {node} of the Ray cluster has {has}; run there: pip install odqa=={__version__}")


def _whole(nodes: list[dict[str, Any]], resource: str) -> dict[str, int]:
    """How many of a resource each node has, by its id."""
    found = {node["NodeID"]: int(node["Resources"].get(resource, 0)) for node in nodes}
    return {node: number for node, number in found.items() if number}
