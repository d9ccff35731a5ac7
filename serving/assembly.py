"""Puts the parts of the service together over one workspace; the service process and the command line both start here."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from features.errors import StoreError
from features.workspace import Workspace
from serving.customers import Customers
from serving.deciding.decide import Decider
from serving.deciding.live import LivePolicy, LoadedPolicy, RegisteredPolicies
from serving.deciding.state import FeatureReader
from serving.desk import Desk
from serving.door import Door
from serving.http.metrics import Metrics
from serving.looking_back.archive import Archive
from serving.looking_back.decisions import Decisions
from serving.personalizer import LiveRankModel, PersonalizerDesk
from serving.taking.posting import Posting
from serving.taking.sources import Sources
from serving.taking.streamer import Streamer
from training.personalizer import model_path


@dataclass(frozen=True, slots=True)
class Assembly:
    """The parts that answer questions."""

    workspace: Workspace
    live: LivePolicy
    reader: FeatureReader
    decider: Decider

    def desk(
        self,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        on_change: Callable[[Iterable[str]], None] = lambda identifiers: None,
    ) -> Desk:
        """The desk behind the API; `on_change` hears under which identifiers interactions were accepted."""
        workspace, skew = self.workspace, self.workspace.settings.clock_skew_seconds
        journal, catalogue, door = workspace.journal, workspace.catalogue, Door(workspace.names)
        sources = Sources(journal, catalogue, door, workspace.settings.home / "sources", clock_skew_seconds=skew)
        posting = Posting(journal, catalogue, door, sources, metrics, on_change=on_change, clock=clock, clock_skew_seconds=skew)
        customers = Customers(workspace, self.reader, door, clock=clock)
        decisions = Decisions(journal, Archive(workspace.settings, journal, catalogue, self.live))
        personalizer, is_local = self._personalizer(clock), workspace.settings.is_local
        return Desk(self.decider, decisions, posting, customers, metrics, personalizer, is_local=is_local)

    def _personalizer(self, clock: Callable[[], datetime]) -> PersonalizerDesk:
        settings = self.workspace.settings
        model = LiveRankModel(model_path(settings))
        return PersonalizerDesk(self.workspace.journal.ranks, model, seed=settings.seed, clock=clock)

    def streamer(self, metrics: Metrics) -> Streamer:
        """What brings accepted interactions to the online store; not started yet."""
        return Streamer(self.workspace.store, self.workspace.journal, metrics)

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
    live = LivePolicy(
        RegisteredPolicies(settings, feature_names=names, catalogue=catalogue),
        on_change=on_policy,
        with_challenger=settings.shadow or catalogue.experiment.challenger > 0.0,
    )
    reader = FeatureReader(
        store.features,
        store,
        journal,
        max_age_seconds=settings.features_max_age_seconds,
        clock_skew_seconds=settings.clock_skew_seconds,
    )
    decider = Decider(
        catalogue,
        reader,
        journal,
        live,
        seed=settings.seed,
        clock_skew_seconds=settings.clock_skew_seconds,
        shadow=settings.shadow,
    )
    return Assembly(workspace, live, reader, decider)
