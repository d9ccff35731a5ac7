"""Whether customers who have one thing have another more often than alike customers do.

Who buys much has more of everything, which says nothing of the two. So the odds are compared within each group of alike
customers, in relation to the odds ratio that independence gives there (see `independence`), and put together as Mantel and
Haenszel do.

References
----------
Nathan Mantel and William Haenszel, "Statistical aspects of the analysis of data from retrospective studies of disease", 1959;
James Robins, Norman Breslow and Sander Greenland, "Estimators of the Mantel-Haenszel variance consistent in both sparse data and
large-strata limiting models", 1986.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """One thing and another, over all groups of alike customers.

    Attributes
    ----------
    both, first, second : customers with both, with the first and not the second, with the second and not the first.
    lift : the odds of the second among customers with the first over those among alike customers without it, in relation to what
        independence gives; 1 where they have nothing to do with each other.
    error : standard error of the logarithm of the lift.
    more : how much likelier the second is with the first than it were if they were independent.
    """

    both: float
    first: float
    second: float
    lift: float
    error: float
    more: float


def associate(
    both: Floats, first: Floats, second: Floats, neither: Floats, *, expected: Floats | None = None
) -> Association | None:
    """Put the groups together.

    Parameters
    ----------
    both, first, second, neither : customers by group of alike ones, shape (groups,).
    expected : the odds ratio that independence gives in each group, shape (groups,); a group where it is 0 tells nothing of the
        lift. By default 1 in all of them.

    Returns
    -------
    None where the groups do not tell: one of the things is had by all of them, or by nobody.

    Examples
    --------
    One group, by hand: odds 20 / 10 over 30 / 60 are 4, and the variance of the logarithm is 1/20 + 1/10 + 1/30 + 1/60 = 0.2.

    >>> found = associate(*(np.array([count]) for count in (20.0, 10.0, 30.0, 60.0)))
    >>> round(found.lift, 6), round(found.error**2, 6), round(found.more, 6)
    (4.0, 0.2, 0.333333)
    """
    total = both + first + second + neither
    kept = total > 0
    odds = np.ones(len(total)) if expected is None else expected
    a, b, c, d, n, odds = (each[kept] for each in (both, first, second, neither, total, odds))
    tells = odds > 0.0
    for_it, against = np.where(tells, a * d / n, 0.0), odds * b * c / n
    weight = ((a + b) * (c + d) / n).sum()
    if for_it.sum() <= 0.0 or against.sum() <= 0.0:
        return None
    agreeing, differing = (a + d) / n, odds * (b + c) / n
    variance = (
        (agreeing * for_it).sum() / (2.0 * for_it.sum() ** 2)
        + (agreeing * against + differing * for_it).sum() / (2.0 * for_it.sum() * against.sum())
        + (differing * against).sum() / (2.0 * against.sum() ** 2)
    )
    return Association(
        both=float(a.sum()),
        first=float(b.sum()),
        second=float(c.sum()),
        lift=float(for_it.sum() / against.sum()),
        error=float(np.sqrt(variance)),
        more=float(np.where(tells, a - _independent(a + b, a + c, n, np.where(tells, odds, 1.0)), 0.0).sum() / weight),
    )


def _independent(first: Floats, second: Floats, total: Floats, odds: Floats) -> Floats:
    """How many of each group had both, if as many had each of them and the odds ratio were this one.

    The root x of x (total - first - second + x) = odds (first - x) (second - x) that is a count, in the form in which
    nothing cancels.
    """
    linear = total - first - second + odds * (first + second)
    product = odds * first * second
    root = np.sqrt(np.maximum(linear**2 + 4.0 * (1.0 - odds) * product, 0.0))
    above = linear > 0.0  # where it is not, the odds are below 1
    small = 2.0 * product / np.where(above, linear + root, 1.0)
    large = (root - linear) / (2.0 * np.where(above, 1.0, 1.0 - odds))
    return np.where(above, small, large)
