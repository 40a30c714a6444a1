"""What a server does in; the text that Prometheus reads out. One registry for each app."""

from __future__ import annotations

from collections.abc import Callable, Collection
from time import perf_counter
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from odqa.serve.indexes import Indexes
from odqa.types import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

MEDIA_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100)
_BATCHES = (1, 2, 4, 8, 16, 32, 64)
_UNKNOWN = "other"  # The path of what there is not: a metric for each would be one for whatever anybody asks for.


class Metrics:
    """The metrics of a server: requests, stages, batches, queues, answers and indexes."""

    def __init__(self, indexes: Indexes) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter("odqa_requests", "Requests.", ["method", "path", "status"], registry=self._registry)
        self._seconds = Histogram(
            "odqa_request_seconds", "From a request to its response.", ["path"], buckets=_SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self._stages = Histogram(
            "odqa_stage_seconds", "Seconds a question in each stage.", ["stage"], buckets=_SECONDS,
            registry=self._registry,
        )  # fmt: skip
        self._batches = Histogram(
            "odqa_batch_questions", "Questions that were worked off together.", ["work"], buckets=_BATCHES,
            registry=self._registry,
        )  # fmt: skip
        self._answers = Counter(
            "odqa_answers", "Questions, by what came of them.", ["index", "outcome"], registry=self._registry
        )
        self._queue = Gauge("odqa_queue_questions", "Questions that wait.", ["work"], registry=self._registry)
        self._registry.register(_Indexes(indexes))
        ProcessCollector(registry=self._registry)

    def text(self) -> bytes:
        """All metrics, in the format of Prometheus."""
        return generate_latest(self._registry)

    def watch_queue(self, work: str, length: Callable[[], int]) -> None:
        """Tell the length of a queue whenever metrics are read."""
        self._queue.labels(work).set_function(length)

    def batch(self, work: str) -> Callable[[int], None]:
        """What is told the size of each batch of that work."""
        return self._batches.labels(work).observe

    def response(self, index: str, response: Response) -> None:
        """Count a Response, and the time of its stages."""
        self._answers.labels(index, "answer" if response.answers else "no_answer").inc()
        for stage, seconds in response.timings.items():
            self._stages.labels(stage).observe(seconds)

    def request(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(method, path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)


class Counted:
    """Counts the requests to an app and measures their time, by the path of the route that took them.

    Some are refused before a route takes them: they are counted by their own path where it is one of ``paths``.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: Collection[str]) -> None:
        self._app = app
        self._metrics = metrics
        self._paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            own: str = scope["path"] if scope["path"] in self._paths else _UNKNOWN
            path: str = getattr(scope.get("route"), "path", own)
            method = scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "OPTIONS") else _UNKNOWN
            self._metrics.request(method, path, status, perf_counter() - begun)


class _Indexes(Collector):
    """Sizes of the indexes as they are when metrics are read."""

    def __init__(self, indexes: Indexes) -> None:
        self._indexes = indexes

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """The families of metrics."""
        passages = GaugeMetricFamily("odqa_index_passages", "Passages of an index.", labels=["index"])
        version = GaugeMetricFamily("odqa_index_version", "The version of an index that is served.", labels=["index"])
        stale = GaugeMetricFamily(
            "odqa_index_stale", "1 where a newer version of an index cannot be opened.", labels=["index"]
        )
        for name in self._indexes.names:
            with self._indexes.use(name) as open_index:
                manifest = open_index.index.manifest
            passages.add_metric([name], manifest.passages)
            version.add_metric([name], manifest.version)
            stale.add_metric([name], float(name in self._indexes.problems))
        return passages, version, stale
