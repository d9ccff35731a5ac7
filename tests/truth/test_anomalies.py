"""Anomalies planted in 200 simulated series are found, and little else is: precision and recall at the default setting.

Each series has 56 weeks of daily counts: a level from 5 to 3,000 a day, a weekly pattern, a trend of up to 65 % a year up or 40 %
down, Poisson noise or overdispersed noise with a spread of 5, 10 or 17 % beyond it. Two of five have no anomaly; the others have
one or two. What is planted is at least 5 standard deviations in size, of what a day varies by given all that is true of it:

- spike, drop: 1 to 3 days, each off by 5 to 9 deviations; where so much cannot be missing, it is a spike.
- level shift: from one day on everything is more, or less, by 5 to 9 deviations of an average day.
- outage: nothing at all on 2 to 7 days, or longer where it takes more days until 5 deviations of their sum are missing.

An anomaly counts as found when one to the same side overlaps it; of a level shift, one that begins within a week. Every other
anomaly is false, also a second one in the same place. The default setting was chosen on worlds of other seeds, 1001 to 1003.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pytest

from features.insights.changes import Anomaly, Measure, Part, Series, judge

FIRST = date(2025, 1, 1)
DAYS = 392
SPREADS = (0.0, 0.003, 0.01, 0.03)  # squared coefficients of variation
PLANTED_FROM, PLANTED_UNTIL = 42, 365


@dataclass(frozen=True)
class Planted:
    kind: str
    start: int
    stop: int
    side: int


def make_series(name: str, rng: np.random.Generator, *, sizes: tuple[float, float]) -> tuple[Series, list[Planted]]:
    level, spread = np.exp(rng.uniform(np.log(5), np.log(3000))), rng.choice(SPREADS)
    week = np.exp(rng.normal(0, 0.3, 7))
    trend = np.exp(rng.uniform(-0.5, 0.5) * np.arange(DAYS) / 365)
    mean = level * trend * (week / week.mean())[np.arange(DAYS) % 7]
    planted = []
    for start in _starts(rng):
        mean, plant = _plant(mean, start, spread, rng, sizes)
        planted += [plant] if plant else []
    rate = mean if spread == 0 else mean * rng.gamma(1 / spread, spread, DAYS)
    counts = rng.poisson(rate).astype(float)
    return Series(measure=Measure.VOLUME, part=Part.TOUCHPOINT, name=name, first=FIRST, counts=counts), planted


def _starts(rng: np.random.Generator) -> list[int]:
    if rng.random() < 0.4:
        return []
    first = int(rng.integers(PLANTED_FROM, 170))
    return [first] if rng.random() < 0.5 else [first, int(rng.integers(230, PLANTED_UNTIL))]


def _plant(
    mean: np.ndarray, start: int, spread: float, rng: np.random.Generator, sizes: tuple[float, float]
) -> tuple[np.ndarray, Planted | None]:
    deviation = np.sqrt(mean + spread * mean**2)
    kind, size = rng.choice(["spike", "drop", "shift", "outage"]), rng.uniform(*sizes)
    changed = mean.copy()
    if kind == "outage":
        missing = np.cumsum(mean[start:]) / np.sqrt(np.cumsum(deviation[start:] ** 2))
        days = max(int(rng.integers(2, 8)), int(np.argmax(missing >= sizes[0])) + 1)
        if days > 13 or missing[days - 1] < sizes[0]:
            return mean, None
        changed[start : start + days] = 0
        return changed, Planted("outage", start, start + days, -1)
    if kind == "shift":
        side, factor = rng.choice([-1, 1]), size * deviation.mean() / mean.mean()
        side = 1 if factor > 0.95 else side
        changed[start:] *= 1 + side * factor
        return changed, Planted("shift", start, DAYS, int(side))
    own = slice(start, start + int(rng.integers(1, 4)))
    side = -1 if kind == "drop" and (mean[own] > size * deviation[own]).all() else 1
    changed[own] += side * size * deviation[own]
    return changed, Planted("spike" if side > 0 else "drop", own.start, own.stop, side)


def matched(anomalies: tuple[Anomaly, ...], planted: list[Planted]) -> list[Planted]:
    """What was found; each anomaly finds one at most."""
    left = list(anomalies)
    found = []
    for plant in planted:
        hit = next((each for each in left if _is(each, plant)), None)
        if hit is not None:
            left.remove(hit)
            found.append(plant)
    return found


def _is(anomaly: Anomaly, plant: Planted) -> bool:
    start, last = (anomaly.start - FIRST).days, (anomaly.end - FIRST).days
    if (anomaly.deviations > 0) != (plant.side > 0):
        return False
    if plant.kind == "shift":
        return plant.start - 1 <= start < plant.start + 7
    return start < plant.stop and last >= plant.start


@pytest.mark.parametrize("seed", [5, 2026])
def test_nine_of_ten_planted_anomalies_are_found_and_nine_of_ten_found_were_planted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    world = [make_series(str(number), rng, sizes=(5.0, 9.0)) for number in range(200)]
    judged = judge([series for series, _ in world])
    planted = sum(len(plants) for _, plants in world)
    alarms = sum(len(each.anomalies) for each in judged)
    found = sum(len(matched(each.anomalies, plants)) for each, (_, plants) in zip(judged, world, strict=True))
    assert planted > 100
    assert found / planted >= 0.9, f"recall {found / planted:.3f}"
    assert found / alarms >= 0.9, f"precision {found / alarms:.3f}"
