"""Whether what followed the decisions is what the policy expected, and what it was before.

Of each customer the first decision of a window counts, so that chance is that of independent draws, and both tests are exact.
"""

from collections.abc import Iterator

import numpy as np
from scipy.stats import binom, fisher_exact

from training.experiment.decided import Decisions
from training.experiment.measures import Measure
from training.monitor.alarm import Alarm, Level

ERROR = 0.002
"""P(one of these checks raises an alarm in a window although nothing is wrong)."""

CHANGED = 0.2
"""By so much of itself a share of conversions may be off."""

MISCALIBRATED = 0.02
"""No further may a group's share of conversions be from what was expected of it, if chance does not explain it."""

_LEAST_CUSTOMERS = 100
_GROUPS = 10


def conversion_alarms(recent: Decisions, before: Decisions) -> Iterator[Alarm]:
    """The alarm of the share of customers who converted, of two windows of the same length that are closed.

    The same length, because the longer one is, the more of those are in it who seldom come.
    """
    sides = _once(recent), _once(before)
    if min(map(len, sides)) < _LEAST_CUSTOMERS:
        return
    converted = [int(side.of(Measure.CONVERSION).sum()) for side in sides]
    now, then = (count / len(side) for count, side in zip(converted, sides, strict=True))
    table = [[count, len(side) - count] for count, side in zip(converted, sides, strict=True)]
    if fisher_exact(table).pvalue < ERROR and abs(now - then) > CHANGED * then:
        words = f"the share of customers who converted after a decision went from {then:.3g} to {now:.3g}"
        yield Alarm(name="conversion_drift", level=Level.WARNING, figure=abs(now - then), threshold=CHANGED * then, words=words)


def calibration_alarms(recent: Decisions) -> Iterator[Alarm]:
    """The alarm of the group, out of ten by expected propensity, whose conversions are the farthest from what was expected.

    Chance chose the touchpoint, given what the policy knew: so of those with a propensity of 0.1, a tenth must convert.
    """
    told = np.array([reason is None for reason in recent.fallback], dtype=bool)
    known = _once(recent.where(told & ~np.isnan(recent.propensity)))
    if len(known) < _LEAST_CUSTOMERS:
        return
    edges = np.unique(np.quantile(known.propensity, np.arange(1, _GROUPS) / _GROUPS))
    group = np.searchsorted(edges, known.propensity, side="left")
    groups = [known.where(group == each) for each in np.unique(group)]
    excess, gap, allowed, words = max(_gap(each, len(groups)) for each in groups)
    if excess > 1.0:
        yield Alarm(name="calibration", level=Level.CRITICAL, figure=gap, threshold=allowed, words=words)


def _gap(group: Decisions, groups: int) -> tuple[float, float, float, str]:
    """How far a group is off over what is allowed, how far, what is allowed, and that in words."""
    n, expected, found = len(group), float(group.propensity.mean()), float(group.of(Measure.CONVERSION).mean())
    tail = ERROR / 2.0 / groups
    # Of unequal propensities the count varies less than that of equal ones, so this allows a little too much
    least, most = (float(binom.ppf(quantile, n, expected)) / n for quantile in (tail, 1.0 - tail))
    by_chance = most - expected if found > expected else expected - least
    gap, allowed = abs(found - expected), max(by_chance, min(MISCALIBRATED, CHANGED * expected))
    words = f"where a propensity of {expected:.3g} was expected, {found:.3g} of customers converted; train again"
    return gap / max(allowed, 1e-12), gap, allowed, words


def _once(decisions: Decisions) -> Decisions:
    """The first decision of each customer; they are in the order of time."""
    first = np.unique(decisions.customer_id.astype(str), return_index=True)[1]
    return decisions.where(np.isin(np.arange(len(decisions)), first))
