"""How many customers it takes to see an effect, and how small an effect so many customers show."""

from dataclasses import dataclass
from math import ceil, inf, isfinite, sqrt

from scipy.optimize import brentq
from scipy.stats import norm

from features.errors import TouchpointError


class PowerError(TouchpointError):
    """The question about power has no answer as asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """An experiment to be: treatment against holdout, seen once at its end.

    Attributes
    ----------
    baseline : mean of the customers left alone: a share, or with `deviation`, an amount.
    deviation : standard deviation of the amount between customers; None where `baseline` is a share.
    holdout_share : of all customers, in (0, 1).
    correlation : of the measure with the same of the time before; takes its square off the variance.
    power : P(the effect is seen when it is there), by an interval of 95 %.
    """

    baseline: float
    deviation: float | None = None
    holdout_share: float = 0.1
    correlation: float = 0.0
    power: float = 0.8

    def __post_init__(self) -> None:
        for name, low in (("holdout_share", 0.0), ("power", 0.0), ("correlation", -1.0)):
            if not low < float(getattr(self, name)) < 1.0:
                raise PowerError(f"{name} {getattr(self, name):g} must lie between {low:g} and 1")
        if self.deviation is None and not 0.0 < self.baseline < 1.0:
            raise PowerError(f"baseline {self.baseline:g} is no share between 0 and 1; of an amount, give its deviation as well")
        if self.deviation is not None and not 0.0 < self.deviation < inf:
            raise PowerError(f"deviation {self.deviation:g} must be a number above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an experiment takes, or shows."""

    plan: Plan
    effect: float
    customers: int

    def in_words(self) -> str:
        """How many customers show what."""
        held_out = round(self.customers * self.plan.holdout_share)
        return (
            f"{self.customers:,} customers, {held_out:,} of them left alone, show a difference of {self.effect:.4g} from "
            f"{self.plan.baseline:g} in {self.plan.power:.0%} of experiments (seen once, at their end, 95 % interval)"
        )


def answer(plan: Plan, *, effect: float | None, customers: int | None) -> Answer:
    """How many customers an effect takes, or what effect so many customers show: of the two, what is not given.

    Raises
    ------
    PowerError
        When there is no answer, or both or neither are given.
    """
    if effect is not None and customers is None:
        return Answer(plan=plan, effect=effect, customers=customers_for(effect, plan))
    if customers is not None and effect is None:
        return Answer(plan=plan, effect=effect_for(customers, plan), customers=customers)
    raise PowerError("give either an effect or a number of customers")


def customers_for(effect: float, plan: Plan) -> int:
    """How many customers, holdout included, show a difference of `effect` with the plan's power.

    The variance of the difference of n customers is (v1 / (1 - s) + v0 / s) / n for a holdout of share s, and the effect must be
    as many standard errors from 0 as both normal quantiles are together.

    Raises
    ------
    PowerError
        When the effect is 0 or no number, or brings a share out of (0, 1).

    References
    ----------
    Shein-Chung Chow, Jun Shao and Hansheng Wang, "Sample Size Calculations in Clinical Research", 2008.

    Examples
    --------
    By hand: (1.96 + 0.8416)² x (0.06 x 0.94 + 0.05 x 0.95) / 0.01² = 8,155 in each of two halves.

    >>> customers_for(0.01, Plan(baseline=0.05, holdout_share=0.5)) // 2
    8155
    """
    if effect == 0.0 or not isfinite(effect):
        raise PowerError(f"an effect of {effect:g} cannot be shown; give the smallest that matters")
    return ceil(_quantiles(plan) ** 2 * _variance(effect, plan) / effect**2)


def effect_for(customers: int, plan: Plan) -> float:
    """The smallest rise that so many customers, holdout included, show with the plan's power.

    Raises
    ------
    PowerError
        When there are fewer than two customers, or no share below 1 is shown by so few.

    Examples
    --------
    >>> round(effect_for(16_310, Plan(baseline=0.05, holdout_share=0.5)), 4)
    0.01
    """
    if customers < 2:
        raise PowerError(f"{customers} customers are no experiment; give 2 or more")
    if plan.deviation is not None:
        return _quantiles(plan) * sqrt(_variance(0.0, plan) / customers)

    def excess(effect: float) -> float:
        return effect - _quantiles(plan) * sqrt(_variance(effect, plan) / customers)

    most = (1.0 - plan.baseline) * (1.0 - 1e-9)
    if excess(most) < 0.0:
        raise PowerError(f"{customers} customers are too few to show any rise of {plan.baseline:g}")
    return float(brentq(excess, 1e-12, most))


def _quantiles(plan: Plan) -> float:
    return float(norm.ppf(0.975) + norm.ppf(plan.power))


def _variance(effect: float, plan: Plan) -> float:
    """Of the difference, times the number of customers."""
    if plan.deviation is not None:
        treated = held_out = plan.deviation**2
    else:
        share = plan.baseline + effect
        if not 0.0 < share < 1.0:
            raise PowerError(f"a share of {plan.baseline:g} cannot change by {effect:g}")
        treated, held_out = share * (1.0 - share), plan.baseline * (1.0 - plan.baseline)
    left = 1.0 - plan.correlation**2
    return left * (treated / (1.0 - plan.holdout_share) + held_out / plan.holdout_share)
