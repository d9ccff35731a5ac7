"""The champion under its guardrails: what of it can be judged since it was put in force, and what that says."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from features.catalogue import Catalogue
from features.experiment import Arm
from features.identified import NOBODY_LINKED
from features.instants import DAY, microseconds
from features.lake import Lake
from training.experiment.decided import Decisions, decided
from training.experiment.guardrails import Finding, against_holdout, against_predecessor
from training.experiment.lift import LEAST_PERSONS
from training.experiment.persons import persons, recorded_after
from training.registered import InForce

FOLLOWED_DAYS = 7.0
"""Of a decision, what happens within so many days is compared: a guardrail cannot wait for long windows to close."""

BEFORE_DAYS = 28.0
"""The predecessor's decisions of so many days."""

_ERROR = 0.05  # of all bounds together, over the champion's whole life


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardReport:
    """What the guardrails say of the champion.

    Attributes
    ----------
    champion, since : the version in force, and since when; None where there is none, or nobody knows.
    findings : of every guardrail that could be judged.
    notes : what could not be judged, and why.
    back_to : the version that was put back in force because of them, if any was.
    """

    champion: int | None
    since: datetime | None = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    back_to: int | None = None

    @property
    def broken(self) -> tuple[str, ...]:
        """Why the champion must be taken back, in words; empty where it need not."""
        return tuple(finding.sentence for finding in self.findings if finding.broken)

    def in_words(self) -> str:
        """The champion and every finding."""
        since = "" if self.since is None else f", in force since {self.since:%Y-%m-%d %H:%M}"
        first = "no champion to guard" if self.champion is None else f"champion: policy {self.champion}{since}"
        lines = [first, *(finding.sentence for finding in self.findings), *self.notes]
        back = [] if self.back_to is None else [f"rolled back: policy {self.back_to} is in force again"]
        return "\n".join(lines + back)


def judge_champion(
    lake: Lake, catalogue: Catalogue, in_force: Sequence[InForce], *, until: datetime, members: str = NOBODY_LINKED
) -> GuardReport:
    """Compare the champion, since it was put in force, with the holdout and with its predecessor; nothing is changed.

    Parameters
    ----------
    in_force : the versions that were in force one after the other, the champion last.
    members : DuckDB SQL of (identifier, customer_id) as of today.
    """
    if not in_force:
        return GuardReport(champion=None)
    version, since = in_force[-1].version, in_force[-1].since
    if since is None:
        return GuardReport(champion=version, notes=("since when it is in force is not known; promote it again",))
    if not catalogue.guardrails:
        return GuardReport(champion=version, since=since, notes=("the catalogue has no guardrails",))
    look = _Look(lake=lake, catalogue=catalogue, members=members, since=since, until=until)
    before = in_force[-2].version if len(in_force) > 1 else None
    judged = [look.holdout(), look.predecessor(version, before)]
    return GuardReport(
        champion=version,
        since=since,
        findings=tuple(finding for each in judged if not isinstance(each, str) for finding in each),
        notes=tuple(each for each in judged if isinstance(each, str)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look at what happened since the champion was put in force; each comparison gives findings, or why there are none."""

    lake: Lake
    catalogue: Catalogue
    members: str
    since: datetime
    until: datetime

    @property
    def error(self) -> float:
        """Of one bound: each guardrail is judged twice."""
        return _ERROR / (2 * len(self.catalogue.guardrails))

    def holdout(self) -> tuple[Finding, ...] | str:
        """Whether the champion is worse than doing nothing."""
        outcomes = persons(self.lake, self.catalogue, since=self.since, until=self.until, members=self.members)
        treated, held_out = (int((outcomes.arm == arm).sum()) for arm in (Arm.TREATMENT, Arm.HOLDOUT))
        if min(treated, held_out) < LEAST_PERSONS:
            later = recorded_after(self.lake, self.until)
            return (
                f"not compared with doing nothing: {treated:,} customers under the policy and {held_out:,} in the holdout, "
                f"{LEAST_PERSONS} each are needed" + (f"; {later}" if later else "")
            )
        return tuple(against_holdout(outcomes, self.catalogue.guardrails, error=self.error))

    def predecessor(self, version: int, before: int | None) -> tuple[Finding, ...] | str:
        """Whether the champion is worse than the policy before."""
        if before is None:
            return "not compared with a policy before: there was none"
        start = self.since - timedelta(days=BEFORE_DAYS)
        made = decided(self.lake, self.catalogue, since=start, until=self.until, days=FOLLOWED_DAYS, members=self.members)
        own, theirs = self._apart(made, str(version), str(before))
        if min(len(set(own.customer_id)), len(set(theirs.customer_id))) < LEAST_PERSONS:
            return (
                f"not compared with policy {before}: {len(own):,} and {len(theirs):,} decisions are {FOLLOWED_DAYS:g} days old, "
                f"those of {LEAST_PERSONS} customers each are needed"
            )
        name = f"policy {before} in the {BEFORE_DAYS:g} days before"
        return tuple(against_predecessor(own, theirs, self.catalogue.guardrails, name=name, error=self.error))

    def _apart(self, made: Decisions, version: str, before: str) -> tuple[Decisions, Decisions]:
        """The champion's decisions, and those of its predecessor whose days were over before it left."""
        start, treated = microseconds(self.since), made.arm == Arm.TREATMENT
        own = treated & (made.policy == version) & (made.at >= start)
        theirs = treated & (made.policy == before) & (made.at + round(FOLLOWED_DAYS * DAY) <= start)
        return made.where(own), made.where(theirs)
