"""What the routes of an app share: the indexes, the queues before them, and how long a request may take.

A request waits for its turn, its time limit, or its client going away, whichever comes first; what nobody waits for
any more is not begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, TypeVar

from fastapi import Request

from odqa.errors import UsageError
from odqa.serve.batching import Batcher
from odqa.serve.found import Found
from odqa.serve.indexes import Indexes
from odqa.serve.metrics import Metrics
from odqa.serve.problems import GONE, Refused
from odqa.serve.work import Asking, Searching, answers, searches
from odqa.types import Response

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is run.

    ``key`` is what every request has to bring, None for nothing; ``queue`` questions may wait, ``batch`` of them are
    read together, and after ``timeout`` seconds a request is given up. ``cors`` are the origins whose pages may ask,
    and ``feedback`` is the file that feedback is written to, None for none.
    """

    key: str | None = None
    queue: int = 64
    batch: int = 16
    timeout: float = 60.0
    wait: float = 0.01
    cors: tuple[str, ...] = ()
    feedback: Path | None = None


class Service:
    """The indexes, and a queue and a thread each for questions to answer and for passages to search.

    Searching does not wait for reading, which takes a hundred times as long.
    """

    def __init__(self, indexes: Indexes, settings: Settings) -> None:
        self.indexes = indexes
        self.settings = settings
        self.metrics = Metrics(indexes)
        self.ready = False

        self.asks: Batcher[Asking, str, Response] = Batcher(
            answers(indexes, self.metrics.response),
            size=settings.batch, room=settings.queue, wait=settings.wait, name="ask", seen=self.metrics.batch("ask"),
        )  # fmt: skip
        self.searches: Batcher[Searching, str, Found] = Batcher(
            searches(indexes),
            size=settings.batch, room=settings.queue, wait=0.0, name="search", seen=self.metrics.batch("search"),
        )  # fmt: skip
        self.metrics.watch_queue("ask", self.asks.__len__)
        self.metrics.watch_queue("search", self.searches.__len__)

    def start(self) -> None:
        """Begin to work."""
        self.asks.start()
        self.searches.start()
        self.ready = True

    def stop(self) -> None:
        """Finish what was taken, take nothing more, and close the indexes."""
        self.ready = False
        self.asks.stop()
        self.searches.stop()
        self.indexes.close()

    async def answer(self, how: Asking, questions: Sequence[str], request: Request) -> list[Response]:
        """A Response for each question. Raises Busy, Refused, and what the pipeline raises."""
        if len(questions) > self.asks.room:
            raise UsageError(
                f"these are {len(questions):,} questions, and the server takes {self.asks.room} at a time; send them "
                "in several requests"
            )
        for question in questions:  # Here, where nobody else's question is in a batch with it.
            self.indexes.models.reader.check_question(question)
        return await self._outcome(self.asks.submit(how, questions), request)

    async def search(self, how: Searching, question: str, request: Request) -> Found:
        """What was found for a question. Raises Busy, Refused, and what the retriever raises."""
        (found,) = await self._outcome(self.searches.submit(how, [question]), request)
        return found

    async def _outcome(self, futures: Sequence[Future[Result]], request: Request) -> list[Result]:
        waiting = asyncio.gather(*map(asyncio.wrap_future, futures))
        waiting.add_done_callback(lambda done: done.cancelled() or done.exception())  # asyncio warns of one unseen.
        gone = asyncio.ensure_future(_gone(request))
        both: set[asyncio.Future[Any]] = {waiting, gone}
        try:
            done, _ = await asyncio.wait(both, timeout=self.settings.timeout, return_when=asyncio.FIRST_COMPLETED)
            if waiting in done:
                return waiting.result()
        finally:
            gone.cancel()
            waiting.cancel()
            for future in futures:  # Those that nobody has begun; where one has failed, the others are not waited for.
                future.cancel()
        if gone in done:
            raise Refused(GONE, "the client went away")
        raise Refused(
            HTTPStatus.GATEWAY_TIMEOUT,
            f"this took longer than the server's {self.settings.timeout:g} seconds; ask again when it is less busy, "
            "with fewer questions, or with fewer passages to read (k)",
        )


async def _gone(request: Request) -> None:
    """Return when the client has gone away."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
