"""What Prometheus sees: counts and latencies by route, touchpoint and status; never a customer, never a path as it was asked.

BentoML's own HTTP metrics label every path as it comes, which would grow without end and name customers; so they are off,
and these take the route's template instead.
"""

from collections.abc import Iterable
from time import perf_counter

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.values import MutexValue, ValueClass
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.deciding.live import LoadedPolicy

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Metrics:
    """The service's metrics; BentoML runs several worker processes, whose values are summed when they are read."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self._registry = registry
        self._policy: tuple[str, str] | None = None
        self.requests = Counter("touchpoint_http_requests", "HTTP requests.", ["route", "method", "status"], registry=registry)
        self.request_seconds = Histogram(
            "touchpoint_http_request_seconds", "Duration of HTTP requests.", ["route"], buckets=_SECONDS, registry=registry
        )
        self.decisions = Counter("touchpoint_decisions", "Decisions taken.", ["touchpoint", "fallback"], registry=registry)
        self.decision_seconds = Histogram(
            "touchpoint_decision_seconds", "Duration of one decision.", buckets=_SECONDS, registry=registry
        )
        self.interactions = Counter("touchpoint_interactions", "Interactions posted.", ["status"], registry=registry)
        self.outcomes = Counter("touchpoint_outcomes", "Outcomes posted.", ["status"], registry=registry)
        self.streamed_seconds = Histogram(
            "touchpoint_streamed_seconds",
            "From accepting an interaction to its features in the online store.",
            buckets=_SECONDS,
            registry=registry,
        )
        self.streaming_failures = Counter(
            "touchpoint_streaming_failures", "Pushes to the online store that failed and are tried again.", registry=registry
        )
        self.policy = Gauge(
            "touchpoint_policy_version_info",
            "1 for the policy version in force, 0 for those before it.",
            ["name", "version"],
            registry=registry,
            multiprocess_mode="mostrecent",
        )

    def count_interactions(self, statuses: Iterable[str]) -> None:
        """Count what became of posted interactions."""
        for status in statuses:
            self.interactions.labels(status).inc()

    def streamed(self, seconds: Iterable[float]) -> None:
        """Tell how long after they were accepted interactions reached the online store."""
        for each in seconds:
            self.streamed_seconds.observe(each)

    def streaming_failed(self) -> None:
        """Count a push that failed."""
        self.streaming_failures.inc()

    def policy_changed(self, loaded: LoadedPolicy | None) -> None:
        """Tell which policy is in force."""
        if self._policy is not None:
            self.policy.labels(*self._policy).set(0)
        self._policy = None if loaded is None else (loaded.policy.name, loaded.policy.version)
        if self._policy is not None:
            self.policy.labels(*self._policy).set(1)

    def exposition(self) -> bytes:
        """All values as Prometheus reads them, of every worker."""
        if ValueClass is MutexValue:  # a process by itself; not to be seen from the environment, which Feast changes
            return generate_latest(self._registry)
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry)


class Observed:
    """An ASGI middleware that counts and times requests by the template of their route."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note what became of it."""
        if scope["type"] != "http" or scope["path"] == "/metrics":
            await self.app(scope, receive, send)
            return
        status, started = 500, perf_counter()

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "(none)")
            method = scope["method"] if scope["method"] in _METHODS else "(other)"
            self._metrics.requests.labels(route, method, str(status)).inc()
            self._metrics.request_seconds.labels(route).observe(perf_counter() - started)
