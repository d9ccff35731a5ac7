"""Brings what was accepted to the online feature store, beside the requests and within a second.

Decisions do not wait for it: they fold in what the journal has beyond a state's position. It serves whoever reads Feast's online
store by itself, and keeps short what decisions have to fold. A state carries the position up to which interactions are
in, so a push that is lost, repeated or overtaken does no harm.
"""

import logging
import threading
import time
from collections.abc import Iterable
from typing import Protocol

from features.errors import StoreError
from features.journal import Journal
from features.store import FeatureStore
from serving.deciding.state import up_to_date

LOG = logging.getLogger(__name__)
MOST_AT_ONCE = 100  # at a time, since readers of this process wait for as long
MOST_WAITING = 100_000
_EVERY_SECONDS = 0.2
_PAUSE_SECONDS = 0.03  # in which the other workers' turn comes
_AFTER_AN_ERROR_SECONDS = 2.0


class Observer(Protocol):
    """Whoever counts what the streamer does."""

    def streamed(self, seconds: Iterable[float]) -> None:
        """These are in the online store, so long after they were accepted."""

    def streaming_failed(self) -> None:
        """A push failed; it is tried again."""


class Streamer:
    """One background thread of one worker process.

    Every identifier waits once, however many interactions it has; those over a limit are left to the next materialization.
    """

    def __init__(self, store: FeatureStore, journal: Journal, observer: Observer) -> None:
        self._store = store
        self._journal = journal
        self._observer = observer
        self._waiting: dict[str, float] = {}
        self._lock = threading.Lock()
        self._woken, self._stopped = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="streamer", daemon=True)
        self._complaint: str | None = None

    def changed(self, identifiers: Iterable[str]) -> None:
        """Interactions were accepted under these identifiers."""
        accepted = time.monotonic()
        with self._lock:
            for identifier in identifiers:
                if len(self._waiting) < MOST_WAITING:
                    self._waiting.setdefault(identifier, accepted)
        self._woken.set()

    def start(self) -> None:
        """Begin; until then what changes waits."""
        self._thread.start()

    def stop(self) -> None:
        """Push what waits, once, and end."""
        self._stopped.set()
        self._woken.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def push(self) -> bool:
        """Push some of what waits; whether that went well. On any failure it waits on, and the log says so, once per cause."""
        batch = self._taken()
        if not batch:
            return True
        try:
            with self._store.pushing() as free:
                if free:
                    self._store.push(up_to_date(self._store.features, list(batch), store=self._store, journal=self._journal))
        except Exception as error:  # whatever is wrong with the store, requests go on, and so does this thread
            self._put_back(batch)
            self._complain(error)
            return False
        if not free:
            self._put_back(batch)
            return False
        self._complaint = None
        self._observer.streamed(time.monotonic() - accepted for accepted in batch.values())
        return True

    def _run(self) -> None:
        while not self._stopped.is_set():
            self._woken.wait()
            self._stopped.wait(_EVERY_SECONDS)  # what comes meanwhile goes along
            self._woken.clear()
            while self._waiting and not self._stopped.is_set():
                went_well = self.push()
                self._stopped.wait(_AFTER_AN_ERROR_SECONDS if self._complaint else _PAUSE_SECONDS if went_well else 0)
        self.push()

    def _taken(self) -> dict[str, float]:
        with self._lock:
            names = list(self._waiting)[:MOST_AT_ONCE]
            return {name: self._waiting.pop(name) for name in names}

    def _put_back(self, batch: dict[str, float]) -> None:
        with self._lock:
            self._waiting = batch | {name: accepted for name, accepted in self._waiting.items() if name not in batch}

    def _complain(self, error: Exception) -> None:
        self._observer.streaming_failed()
        complaint = (
            str(error) if isinstance(error, StoreError) else type(error).__name__
        )  # others may repeat what they were given
        if complaint != self._complaint:
            LOG.warning("the online store does not follow, decisions read the journal instead: %s", complaint)
        self._complaint = complaint
