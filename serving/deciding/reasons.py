"""Why a touchpoint, in plain words: the money first, then what is known of the customer that moves it, then chance."""

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from features.domain import NONE
from features.tables import Feature
from serving.deciding.record import ScoredCandidate

MOST_FEATURES = 3
_WORTH_SAYING = 1e-4  # a hundredth of a point of conversion
_NOTHING = 0.005  # money that is written as 0.00

_ARMS: Mapping[str, str] = {
    "random": "this customer is one of those for whom all eligible touchpoints are equally likely (arm random)",
    "propensity": "this customer is one of those for whom touchpoints are ordered by what is likely anyway (arm propensity)",
    "rules": "this customer is one of those for whom only the catalogue's priors count (arm rules)",
    "challenger": "this customer is one of those for whom the challenger decides (arm challenger)",
}


@runtime_checkable
class Explains(Protocol):
    """A scorer that can tell what moves the uplift of an arm."""

    def contributions(self, features: NDArray[np.float64], arm: int) -> NDArray[np.float64]:
        """Shape (n, d + 1): what each feature adds to the uplift of `arm`, and last what the touchpoint itself adds."""


def money_reason(candidate: ScoredCandidate, *, margin: float, currency: str) -> str:
    """The expected value and the sum that leads to it; parts that come to nothing are left out.

    >>> from serving.deciding.record import Parts
    >>> candidate = ScoredCandidate(touchpoint="mail.a", eligible=True, stage=None, rule=None, propensity=0.1, uplift=0.03,
    ...     value=200.0, parts=Parts(gain=1.5, retention=0.4, cost=0.5, incentive=0.5), net_value=0.9, cost=0.5, probability=0.8)
    >>> money_reason(candidate, margin=0.25, currency="USD")
    'expected value 0.90 USD = 3.00 points of conversion x 200.00 USD x 25 % + retention 0.40 - cost 0.50 - incentive 0.50'
    """
    if candidate.touchpoint == NONE:
        return f"doing nothing costs nothing and gains nothing: 0.00 {currency}"
    parts = candidate.parts
    terms = [
        f"expected value {candidate.net_value:.2f} {currency} = {100 * candidate.uplift:.2f} points of conversion",
        f"x {candidate.value:.2f} {currency} x {100 * margin:g} %",
        *_unless_nothing("retention", parts.retention),
        f"- cost {candidate.cost:.2f}",
        *_unless_nothing("incentive", -parts.incentive),
        *_unless_nothing("fatigue", -parts.fatigue),
        *([] if candidate.lever == 1.0 else [f"(x lever {candidate.lever:g})"]),
    ]
    return " ".join(terms)


def arm_reason(arm: str) -> str | None:
    """How the experiment lets touchpoints be chosen for this customer, where it is not by the policy in force; else None."""
    return _ARMS.get(arm)


def feature_reasons(
    features: Sequence[Feature],
    values: Mapping[str, float | int | str | None],
    contributions: NDArray[np.float64],
    *,
    touchpoint: str,
    currency: str,
) -> tuple[str, ...]:
    """What is known of the customer that raises the effect of a touchpoint most.

    Parameters
    ----------
    contributions : shape (d,), what each feature adds to the uplift, in the order of `features`.
    """
    strongest = np.argsort(-contributions, kind="stable")[:MOST_FEATURES]
    return tuple(
        f"{described(features[index], values[features[index].name], currency=currency)}; "
        f"this raises the effect of {touchpoint} by {100 * contributions[index]:.2f} points"
        for index in strongest
        if contributions[index] > _WORTH_SAYING
    )


def described(feature: Feature, value: float | int | str | None, *, currency: str) -> str:
    """A feature and its value in words: `Mean value of a purchase: 31.4 USD`."""
    units = {"days": " days", "money": f" {currency}"}
    known = "unknown" if value is None else _number(value) if isinstance(value, float) else str(value)
    unit = "" if value is None else units.get(feature.unit, "")
    return f"{feature.meaning.rstrip('.')}: {known}{unit}"


def _number(value: float) -> str:
    """Three digits; what has all but decayed away is none.

    >>> _number(35.123), _number(5.17e-35), _number(0.25)
    ('35.1', '0', '0.25')
    """
    return "0" if abs(value) < 5e-4 else f"{value:.3g}"


def percent(probability: float) -> str:
    """A probability as a percentage of at most four digits.

    >>> percent(0.655), percent(0.0), percent(1.0)
    ('65.5 %', '0 %', '100 %')
    """
    return f"{100 * probability:.4g} %"


def span(seconds: float) -> str:
    """A span of time in words.

    >>> span(40), span(7200), span(200_000)
    ('40 s', '2 h', '2 days')
    """
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 172_800:
        return f"{seconds / 3600:.0f} h" if seconds >= 5400 else f"{seconds / 60:.0f} min"
    return f"{seconds / 86_400:.0f} days"


def chance_reason(chosen: ScoredCandidate, best: ScoredCandidate, *, currency: str) -> str | None:
    """Why the choice is not what looked best, or None when it is.

    >>> best = ScoredCandidate(touchpoint="mail.a", eligible=True, stage=None, rule=None, propensity=0.1, uplift=0.03,
    ...     value=200.0, net_value=1.0, cost=0.5, probability=0.8)
    >>> none = ScoredCandidate(touchpoint="none", eligible=True, stage=None, rule=None, propensity=0.07, uplift=0.0,
    ...     value=200.0, net_value=0.0, cost=0.0, probability=0.2)
    >>> chance_reason(none, best, currency="USD")
    'chosen to learn: mail.a looked 1.00 USD better'
    """
    if chosen.touchpoint == best.touchpoint:
        return None
    better = best.net_value - chosen.net_value
    if better < 0.0:  # a lever, or an arm of the experiment, has another order
        return f"chosen to learn: {best.touchpoint} went before it"
    return f"chosen to learn: {best.touchpoint} looked {better:.2f} {currency} better"


def _unless_nothing(name: str, money: float) -> list[str]:
    return [f"{'+' if money > 0.0 else '-'} {name} {abs(money):.2f}"] if abs(money) >= _NOTHING else []
