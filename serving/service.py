"""The only door to BentoML: the process that serves the application, with liveness, readiness, workers and a graceful end."""

import gc
import logging
import os
import sys
from datetime import UTC, datetime
from typing import ClassVar

import anyio.to_thread
import bentoml
from starlette.types import ASGIApp, Receive, Scope, Send

_SECONDS_FOR_A_POLICY = 30.0
_SWITCH_SECONDS = 0.0005  # so long a decision waits for other threads each time that it read or predicted; Python's own is 5 ms
_PROBES = frozenset({"/livez", "/readyz", "/healthz"})


class Entrance:
    """Leads requests to the application before anything of BentoML's; only its probes, start and end are left to it.

    Nothing is missed: routing, context and error pages are the application's own, and so is the limit of time, since BentoML's
    keeps a timer of every request for a minute.
    """

    application: ClassVar[ASGIApp]  # BentoML wants to know of the service before there are settings to make one from

    def __init__(self, framework: ASGIApp) -> None:
        self._framework = framework

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        is_ours = scope["type"] == "http" and scope["path"] not in _PROBES
        await (Entrance.application if is_ours else self._framework)(scope, receive, send)


class _Service(bentoml.Service):  # type: ignore[misc]  # its class is not typed
    def to_asgi(self, is_main: bool = True) -> ASGIApp:
        """The entrance, and BentoML behind it."""
        return Entrance(super().to_asgi(is_main=is_main))


@bentoml.service(
    service_class=_Service,
    metrics={"enabled": False},  # they would label every path as it was asked; see serving/http/metrics.py
    logging={"access": {"enabled": False}},
    tracing={"excluded_urls": ".*"},
)
class TouchpointService:
    """One worker process."""

    def __init__(self) -> None:
        # imported here, in the worker: the supervisor loads this module too, and would take seconds for what it never uses
        from features.settings import load_settings
        from features.workspace import Workspace
        from serving.assembly import assemble
        from serving.http.application import create_application
        from serving.http.metrics import Metrics
        from serving.running.listening import listen_apart
        from training.models import spare_scikit_learn

        spare_scikit_learn()
        _log_like_the_server()
        metrics = Metrics()
        workspace = Workspace(load_settings())
        self._assembly = assemble(workspace, on_policy=metrics.policy_changed)
        self._assembly.live.start(every_seconds=workspace.settings.policy_poll_seconds)
        self._streamer = self._assembly.streamer(metrics)
        desk = self._assembly.desk(metrics, clock=lambda: datetime.now(UTC), on_change=self._streamer.changed)
        Entrance.application = create_application(desk, metrics, workspace.settings)
        self._store_loaded = self._assembly.is_store_loaded()
        self._assembly.live.settled.wait(_SECONDS_FOR_A_POLICY)
        self._streamer.start()
        if int(os.environ.get("TOUCHPOINT_WORKERS", 1)) > 1:
            listen_apart()
        _spare_the_collector()
        sys.setswitchinterval(_SWITCH_SECONDS)

    async def __is_ready__(self) -> bool:
        """Whether the store answers, and the champion, if there is one, is in force."""
        if not self._store_loaded:
            self._store_loaded = await anyio.to_thread.run_sync(self._assembly.is_store_loaded)
        return self._store_loaded and self._assembly.live.settled.is_set()

    @bentoml.on_shutdown
    def end(self) -> None:
        """Stop looking for policies, push what waits, and close the journal."""
        self._assembly.live.stop()
        self._streamer.stop()
        self._assembly.workspace.journal.close()


def _log_like_the_server() -> None:
    ours, servers = logging.getLogger("serving"), logging.getLogger("bentoml")
    ours.handlers, ours.propagate = servers.handlers, False
    ours.setLevel(logging.INFO)


def _spare_the_collector() -> None:
    """Take the objects of the large imports out of garbage collection, which would stop the process for 0.1 to 0.2 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 50, 1000)
