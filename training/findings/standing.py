"""What stands out among its like: the test, and what it takes for like.

A touchpoint stands out when it is beyond a limit that matters, which lies well above the median of its like, and when chance does
not explain that: all comparisons of one kind together find something where there is nothing in at most one look of two hundred.

References
----------
Kevin Murphy and Brett Myors, "Testing the hypothesis that treatments have negligible effects: minimum-effect tests in the general
linear model", 1999 (the limit is part of the hypothesis); Olive Jean Dunn, "Multiple comparisons among means", 1961 (sharing the
error); William Cochran, "Sampling techniques", 1977 (the variance of a ratio of sums over customers).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median

from scipy.stats import norm

ERROR = 0.005
"""P(something is found by one comparison of many although nothing is there)."""

LEAST_CUSTOMERS = 30
"""Of fewer customers nothing is said, whatever the catalogue takes for small."""

_LEAST_EVENTS = 10.0
_MEDIAN = 1.57  # variance of a median of normal values over that of their mean: pi / 2
_LEAST_LIKE = 2
_TWO_SIDED = float(norm.ppf(0.975))


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A mean over observations of customers.

    Attributes
    ----------
    stage, channel : of the touchpoint; None where it is none.
    observations : of all customers together.
    mean, error : and its standard error, customers and not observations taken as independent.
    """

    subject: str
    stage: str | None
    channel: str | None
    customers: int
    observations: float
    mean: float
    error: float

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, of this one alone."""
        return self.mean - _TWO_SIDED * self.error, self.mean + _TWO_SIDED * self.error


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """From where on something matters: `factor` times the usual value, and `gap` beyond it, whichever is farther.

    Attributes
    ----------
    factor : above 1 where high values are bad, below 1 where low ones are.
    share : whether the mean is a share of observations, 0 to 1.
    """

    factor: float
    gap: float
    share: bool = True

    @property
    def above(self) -> bool:
        """Whether high values stand out."""
        return self.factor >= 1.0

    def of(self, usual: float) -> float:
        """Where the limit is."""
        if self.above:
            return max(usual * self.factor, usual + self.gap)
        return min(usual * self.factor, usual - self.gap)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlier:
    """One that stands out.

    Attributes
    ----------
    like : what it was compared with.
    usual : the median of these.
    alike : in words, why they are like it.
    compared : how many comparisons share the error.
    """

    one: Measured
    like: tuple[Measured, ...]
    usual: float
    alike: str
    compared: int

    @property
    def excess(self) -> float:
        """Observations beyond the usual ones, or short of them; never negative."""
        return abs(self.one.mean - self.usual) * self.one.observations


def like(one: Measured, all_of_them: Sequence[Measured]) -> tuple[tuple[Measured, ...], str]:
    """What is like it: of its stage and channel; where those are fewer than two, of its stage; then everything."""
    others = [each for each in all_of_them if each.subject != one.subject]
    same_stage = [each for each in others if one.stage is not None and each.stage == one.stage]
    same_both = [each for each in same_stage if each.channel == one.channel]
    for found, words in ((same_both, "of the same stage and channel"), (same_stage, "of the same stage"), (others, "all others")):
        if len(found) >= _LEAST_LIKE:
            return tuple(found), words
    return (), ""


def outliers(measured: Sequence[Measured], limit: Limit) -> Iterator[Outlier]:
    """Those that stand out, each beyond its own like."""
    peers = {one.subject: like(one, measured) for one in measured}
    compared = sum(bool(found) for found, _ in peers.values())
    for one in measured:
        found, words = peers[one.subject]
        if not found:
            continue
        usual = float(median(each.mean for each in found))
        if _beyond(one, usual, found, limit, compared):
            yield Outlier(one=one, like=found, usual=usual, alike=words, compared=compared)


def _beyond(one: Measured, usual: float, found: Sequence[Measured], limit: Limit, compared: int) -> bool:
    edge = limit.of(usual)
    of_usual = _MEDIAN * sum(each.error**2 for each in found) / len(found) ** 2
    own = one.error**2
    if limit.share:
        if not 0.0 < edge < 1.0 or (limit.above and one.mean * one.observations < _LEAST_EVENTS):
            return False
        own = max(own, edge * (1.0 - edge) / one.observations)
    distance = (one.mean - edge) * (1.0 if limit.above else -1.0)
    return distance > critical(compared) * sqrt(own + limit.factor**2 * of_usual)


def critical(compared: int) -> float:
    """How many standard errors it takes, one-sided, where so many are compared.

    >>> round(critical(1), 2), round(critical(50), 2)
    (2.58, 3.72)
    """
    return float(norm.ppf(1.0 - ERROR / max(compared, 1)))
