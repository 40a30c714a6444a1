"""Requests from many threads in, batches of them worked off one after another on one thread out. Knows no question.

Requests that arrive together are worked off together: a batch begins when it is full, or when its first request has
waited for so long. While one batch is at work, the next one gathers.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from math import ceil
from time import monotonic
from typing import Generic, TypeVar

from odqa.errors import OdqaError

Key = TypeVar("Key", bound=Hashable)
Item = TypeVar("Item")
Result = TypeVar("Result")

_SMOOTHING = 0.2  # Of the newest batch in the mean time that a request takes.
_MOST_SECONDS = 60  # That anyone is told to wait.


class Busy(OdqaError):
    """No more requests are taken for now. ``retry_after`` says in how many seconds it is worth trying again."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


@dataclass(slots=True)
class _Job(Generic[Key, Item, Result]):
    key: Key
    item: Item
    arrived: float
    future: Future[Result] = field(default_factory=Future)


class Batcher(Generic[Key, Item, Result]):
    """A bounded queue, and the thread that works it off.

    ``work`` gets a key and the items that came with it, and gives a result for each; a batch of ``size`` requests is
    one call for each distinct key. Where it raises, each item is tried alone, so that none fails by another.
    ``room`` is how many requests may wait, ``wait`` how many seconds the first of a batch waits for others.
    ``seen`` is told how many items are worked off together, call by call. ``stopping`` is set when nothing more is
    taken; ``changed`` is notified whenever the queue grows.
    """

    def __init__(
        self,
        work: Callable[[Key, list[Item]], Sequence[Result]],
        *,
        size: int = 16,
        room: int = 64,
        wait: float = 0.01,
        name: str = "batches",
        clock: Callable[[], float] = monotonic,
        seen: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._work = work
        self._size = size
        self.room = room
        self._wait = wait
        self._clock = clock
        self._seen = seen
        self._queue: deque[_Job[Key, Item, Result]] = deque()
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self._pace = 0.0  # Seconds that a request takes, in the mean.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def __len__(self) -> int:
        """How many requests wait that somebody waits for."""
        with self.changed:
            return sum(not job.future.cancelled() for job in self._queue)

    def submit(self, key: Key, items: Sequence[Item]) -> list[Future[Result]]:
        """A future for each item: all of them wait from now on, or none.

        One that is cancelled before its turn is left out. Raises Busy where there is no room for all of them, and when
        the batcher is stopping.
        """
        with self.changed:
            if self.stopping.is_set():
                raise Busy("the server is stopping; ask again when it runs", 5)
            if len(self._queue) + len(items) > self.room:
                self._forget_cancelled()
            if len(self._queue) + len(items) > self.room:
                raise Busy(
                    f"{len(self._queue)} questions are waiting, and the server lets no more than {self.room} wait; "
                    "ask again in a moment",
                    self._retry_after(),
                )
            now = self._clock()
            jobs = [_Job[Key, Item, Result](key, item, now) for item in items]
            self._queue.extend(jobs)
            self.changed.notify_all()
            return [job.future for job in jobs]

    def stop(self) -> None:
        """Take no more requests, finish those that wait, and end the thread."""
        with self.changed:
            self.stopping.set()
            self.changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def _forget_cancelled(self) -> None:
        waiting = [job for job in self._queue if not job.future.cancelled()]
        self._queue.clear()
        self._queue.extend(waiting)

    def _retry_after(self) -> int:
        return min(_MOST_SECONDS, max(1, ceil(len(self._queue) * self._pace)))

    def _run(self) -> None:
        while batch := self._take():
            begun = self._clock()
            groups: dict[Key, list[_Job[Key, Item, Result]]] = {}
            for job in batch:
                groups.setdefault(job.key, []).append(job)
            for key, jobs in groups.items():
                # Here, not when the batch was taken: who goes away while other groups are worked on is left out too.
                waited_for = [job for job in jobs if job.future.set_running_or_notify_cancel()]
                if waited_for:
                    self._seen(len(waited_for))
                    self._answer(key, waited_for)
            pace = (self._clock() - begun) / len(batch)
            self._pace += (pace - self._pace) * (_SMOOTHING if self._pace else 1.0)

    def _take(self) -> list[_Job[Key, Item, Result]]:
        """The next batch, of requests that somebody still waits for; empty when there will be no more."""
        while True:
            with self.changed:
                while not self._queue and not self.stopping.is_set():
                    self.changed.wait()
                if not self._queue:
                    return []
                until = self._queue[0].arrived + self._wait
                while (
                    len(self._queue) < self._size and not self.stopping.is_set() and (left := until - self._clock()) > 0
                ):
                    self.changed.wait(left)
                jobs = [self._queue.popleft() for _ in range(min(self._size, len(self._queue)))]
            batch = [job for job in jobs if not job.future.cancelled()]
            if batch:
                return batch

    def _answer(self, key: Key, jobs: list[_Job[Key, Item, Result]]) -> None:
        try:
            results = self._work(key, [job.item for job in jobs])
            for job, result in zip(jobs, results, strict=True):
                job.future.set_result(result)
        except BaseException as error:  # A panic in a library written in Rust is no Exception; the thread goes on.
            if len(jobs) == 1:
                failure = error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
                jobs[0].future.set_exception(failure)
                return
            for job in jobs:
                if not job.future.done():
                    self._answer(key, [job])
