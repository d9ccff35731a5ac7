"""The policy in force: looks every few seconds which version is champion, loads it aside, then swaps one attribute."""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol, TypeVar

from features.catalogue import Catalogue
from features.errors import ArtifactError
from features.settings import Settings
from training.artifact import read_artifact
from training.policy import Policy
from training.registry import Registry
from training.registry_file import OtherLayoutError, RegistryFile

LOG = logging.getLogger(__name__)
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy, and the digest of the files it was loaded from; None for one that no file holds."""

    policy: Policy
    sha256: str | None = None


class PolicySource(Protocol):
    """Where promoted policies come from."""

    def champion(self) -> tuple[int, str] | None:
        """Version and SHA-256 of the champion, or None where none was promoted yet."""

    def challenger(self) -> tuple[int, str] | None:
        """Those of the challenger, or None where there is none."""

    def load(self, version: int, sha256: str) -> LoadedPolicy:
        """That version, checked against the digest."""


class RegisteredPolicies:
    """The registry as a source of policies that fit the features and the catalogue which this process serves."""

    def __init__(self, settings: Settings, *, feature_names: Sequence[str], catalogue: Catalogue) -> None:
        self._database = settings.home / "mlflow.db" if settings.tracking_uri is None else None
        self._full = Registry(settings)
        self._registry: Registry | RegistryFile = self._full if self._database is None else RegistryFile(self._database)
        self._feature_names = tuple(feature_names)
        self._catalogue = catalogue

    def champion(self) -> tuple[int, str] | None:
        """Ask the registry; where nothing was ever trained there is none yet, and asking would take seconds to make one."""
        return self._ask(lambda registry: registry.champion()) if self._is_there() else None

    def challenger(self) -> tuple[int, str] | None:
        """Likewise, of the challenger; a version that was taken back decides for nobody, though it was trained last."""
        found = self._ask(lambda registry: registry.challenger()) if self._is_there() else None
        if found is None or self._ask(lambda registry: registry.is_rolled_back(found.version)):
            return None
        return found.version, found.sha256

    def load(self, version: int, sha256: str) -> LoadedPolicy:
        """Download, check and load.

        Raises
        ------
        ArtifactError
            When files are not the registered ones, or the policy is for other features or touchpoints; or there is no registry.
        """
        if not self._is_there():
            raise ArtifactError(f"policy {version}: there is no registry here, since nothing was trained here")
        with TemporaryDirectory(prefix="touchpoint-") as temporary:
            folder = self._ask(lambda registry: registry.download(version, Path(temporary) / "policy"))
            policy = read_artifact(
                folder, sha256, catalogue=self._catalogue, version=str(version), feature_names=self._feature_names
            )
        arms = self._catalogue.arms
        if policy.arms != arms:
            differ = ", ".join(sorted(set(policy.arms) ^ set(arms))) or "their order"
            raise ArtifactError(f"policy {version} chooses from other touchpoints than the catalogue ({differ}); train again")
        return LoadedPolicy(policy, sha256)

    def _ask(self, question: Callable[[Registry | RegistryFile], _Found]) -> _Found:
        """Without MLflow where that is possible, to spare every worker process its import."""
        try:
            return question(self._registry)
        except OtherLayoutError:
            self._registry = self._full
            return question(self._registry)

    def _is_there(self) -> bool:
        return self._database is None or self._database.exists()


class LivePolicy:
    """Holds the champion; a request reads `current` once, so a swap never shows in the middle of it.

    Parameters
    ----------
    with_challenger : hold the challenger as well; nothing that is wrong with it disturbs the champion.

    Attributes
    ----------
    current : the policy in force; None where none was promoted yet.
    challenger : the one that may be next; None where there is none, or it is the policy in force.
    settled : set once the source has answered and what it named is in force.
    """

    def __init__(
        self,
        source: PolicySource,
        *,
        on_change: Callable[[LoadedPolicy | None], None] = lambda loaded: None,
        with_challenger: bool = False,
    ) -> None:
        self.current: LoadedPolicy | None = None
        self.challenger: LoadedPolicy | None = None
        self.settled = threading.Event()
        self._source = source
        self._on_change = on_change
        self._with_challenger = with_challenger
        self._champion: tuple[int, str] | None = None
        self._challenger: tuple[int, str] | None = None
        self._complaint: str | None = None
        self._stopped = threading.Event()

    def refresh(self) -> None:
        """Look once; on any failure the old policy stays in force, and the log says so, once per cause."""
        try:
            champion = self._source.champion()
            if champion != self._champion:
                self._swap(champion)
        except Exception as error:  # whatever is wrong with registry or files, the service goes on with what it has
            self._complain(f"{type(error).__name__}: {error}")
        else:
            self._complaint = None
            self.settled.set()
        if self._with_challenger:
            self._refresh_challenger()

    def start(self, *, every_seconds: float) -> None:
        """Look now and every so often, in the background, until `stop`."""
        threading.Thread(target=self._poll, args=(every_seconds,), name="policy-poll", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()

    def _poll(self, every_seconds: float) -> None:
        self.refresh()
        while not self._stopped.wait(every_seconds):
            self.refresh()

    def _swap(self, champion: tuple[int, str] | None) -> None:
        loaded = None if champion is None else self._source.load(*champion)
        self.current, self._champion = loaded, champion
        self._on_change(loaded)
        LOG.info("policy in force: %s", "priors" if loaded is None else f"{loaded.policy.name} {loaded.policy.version}")

    def _refresh_challenger(self) -> None:
        """As `refresh`, but what is no longer the challenger does not stay: nobody is to be decided for by it."""
        try:
            named = self._source.challenger()
            named = None if named == self._champion else named
            if named != self._challenger:
                self.challenger, self._challenger = None, named
                self.challenger = None if named is None else self._source.load(*named)
        except ArtifactError as error:  # not tried again: its files will not change
            LOG.warning("no challenger: %s", error)
        except Exception as error:  # the champion decides, whatever is wrong with the challenger
            self._challenger = None
            LOG.warning("no challenger: %s: %s", type(error).__name__, error)

    def _complain(self, complaint: str) -> None:
        if complaint != self._complaint:
            LOG.warning("%s stays in force: %s", "the old policy" if self.current else "no policy", complaint)
        self._complaint = complaint
