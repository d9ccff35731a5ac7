"""Whether customers who have one thing have another more often than alike customers do.

Alike are customers with as many *other* things: who buys much has more of everything, which says nothing of the two. Within each
such group the odds are compared, and put together as Mantel and Haenszel do.

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
    lift : the odds of the second among customers with the first over those among alike customers without it.
    error : standard error of the logarithm of the lift.
    more : P(second | first) beyond that of alike customers without the first.
    """

    both: float
    first: float
    second: float
    lift: float
    error: float
    more: float


def associate(both: Floats, first: Floats, second: Floats, neither: Floats) -> Association | None:
    """Put the groups together.

    Parameters
    ----------
    both, first, second, neither : customers by group of alike ones, shape (groups,).

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
    a, b, c, d, n = (each[kept] for each in (both, first, second, neither, total))
    for_it, against = a * d / n, b * c / n
    if for_it.sum() <= 0.0 or against.sum() <= 0.0:
        return None
    agreeing, differing = (a + d) / n, (b + c) / n
    variance = (
        (agreeing * for_it).sum() / (2.0 * for_it.sum() ** 2)
        + (agreeing * against + differing * for_it).sum() / (2.0 * for_it.sum() * against.sum())
        + (differing * against).sum() / (2.0 * against.sum() ** 2)
    )
    weight = (a + b) * (c + d) / n
    return Association(
        both=float(a.sum()),
        first=float(b.sum()),
        second=float(c.sum()),
        lift=float(for_it.sum() / against.sum()),
        error=float(np.sqrt(variance)),
        more=float(((a * (c + d) - c * (a + b)) / n).sum() / weight.sum()),
    )
