"""The measured lift: every arm against every other that tells something, behind the check that they may be compared at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from features.catalogue import Catalogue
from features.errors import TrainingError
from features.experiment import Arm
from features.identified import NOBODY_LINKED
from features.lake import Lake
from training.experiment.lift import LEAST_PERSONS, Effect, compare
from training.experiment.measures import Measure
from training.experiment.persons import PersonOutcomes, first_decision, persons, recorded_after
from training.experiment.sample_ratio import SampleRatio, sample_ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftReport:
    """What the touchpoints are worth.

    Attributes
    ----------
    customers : for whom a decision was recorded in the period.
    sample_ratio : whether the arms are as large as they should be; if not, the effects mean nothing.
    effects : of the policy against the holdout, and against each diagnostic arm.
    notes : what could not be compared, and what to know when reading it.
    """

    since: datetime
    until: datetime
    customers: int
    sample_ratio: SampleRatio
    effects: tuple[Effect, ...]
    notes: tuple[str, ...]

    def in_words(self) -> str:
        """The check, then every effect."""
        first = f"{self.customers:,} customers with a decision from {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"
        return "\n".join([first, self.sample_ratio.sentence, *(effect.sentence for effect in self.effects), *self.notes])


def measure_lift(
    lake: Lake, catalogue: Catalogue, *, since: datetime | None, until: datetime, members: str = NOBODY_LINKED
) -> LiftReport:
    """Compare the arms by what their customers did.

    Parameters
    ----------
    since : only customers with a decision from then on count; None is the service's first decision, before which nothing can have
        changed who comes.
    members : DuckDB SQL of (identifier, customer_id) as of today.

    Raises
    ------
    TrainingError
        When the service decided nothing yet, or not in that period.
    """
    start = since or first_decision(lake)
    outcomes = persons(lake, catalogue, since=start, until=until, members=members) if start else None
    if start is None or outcomes is None or not len(outcomes):
        remedy = "let it decide, then run 'touchpoint materialize'"
        raise TrainingError(f"the service recorded no decision in that period; {recorded_after(lake, until) or remedy}")
    return LiftReport(
        since=start,
        until=until,
        customers=len(outcomes),
        sample_ratio=sample_ratio(outcomes, catalogue),
        effects=tuple(_effects(outcomes)),
        notes=tuple(_notes(outcomes, catalogue)),
    )


def _effects(outcomes: PersonOutcomes) -> Iterator[Effect]:
    for reference in _large_enough(outcomes):
        if reference is not Arm.TREATMENT and Arm.TREATMENT in _large_enough(outcomes):
            for measure in Measure:
                yield compare(outcomes, measure, arm=Arm.TREATMENT, reference=reference)


def _large_enough(outcomes: PersonOutcomes) -> Sequence[Arm]:
    return [arm for arm in Arm if (outcomes.arm == arm).sum() >= LEAST_PERSONS]


def _notes(outcomes: PersonOutcomes, catalogue: Catalogue) -> Iterator[str]:
    if not catalogue.holdout.share:
        yield "there is no holdout, so what touchpoints change cannot be measured; set holdout.share in the catalogue"
    for arm in Arm:
        if 0 < (count := int((outcomes.arm == arm).sum())) < LEAST_PERSONS:
            yield f"{arm}: {count} customers, {LEAST_PERSONS} are needed to compare it"
    if crossed := int(outcomes.crossed.sum()):
        yield f"{crossed:,} customers had a decision in another arm than today's, as before a merge; they dilute what is measured"
