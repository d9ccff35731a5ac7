"""Intervals that may be looked at every day: whatever the day somebody stops looking, they cover the truth.

An interval for one fixed time errs one time in twenty; looked at day by day it errs far more often. These are wider, and err at
most one time in twenty over all days together.

References
----------
Ian Waudby-Smith, David Arbour, Ritwik Sinha, Edward H. Kennedy and Aaditya Ramdas, "Time-uniform central limit theory and
asymptotic confidence sequences", 2021; the normal mixture goes back to Herbert Robbins, "Statistical methods related to the law
of the iterated logarithm", 1970.
"""

from math import log, sqrt


def always_valid_factor(information: float, *, tuned_for: float, level: float = 0.95, sides: int = 2) -> float:
    """By how many standard errors an estimate may be off at any time: 1.96 is enough for one fixed time only.

    Parameters
    ----------
    information : how much was observed so far, in whatever grows as the variance of an estimate falls: customers, decisions,
        days of customers; above 0.
    tuned_for : the amount at which the interval shall be narrowest, in the same unit; chosen before looking, since it must not
        depend on what is seen.
    sides : 2 for an interval, 1 for a bound on one side.

    Examples
    --------
    By hand, at the amount it is tuned for: the mixture is 5.991 + ln 6.991 = 7.936, and sqrt(2 x 8.936 / 7.936 x
    ln(sqrt(8.936) / 0.05)) = 3.035.

    >>> round(always_valid_factor(5000, tuned_for=5000), 3), round(always_valid_factor(500, tuned_for=5000), 2)
    (3.035, 3.86)
    """
    error = 1.0 - level if sides == 2 else 2.0 * (1.0 - level)
    mixed = information / tuned_for * _best(error)
    spread = sqrt(mixed + 1.0)
    surprise = log(spread / error) if sides == 2 else log(1.0 + spread / error)
    return sqrt(2.0 * (mixed + 1.0) / mixed * surprise)


def _best(error: float) -> float:
    """The mixture's precision, times the information at which the interval is narrowest."""
    twice = -2.0 * log(error)
    return twice + log(1.0 + twice)
