"""Arm against arm: what customers of one did beyond those of another, per customer."""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from features.errors import TrainingError
from features.experiment import Arm
from training.experiment.always_valid import always_valid_factor
from training.experiment.cuped import adjust
from training.experiment.measures import Measure
from training.experiment.persons import PersonOutcomes
from training.join import Floats

Bools = NDArray[np.bool_]

LEAST_PERSONS = 100
"""In an arm of fewer customers, nothing is said."""

TUNED_FOR_DAYS = 100_000.0
"""Days of customers at which always-valid intervals are narrowest, such as those of 3,500 customers in four weeks."""

_SELDOM = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One measure of one arm against a reference, per customer.

    Attributes
    ----------
    mean, reference_mean : of the two arms, corrected by what customers did before.
    low, high : of the difference, for whoever looks at one time only, fixed beforehand.
    always_low, always_high : of the difference, for whoever looks every day.
    relative : difference / reference_mean, with its interval for one time; None where the reference may be 0.
    variance_left : share of the variance that what customers did before does not explain.
    """

    measure: Measure
    arm: Arm
    reference: Arm
    persons: int
    reference_persons: int
    mean: float
    reference_mean: float
    difference: float
    standard_error: float
    low: float
    high: float
    always_low: float
    always_high: float
    relative: float | None
    relative_low: float | None
    relative_high: float | None
    variance_left: float

    @property
    def sentence(self) -> str:
        """The finding with its numbers; only the interval that allows looking every day decides."""
        found = "better" if (self.difference > 0.0) == self.measure.more_is_better else "worse"
        if self.always_low <= 0.0 <= self.always_high:
            found = "not distinguishable"
        relative = "" if self.relative is None else f", {self.relative:+.1%}"
        return (
            f"{self.measure}: {self.arm} {self.mean:.4g} per customer, {self.reference} {self.reference_mean:.4g}: {found}, "
            f"difference {self.difference:+.4g}{relative} (95 % {self.always_low:+.4g} to {self.always_high:+.4g}; "
            f"of one look only {self.low:+.4g} to {self.high:+.4g})"
        )


def compare(outcomes: PersonOutcomes, measure: Measure, *, arm: Arm, reference: Arm, tuned_for: float = TUNED_FOR_DAYS) -> Effect:
    """Compare two arms by what they were assigned to, at the level of 95 %.

    Raises
    ------
    TrainingError
        When one of them has fewer than two customers.
    """
    both = outcomes.where((outcomes.arm == arm) | (outcomes.arm == reference))
    adjusted = adjust(*both.of(measure), both.arm, both.weight)
    (mean, error), (reference_mean, reference_error) = (
        _mean(adjusted.outcomes, both.weight, rows=both.arm == each, arm=each) for each in (arm, reference)
    )
    difference, standard_error = mean - reference_mean, sqrt(error**2 + reference_error**2)
    if any(is_rare(both.of(measure)[0][both.arm == each]) for each in (arm, reference)):
        standard_error = max(
            standard_error, _error_together(adjusted.outcomes, both.weight, (both.arm == arm, both.arm == reference))
        )
    once = float(norm.ppf(0.975)) * standard_error
    always = standard_error * always_valid_factor(max(float(both.days.sum()), 1.0), tuned_for=tuned_for)
    relative = _relative(mean, error, reference_mean, reference_error)
    return Effect(
        measure=measure,
        arm=arm,
        reference=reference,
        persons=int((both.arm == arm).sum()),
        reference_persons=int((both.arm == reference).sum()),
        mean=mean,
        reference_mean=reference_mean,
        difference=difference,
        standard_error=standard_error,
        low=difference - once,
        high=difference + once,
        always_low=difference - always,
        always_high=difference + always,
        relative=relative[0],
        relative_low=relative[1],
        relative_high=relative[2],
        variance_left=adjusted.variance_left,
    )


def _mean(values: Floats, weights: Floats, *, rows: Floats, arm: Arm) -> tuple[float, float]:
    """The weighted mean of an arm's customers, and its standard error."""
    own, weight = values[rows], weights[rows]
    if len(own) < 2:
        raise TrainingError(f"arm {arm} has {len(own)} customers in the period; at least 2 are needed to compare it")
    mean = float(np.average(own, weights=weight))
    squares = float((weight**2 * (own - mean) ** 2).sum()) / float(weight.sum()) ** 2
    return mean, sqrt(squares * len(own) / (len(own) - 1))


def is_rare(values: Floats) -> bool:
    """Whether hardly anybody brought something, or had done what is counted: too few for their variance to be known."""
    return bool((values > 0.0).sum() < min(_SELDOM, len(values) / 2.0))


def _error_together(values: Floats, weights: Floats, compared: tuple[Bools, Bools]) -> float:
    """The standard error of the difference, if the customers of both arms vary as all of them do together.

    To nobody in a small arm something rare may have happened: by its own variance that could not be chance.
    """
    squares = sum(
        float((weights[rows] * (values[rows] - np.average(values[rows], weights=weights[rows])) ** 2).sum()) for rows in compared
    )
    per_customer = [float((weights[rows] ** 2).sum()) / float(weights[rows].sum()) ** 2 for rows in compared]
    return sqrt(squares / float(weights.sum()) * sum(per_customer))


def _relative(
    mean: float, error: float, reference: float, reference_error: float
) -> tuple[float | None, float | None, float | None]:
    """The relative difference and its interval, by the delta method; nothing where the reference is not surely other than 0."""
    if abs(reference) <= 3.0 * reference_error or reference == 0.0:
        return None, None, None
    value = mean / reference - 1.0
    spread = float(norm.ppf(0.975)) * sqrt((error / reference) ** 2 + (mean * reference_error / reference**2) ** 2)
    return value, value - spread, value + spread
