"""Why effective customer engagement changed: how much of it by volume, by quality and by conversion, exactly."""

from dataclasses import dataclass

from features.insights.touchpoints.engagement import Contribution, Engagement

Factors = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """The change of one touchpoint's contribution; volume, quality and conversion add up to `after` minus `before`.

    Attributes
    ----------
    comparable : whether what it changed by quality was measured in the same way in both periods.
    """

    touchpoint: str
    before: float
    after: float
    volume: float
    quality: float
    conversion: float
    comparable: bool


def shared_change(before: Factors, after: Factors) -> Factors:
    """What each factor adds to the change of a product of three: its mean effect over all orders in which factors can change.

    References
    ----------
    A. F. Shorrocks, "Decomposition Procedures for Distributional Analysis: A Unified Framework Based on the Shapley Value",
    Journal of Economic Inequality 2013.

    Examples
    --------
    From 2 x 3 x 4 = 24 to 3 x 3 x 5 = 45. The first factor adds 12 or 15, each alike likely; the last 6 or 9; the second nothing.

    >>> shared_change((2, 3, 4), (3, 3, 5))
    (13.5, 0.0, 7.5)
    """

    def effect(factor: int) -> float:
        one, two = (each for each in range(3) if each != factor)
        alone = (before[one] * before[two] + after[one] * after[two]) / 3
        mixed = (before[one] * after[two] + after[one] * before[two]) / 6
        return (after[factor] - before[factor]) * (alone + mixed)

    return effect(0), effect(1), effect(2)


def changes(before: Engagement, after: Engagement) -> tuple[Change, ...]:
    """Per touchpoint of either period, largest change first; what is new or gone has changed by volume alone."""
    old, new = ({each.touchpoint: each for each in period.contributions} for period in (before, after))
    found = [_change(name, old.get(name), new.get(name)) for name in dict.fromkeys((*new, *old))]
    return tuple(sorted(found, key=lambda each: (-abs(each.after - each.before), each.touchpoint)))


def _change(name: str, old: Contribution | None, new: Contribution | None) -> Change:
    first, last = _factors(old, new), _factors(new, old)
    volume, quality, conversion = shared_change(first, last)
    return Change(
        touchpoint=name,
        before=0.0 if old is None else old.effective,
        after=0.0 if new is None else new.effective,
        volume=volume,
        quality=quality,
        conversion=conversion,
        comparable=quality == 0 or old is None or new is None or old.quality.source == new.quality.source,
    )


def _factors(one: Contribution | None, other: Contribution | None) -> Factors:
    if one is not None:
        return one.rate, one.quality.value, one.conversion
    return (0.0, 0.0, 0.0) if other is None else (0.0, other.quality.value, other.conversion)
