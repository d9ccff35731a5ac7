"""What the registry knows of a policy, as plain values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from features.errors import ArtifactError
from features.instants import microseconds, moment

_HISTORY = "history"
_REMEMBERED = 200  # a tag has a limited length


@dataclass(frozen=True, slots=True)
class RegisteredPolicy:
    """One version of the policy.

    Attributes
    ----------
    sha256 : of its folder, recorded at registration.
    fingerprint : of the data it learnt from.
    """

    version: int
    sha256: str
    fingerprint: str
    run_id: str

    @classmethod
    def of(cls, version: Any) -> "RegisteredPolicy":
        """A version as the registry has it.

        Raises
        ------
        ArtifactError
            When it was not registered by this project.
        """
        tags = version.tags
        if "sha256" not in tags or "fingerprint" not in tags:
            raise ArtifactError(
                f"policy version {version.version} has no recorded SHA-256; it was not registered by this project"
            )
        return cls(int(version.version), tags["sha256"], tags["fingerprint"], version.run_id)


@dataclass(frozen=True, slots=True)
class InForce:
    """A version that was put in force; `since` is None where nobody said when."""

    version: int
    since: datetime | None = None

    @classmethod
    def read(cls, entry: Any) -> "InForce":
        """An entry of the history: the version and its time, or, as an earlier release wrote it, the version alone."""
        version, since = entry if isinstance(entry, list) else (entry, None)
        return cls(int(version), None if since is None else moment(since))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gate said of a version.

    Attributes
    ----------
    champion : the version it was judged against; None where there was none.
    """

    passed: bool
    champion: int | None
    reasons: tuple[str, ...]

    @classmethod
    def from_text(cls, text: str) -> "Verdict":
        """A verdict as it stands in a tag."""
        values = json.loads(text)
        return cls(values["passed"], values["champion"], tuple(values["reasons"]))

    def as_text(self) -> str:
        """As it stands in a tag."""
        return json.dumps(asdict(self))


def model_name(name: str) -> str:
    """What a model is registered as."""
    return f"touchpoint-{name}"


def registration(sha256: str, fingerprint: str, models: Mapping[str, int]) -> dict[str, str]:
    """The tags that a version of the policy is registered with."""
    return {"sha256": sha256, "fingerprint": fingerprint, "models": json.dumps(dict(models))}


def models_of(version: Any) -> dict[str, int]:
    """The versions of the models that a version of the policy is made of, by name."""
    return dict(json.loads(version.tags.get("models", "{}")))


def history_from(tags: Mapping[str, str], *, champion: int) -> tuple[InForce, ...]:
    """The versions that were in force one after the other, up to the champion.

    What stands behind it belongs to a step that was rolled back, or killed before the champion changed. A champion that is
    not in it was put in force by hand, after all that is.

    >>> history = history_from({"history": "[[1, 5], [2, 7], [1, 9], [3, 11]]"}, champion=1)
    >>> [each.version for each in history], history[-1].since.microsecond
    ([1, 2, 1], 9)
    >>> [each.version for each in history_from({"history": "[[1, 5], [2, 7]]"}, champion=5)], history_from({}, champion=4)
    ([1, 2, 5], (InForce(version=4, since=None),))
    """
    known = [InForce.read(entry) for entry in json.loads(tags.get(_HISTORY, "[]"))]
    versions = [each.version for each in known]
    if champion not in versions:
        return (*known, InForce(champion))
    return tuple(known[: len(known) - versions[::-1].index(champion)])


def history_tag(history: Sequence[InForce]) -> tuple[str, str]:
    """Name and text of the tag that holds the latest versions that were in force."""
    entries = [[each.version, None if each.since is None else microseconds(each.since)] for each in history[-_REMEMBERED:]]
    return _HISTORY, json.dumps(entries)
