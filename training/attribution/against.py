"""Credit against lift: which attribution models credit touchpoints with what they really bring, and which mislead."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

import numpy as np

from training.attribution.credit import Credit
from training.attribution.lift import Lift, Whom
from training.attribution.paths import Floats


class Verdict(StrEnum):
    """How credit compares with the interval of the lift."""

    TOO_MUCH = "too much"  # above it
    TOO_LITTLE = "too little"  # below it
    AGREES = "agrees"  # inside, and there surely is a lift
    UNCLEAR = "not distinguishable"  # inside, but so is nothing at all


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One model's credit for one touchpoint beside its lift, in conversions per contact.

    Attributes
    ----------
    contacts : in the period.
    lift, low, high, standard_error : what randomized decisions say, with the 95 % interval.
    """

    touchpoint: str
    model: str
    contacts: float
    credit: float
    lift: float
    low: float
    high: float
    standard_error: float
    whom: Whom

    @property
    def verdict(self) -> Verdict:
        """Where the credit lies."""
        if self.credit > self.high:
            return Verdict.TOO_MUCH
        if self.credit < self.low:
            return Verdict.TOO_LITTLE
        return Verdict.UNCLEAR if self.low <= 0.0 <= self.high else Verdict.AGREES


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelError:
    """How far one model is from the lift, over all touchpoints that have one.

    Attributes
    ----------
    error : root of the mean squared distance of credit and lift per contact, weighted by contacts.
    noise : the part of it that the lift's own uncertainty would make even of a perfect model.
    rank_correlation : Spearman's, of credit and lift per contact; None for fewer than three touchpoints, or where all are alike.
    factor : conversions credited over incremental ones; None where nothing, or less than nothing, was incremental.
    verdicts : how many touchpoints there are of each.
    """

    model: str
    error: float
    noise: float
    rank_correlation: float | None
    factor: float | None
    verdicts: Mapping[Verdict, int]


def against_lift(
    credits: Sequence[Credit], names: Sequence[str], lifts: Sequence[Lift], contacts: Mapping[str, float]
) -> tuple[Compared, ...]:
    """Every model's credit per contact beside the lift, for touchpoints that have both contacts and a lift.

    Parameters
    ----------
    names : of the touchpoints, in the order of the credits.
    contacts : by touchpoint, in the period that the credits are of.
    """
    place = {name: index for index, name in enumerate(names)}
    return tuple(
        Compared(
            touchpoint=lift.touchpoint,
            model=credit.model,
            contacts=contacts[lift.touchpoint],
            credit=float(credit.conversions[place[lift.touchpoint]]) / contacts[lift.touchpoint],
            lift=lift.conversions.value,
            low=lift.conversions.low,
            high=lift.conversions.high,
            standard_error=lift.conversions.standard_error,
            whom=lift.whom,
        )
        for lift in lifts
        if lift.touchpoint in place and contacts.get(lift.touchpoint, 0.0) > 0.0
        for credit in credits
    )


def errors_of_models(compared: Sequence[Compared]) -> tuple[ModelError, ...]:
    """The models, the one that is closest to the lift first."""
    models = dict.fromkeys(each.model for each in compared)
    found = (_error_of(model, [each for each in compared if each.model == model]) for model in models)
    return tuple(sorted(found, key=lambda each: each.error))


def _error_of(model: str, rows: Sequence[Compared]) -> ModelError:
    credit, lift, spread, contacts = (
        np.array([getattr(each, name) for each in rows]) for name in ("credit", "lift", "standard_error", "contacts")
    )
    weights, incremental = contacts / contacts.sum(), float(contacts @ lift)
    verdicts = [each.verdict for each in rows]
    return ModelError(
        model=model,
        error=sqrt(float(weights @ (credit - lift) ** 2)),
        noise=sqrt(float(weights @ spread**2)),
        rank_correlation=_rank_correlation(credit, lift),
        factor=float(contacts @ credit) / incremental if incremental > 0.0 else None,
        verdicts={verdict: verdicts.count(verdict) for verdict in Verdict},
    )


def _rank_correlation(one: Floats, other: Floats) -> float | None:
    from scipy.stats import spearmanr

    if len(one) < 3 or not np.ptp(one) > 0.0 or not np.ptp(other) > 0.0:
        return None
    return float(spearmanr(one, other).statistic)
