"""Pieces of work go in, results come out in their order, made by workers of a cluster. Knows not what they are."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
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

        worker = ray.remote(_Worker)
        needs = {"num_gpus": 1} if device == "cuda" else {}
        self._idle = [
            worker.options(
                num_cpus=SHARE, scheduling_strategy=NodeAffinitySchedulingStrategy(place, soft=True), **needs
            ).remote(device, make, arguments)
            for place in cluster.places(device)
        ]
        self._lost = 0

    def __len__(self) -> int:
        """How many workers there are."""
        return len(self._idle)

    def map(self, pieces: Sequence[P]) -> Iterator[R]:
        """The result of each piece, in order. Take them all, or close it, before the next ones.

        Raises the OdqaError that a worker raises, and OdqaError where all workers are lost.
        """
        import ray
        from ray.exceptions import ObjectLostError, RayActorError

        waiting, running, done = deque(range(len(pieces))), dict[Any, tuple[int, Any]](), dict[int, R]()
        try:
            for due in range(len(pieces)):
                while due not in done:
                    while waiting and self._idle:
                        number, worker = waiting.popleft(), self._idle.pop()
                        running[worker.do.remote(pieces[number])] = number, worker
                    if not running:
                        raise OdqaError(
                            f"the Ray cluster lost all {self._lost} workers: their nodes, or memory that they need; "
                            f"`ray status` shows the nodes, and their logs are under /tmp/ray"
                        )
                    (ready,), _ = ray.wait([*running])
                    number, worker = running.pop(ready)
                    try:
                        with failures(but=(RayActorError, ObjectLostError)):
                            result = ray.get(ready)
                    except (RayActorError, ObjectLostError):
                        self._lost += 1
                        waiting.appendleft(number)
                        continue
                    self._idle.append(worker)
                    if isinstance(result, OdqaError):
                        raise result
                    done[number] = result
                yield done.pop(due)
        finally:
            self._idle += [worker for _, worker in running.values()]

    def close(self) -> None:
        """Let the workers go."""
        self._idle.clear()


class _Worker:
    """What runs in a process of a node."""

    def __init__(self, device: str, make: Callable[..., Callable[[Any], Any]], arguments: Sequence[Any]) -> None:
        if device == "cpu":
            limit(1)  # There is a worker for each core.
        self._make, self._arguments = make, arguments
        self._work: Callable[[Any], Any] | None = None

    def do(self, piece: Any) -> Any:
        """The result of a piece, or the error that a user can cause: Ray would wrap it in a trace."""
        try:
            if self._work is None:
                self._work = self._make(*self._arguments)
            return self._work(piece)
        except OdqaError as error:
            return error
