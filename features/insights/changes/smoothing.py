"""Forecasts by exponential smoothing with a weekly pattern, on a scale on which errors are alike at every level.

Counts and money are smoothed as log(1 + x), rates as log odds: so no interval goes below zero, or beyond one, and each is wider
upwards than downwards as counts are. A path is one way things may go on; intervals are quantiles of paths, and those of a sum are
quantiles of the paths' sums.

References
----------
Hyndman, Koehler, Ord and Snyder, Forecasting with exponential smoothing: the state space approach, 2008; Cox,
The analysis of binary data, 1970 (log odds with a half added to both counts).
"""

import warnings
from typing import Any

import numpy as np

from features.insights.changes.series import DAYS_PER_WEEK, FloatArray, Series

_ROUNDS = 100
_FITTED = 2 + DAYS_PER_WEEK  # how fast level and pattern follow, the level, and the pattern but for its sum


def fit_smoothing(series: Series) -> FloatArray | None:
    """How fast level, trend and weekly pattern follow the data; None where the data decides nothing, as constants do."""
    values = _scaled(series)
    if np.ptp(values) < 1e-9:
        return None
    from statsmodels.tools.sm_exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        # A search that stops early gives usable parameters; how good they are is measured on the days held back.
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted = _model(values).fit(disp=False, maxiter=_ROUNDS)
    return np.asarray(fitted.params, dtype=float)


def smoothed_paths(series: Series, parameters: FloatArray, *, points: int, paths: int, rng: np.random.Generator) -> FloatArray:
    """Ways in which a series may go on after its last point, shape (points, paths): counts, or rates where it is one."""
    smoothed = _model(_scaled(series)).smooth(parameters)
    # Of the errors only so many say how large errors are, because the others went into level, pattern and parameters.
    known = max(len(series.counts) - _FITTED, 1)
    deviations = np.sqrt(float(np.square(smoothed.resid).sum()) / rng.chisquare(known, size=paths))
    errors = deviations * rng.standard_normal((points, paths))
    ways = np.asarray(smoothed.simulate(points, anchor="end", repetitions=paths, random_errors=errors)).reshape(points, paths)
    if series.exposure is not None:
        return np.asarray(1 / (1 + np.exp(-ways)))
    return np.asarray(np.maximum(np.expm1(np.minimum(ways, _most(series))), 0.0))


def _model(values: FloatArray) -> Any:
    from statsmodels.tsa.exponential_smoothing.ets import ETSModel

    # Without a trend: in simulated series that have one, the level follows as well, at half the time and with better intervals
    weekly = {"seasonal": "add", "seasonal_periods": DAYS_PER_WEEK}
    return ETSModel(values, error="add", initialization_method="heuristic", **weekly)


def _scaled(series: Series) -> FloatArray:
    if series.exposure is None:
        return np.log1p(series.counts)
    converted = np.minimum(series.counts, series.exposure)
    return np.asarray(np.log((converted + 0.5) / (series.exposure - converted + 0.5)))


def _most(series: Series) -> float:
    """Ten times what ever was: beyond it a path is an artefact of the scale."""
    return float(np.log1p(10 * series.counts.max()))
