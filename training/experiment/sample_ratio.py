"""Whether the arms are as large as they should be: if not, customers get lost on the way, and no comparison can be believed."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from features.catalogue import Catalogue
from features.experiment import Arm, chances
from training.experiment.persons import PersonOutcomes

ALARM_BELOW = 0.001
"""So rarely do right assignments look so wrong."""

_LEAST_EXPECTED = 5.0  # below it, the distribution of the statistic is another


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRatio:
    """The sizes of the arms.

    Attributes
    ----------
    counts, expected : customers by arm, found and due.
    p_value : of Pearson's chi-square; 1 where there is nothing to compare.
    """

    counts: Mapping[Arm, int]
    expected: Mapping[Arm, float]
    p_value: float

    @property
    def alarm(self) -> bool:
        """Whether chance does not explain it."""
        return self.p_value < ALARM_BELOW

    @property
    def sentence(self) -> str:
        """The sizes and what they say."""
        sizes = ", ".join(f"{arm} {count:,} of {self.expected[arm]:,.0f}" for arm, count in self.counts.items())
        if self.alarm:
            return f"sample ratio mismatch (p = {self.p_value:.2g}): {sizes}; do not believe a comparison before it is explained"
        return f"arms are as large as they should be (p = {self.p_value:.2g}): {sizes}"


def sample_ratio(outcomes: PersonOutcomes, catalogue: Catalogue) -> SampleRatio:
    """Compare how many customers are in each arm with how many the catalogue's shares make one expect."""
    expected = dict.fromkeys(Arm, 0.0)
    for names, count in zip(*np.unique(outcomes.names, return_counts=True), strict=True):
        for arm, chance in chances(int(names), catalogue).items():
            expected[arm] += float(count) * chance
    counts = {arm: int((outcomes.arm == arm).sum()) for arm in Arm if expected[arm] > 0.0}
    expected = {arm: expected[arm] for arm in counts}
    return SampleRatio(counts=counts, expected=expected, p_value=mismatch(list(counts.values()), list(expected.values())))


def mismatch(counts: list[int], expected: list[float]) -> float:
    """The p-value of Pearson's chi-square test; arms of which fewer than 5 customers are expected are left out.

    References
    ----------
    Aleksander Fabijan et al., "Diagnosing sample ratio mismatch in online controlled experiments", 2019.

    Examples
    --------
    By hand: 50²/1000 + 50²/1000 = 5, and P(chi-square with one degree of freedom > 5) = 0.0253.

    >>> round(mismatch([1050, 950], [1000.0, 1000.0]), 4)
    0.0253
    """
    kept = [(count, due) for count, due in zip(counts, expected, strict=True) if due >= _LEAST_EXPECTED]
    if len(kept) < 2:
        return 1.0
    statistic = sum((count - due) ** 2 / due for count, due in kept)
    return float(chi2.sf(statistic, len(kept) - 1))
