"""What the registry knows of a policy, as plain values."""

from dataclasses import dataclass


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
