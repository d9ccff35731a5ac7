"""Effective customer engagement (ECE): the sum over touchpoints of volume x quality x conversion rate.

It is named `effective_customer_engagement` wherever a name stands, since ECE also abbreviates the expected calibration error of
models, which it has nothing to do with. Volume is normalized to interactions per 1,000 active customers and 30 days, so that
periods and brands of different size compare; an active customer is one with any interaction in the period.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.insights.intervals import Z
from features.insights.touchpoints.estimates import estimates
from features.insights.touchpoints.measuring import Measured
from features.insights.touchpoints.quality import MEASURED, Quality, qualities
from features.insights.touchpoints.stages import CONVERSION

CUSTOMERS, DAYS = 1_000, 30
"""What volumes are normalized to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """What one touchpoint adds.

    Attributes
    ----------
    volume : interactions in the period.
    rate : volume per 1,000 active customers and 30 days.
    conversion : 0 to 1; shrunk where few customers are behind it.
    closed : customers whose window is over, which the conversion is out of; 0 takes the conversion of all touchpoints together.
    effective : rate x quality x conversion.
    variance : of it, by sampling of quality and conversion.
    value : effective x mean value of those conversions x margin: money per 1,000 active customers and 30 days.
    """

    touchpoint: str
    volume: int
    rate: float
    quality: Quality
    conversion: float
    closed: int
    effective: float
    variance: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Engagement:
    """Effective customer engagement of a period.

    Attributes
    ----------
    total : per 1,000 active customers and 30 days.
    low, high : 95 % interval by sampling of qualities and conversions, taken as independent; assumed qualities are taken as true.
    value : the value-weighted variant, money.
    measured : share of the volume whose quality is measured at its own touchpoint.
    active : customers with any interaction.
    """

    contributions: tuple[Contribution, ...]
    total: float
    low: float
    high: float
    value: float
    measured: float
    active: int
    days: float


def effective_customer_engagement(volumes: Sequence[float], qualities: Sequence[float], conversions: Sequence[float]) -> float:
    """The sum over touchpoints of volume x quality x conversion rate.

    Examples
    --------
    500 mails of quality 0.5 after which 4 % convert, and 100 calls of quality 0.8 after which 20 % do: 10 + 16.

    >>> effective_customer_engagement([500, 100], [0.5, 0.8], [0.04, 0.2])
    26.0
    """
    return float(sum(volume * quality * rate for volume, quality, rate in zip(volumes, qualities, conversions, strict=True)))


def engagement(
    measured: Measured,
    *,
    active: int,
    days: float,
    usual: float,
    margin: float,
    small_count: int,
    later: "Engagement | None" = None,
) -> Engagement:
    """ECE of a period from what was measured by touchpoint, largest contribution first.

    Parameters
    ----------
    active : customers with any interaction in the period.
    days : that the period has history for.
    usual : engagement rate of all contacts where answers are recorded, against which behaviour is quality; the same for
        periods that are compared.
    small_count : as the catalogue's: conversions of fewer customers are shrunk, qualities from fewer are not taken.
    later : ECE of the period after, to compare with: what quality is not measured in this one is taken from there.
    """
    sums = measured.sums[CONVERSION.name]
    converted = estimates(CONVERSION, sums, small_count=small_count)
    usual_conversion = float(sums.x.sum() / sums.n.sum()) if sums.n.sum() else 0.0
    worth = mean_values(measured, small_count=small_count)
    factor = CUSTOMERS / max(active, 1) * DAYS / days
    after = None if later is None else {each.touchpoint: each.quality for each in later.contributions}
    found = []
    for row, quality in enumerate(qualities(measured, usual=usual, enough=small_count, later=after)):
        estimate, volume = converted[row], float(measured.volume[row])
        conversion = usual_conversion if estimate.value is None else estimate.value
        effective = effective_customer_engagement([volume * factor], [quality.value], [conversion])
        variance = (volume * factor) ** 2 * (quality.value**2 * estimate.variance + conversion**2 * quality.variance)
        found.append(
            Contribution(
                touchpoint=measured.keys[row][0],
                volume=int(volume),
                rate=volume * factor,
                quality=quality,
                conversion=conversion,
                closed=estimate.n,
                effective=effective,
                variance=variance,
                value=effective * worth[row] * margin,
            )
        )
    return _added(found, active=active, days=days)


def mean_values(measured: Measured, *, small_count: int) -> list[float]:
    """Mean value of the conversions that follow customers' first interactions, per customer who converts so.

    Where fewer than `small_count` customers converted, the mean over all touchpoints stands for it.
    """
    sums = measured.first_value
    overall = float(sums.x.sum() / sums.n.sum()) if sums.n.sum() else 0.0
    enough = sums.n >= max(small_count, 1)
    return [float(each) for each in np.where(enough, sums.x / np.maximum(sums.n, 1.0), overall)]


def _added(found: list[Contribution], *, active: int, days: float) -> Engagement:
    total, volume = sum(each.effective for each in found), sum(each.volume for each in found)
    half = Z * sum(each.variance for each in found) ** 0.5
    seen = sum(each.volume for each in found if each.quality.source in MEASURED)
    return Engagement(
        contributions=tuple(sorted(found, key=lambda each: (-each.effective, each.touchpoint))),
        total=total,
        low=max(total - half, 0.0),
        high=total + half,
        value=sum(each.value for each in found),
        measured=seen / volume if volume else 0.0,
        active=active,
        days=days,
    )
