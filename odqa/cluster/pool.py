"""Pieces of work go in, results come out in their order, made by workers of a cluster. Knows not what they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, TypeVar

from odqa.closing import Closing
from odqa.cluster.join import SHARE, Cluster, failures
from odqa.errors import OdqaError
from odqa.threads import limit

P = TypeVar("P")
R = TypeVar("R")


class Pool(Closing, Generic[P, R]):
    """Workers of a cluster, one a GPU (``device`` cuda) or one a core (cpu), which all do the same to a piece.

    What they do is what ``make(*arguments)`` returns, which is called once in each worker. A worker that is lost is not
    replaced: its piece is done by another one.
    """

    def __init__(self, cluster: Cluster, device: str, make: Callable[..., Callable[[P], R]], *arguments: Any) -> None:
        """Start the workers; ``make`` is a function of a module, not of another function."""
        import ray
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        kind = ray.remote(_Worker)
        needs = {"num_gpus": 1} if device == "cuda" else {}
        workers = [
            kind.options(
                num_cpus=SHARE, scheduling_strategy=NodeAffinitySchedulingStrategy(place, soft=True), **needs
            ).remote(device, make, arguments)
            for place in cluster.places(device)
        ]
        # Others may be at work in the cluster: who has not found a place yet gets no piece.
        self._starting = {worker.start.remote(): worker for worker in workers}
        self._idle: list[Any] = []
        self._lost = 0

    def __len__(self) -> int:
        """How many workers there are."""
        return len(self._idle) + len(self._starting)

    def map(self, pieces: Sequence[P]) -> Iterator[R]:
        """The result of each piece, in order. Take them all, or close it, before the next ones.

        Raises the OdqaError that a worker raises, and OdqaError where all workers are lost.
        """
        waiting, running, done = deque(range(len(pieces))), dict[Any, tuple[int, Any]](), dict[int, R]()
        try:
            for due in range(len(pieces)):
                while due not in done:
                    while waiting and self._idle:
                        number, worker = waiting.popleft(), self._idle.pop()
                        running[worker.do.remote(pieces[number])] = number, worker
                    ready = self._wait(running)
                    starting = self._starting.pop(ready, None)
                    given, worker = (None, starting) if starting is not None else running.pop(ready)
                    try:
                        result = _get(ready)
                    except _Lost:
                        self._lost += 1
                        waiting.extendleft([] if given is None else [given])
                        continue
                    self._idle.append(worker)
                    if isinstance(result, OdqaError):
                        raise result
                    if given is not None:
                        done[given] = result
                yield done.pop(due)
        finally:
            self._idle += [worker for _, worker in running.values()]

    def _wait(self, running: Mapping[Any, object]) -> Any:
        """What is ready first. Raises OdqaError where there is nothing to wait for."""
        import ray

        if not running and not self._starting:
            raise OdqaError(
                f"the Ray cluster lost all {self._lost} workers: their nodes, or memory that they need; `ray status` "
                f"shows the nodes, and their logs are under /tmp/ray"
            )
        (ready,), _ = ray.wait([*running, *self._starting])
        return ready

    def close(self) -> None:
        """Let the workers go."""
        self._idle.clear()
        self._starting.clear()


class _Lost(Exception):
    """A worker is gone, or what it gave."""


def _get(ready: Any) -> Any:
    """What is ready. Raises _Lost, and OdqaError for anything else that Ray raises."""
    import ray
    from ray.exceptions import ObjectLostError, RayActorError

    try:
        with failures(but=(RayActorError, ObjectLostError)):
            return ray.get(ready)
    except (RayActorError, ObjectLostError):
        raise _Lost from None


class _Worker:
    """What runs in a process of a node."""

    def __init__(self, device: str, make: Callable[..., Callable[[Any], Any]], arguments: Sequence[Any]) -> None:
        if device == "cpu":
            limit(1)  # There is a worker for each core.
        self._make, self._arguments = make, arguments
        self._work: Callable[[Any], Any] | None = None

    def start(self) -> None:
        """Nothing: who answers has started."""

    def do(self, piece: Any) -> Any:
        """The result of a piece, or the error that a user can cause: Ray would wrap it in a trace."""
        try:
            if self._work is None:
                self._work = self._make(*self._arguments)
            return self._work(piece)
        except OdqaError as error:
            return error
