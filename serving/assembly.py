"""Puts the parts of the service together over one workspace; the service process and the command line both start here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from features.errors import StoreError
from features.workspace import Workspace
from serving.decide import Decider
from serving.desk import Desk
from serving.live import LivePolicy, LoadedPolicy, RegisteredPolicies
from serving.metrics import Metrics
from serving.state import FeatureReader


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts that answer questions."""

    workspace: Workspace
    live: LivePolicy
    reader: FeatureReader
    decider: Decider

    def desk(self, metrics: Metrics, *, clock: Callable[[], datetime]) -> Desk:
        """The desk behind the API."""
        skew = self.workspace.settings.clock_skew_seconds
        return Desk(self.decider, self.reader, self.workspace.lake, metrics, clock=clock, clock_skew_seconds=skew)

    def is_store_loaded(self) -> bool:
        """Whether the feature store answers."""
        try:
            self.workspace.store.online_states(["nobody"])
        except StoreError:
            return False
        return True


def assemble(workspace: Workspace, *, on_policy: Callable[[LoadedPolicy | None], None] = lambda loaded: None) -> Assembly:
    """Assemble; the policy in force is looked for by `live.refresh` or `live.start`."""
    settings, catalogue, journal, store = workspace.settings, workspace.catalogue, workspace.journal, workspace.store
    names = [feature.name for feature in store.features]
    live = LivePolicy(RegisteredPolicies(settings, feature_names=names, arms=catalogue.arms), on_change=on_policy)
    reader = FeatureReader(
        store.features,
        store,
        journal,
        max_age_seconds=settings.features_max_age_seconds,
        clock_skew_seconds=settings.clock_skew_seconds,
    )
    decider = Decider(catalogue, reader, journal, live, seed=settings.seed, clock_skew_seconds=settings.clock_skew_seconds)
    return Assembly(workspace, live, reader, decider)
