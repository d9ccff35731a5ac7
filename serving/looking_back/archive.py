"""What decisions of before were taken with: their catalogue, list of features and policy; each is had once, then kept."""

from collections.abc import Callable, Hashable
from threading import Lock
from typing import TypeVar

from pydantic import ValidationError

from features.catalogue import Catalogue
from features.errors import ArtifactError, NotReplayableError
from features.journal import Journal
from features.settings import Settings
from features.tables import feature_list
from serving.deciding.decide import InForce, prior_policy
from serving.deciding.judge import Judge
from serving.deciding.live import RegisteredPolicies
from serving.deciding.record import DecisionRecord
from serving.deciding.situations import features_version
from training.policy import Policy

_MOST_KEPT = 8
_Kept = TypeVar("_Kept")


class Archive:
    """Finds what a record names; nothing is written.

    Parameters
    ----------
    live : what is in force; most records are of it, and need nothing to be fetched.
    """

    def __init__(self, settings: Settings, journal: Journal, catalogue: Catalogue, live: InForce) -> None:
        self._settings = settings
        self._journal = journal
        self._current = catalogue
        self._live = live
        self._judges = _Shelf()
        self._policies = _Shelf()

    def judge_of(self, record: DecisionRecord) -> Judge:
        """The judge over the catalogue and the features of then.

        Raises
        ------
        NotReplayableError
            When the catalogue was not kept, or this software has other features for it.
        """
        judge: Judge = self._judges.get(record.catalogue_version, lambda: self._judge(record.catalogue_version))
        if record.features_version not in (None, features_version(judge.features)):
            raise NotReplayableError(
                f"decision {record.decision_id!r} was taken with other features than this version of the software has "
                f"({record.software_version}); replay it with that version"
            )
        return judge

    def policy_of(self, record: DecisionRecord) -> Policy:
        """The policy that decided, byte for byte.

        Raises
        ------
        NotReplayableError
            When the registry does not have it any more, or this software cannot read it.
        """
        judge, named = self.judge_of(record), record.policy
        if named.sha256 is None:
            return prior_policy(judge.catalogue)
        for loaded in (self._live.current, self._live.challenger):
            if loaded is not None and loaded.sha256 == named.sha256 and loaded.policy.version == named.version:
                return loaded.policy if judge.catalogue is self._current else loaded.policy.under(judge.catalogue)
        shelved = named.version, named.sha256, record.catalogue_version
        policy: Policy = self._policies.get(shelved, lambda: self._policy(record, judge))
        return policy

    def _judge(self, version: str) -> Judge:
        if version == self._current.version:
            return Judge(self._current, feature_list(self._current))
        content = self._journal.catalogue(version)
        if content is None:
            raise NotReplayableError(f"catalogue {version} is not in this home's journal; only decisions taken here are replayed")
        try:
            catalogue = Catalogue.model_validate_json(content)
        except ValidationError as error:
            raise NotReplayableError(
                f"catalogue {version} cannot be read by this version of the software ({error.error_count()} keys are wrong); "
                "replay its decisions with the version that took them"
            ) from None
        return Judge(catalogue, feature_list(catalogue))

    def _policy(self, record: DecisionRecord, judge: Judge) -> Policy:
        names = [feature.name for feature in judge.features]
        source = RegisteredPolicies(self._settings, feature_names=names, catalogue=judge.catalogue)
        try:
            return source.load(int(record.policy.version), record.policy.sha256 or "").policy
        except (ArtifactError, ValueError) as error:
            raise NotReplayableError(
                f"policy {record.policy.name} {record.policy.version} that took the decision cannot be had: {error}"
            ) from None


class _Shelf:
    """The last few things that were made, by their names; who waits for one that is being made does not make it again."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, object] = {}
        self._lock = Lock()

    def get(self, name: Hashable, make: Callable[[], _Kept]) -> _Kept:
        with self._lock:
            found = self._kept.pop(name, None) or make()
            self._kept[name] = found
            while len(self._kept) > _MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
        return found  # type: ignore[return-value]
