"""The weekly pattern of a series, by robust seasonal decomposition: what happens every week is no anomaly.

References
----------
Cleveland, Cleveland, McRae and Terpenning, STL: a seasonal-trend decomposition procedure based on loess, 1990.
"""

import numpy as np

from features.insights.changes.series import DAYS_PER_WEEK, FloatArray, Grain, Series

_LEAST_WEEKS = 4
_WEEKS = 27  # over which the pattern is taken to be one; it may change over longer
_LEVEL_DAYS = 29  # so that an outage of up to two weeks does not change the level
_LEAST_FACTOR = 0.01
_MOST_FACTOR = 10.0
_ROBUST_ROUNDS = 5


def weekly_pattern(series: Series) -> FloatArray:
    """How many times its level a series usually has on each of its points; shape (n,), 1 where there is no pattern."""
    from statsmodels.tsa.seasonal import STL

    n = len(series.counts)
    if series.grain is Grain.WEEK or n < _LEAST_WEEKS * DAYS_PER_WEEK:
        return np.ones(n)
    usual = _usual(series)
    relative = np.divide(series.counts, usual, out=np.ones(n), where=usual > 0)
    # Relative to the level, because a sum of a pattern and a level would not follow when the level doubles
    decomposition = STL(np.minimum(relative, _MOST_FACTOR), period=DAYS_PER_WEEK, seasonal=_WEEKS, seasonal_deg=0, robust=True)
    pattern = 1 + decomposition.fit(inner_iter=1, outer_iter=_ROBUST_ROUNDS).seasonal
    return np.asarray(np.maximum(pattern, _LEAST_FACTOR))


def _usual(series: Series) -> FloatArray:
    """What there would be without a pattern: the median of the weeks around each day."""
    from scipy.ndimage import median_filter

    exposure = np.ones(len(series.counts)) if series.exposure is None else series.exposure
    week = np.ones(DAYS_PER_WEEK)
    rates = np.convolve(series.counts, week, "valid") / np.maximum(np.convolve(exposure, week, "valid"), 1.0)
    level = median_filter(rates, size=_LEVEL_DAYS, mode="nearest")
    return np.asarray(np.pad(level, DAYS_PER_WEEK // 2, mode="edge") * exposure)
