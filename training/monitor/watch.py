"""All alarms of the last days, over the decisions that were recorded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from features.catalogue import Catalogue
from features.experiment import Arm
from features.identified import NOBODY_LINKED
from features.instants import microseconds
from features.lake import Lake
from training.experiment.champion import GuardReport, judge_champion
from training.experiment.decided import decided
from training.experiment.persons import first_decision, persons
from training.experiment.sample_ratio import ALARM_BELOW, sample_ratio
from training.monitor.alarm import Alarm, Level
from training.monitor.calibration import calibration_alarms, conversion_alarms
from training.monitor.drift import drift_alarms
from training.monitor.exploration import exploration_alarms, fallback_alarms
from training.monitor.recorded import Seen, candidates, fallbacks, seen
from training.registered import InForce


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmReport:
    """What somebody should look at.

    Attributes
    ----------
    decisions : of the last days, however they ended.
    alarms : the critical ones first.
    guardrails : how the champion stands; 'touchpoint guard' acts on it.
    """

    days: float
    decisions: int
    alarms: tuple[Alarm, ...]
    guardrails: GuardReport = field(default_factory=lambda: GuardReport(champion=None))

    def in_words(self) -> str:
        """Every alarm, then the guardrails."""
        found = f"{len(self.alarms)} alarms" if self.alarms else "no alarm"
        first = f"{self.decisions:,} decisions in the last {self.days:g} days: {found}"
        return "\n".join([first, *(alarm.sentence for alarm in self.alarms), self.guardrails.in_words()])


def watch(
    lake: Lake,
    catalogue: Catalogue,
    in_force: tuple[InForce, ...],
    *,
    until: datetime,
    known_until: datetime | None = None,
    days: float = 7.0,
    members: str = NOBODY_LINKED,
) -> AlarmReport:
    """Compare the decisions of the last days with those of as many days before; nothing is changed.

    Parameters
    ----------
    in_force : the versions that were in force one after the other, the champion last.
    known_until : what customers did later is still to come, as where purchases come by file; None: nothing is.
    members : DuckDB SQL of (identifier, customer_id) as of today.
    """
    known = min(known_until or until, until)
    start = until - timedelta(days=days)
    look = _Look(lake=lake, catalogue=catalogue, members=members, start=start, until=until, known=known)
    found = fallbacks(lake, since=start, until=until)
    alarms = [
        *exploration_alarms(
            candidates(lake, since=start, until=until, catalogue_version=catalogue.version), floor=catalogue.exploration.floor
        ),
        *fallback_alarms(found),
        *look.features(in_force),
        *look.scores(in_force),
        *look.outcomes(),
        *look.sizes(),
    ]
    guardrails = judge_champion(lake, catalogue, in_force, until=known, members=members)
    alarms += [_guardrail(sentence) for sentence in guardrails.broken]
    alarms.sort(key=lambda alarm: alarm.level is not Level.CRITICAL)
    return AlarmReport(days=days, decisions=sum(found.values()), alarms=tuple(alarms), guardrails=guardrails)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """One look at the window from `start` to `until`; of what customers did, at one as long that ends at `known`."""

    lake: Lake
    catalogue: Catalogue
    members: str
    start: datetime
    until: datetime
    known: datetime

    def features(self, in_force: tuple[InForce, ...]) -> Iterator[Alarm]:
        """Drift away from the features of just before the champion was put in force: it had learnt from them."""
        learnt = in_force[-1].since if in_force else None
        before = self._seen(min(learnt or self.start, self.start))
        words = "customers are not those that the policy learnt from, or the feature is computed otherwise"
        yield from drift_alarms("feature_drift", self._seen(self.until).features, before.features, words=words)

    def scores(self, in_force: tuple[InForce, ...]) -> Iterator[Alarm]:
        """Drift of what the champion makes of its customers; those of another policy are no comparison."""
        if in_force:
            version = str(in_force[-1].version)
            recent, before = self._seen(self.until, version), self._seen(self.start, version)
            words = f"policy {version} expects something else of its customers than it did"
            yield from drift_alarms("score_drift", recent.scores, before.scores, words=words)

    def outcomes(self) -> Iterator[Alarm]:
        """What followed the decisions whose windows closed in the last days, and whether the policy had expected it."""
        window = self.catalogue.objective.window_days
        closing = self.known - (self.until - self.start) - timedelta(days=window)
        since = closing - (self.until - self.start)
        made = decided(self.lake, self.catalogue, since=since, until=self.known, days=window, members=self.members)
        own = made.where(made.arm == Arm.TREATMENT)
        late = own.at > microseconds(closing)
        yield from conversion_alarms(own.where(late), own.where(~late))
        yield from calibration_alarms(own.where(late))

    def _seen(self, end: datetime, policy: str | None = None) -> Seen:
        """What was seen in the window of the same length that ends then."""
        return seen(self.lake, since=end - (self.until - self.start), until=end, policy=policy, members=self.members)

    def sizes(self) -> Iterator[Alarm]:
        """Whether the arms are as large as configured."""
        since = first_decision(self.lake)
        if since is None:
            return
        found = sample_ratio(
            persons(self.lake, self.catalogue, since=since, until=self.until, members=self.members), self.catalogue
        )
        if found.alarm:
            yield Alarm(
                name="sample_ratio", level=Level.CRITICAL, figure=found.p_value, threshold=ALARM_BELOW, words=found.sentence
            )


def _guardrail(sentence: str) -> Alarm:
    words = f"{sentence}; 'touchpoint guard' takes the policy back"
    return Alarm(name="guardrail", level=Level.CRITICAL, figure=1.0, threshold=0.0, words=words)
