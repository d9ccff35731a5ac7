"""Guardrails: whether a measure of the live policy is worse than that of what it has to beat, beyond doubt.

Against the holdout: whether the policy is worse than doing nothing. That is an experiment, and holds whatever else changed. Only
of what touchpoints are meant to raise: whoever is never contacted hardly ever unsubscribes.

Against the policy before: whether its decisions turn out worse than its predecessor's did. Another month is another month, so
this is weaker evidence, and the difference must be larger.

Both bounds hold at all times together, so they may be looked at every day.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from features.catalogue.objective import Guardrail
from features.experiment import Arm
from training.experiment.always_valid import always_valid_factor
from training.experiment.decided import Decisions
from training.experiment.lift import TUNED_FOR_DAYS, compare, is_rare
from training.experiment.measures import Measure
from training.experiment.persons import PersonOutcomes
from training.join import Floats, Ints

ANOTHER_MONTH = 0.2
"""Against the predecessor, as much of its own figure may be lost before it counts."""

_TUNED_FOR_DECISIONS = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one guardrail says, in its measure's unit per decision.

    Attributes
    ----------
    reference : the holdout, or the policy before.
    figure, reference_figure : of the live policy, and of the reference.
    worse_by : by so much at least the live policy is worse; negative where it may be better.
    allowed : so much worse it may be.
    """

    measure: Measure
    reference: str
    figure: float
    reference_figure: float
    worse_by: float
    allowed: float

    @property
    def broken(self) -> bool:
        """Whether the policy must be taken back."""
        return self.worse_by > self.allowed

    @property
    def sentence(self) -> str:
        """The finding with its numbers."""
        figures = f"{self.figure:.4g} per decision, {self.reference} {self.reference_figure:.4g}"
        if self.broken:
            return f"{self.measure} fell: {figures}; worse by at least {self.worse_by:.4g}, allowed {self.allowed:.4g}"
        return f"{self.measure} holds: {figures}; not worse beyond doubt by more than {self.allowed:.4g}"


def against_holdout(outcomes: PersonOutcomes, guardrails: Sequence[Guardrail], *, error: float) -> Iterator[Finding]:
    """What the champion's customers bring beyond those who are left alone, by intention to treat, per decision of theirs.

    Parameters
    ----------
    error : P(a finding is broken although the champion is no worse than allowed), over all looks together.
    """
    treated = outcomes.arm == Arm.TREATMENT
    decisions = float(outcomes.decisions[treated].mean())
    days = float(outcomes.days[treated | (outcomes.arm == Arm.HOLDOUT)].sum())
    factor = always_valid_factor(max(days, 1.0), tuned_for=TUNED_FOR_DAYS, level=1.0 - error, sides=1)
    for guardrail in guardrails:
        measure = Measure(guardrail.metric)
        if measure.more_is_better:
            effect = compare(outcomes, measure, arm=Arm.TREATMENT, reference=Arm.HOLDOUT)
            yield Finding(
                measure=measure,
                reference="the holdout",
                figure=effect.mean / decisions,
                reference_figure=effect.reference_mean / decisions,
                worse_by=(-effect.difference - factor * effect.standard_error) / decisions,
                allowed=guardrail.tolerance,
            )


def against_predecessor(
    own: Decisions, before: Decisions, guardrails: Sequence[Guardrail], *, name: str, error: float
) -> Iterator[Finding]:
    """What followed the champion's decisions beyond what followed its predecessor's.

    Parameters
    ----------
    error : P(a finding is broken although the champion is no worse than allowed), over all looks together.
    """
    customers = np.unique(np.concatenate([own.customer_id, before.customer_id]).astype(str), return_inverse=True)[1]
    for guardrail in guardrails:
        measure = Measure(guardrail.metric)
        values, earlier = own.of(measure), before.of(measure)
        standard_error = _clustered(values, earlier, customers)
        sign = -1.0 if measure.more_is_better else 1.0
        worse = sign * float(values.mean() - earlier.mean())
        if standard_error > 0.0:  # else all are the same, and nothing can be worse
            variance = float(np.concatenate([values, earlier]).var())
            effective = variance / standard_error**2
            worse -= standard_error * always_valid_factor(effective, tuned_for=_TUNED_FOR_DECISIONS, level=1.0 - error, sides=1)
        yield Finding(
            measure=measure,
            reference=name,
            figure=float(values.mean()),
            reference_figure=float(earlier.mean()),
            worse_by=worse,
            allowed=guardrail.tolerance + ANOTHER_MONTH * abs(float(earlier.mean())),
        )


def _clustered(values: Floats, earlier: Floats, customers: Ints) -> float:
    """The standard error of the difference of two means; a customer's decisions, in both, count as one observation.

    What is rare may have happened after none of a policy's decisions: by their own variance that could not be chance. So it is
    then not less than if the decisions of both varied as all of them do together.
    """
    n, m = len(values), len(earlier)
    off = np.concatenate([values - values.mean(), earlier - earlier.mean()])
    sums = np.bincount(customers, weights=off / np.repeat([n, -m], [n, m]))
    variance = float((sums**2).sum())
    if is_rare(values) or is_rare(earlier):
        together = np.bincount(customers, weights=off)
        variance = max(variance, float((together**2).sum()) / (n + m) * (1 / n + 1 / m))
    return sqrt(variance * len(sums) / max(len(sums) - 1, 1))
