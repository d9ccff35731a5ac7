"""What the registry knows of a policy, as plain values."""

from dataclasses import dataclass
from typing import Any

from features.errors import ArtifactError


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


def registered(version: Any) -> RegisteredPolicy:
    """A version as the registry has it.

    Raises
    ------
    ArtifactError
        When it was not registered by this project.
    """
    tags = version.tags
    if "sha256" not in tags or "fingerprint" not in tags:
        raise ArtifactError(f"policy version {version.version} has no recorded SHA-256; it was not registered by this project")
    return RegisteredPolicy(int(version.version), tags["sha256"], tags["fingerprint"], version.run_id)
